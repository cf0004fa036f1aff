"""Sources whose records have fields by name: JSON objects and table rows; the recipe says which field fills what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from corpuskit.engine.source import Source
from corpuskit.sources.records import Columns, document_row


class RecordSource(Source):
    columns: Columns = Field(default_factory=dict)
    """Which field of a record fills which document column: `{text: body}`. `data.body` is a field of
    an object, `messages[].content` that field of each item of a list. Others keep their own names. A page that
    still has to be extracted goes into `content`."""

    def document(self, record: Mapping[str, Any], path: str, offset: int, length: int | None = None) -> dict[str, Any]:
        """The document row of the record that lies there. Raises Unreadable."""
        return document_row(
            record,
            self.columns,
            source=self.label(),
            kind=self.kind,
            license=self.license,
            provenance={"path": path, "offset": offset, "length": length},
        )
