"""The receipt of a run's folder: that it is one, what its corpus is made of, and which files it published."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from corpuskit.engine.files import digest, read_json, write_json
from corpuskit.engine.identity import Parts
from corpuskit.engine.owned import Record, check_free, check_no_links, condition, records
from corpuskit.engine.parts import StageCounts
from corpuskit.errors import UsageError, WouldReplace

RECEIPT = "receipt.json"
"""The receipt's name, in a run's folder and in a job's."""

LAYOUT = 2
"""The layout of run folders. The first had no receipt of the whole folder."""

PLACES = ("corpus", "ledger", "steps", "run.json", "report.html", "recipe.yaml")
"""Where every run writes, in its folder."""


@dataclass
class Counts:
    """What the tasks of a corpus counted together."""

    stages: dict[str, StageCounts] = field(default_factory=dict)
    sources: dict[str, StageCounts] = field(default_factory=dict)
    languages: dict[str, StageCounts] = field(default_factory=dict)
    quarantined: int = 0

    @classmethod
    def of(cls, value: dict[str, Any]) -> Counts:
        """Counts as JSON gives them back."""
        named = {name: value.get(name, {}) for name in ("stages", "sources", "languages")}
        return cls(
            **{name: {key: StageCounts(**counts) for key, counts in each.items()} for name, each in named.items()},
            quarantined=int(value.get("quarantined", 0)),
        )

    @property
    def documents_out(self) -> int:
        return sum(counts.documents_out for counts in self.sources.values())


@dataclass
class RunReceipt:
    """What a run's folder holds. It is rewritten when a corpus is published, and by no other step."""

    layout: int = LAYOUT
    key: str = ""
    """Key of the step that published the corpus; '' before there is one."""
    files: dict[str, Record] = field(default_factory=dict)
    """Published files, corpus and ledger, by their path in the run's folder."""
    released: list[str] = field(default_factory=list)
    """Published files that may be absent: they were taken away on purpose."""
    identity: dict[str, Parts] = field(default_factory=dict)
    """Step -> what its key was made of."""
    counts: dict[str, Any] = field(default_factory=dict)
    unfinished: int = 0
    """Records that could not be fetched and that the next run asks for again."""

    @classmethod
    def read(cls, folder: Path) -> RunReceipt | None:
        """The receipt of a run's folder, None where it has none.

        Raises UsageError where a later version of corpuskit wrote it.
        """
        value = read_json(folder / RECEIPT)
        if not isinstance(value, dict) or not isinstance(value.get("layout"), int):
            return None
        if value["layout"] > LAYOUT:
            raise UsageError(f"{folder} was written by a later version of corpuskit; use that, or another folder")
        known = {each.name for each in fields(cls)}
        given = {name: each for name, each in value.items() if name in known}
        return cls(**{**given, "files": records(value["files"])})

    def write(self, folder: Path) -> None:
        if RunReceipt.read(folder) != self:
            write_json(folder / RECEIPT, asdict(self))

    def damaged(self, folder: Path, *, thorough: bool = False) -> dict[str, str]:
        """Published file -> 'missing', 'short' or 'changed', for those that are not as the receipt says."""
        return damaged(folder, self.files, self.released, thorough=thorough)

    @property
    def corpus_digest(self) -> str:
        return digest({name: record[1] for name, record in self.files.items() if name.startswith("corpus/")})

    @property
    def holds_work(self) -> bool:
        """Whether a finished corpus with documents is here, which nothing replaces unasked."""
        return bool(self.files) and not self.unfinished and Counts.of(self.counts).documents_out > 0


def damaged(
    folder: Path, files: dict[str, Record], released: Sequence[str] = (), *, thorough: bool = False
) -> dict[str, str]:
    """File -> 'missing', 'short' or 'changed', for those of a receipt that are not as it says."""
    found = {name: condition(folder / name, known, thorough=thorough) for name, known in files.items()}
    gone = set(released)
    return {name: what for name, what in found.items() if what != "intact" and not (what == "missing" and name in gone)}


def claim(folder: Path, places: Iterable[str], *, overwrite: bool) -> RunReceipt:
    """The receipt of a folder that a run may write to.

    Raises UsageError for a folder with other files where the run would write, and WouldReplace for the run of an
    earlier version of corpuskit, unless `overwrite` lets it be replaced.
    """
    check_no_links(folder, places)
    receipt = RunReceipt.read(folder)
    if receipt is not None:
        return receipt
    earlier = read_json(folder / "run.json")
    if isinstance(earlier, dict) and "corpus_digest" in earlier and "recipe" in earlier:
        if not overwrite:
            raise WouldReplace(
                folder,
                f"it was made by corpuskit {earlier.get('version', 'of an earlier version')}, which named its steps "
                "otherwise, so that everything would be done again ('why', 'what-if' and 'report' read it as it is)",
            )
        return RunReceipt(files=_published_before(folder))
    if not any((folder / "steps").glob("[0-9][0-9]-*/*.json")):
        check_free(folder, places)
    return RunReceipt(files=_published_before(folder))


def _published_before(folder: Path) -> dict[str, Record]:
    """The published files that the receipts of the earlier layout name, and that are still there as they say."""
    files: dict[str, Record] = {}
    for path in sorted((folder / "steps").glob("[0-9][0-9]-publish-*/[0-9]*.json")):
        value = read_json(path)
        for name, (size, known, *_) in ((value or {}).get("outputs") or {}).items():
            relative = name.removeprefix("../../")
            if relative.startswith(("corpus/", "ledger/")) and (folder / relative).is_file():
                files[relative] = (int(size), str(known), (folder / relative).stat().st_mtime_ns)
    return files
