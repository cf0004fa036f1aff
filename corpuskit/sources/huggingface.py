"""Datasets in the Hugging Face format: a folder that `save_to_disk` wrote, or a name that `load_dataset` knows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

from corpuskit.engine.source import Quarantine, Split
from corpuskit.errors import UsageError, nearest, require
from corpuskit.sources import files
from corpuskit.sources.columnar import joined
from corpuskit.sources.tables import RecordSource

ROWS_PER_SPLIT = 20_000
_ROWS_AT_ONCE = 256


class Datasets(RecordSource):
    """A Hugging Face data set: a folder that save_to_disk wrote, or a name on the hub."""

    key: ClassVar[str] = "datasets"
    version: ClassVar[int] = 2

    path: str
    """A folder written by `save_to_disk`, or the name of a dataset on the hub."""
    split: str = "train"
    """Which split to read. A folder that holds a single dataset has none, and needs none."""
    subset: str | None = None
    """The dataset's configuration, such as '20231101.ko'; for datasets by name."""
    revision: str | None = None
    """A commit or tag of the dataset on the hub, so that later runs read the same rows."""

    def libraries(self) -> tuple[str, ...]:
        return ("datasets",)

    def fingerprint(self, folder: Path) -> str:
        if Path(self.path).is_dir():
            return files.fingerprint(files.find(str(Path(self.path) / "**"), self.key)) + self.split
        dataset = _load(self.path, self.split, self.subset, self.revision)
        return hashlib.blake2b(f"{dataset._fingerprint}:{len(dataset)}".encode(), digest_size=16).hexdigest()

    def splits(self, folder: Path) -> list[Split]:
        rows = len(_load(self.path, self.split, self.subset, self.revision))
        if not rows:
            raise UsageError(f"source '{self.key}': '{self.path}' has no rows in split '{self.split}'")
        starts = range(0, rows, ROWS_PER_SPLIT)
        return [Split(self.path, start, min(start + ROWS_PER_SPLIT, rows)) for start in starts]

    def read(self, split: Split, quarantine: Quarantine) -> Iterator[pa.RecordBatch]:
        return joined(self._batches(split, quarantine))

    def _batches(self, split: Split, quarantine: Quarantine) -> Iterator[pa.RecordBatch]:
        dataset = _load(self.path, self.split, self.subset, self.revision)
        dataset = dataset.select_columns(self.read_columns(dataset.column_names)).with_format("arrow")
        for start in range(split.start, split.end, _ROWS_AT_ONCE):
            first = start
            for batch in dataset[start : min(start + _ROWS_AT_ONCE, split.end)].combine_chunks().to_batches():
                yield self.table_documents(batch, self.path, first, quarantine)
                first += batch.num_rows


@lru_cache(maxsize=4)
def _load(path: str, split: str, subset: str | None, revision: str | None) -> Any:
    datasets = require("datasets", "train")
    try:
        if Path(path).is_dir():
            loaded = datasets.load_from_disk(path)
            if isinstance(loaded, datasets.DatasetDict):
                if split not in loaded:
                    raise UsageError(f"source 'datasets': '{path}' has no split '{split}'{nearest(split, loaded)}")
                loaded = loaded[split]
            return loaded
        return datasets.load_dataset(path, subset, split=split, revision=revision)
    except UsageError:
        raise
    except Exception as error:  # the library's errors share no base class
        line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UsageError(f"source 'datasets': cannot load '{path}': {line}") from error
