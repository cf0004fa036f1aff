"""The stage `toxicity`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from corpuskit.document import CHANGE, set_column
from corpuskit.engine.rule import Rule
from corpuskit.engine.stage import CHANGES, BatchStage
from corpuskit.inputs import known_languages
from corpuskit.toxicity.scoring import ISOLATED, LABELS, RULED, WINDOW, Scores, assess

if TYPE_CHECKING:
    from corpuskit.toxicity.detoxify import Detoxify

SPAN = pa.struct([("start", pa.int64()), ("end", pa.int64())])
PASSAGE = {"toxicity": "toxic_passage", "threat": "threat", "identity_attack": "identity_attack"}
"""What the ledger calls a passage that was cut, by the label that was over its limit."""
STEEPNESS = 4.0
"""How fast the weight of a document falls with its toxicity under `action: weight`."""


class Toxicity(BatchStage):
    """Scores abuse in English and Korean by windows of a text, and drops the document or cuts the passage."""

    name: ClassVar[str] = "toxicity"
    version: ClassVar[int] = 2

    max_score: Annotated[float, Field(gt=0, le=1)] = 0.8
    """The highest toxicity that a window of a kept document may have, isolated ones aside."""
    max_threat: Annotated[float, Field(gt=0, le=1)] = 0.8
    """The same for the label `threat`. 1 sets no limit."""
    max_identity_attack: Annotated[float, Field(gt=0, le=1)] = 0.8
    """The same for the label `identity_attack` (hateful). 1 sets no limit."""
    isolated: Annotated[float, Field(ge=0, lt=1)] = ISOLATED
    """The share of a document's windows that may be over a limit: one curse on a long page is no abusive page. 0
    drops the document for any window. `action: passage` cuts every one."""
    action: Literal["drop", "passage", "tag", "weight"] = "drop"
    """drop the document, cut the passage alone, tag (measure only), or weight: add `toxicity.weight`, from 1 down to 0,
    for whoever samples from the corpus."""
    window: Annotated[int, Field(ge=5, le=1000)] = WINDOW
    """Words in a window."""
    engine: Literal["corpuskit", "detoxify"] = "corpuskit"
    """The models that ship, or a detoxify checkpoint."""
    checkpoint: Path | None = None
    """The checkpoint for `engine: detoxify`: its .ckpt file, with the model's config.json and tokenizer beside it."""

    @model_validator(mode="after")
    def _possible(self) -> Toxicity:
        if (self.engine == "detoxify") != (self.checkpoint is not None):
            raise ValueError("engine: detoxify needs a checkpoint, and only it")
        return self

    def limits(self) -> dict[str, float]:
        """The limit of each label that has a rule."""
        return dict(zip(RULED, (self.max_score, self.max_threat, self.max_identity_attack), strict=True))

    def rules(self) -> list[Rule]:
        if self.action != "drop":
            return []
        return [
            Rule(f"toxicity.{label}", f"toxicity.sustained.{label}", "<=", limit, evidence=("toxicity.worst",))
            for label, limit in self.limits().items()
        ]

    def libraries(self) -> tuple[str, ...]:
        return ("detoxify", "torch", "transformers") if self.checkpoint is not None else ()

    def inputs(self) -> list[Path]:
        return [self.checkpoint] if self.checkpoint is not None else []

    def measure(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        texts = batch.column("text")
        scores = self._assess(texts, known_languages(batch.column("language")))
        columns: dict[str, Any] = {label: _nullable(scores.labels[:, place]) for place, label in enumerate(LABELS)}
        sustained = [_nullable(scores.sustained[:, place]) for place in range(len(RULED))]
        columns["sustained"] = pa.StructArray.from_arrays(sustained, names=list(RULED))
        columns["worst"] = _spans(scores.windows)
        if self.action == "weight":
            toxicity = scores.sustained[:, 0].astype(np.float64)
            columns["weight"] = pa.array(np.where(np.isnan(toxicity), 1.0, (1 - toxicity) ** STEEPNESS))
        values = pa.StructArray.from_arrays(list(columns.values()), names=list(columns))
        batch = set_column(batch, self.name, values)
        return self._without_passages(batch, scores.passages) if self.action == "passage" else batch

    def _assess(self, texts: pa.Array, languages: pa.Array) -> Scores:
        if self.checkpoint is not None:
            return _detoxify(self.checkpoint).assess(texts, self.window, self.limits(), self.isolated)
        return assess(texts, languages, self.window, self.limits(), self.isolated)

    def _without_passages(self, batch: pa.RecordBatch, passages: pa.Table) -> pa.RecordBatch:
        """The batch with the passages over a limit cut from its texts, and the spans for the ledger."""
        texts: list[str | None] = batch.column("text").to_pylist()
        changes: list[list[dict[str, Any]]] = [[] for _ in texts]
        rows: Sequence[dict[str, Any]] = passages.to_pylist()
        for row in rows:
            cut = {"start": row["start"], "end": row["end"], "type": PASSAGE[row["label"]], "replacement": ""}
            changes[row["document"]].append(cut)
        for place, spans in enumerate(changes):
            text = texts[place]
            for span in reversed(spans):
                text = None if text is None else text[: span["start"]] + text[span["end"] :]
            texts[place] = text
        batch = set_column(batch, "text", pa.array(texts, pa.large_string()))
        return set_column(batch, CHANGES, pa.array(changes, pa.list_(CHANGE)))


def _nullable(values: npt.NDArray[np.float32]) -> pa.Array:
    return pa.array(values, pa.float32(), mask=np.isnan(values))


def _spans(windows: npt.NDArray[np.int64]) -> pa.Array:
    """A struct of start and end, null where there is no window."""
    known = pc.greater_equal(pa.array(windows[:, 0]), 0)
    fields = [pa.array(windows[:, 0]), pa.array(windows[:, 1])]
    return pa.StructArray.from_arrays(fields, fields=list(SPAN), mask=pc.invert(known))


@lru_cache(maxsize=1)
def _detoxify(checkpoint: Path) -> Detoxify:
    from corpuskit.toxicity.detoxify import Detoxify

    return Detoxify(checkpoint)
