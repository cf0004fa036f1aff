"""Near-duplicates end to end, Parquet in and Parquet out: corpuskit beside datatrove's four stages and text-dedup.

    python -m venv /tmp/peers-duplicates
    /tmp/peers-duplicates/bin/pip install datatrove[io] tokenizers datasketch rensa spacy nltk xxhash
    python -m venv /tmp/peers-textdedup && /tmp/peers-textdedup/bin/pip install text-dedup
    python benchmarks/duplicates_end_to_end.py [megabytes]

The texts are sentences of English articles in random order, 24 a document, with one document in twenty a lightly edited
copy of another. Word 5-grams; 14 bands of 8 for datatrove (its default), a threshold of 0.8 for the others. Two workers
each. Times are those of whole processes, their imports included: wall clock, and CPU of all children. Only corpuskit
compares its candidates.
"""

from __future__ import annotations

import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[1]
ARTICLES = ROOT.parent / "shared/data/duplicates/mccormick/articles_1000.train"

RECIPE = """
name: bench
sources:
  - parquet: {{paths: {folder}/input/*.parquet}}
stages:
  - near_duplicates: {{threshold: 0.8}}
"""

DATATROVE = """
import sys
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import (
    MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter, MinhashDedupSignature,
)
from datatrove.pipeline.dedup.minhash import MinhashConfig
from datatrove.pipeline.readers import ParquetReader
from datatrove.pipeline.writers import ParquetWriter

if __name__ == "__main__":
    folder = sys.argv[1]
    config = MinhashConfig(n_grams=5, num_buckets=14, hashes_per_bucket=8)
    reader = ParquetReader(folder + "/input")
    stages = [
        ([reader, MinhashDedupSignature(folder + "/signatures", config=config)], 2),
        ([MinhashDedupBuckets(folder + "/signatures", folder + "/buckets", config=config)], 14),
        ([MinhashDedupCluster(folder + "/buckets", folder + "/removed", config=config)], 1),
        ([reader, MinhashDedupFilter(folder + "/removed"), ParquetWriter(folder + "/datatrove")], 2),
    ]
    for number, (pipeline, tasks) in enumerate(stages):
        LocalPipelineExecutor(pipeline, tasks=tasks, workers=2, logging_dir=f"{folder}/logs{number}").run()
"""


def write_input(folder: Path, megabytes: float) -> int:
    lines = [line.split(" ", 1)[1].strip() for line in ARTICLES.read_text().splitlines()]
    sentences = [sentence for line in lines for sentence in line.split(". ") if len(sentence) > 30]
    generator = random.Random(1)
    texts: list[str] = []
    size = 0
    while size < megabytes * 1e6:
        if texts and generator.random() < 0.05:
            words = generator.choice(texts).split(" ")
            words[generator.randrange(len(words))] = "edited"
            texts.append(" ".join(words))
        else:
            texts.append(". ".join(generator.sample(sentences, 24)))
        size += len(texts[-1])
    half = len(texts) // 2
    (folder / "input").mkdir()
    for name, part in (("a", texts[:half]), ("b", texts[half:])):
        ids = [f"{name}{number}" for number in range(len(part))]
        table = pa.table({"id": ids, "text": part, "language": ["en"] * len(part)})
        pq.write_table(table, folder / "input" / f"{name}.parquet", row_group_size=2048)
    return size


def measured(command: list[str]) -> tuple[float, float]:
    """(wall, CPU of the command and its children) in seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - started, used


def rows(pattern: str, folder: Path) -> int:
    return sum(pq.read_metadata(path).num_rows for path in folder.glob(pattern))


def main() -> None:
    megabytes = float(sys.argv[1]) if len(sys.argv) > 1 else 16
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    size = write_input(folder, megabytes)
    print(f"{size / 1e6:.1f} MB, {rows('input/*.parquet', folder):,} documents", flush=True)
    (folder / "recipe.yaml").write_text(RECIPE.format(folder=folder))
    (folder / "four_stages.py").write_text(DATATROVE)
    corpuskit = [str(Path(sys.executable).parent / "corpuskit"), "run", str(folder / "recipe.yaml"), "--workers", "2"]
    measured([*corpuskit, "--output", str(folder / "warm")])  # numba compiles its loops once a machine
    wall, used = measured([*corpuskit, "--output", str(folder / "run")])
    kept = rows("run/corpus/**/*.parquet", folder)
    print(f"{'corpuskit':>12} {wall:7.1f} s wall {used:7.1f} s CPU, kept {kept:,}", flush=True)
    textdedup = ["/tmp/peers-textdedup/bin/python", "-m", "text_dedup.minhash", "--path", "parquet", "--data_files"]
    textdedup += [
        f"{folder}/input/*.parquet",
        "--split",
        "train",
        "--column",
        "text",
        "--ngram",
        "5",
        "--num_perm",
        "112",
    ]
    textdedup += ["--threshold", "0.8", "--min_length", "0", "--hash_func", "xxh3", "--num_proc", "2"]
    textdedup += ["--cache_dir", f"{folder}/cache", "--output", f"{folder}/textdedup", "--batch_size", "1000"]
    for name, command in (
        ("datatrove", ["/tmp/peers-duplicates/bin/python", str(folder / "four_stages.py"), str(folder)]),
        ("text-dedup", textdedup),
    ):
        if not Path(command[0]).exists():
            print(f"{name:>12} is not installed")
            continue
        peer_wall, peer_used = measured(command)
        print(
            f"{name:>12} {peer_wall:7.1f} s wall {peer_used:7.1f} s CPU; corpuskit: "
            f"{peer_wall / wall:.0f} times in wall time, {peer_used / used:.0f} times in CPU",
            flush=True,
        )
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
