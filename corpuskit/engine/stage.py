"""What a stage is: its configuration. The fields of the class are the keys in the recipe.

A *batch stage* measures one record batch at a time and streams. A *corpus stage* needs to see the whole corpus: it
makes a compact sketch of every batch, resolves all sketches together, and brings the result back row by row.
Stages measure; rules decide (`corpuskit.engine.rule`). A stage of your own is a class in your own module, named in the
recipe by its dotted path (`mypackage.stages.Readability`) or by a key that
a feature declares (`corpuskit.engine.features`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, ClassVar, Self

import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from corpuskit.engine.rule import Rule
from corpuskit.engine.sketches import Sketches

CHANGES = "_changes"
"""A stage that rewrites `text` adds this column; the engine moves it to the ledger. One list a document, its spans in
order, as character offsets into the text that the stage was given."""

ERROR = "_error"
"""A stage that could not read a document says why in this string column; the engine quarantines the row."""


class Configured(BaseModel):
    """A frozen pydantic model: the docstrings of its fields are the help text and the JSON schema's descriptions."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, validate_default=True)

    renamed: ClassVar[Mapping[str, str]] = {}
    """Keys of earlier versions -> what they are called now, or a few words on what has taken their place."""


class Stage(Configured):
    name: ClassVar[str]
    """The stage's key in a recipe, and the name of the struct column that holds its measurements."""
    version: ClassVar[int]
    """Raised whenever the stage makes another result of the same documents and settings; finished steps of the earlier
    version run again. A stage of your own may leave it out: it is then known by its code."""

    def rules(self) -> list[Rule]:
        """The limits that this configuration sets, in the order in which the ledger names them."""
        return []

    def libraries(self) -> tuple[str, ...]:
        """Distributions (names as on PyPI) whose version the result of this configuration depends on."""
        return ()

    def own_code(self) -> tuple[Any, ...]:
        """Classes and functions of a user's own that the settings name (a recognizer): known by their code."""
        return ()

    def inputs(self) -> list[Path]:
        """Files beside the documents that this configuration reads (benchmark files, a model)."""
        return []

    def in_run(self, name: str) -> Self:
        """The stage as it is in the run of this name."""
        return self

    def state(self) -> dict[str, str]:
        """What else its result depends on, in words -> a digest of it."""
        return {}

    def hold(self) -> AbstractContextManager[None]:
        """What a run holds while it makes and publishes its corpus, so that no other run changes it meanwhile."""
        return nullcontext()


class BatchStage(Stage):
    rewrites: ClassVar[bool] = True
    """Whether it may change `text`. Corpus stages that were sketched before keep the text as they saw it."""

    def measure(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The batch with this stage's measurements. Rows and their order stay.

        Heavy things (a model, a compiled pattern set) load on the first call, once a worker. An exception here makes
        the engine look for the rows that cause it and quarantine those alone.
        """
        raise NotImplementedError

    def redact(self, column: pa.Array, languages: pa.Array, name: str = "") -> pa.Array:
        """What may be kept of a column outside the corpus (ledger, quarantine, report). A stage that hides things
        overrides it.

        The column is of any type that holds strings, nested ones too, and called `name`; `languages` has one a row. The
        result has the same type.
        """
        return column

    @property
    def removes(self) -> bool:
        """Whether what `redact` hides is taken out of the documents, too, so that no file of a run may hold it."""
        return type(self).redact is not BatchStage.redact

    def scrubs(self, schema: pa.Schema) -> list[str]:
        """The columns of documents that it takes things out of."""
        return ["text"] if self.removes else []

    def kept_names(self, name: str, languages: Sequence[str | None]) -> set[str]:
        """The names under which a record's id or URL is kept where it holds something to hide and can be looked up."""
        return set()

    def secret(self) -> bytes | None:
        """The key that a run may encrypt its intermediate files with, 32 bytes."""
        return None


class CorpusStage(Stage):
    final: ClassVar[bool] = False
    """Whether its rules choose among the documents that all other rules keep. It is then sketched where it is listed,
    and resolved once the later stages have decided; its resolution has a boolean column `duplicate`, and rows where it
    is true are left out by the final stages after it."""

    def sketch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """A compact table of what `resolve` needs to know of each row, in the rows' order."""
        raise NotImplementedError

    def resolve(self, sketches: Sketches) -> Iterator[pa.RecordBatch]:
        """One batch for each part of the corpus, in the parts' order, with one row for each of its documents.

        Works within `sketches.memory` bytes; `sketches.workspace` is an empty folder to spill to.
        """
        raise NotImplementedError

    def commit(self, kept: Path) -> None:
        """Called once the corpus has been published, with the folder of what `resolve` kept (`Sketches.kept`).

        It is called again after a crash, and whenever the run is repeated: doing it twice changes nothing.
        """

    def apply(self, batch: pa.RecordBatch, resolution: pa.RecordBatch) -> pa.RecordBatch:
        """The batch with this stage's measurements. `resolution` holds the rows that `resolve` gave for it."""
        raise NotImplementedError
