"""What near-duplicates cost as the corpus grows: seconds, bytes on disk and memory of the resolving step, by documents.

    python benchmarks/duplicates_scale.py 100000 1000000 5000000 --memory 500

Documents are short (40 invented words), one in ten an edited copy of an earlier one; they are sketched by the stage
itself, and the step that resolves them runs in a process of its own. Memory is what that process holds beyond Python,
libraries and compiled code (anonymous memory, which the budget speaks of), and the most that it ever had resident,
those and mapped files included.
"""

from __future__ import annotations

import argparse
import multiprocessing
import shutil
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from corpuskit.document import SCHEMA
from corpuskit.duplicates import cluster
from corpuskit.duplicates.stage import NearDuplicates
from corpuskit.engine.sketches import Sketches

PART = 50_000
WORDS = 40


def part(number: int) -> pa.RecordBatch:
    """A tenth of the documents repeat one of the same part with two words changed."""
    generator = np.random.default_rng(number)
    words = generator.integers(0, 1 << 30, (PART, WORDS))
    copies = generator.choice(PART, PART // 10, replace=False)
    words[copies] = words[generator.integers(0, PART, len(copies))]
    words[copies, -2:] = generator.integers(0, 1 << 30, (len(copies), 2))
    texts = [" ".join(map(str, row)) for row in words.tolist()]
    columns = {field.name: pa.nulls(PART, field.type) for field in SCHEMA}
    columns["id"] = pa.array([f"{number * PART + row:032x}" for row in range(PART)])
    columns["text"] = pa.array(texts, pa.large_string())
    columns["language"] = pa.array(["en"] * PART)
    return pa.RecordBatch.from_arrays(list(columns.values()), schema=SCHEMA)


def status(name: str) -> int:
    """Bytes of this process: RssAnon (those that no file backs) or VmHWM (the most that was ever resident)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def folder_bytes(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size
        except FileNotFoundError:
            continue
    return total


def resolve(sketches: Sketches, results: multiprocessing.Queue) -> None:  # type: ignore[type-arg]
    stage = NearDuplicates()
    cluster(["one text of a few words that is compiled for"] * 3 + ["one text of a few words that is compiled"], 0.1)
    base = status("RssAnon")
    peak = [0, 0]
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.05):
            peak[0] = max(peak[0], status("RssAnon") - base)
            peak[1] = max(peak[1], folder_bytes(sketches.workspace))

    watcher = threading.Thread(target=watch)
    watcher.start()
    started, used = time.perf_counter(), time.process_time()
    dropped = sum(int(np.asarray(batch.column("duplicate")).sum()) for batch in stage.resolve(sketches))
    wall, used = time.perf_counter() - started, time.process_time() - used
    done.set()
    watcher.join()
    results.put((wall, used, peak[0], status("VmHWM"), peak[1], dropped))


def measure(documents: int, memory: int) -> None:
    folder = Path(tempfile.mkdtemp(prefix="scale-"))
    stage = NearDuplicates()
    sketches, parts = [], []
    sketching = 0.0
    size = 0
    for number in range(documents // PART):
        batch = part(number)
        started = time.process_time()
        sketched = stage.sketch(batch)
        sketching += time.process_time() - started
        size += batch.column("text").nbytes
        sketches.append(folder / f"{number}.arrow")
        parts.append(folder / f"{number}.parquet")
        with pa.ipc.new_file(str(sketches[-1]), sketched.schema) as file:
            file.write_batch(sketched)
        pq.write_table(pa.Table.from_batches([batch]), parts[-1])
    (folder / "workspace").mkdir()
    spawning = multiprocessing.get_context("spawn")
    results = spawning.Queue()
    process = spawning.Process(target=resolve, args=(Sketches(sketches, parts, folder / "workspace", memory), results))
    process.start()
    wall, used, peak, whole, spilled, dropped = results.get()
    process.join()
    sketch_bytes = sum(path.stat().st_size for path in sketches)
    print(
        f"{documents:>10,} documents {size / 1e6:8.0f} MB text | sketch {size / sketching / 1e6:5.0f} MB/s, "
        f"{sketch_bytes / documents:4.0f} B a document | resolve {wall:6.1f} s wall {used:6.1f} s CPU, "
        f"{used / documents * 1e6:5.1f} us each | anonymous {peak / 1e6:6.0f} MB, resident {whole / 1e6:6.0f} MB, "
        f"temporary files {spilled / 1e6:6.0f} MB ({spilled / documents:4.0f} B a document) | dropped {dropped:,}",
        flush=True,
    )
    shutil.rmtree(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("documents", type=int, nargs="*", default=[100_000])
    parser.add_argument("--memory", type=int, default=500, help="budget in MB")
    arguments = parser.parse_args()
    for documents in arguments.documents:
        measure(documents, arguments.memory * 1_000_000)


if __name__ == "__main__":
    main()
