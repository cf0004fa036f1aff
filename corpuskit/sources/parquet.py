"""Parquet tables, one document a row, cut at row groups."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pyarrow as pa
import pyarrow.parquet as pq

from corpuskit.engine.source import SPLIT_BYTES, BadRecord, Quarantine, Split
from corpuskit.errors import UsageError
from corpuskit.sources import files
from corpuskit.sources.columnar import joined
from corpuskit.sources.records import column_at, named
from corpuskit.sources.tables import RecordSource

_ROWS_AT_ONCE = 256


class Parquet(RecordSource):
    """Parquet files, by row groups."""

    key: ClassVar[str] = "parquet"
    version: ClassVar[int] = 2

    paths: str | list[str]
    """Files, folders or patterns, on any storage that fsspec knows: `data/*.parquet`, `s3://bucket/part-*.parquet`."""

    def fingerprint(self, folder: Path) -> str:
        return files.fingerprint(files.find(self.paths, self.key))

    def splits(self, folder: Path) -> list[Split]:
        """Runs of row groups of about SPLIT_BYTES; `start` and `end` number row groups."""
        found = []
        faults = []
        for file in files.find(self.paths, self.key):
            metadata, fault = self._metadata(file.path)
            if metadata is None:
                faults.append(f"'{file.path}' {fault}")
                found.append(Split(file.path, 0, 0))  # reading it says what is wrong, once
                continue
            start = size = 0
            for group in range(metadata.num_row_groups):
                size += metadata.row_group(group).total_byte_size
                if size >= SPLIT_BYTES or group == metadata.num_row_groups - 1:
                    found.append(Split(file.path, start, group + 1))
                    start, size = group + 1, 0
        if faults and len(faults) == len(found):
            raise UsageError(f"source '{self.key}': {faults[0]}")
        return found

    def _metadata(self, path: str) -> tuple[pq.FileMetaData | None, str]:
        """(what a file says of itself, ''), or (None, why no row of it can be read)."""
        try:
            with files.open_file(path) as stream:
                table = pq.ParquetFile(stream)
        except (pa.ArrowException, OSError) as error:
            return None, f"is no Parquet file: {error}"
        names = table.schema_arrow.names
        fields = named(self.columns)
        text, content = fields["text"], fields["content"]
        twice = [name for name in (text, content) if names.count(name) > 1]
        if twice:
            return None, f"has more than one column '{twice[0]}': rename one of them"
        if column_at(names, text) or column_at(names, content):
            return table.metadata, ""
        close = next((name for name in names if name.lower() == str(text).lower()), "NAME")
        fault = f"has no column '{text}'; its columns are: {', '.join(names)}"
        return None, f"{fault}. Say which one holds the text: columns: {{text: {close}}}"

    def read(self, split: Split, quarantine: Quarantine) -> Iterator[pa.RecordBatch]:
        return joined(self._batches(split, quarantine))

    def _batches(self, split: Split, quarantine: Quarantine) -> Iterator[pa.RecordBatch]:
        if split.end == 0:
            _, fault = self._metadata(split.path)
            quarantine(BadRecord(f"the file {fault}", split.path))
            return
        with files.open_file(split.path) as stream:
            table = pq.ParquetFile(stream)
            wanted = self.read_columns(table.schema_arrow.names)
            for group in range(split.start, split.end):
                row = 0
                try:
                    for batch in table.iter_batches(_ROWS_AT_ONCE, row_groups=[group], columns=wanted):
                        yield self.table_documents(batch, split.path, row, quarantine, f"row group {group}, ")
                        row += batch.num_rows
                except (pa.ArrowException, OSError) as error:
                    quarantine(
                        BadRecord(f"row group {group} cannot be read on from row {row}: {error}", split.path, row)
                    )
