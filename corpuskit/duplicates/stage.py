"""The stages `exact_duplicates` and `near_duplicates`; `passages` comes from its own module."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from corpuskit.document import column, set_column
from corpuskit.duplicates.corpus import Ranking, Rows, SketchedCorpus
from corpuskit.duplicates.exact import equal_leaders, text_digests, url_digests
from corpuskit.duplicates.index import Index, stage_delivery
from corpuskit.duplicates.near import decide
from corpuskit.duplicates.passage_stage import Passages
from corpuskit.duplicates.resolution import Resolution
from corpuskit.duplicates.signatures import Likeness, sketch
from corpuskit.duplicates.workspace import Workspace
from corpuskit.engine.rule import Rule
from corpuskit.engine.sketches import Sketches
from corpuskit.engine.stage import CorpusStage
from corpuskit.inputs import known_languages

Preference = Literal["first", "longest", "newest", "oldest"] | tuple[str, ...]
"""A policy, or names of sources in the order in which they are preferred (others come after them)."""

_UNDATED = np.iinfo(np.int64).max


def preference(batch: pa.RecordBatch, prefer: Preference) -> npt.NDArray[np.int64]:
    """A number a document: of two duplicates the one with the lower stays, the earlier row where they are equal.

    Length is in characters; dates are `published`, else `fetched`, to the second as they are written; documents
    without any date come last.
    """
    if prefer == "first":
        return np.zeros(batch.num_rows, np.int64)
    if prefer == "longest":
        return -np.asarray(pc.fill_null(pc.utf8_length(batch.column("text")), 0).cast(pa.int64()))
    if prefer in ("newest", "oldest"):
        dates = _dates(pc.coalesce(batch.column("published"), batch.column("fetched")))
        known = dates != _UNDATED
        return np.where(known, -dates, _UNDATED) if prefer == "newest" else dates
    return _source_order(batch.column("source"), prefer)


def _source_order(sources: pa.Array, names: Sequence[str]) -> npt.NDArray[np.int64]:
    positions = pc.index_in(sources, pa.array(list(names), sources.type))
    return np.asarray(pc.fill_null(positions, len(names)).cast(pa.int64()))


def _dates(values: pa.Array) -> npt.NDArray[np.int64]:
    """ISO 8601 dates as numbers that sort as they do: year to second, 14 digits."""
    stated = pc.replace_substring_regex(pc.fill_null(values, ""), r"([.,]\d+)?(Z|[+-]\d\d:?\d\d)?$", "")
    digits = pc.replace_substring_regex(stated, "[^0-9]", "")
    padded = pc.utf8_rpad(pc.utf8_slice_codeunits(digits, 0, 14), 14, "0")
    dated = pc.match_substring_regex(pc.fill_null(values, ""), r"^\d{4}")
    numbers = pc.if_else(dated, padded, str(_UNDATED)).cast(pa.int64())
    return np.asarray(numbers)


class _Duplicates(CorpusStage):
    final: ClassVar[bool] = True

    prefer: Preference = "first"
    """Which of several duplicates stays, of those that all other rules keep: 'longest', 'newest', 'oldest', 'first' (in
    the order of the sources and their files), or a list of source names, the preferred first. Length and date are those
    of the documents as they reach this stage; where they are equal, content decides."""

    def rules(self) -> list[Rule]:
        return [
            Rule(
                f"{self.name}.duplicate",
                f"{self.name}.duplicate",
                "is",
                False,
                evidence=tuple(f"{self.name}.{field}" for field in self.evidence),
            )
        ]

    evidence: ClassVar[tuple[str, ...]] = ("twin", "twin_url")

    def _measured(self, batch: pa.RecordBatch, resolution: pa.RecordBatch, fields: list[str]) -> pa.RecordBatch:
        columns = dict(zip(resolution.schema.names, resolution.columns, strict=True))
        known = pc.is_valid(columns["duplicate"])
        own = batch.column("id").cast(pa.string())
        columns["cluster"] = pc.if_else(known, pc.coalesce(columns["twin"], own), pa.scalar(None, pa.string()))
        values = pa.StructArray.from_arrays([columns[field] for field in fields], names=fields, mask=pc.invert(known))
        return set_column(batch, self.name, values)


class ExactDuplicates(_Duplicates):
    """Documents with the same text but for white space, or with the same address: all but one are dropped."""

    name: ClassVar[str] = "exact_duplicates"
    version: ClassVar[int] = 2

    by: Literal["text", "url"] = "text"
    """'text': equal in NFC but for white space; a document without text is not compared. 'url': equal address but for
    scheme, fragment, tracking parameters, the order of parameters, and a final slash; a document without a URL is not
    compared."""

    def sketch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        compared = batch.column("text" if self.by == "text" else "url")
        digests = text_digests(compared) if self.by == "text" else url_digests(compared.to_pylist())
        alone = pa.array(np.ones(batch.num_rows, np.int32))
        return _sketch(batch, digests, pc.is_valid(compared), self.prefer, {"documents": alone})

    def resolve(self, sketches: Sketches) -> Iterator[pa.RecordBatch]:
        workspace = Workspace(sketches.workspace, sketches.memory)
        corpus = SketchedCorpus(sketches)
        ranking = Ranking.of(corpus, workspace)
        leaders = equal_leaders(corpus, ranking, None, workspace)

        def representatives(start: int, end: int) -> tuple[Rows, npt.NDArray[np.float64]]:
            return leaders[ranking.ranks(start, end)], np.ones(end - start)

        yield from Resolution(corpus, ranking, representatives, None, workspace).batches()

    def apply(self, batch: pa.RecordBatch, resolution: pa.RecordBatch) -> pa.RecordBatch:
        return self._measured(batch, resolution, ["duplicate", "cluster", "cluster_size", "twin", "twin_url"])


class NearDuplicates(_Duplicates):
    """Documents that share most of their text: of each group one is kept, the others name it as their twin.

    MinHash and banding find candidates; each is then compared exactly, so that every dropped document is at least as
    near to its kept twin as the threshold says.
    """

    name: ClassVar[str] = "near_duplicates"
    version: ClassVar[int] = 2
    evidence: ClassVar[tuple[str, ...]] = ("twin", "similarity", "twin_url")

    threshold: Annotated[float, Field(gt=0, le=1)] = 0.8
    """Documents at least this alike are near-duplicates."""
    verify: Literal["jaccard", "containment"] = "jaccard"
    """How alike two documents are: 'jaccard', the shingles they share over the shingles of either; or 'containment',
    over those of the shorter one, for quotations and for syndicated news with a new header. A contained text is looked
    for in texts up to twice its length."""
    words: Annotated[int, Field(ge=1, le=32)] = 5
    """Words in a shingle."""
    characters: Annotated[int, Field(ge=1, le=32)] = 2
    """Characters in a shingle, for Korean and for languages without spaces between words."""
    permutations: Annotated[int, Field(ge=1, le=4096)] = 112
    """Minima in a signature."""
    bands: Annotated[int, Field(ge=1)] | None = None
    """Bands that the signature is cut into. Left out: chosen, with `rows`, so that at least 99.9 % of the pairs just at
    the threshold are found."""
    rows: Annotated[int, Field(ge=1)] | None = None
    """Minima in a band."""
    index: Path | None = None
    """A folder that remembers the documents of earlier deliveries. Documents are compared with those too, which always
    stay; when the corpus is published, the kept ones are added as this run's delivery."""
    delivery: Annotated[str | None, Field(pattern=r"^[\w.-]+$")] = None
    """What the index calls the documents of this run. A delivery of the same name is replaced as a whole, and compared
    with the deliveries before it alone. Default: the run's name."""

    @model_validator(mode="after")
    def _bands_find_the_threshold(self) -> NearDuplicates:
        self.likeness()
        return self

    def likeness(self) -> Likeness:
        return Likeness.of(
            self.threshold, self.verify, self.words, self.characters, self.permutations, self.bands, self.rows
        )

    def sketch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        sketched = sketch(batch.column("text"), known_languages(batch.column("language")), self.likeness())
        columns = {f"band_{band:03}": pa.array(keys) for band, keys in enumerate(sketched.keys)}
        columns["documents"] = _stood_for(batch)
        return _sketch(batch, sketched.digests, pc.is_valid(batch.column("text")), self.prefer, columns)

    def in_run(self, name: str) -> Self:
        return self if self.index is None or self.delivery else self.model_copy(update={"delivery": name})

    def state(self) -> dict[str, str]:
        return self._index().state(self._delivery) if self.index is not None and Index.exists(self.index) else {}

    def hold(self) -> AbstractContextManager[None]:
        return self._index().locked() if self.index is not None else nullcontext()

    @property
    def _delivery(self) -> str:
        return self.delivery or "corpus"

    def _index(self) -> Index:
        assert self.index is not None
        return Index.open(self.index, self.likeness(), self._delivery)

    def resolve(self, sketches: Sketches) -> Iterator[pa.RecordBatch]:
        corpus = SketchedCorpus(sketches)
        workspace = Workspace(sketches.workspace, sketches.memory)
        earlier = None
        if self.index is not None:
            index = self._index()
            earlier = index.before(self._delivery)
            index.check_is_the_same(self._delivery, corpus)
        decided = decide(corpus, self.likeness(), earlier, workspace)
        resolution = Resolution(corpus, decided.ranking, decided.representatives, earlier, workspace)
        yield from resolution.batches()
        if self.index is not None and sketches.kept is not None:
            stage_delivery(sketches.kept, self._delivery, corpus, decided, resolution, self.likeness(), workspace)

    def commit(self, kept: Path) -> None:
        if self.index is not None:
            self._index().replace(kept)

    def apply(self, batch: pa.RecordBatch, resolution: pa.RecordBatch) -> pa.RecordBatch:
        fields = ["duplicate", "cluster", "cluster_size", "twin", "twin_url", "similarity"]
        return self._measured(batch, resolution, fields)


