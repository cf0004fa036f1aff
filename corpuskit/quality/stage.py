"""The stages `quality`, `c4_lines` and `korean_cleanup` of a recipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, ClassVar

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import ConfigDict, Field, model_validator

from corpuskit.compatible import LinePeer, Peer
from corpuskit.document import Change, change_lists, set_column
from corpuskit.engine.rule import Rule
from corpuskit.engine.stage import CHANGES, BatchStage
from corpuskit.errors import UsageError
from corpuskit.inputs import as_texts, known_languages
from corpuskit.quality.c4 import clean_lines
from corpuskit.quality.compatible import clean_lines_as, measure_as
from corpuskit.quality.korean import clean
from corpuskit.quality.measure import measure
from corpuskit.quality.model import Model, load
from corpuskit.quality.morphemes import Analyser
from corpuskit.quality.rules import select

MODEL_RULE = "quality.model_score"


class Quality(BatchStage):
    """Measures how a text reads (Gopher, C4, FineWeb, Korean) and drops what breaks the chosen rules."""

    name: ClassVar[str] = "quality"
    version: ClassVar[int] = 2
    model_config = ConfigDict(populate_by_name=True)

    chosen: Annotated[tuple[str, ...], Field(alias="rules")] = ("gopher", "fineweb", "korean")
    """Sets of rules (gopher, gopher_quality, gopher_repetition, c4, mc4, fineweb, korean) or single rules
    (gopher.top_2_gram). Everything is measured, whatever is chosen here."""
    limits: Mapping[str, float | bool] = {}
    """Limits in place of a rule's own, for every language: {gopher.top_2_gram: 0.25}."""

    compatible_with: Peer | None = None
    """Measure as datatrove, dolma, dclm or nemo (NeMo Curator) do, instead of by the definitions of this house. Slow;
    limits are then the published ones for every language."""
    analyser: Analyser | None = None
    """'kiwi': find the stop words and endings of Korean by its morphemes, not by lists of words and last syllables.
    Tells particles from nouns that end like one; a hundred times slower."""
    model: str | None = None
    """A trained quality score (`.npz`): adds `model_score` and the rule quality.model_score."""

    @model_validator(mode="after")
    def _names_are_rules(self) -> Quality:
        if self.analyser and self.compatible_with:
            raise ValueError("quality: no tool of 'compatible_with' has an 'analyser'; leave one of the two out")
        try:
            self.rules()
        except UsageError as error:
            raise ValueError(str(error)) from None
        return self

    def rules(self) -> list[Rule]:
        limits = dict(self.limits)
        score = limits.pop(MODEL_RULE, 0.5) if self.model else None
        chosen = select(
            self.chosen, limits, by_language=self.compatible_with is None, analysed=self.analyser is not None
        )
        return chosen if score is None else [*chosen, Rule(MODEL_RULE, MODEL_RULE, ">=", score)]

    def libraries(self) -> tuple[str, ...]:
        named = ("kiwipiepy", "kiwipiepy_model") if self.analyser else ()
        return (*named, "spacy", "uniseg") if self.compatible_with else named

    def inputs(self) -> list[Path]:
        return [Path(self.model)] if self.model else []

    def measure(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        texts, languages = batch.column("text"), known_languages(batch.column("language"))
        if self.compatible_with is None:
            measured = measure(texts, languages, self.analyser)
        else:
            measured = measure_as(self.compatible_with, texts, languages)
        if self.model:
            scores = pa.array(_loaded(self.model).score(texts), from_pandas=True)
            names = [field.name for field in measured.type]
            measured = pa.StructArray.from_arrays(
                [*(measured.field(name) for name in names), scores],
                names=[*names, "model_score"],
                mask=pc.is_null(measured),
            )
        return set_column(batch, self.name, measured)


@lru_cache(maxsize=2)
def _loaded(path: str) -> Model:
    return load(path)


class C4Lines(BatchStage):
    """Cuts the lines that C4 cuts: without terminal punctuation, of under three words, of cookie notices and code."""

    name: ClassVar[str] = "c4_lines"
    version: ClassVar[int] = 2

    compatible_with: LinePeer | None = None
    """Cut as datatrove does, instead of by the definitions of this house; white space around lines then goes too."""

    def measure(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        texts = batch.column("text")
        texts, spans = clean_lines_as(self.compatible_with, texts) if self.compatible_with else clean_lines(texts)
        return _rewritten(batch, self.name, texts, spans)


class KoreanCleanup(BatchStage):
    """Folds ㅋㅋㅋㅋ and ㅠㅠㅠ to two letters and cuts the tails of news pages; Korean documents alone."""

    name: ClassVar[str] = "korean_cleanup"
    version: ClassVar[int] = 1

    def measure(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        korean = pc.fill_null(pc.equal(known_languages(batch.column("language")), "ko"), False)
        texts, spans = clean(pc.if_else(korean, batch.column("text"), pa.scalar(None, pa.large_string())))
        return _rewritten(batch, self.name, pc.if_else(korean, texts, batch.column("text")), spans)


def _rewritten(batch: pa.RecordBatch, name: str, texts: pa.Array, spans: Sequence[Sequence[Change]]) -> pa.RecordBatch:
    """The batch with new texts, the changes for the ledger, and under `name` the share of characters that stayed."""
    before = pc.utf8_length(as_texts(batch.column("text")))
    kept = pc.if_else(pc.greater(before, 0), pc.divide(pc.cast(pc.utf8_length(texts), pa.float64()), before), None)
    measured = pa.StructArray.from_arrays(
        [pa.array([len(row) for row in spans], pa.int64()), kept], names=["changes", "kept_characters"]
    )
    batch = set_column(batch, "text", texts)
    return set_column(set_column(batch, name, measured), CHANGES, change_lists(spans))
