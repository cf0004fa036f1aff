"""The recipe's text with the line of every key, and `--set` changes laid over it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from corpuskit.engine.located import Located, Place, parse
from corpuskit.errors import UsageError, nearest


def read(path: Path) -> Located:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise UsageError(f"{path}: there is no such recipe") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read as a recipe: {error}") from error
    return parse(text, str(path))


def override(located: Located, option: str) -> None:
    """Lay one `--set path=value` over a recipe, in place.

    A path goes down by keys: `tokens.vocabulary=8000`, `stages.near_duplicates.threshold=0.7`, or by number:
    `sources.0.crawl.max_pages=50`. The name of a stage or source may be used alone: `near_duplicates.threshold`.
    """
    path, equals, text = option.partition("=")
    shown = f"--set {option}"
    if not equals or not path:
        raise UsageError(f"{shown}: write --set path=value, for example --set near_duplicates.threshold=0.7")
    value = parse(text, shown).value if text.strip() else None
    parts = path.split(".")
    place, holder = _find(located, parts, shown)
    holder[parts[-1]] = value
    located.changed[(*place, parts[-1])] = shown
    for stale in [known for known in located.lines if known[: len(place) + 1] == (*place, parts[-1])]:
        del located.lines[stale]


def _find(located: Located, parts: list[str], shown: str) -> tuple[Place, dict[str, Any]]:
    """The mapping that holds the last part of a path, made where the recipe leaves it out."""
    if not isinstance(located.value, dict):
        raise UsageError(f"{located.name}: a recipe is a mapping of keys")
    for section in ("stages", "sources"):  # a bare name may get settings
        items = located.value.get(section)
        if isinstance(items, list):
            items[:] = [{item: None} if isinstance(item, str) else item for item in items]
    current: Any = located.value
    place: Place = ()
    rest = parts[:-1]
    if rest and rest[0] not in current:
        for section in ("stages", "sources"):
            names = [name for item in current.get(section) or [] if isinstance(item, dict) for name in item]
            if rest[0] in names:
                rest = [section, *rest]
                break
    for part in rest:
        if isinstance(current, list):
            number = _item(current, part, shown)
            place, current = (*place, number), current[number]
            if not part.isdigit():
                current[part] = {} if current[part] is None else current[part]
                place, current = (*place, part), current[part]
        elif isinstance(current, dict):
            if current.get(part) is None:
                current[part] = {}
            place, current = (*place, part), current[part]
        else:
            raise UsageError(f"{shown}: '{'.'.join(map(str, place))}' holds a value, no keys")
    if not isinstance(current, dict):
        raise UsageError(f"{shown}: '{'.'.join(map(str, place))}' holds no keys")
    return place, current


def _item(items: list[Any], part: str, shown: str) -> int:
    if part.isdigit() and int(part) < len(items):
        return int(part)
    names = [name for item in items if isinstance(item, dict) for name in item]
    for number, item in enumerate(items):
        if isinstance(item, dict) and part in item:
            return number
    raise UsageError(f"{shown}: the recipe has no '{part}' there{nearest(part, names)}")
