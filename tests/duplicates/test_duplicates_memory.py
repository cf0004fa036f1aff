"""What a duplicates step holds: Arrow's allocator as it found it, and of the twins' names only those that it needs."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit.duplicates.corpus import SketchedCorpus
from corpuskit.duplicates.resolution import _taken
from corpuskit.duplicates.workspace import Partitions, Workspace
from corpuskit.engine.sketches import Sketches


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 4), max_size=6), st.lists(st.floats(-0.3, 0.999), max_size=12))
def test_rows_come_from_any_chunk_and_minus_one_is_null(sizes: list[int], chosen: list[float]) -> None:
    schema = pa.schema([("id", pa.string())])
    names = [f"name {number}" for number in range(sum(sizes))]
    ends = np.cumsum([0, *sizes]).tolist()
    batches = [pa.RecordBatch.from_pydict({"id": names[start:end]}, schema=schema) for start, end in pairwise(ends)]
    places = [int(share * len(names)) if share >= 0 and names else -1 for share in chosen]
    found = _taken(pa.Table.from_batches(batches, schema), np.array(places, np.int64))
    assert found.column("id").to_pylist() == [None if place < 0 else names[place] for place in places]


def test_reading_documents_leaves_arrows_allocator_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "part.parquet"
    pq.write_table(pa.table({"id": [str(number) for number in range(5000)]}), path)
    sketch = tmp_path / "part.arrow"
    batch = pa.RecordBatch.from_pydict({"low": [0] * 5000})
    with pa.ipc.new_file(str(sketch), batch.schema) as file:
        file.write_batch(batch)
    corpus = SketchedCorpus(Sketches([sketch], [path], tmp_path, 1 << 20))
    before = pa.default_memory_pool().backend_name
    reading = corpus.documents(0, ["id"])
    first = next(reading)
    reading.close()
    assert first.column("id")[1].as_py() == "1"
    assert pa.default_memory_pool().backend_name == before
    assert sum(batch.num_rows for batch in corpus.documents(0, ["id"])) == 5000
    assert pa.default_memory_pool().backend_name == before


def test_partitions_and_their_chunks_shrink_with_the_budget(tmp_path: Path) -> None:
    records = np.random.default_rng(0).integers(0, 1 << 63, (100_000, 2)).astype(np.uint64)
    budget = 1_000_000
    partitions = Partitions(Workspace(tmp_path, budget), "keys", 2, len(records))
    partitions.add(partitions.by_key(np.ascontiguousarray(records[:, 0] << np.uint64(1))), records)
    seen = []
    for number in range(partitions.count):
        chunks = list(partitions.chunks(number))
        assert sum(chunk.nbytes for chunk in chunks) < budget // 8
        assert all(chunk.nbytes <= max(budget // 64, 1024 * 16) for chunk in chunks)
        seen += chunks
    assert sorted(map(tuple, np.concatenate(seen).tolist())) == sorted(map(tuple, records.tolist()))