def _stood_for(batch: pa.RecordBatch) -> pa.Int32Array:
    """The size of each document's group of exact duplicates: 1 where they were not looked for, 0
    for an exact duplicate that is still there, since the kept one counts it."""
    if ExactDuplicates.name not in batch.schema.names:
        return pa.array(np.ones(batch.num_rows, np.int32))
    sizes, duplicate = (column(batch, f"{ExactDuplicates.name}.{field}") for field in ("cluster_size", "duplicate"))
    return pc.if_else(pc.fill_null(duplicate, False), 0, pc.fill_null(sizes, 1)).cast(pa.int32())


def _contents(ids: pa.StringArray, prefer: Preference) -> npt.NDArray[np.uint64]:
    """The first 64 bits of each id, which is a digest of the document; 0 where the order of the input decides."""
    if prefer == "first" or not len(ids):
        return np.zeros(len(ids), np.uint64)
    return np.frombuffer(bytes.fromhex("".join(name[:16] for name in ids.to_pylist())), ">u8").astype(np.uint64)


def _sketch(
    batch: pa.RecordBatch,
    digests: npt.NDArray[np.uint64],
    given: pa.BooleanArray,
    prefer: Preference,
    columns: dict[str, pa.Array],
) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict(
        {
            "low": pa.array(np.ascontiguousarray(digests[:, 0])),
            "high": pa.array(np.ascontiguousarray(digests[:, 1])),
            "given": given,
            "preference": pa.array(preference(batch, prefer)),
            "content": pa.array(_contents(batch.column("id"), prefer)),
            **columns,
        }
    )


__all__ = ["ExactDuplicates", "NearDuplicates", "Passages"]
