"""An audit as a gate, and two audits side by side: conditions on the figures of summary.json, and what differs."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpuskit.engine.files import read_json
from corpuskit.errors import CorpuskitError, UsageError, nearest

_CONDITION = re.compile(r"\s*([\w.+-]+)\s*(<=|>=|<|>)\s*([-+0-9.eE]+)\s*")
_MAIN = re.compile(
    r"extraction\.(train|held_out|weighted)\.(extracted|rate|low|high|attributable)"
    r"|by_(copies|context|source)\..+\.rate|exposure\..+\.mean|coins\.epsilon|membership\.scores\..+\.auc"
)
_NAMES = ("copies", "prefix", "suffix", "source", "type")
"""Keys that name the items of a list."""
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


_NOT_MEASURED = frozenset(("model", "batch"))
"""Settings that two audits may differ in and still measure the same."""
_DIGESTS = {"texts": "training texts", "held_out": "held-out texts"}


@dataclass(frozen=True)
class Difference:
    """One figure in two audits; None where an audit lacks it."""

    name: str
    before: float | None
    after: float | None


def figures(summary: dict[str, Any]) -> dict[str, float]:
    """Every number of a summary under its dotted path; a list's items are named by `copies` or `prefix`, or counted.

    {'extraction.train.high': 0.0018, 'by_copies.8.rate': 0.25, ...}
    """
    return dict(
        _walk("", {key: value for key, value in summary.items() if key not in ("hits", "canaries", "settings")})
    )


def check(summary: dict[str, Any], condition: str) -> float | None:
    """The figure that meets a condition such as 'extraction.train.high > 0.001'; None where it is not met.

    Raises UsageError where the condition cannot be read, or the audit has no such figure, and CorpuskitError where the
    figure rests on no tested window: a gate that cannot be checked must not pass.
    """
    parts = _CONDITION.fullmatch(condition)
    try:
        limit = float(parts[3]) if parts else None
    except ValueError:
        limit = None
    if parts is None or limit is None:
        raise UsageError(f"'{condition}' is not a condition: write a figure, <, <=, > or >=, and a number")
    known = figures(summary)
    if parts[1] not in known:
        raise UsageError(f"the audit has no figure '{parts[1]}'{nearest(parts[1], known)}")
    group = parts[1]
    while group := group.rpartition(".")[0]:
        if known.get(f"{group}.windows") == 0:
            raise CorpuskitError(f"'{condition}' cannot be checked: nothing was tested for {group} (0 windows)")
    value = known[parts[1]]
    return value if _COMPARE[parts[2]](value, limit) else None


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[Difference]:
    """The figures in which two audits' summaries differ, in the order of their names."""
    one, two = figures(before), figures(after)
    return [
        Difference(name, one.get(name), two.get(name))
        for name in sorted({*one, *two})
        if one.get(name) != two.get(name)
    ]


def setting_differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What differs in the settings and texts of two audits, so that their figures are not of the same thing.

    One sentence each, such as 'prefix: 32 and 16'. The models may differ: that is what audits are compared for.
    """
    one, two = before.get("settings"), after.get("settings")
    if not isinstance(one, dict) or not isinstance(two, dict):
        which = "neither audit states" if one is None and two is None else "one audit does not state"
        return [f"{which} its settings; an audit made with this version does"]
    found = []
    for name in sorted({*one, *two} - _NOT_MEASURED):
        if one.get(name) != two.get(name):
            values = "other ones" if name in _DIGESTS else f"{one.get(name, 'none')} and {two.get(name, 'none')}"
            found.append(f"{_DIGESTS.get(name, name)}: {values}")
    return found


def main_figure(name: str) -> bool:
    """Whether a figure is one that people look at first."""
    return _MAIN.fullmatch(name) is not None


def read_summary(path: Path) -> dict[str, Any]:
    """The summary of an audit's folder, or of a summary.json. Raises UsageError where there is none."""
    file = path / "summary.json" if path.is_dir() else path
    if path.is_dir() and not file.exists():
        file = path / "audits" / "summary.json"
    value = read_json(file)
    if not isinstance(value, dict) or "extraction" not in value:
        raise UsageError(f"{file} is no summary of an audit; give the folder that 'corpuskit audit' wrote, or a run's")
    return value


def _walk(path: str, value: Any) -> Iterator[tuple[str, float]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _walk(f"{path}.{key}" if path else str(key), inner)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            label = number
            if isinstance(inner, dict):
                label = next((inner[key] for key in _NAMES if key in inner), number)
            yield from _walk(f"{path}.{label}", inner)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield path, float(value)
