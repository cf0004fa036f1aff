"""Near-duplicates end to end, Parquet in and Parquet out: corpuskit beside datatrove, text-dedup and data-juicer.

    python benchmarks/duplicates_end_to_end.py [datatrove] [text-dedup] [data-juicer]

The texts are sentences of English articles in random order, 24 a document, with one document in twenty a lightly edited
copy of another. Word 5-grams; 14 bands of 8 for datatrove (its default), a threshold of 0.8 for the others. Two workers
each. Times are those of whole processes, their imports included: wall clock, and CPU of all processes. From two sizes
comes the rate beyond the start-up, which is most of the time for small inputs. Only corpuskit compares its candidates,
and it writes its ledger and its report besides.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from peers import DATA, python_with

ROOT = Path(__file__).resolve().parents[1]
ARTICLES = DATA / "duplicates/mccormick/articles_1000.train"
PACKAGES = {
    "datatrove": ["datatrove[io]==0.10.1", "tokenizers", "spacy", "nltk", "xxhash", "numpy"],
    "text-dedup": ["text-dedup"],
    "data-juicer": ["py-data-juicer==1.6.1", "scipy", "ray"],
}

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
    """(wall, CPU of the command and all processes of its session) in seconds."""
    started = time.perf_counter()
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
        used: dict[int, float] = {}
        while process.poll() is None:
            used |= _session_seconds(process.pid)
            time.sleep(0.02)
        wall = time.perf_counter() - started
        if process.returncode:
            output.seek(0)
            raise SystemExit(f"{' '.join(command)}\n{output.read()[-3000:]}")
    return wall, sum(used.values())


def _session_seconds(session: int) -> dict[int, float]:
    """CPU seconds so far of each process of a session."""
    seconds = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except (OSError, IndexError):
            continue
        if int(fields[3]) == session:
            seconds[int(stat.parent.name)] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return seconds


def rows(pattern: str, folder: Path) -> int:
    return sum(pq.read_metadata(path).num_rows for path in folder.glob(pattern))


def corpuskit(folder: Path) -> list[str]:
    (folder / "recipe.yaml").write_text(RECIPE.format(folder=folder))
    program = str(Path(sys.executable).parent / "corpuskit")
    return [program, "run", str(folder / "recipe.yaml"), "--workers", "2", "--output", str(folder / "run")]


def datatrove(folder: Path) -> list[str]:
    (folder / "four_stages.py").write_text(DATATROVE)
    return [str(python_with("datatrove", PACKAGES["datatrove"])), str(folder / "four_stages.py"), str(folder)]


def text_dedup(folder: Path) -> list[str]:
    options = {
        "path": "parquet",
        "data_files": f"{folder}/input/*.parquet",
        "split": "train",
        "column": "text",
        "ngram": "5",
        "num_perm": "112",
        "threshold": "0.8",
        "min_length": "0",
        "hash_func": "xxh3",
        "num_proc": "2",
        "batch_size": "1000",
        "cache_dir": f"{folder}/cache",
        "output": f"{folder}/textdedup",
    }
    command = [str(python_with("text-dedup", PACKAGES["text-dedup"])), "-m", "text_dedup.minhash"]
    return [*command, *(word for name, value in options.items() for word in (f"--{name}", value))]


DATA_JUICER = """
dataset_path: {folder}/input
export_path: {folder}/data-juicer/kept.parquet
work_dir: {folder}/data-juicer
np: 2
use_cache: false
process:
  - document_minhash_deduplicator:
      {{tokenization: space, window_size: 5, num_permutations: 112, jaccard_threshold: 0.8}}
"""


def data_juicer(folder: Path) -> list[str]:
    (folder / "data_juicer.yaml").write_text(DATA_JUICER.format(folder=folder))
    program = python_with("data-juicer", PACKAGES["data-juicer"]).with_name("dj-process")
    return [str(program), "--config", str(folder / "data_juicer.yaml")]


TOOLS = {
    "corpuskit": (corpuskit, "run/corpus/**/*.parquet", (16, 64, 512)),
    "datatrove": (datatrove, "datatrove/*.parquet", (16, 64)),
    "text-dedup": (text_dedup, "textdedup/*.arrow", (16, 64)),
    "data-juicer": (data_juicer, "data-juicer/kept.parquet", (16, 64)),
}


def main() -> None:
    peers = sys.argv[1:] or list(TOOLS)
    tools = {name: tool for name, tool in TOOLS.items() if name == "corpuskit" or name in peers}
    sizes = {megabytes for _, _, wanted in tools.values() for megabytes in wanted}
    seconds: dict[tuple[str, int], tuple[float, float]] = {}
    for megabytes in sorted(sizes):
        for name, (command, written, wanted) in tools.items():
            if megabytes not in wanted:
                continue
            folder = Path(tempfile.mkdtemp(prefix="bench-"))
            write_input(folder, megabytes)
            if name == "corpuskit" and megabytes == min(wanted):
                measured(corpuskit(folder))  # numba compiles its loops once a machine
                shutil.rmtree(folder / "run")
            wall, used = seconds[name, megabytes] = measured(command(folder))
            kept = rows(written, folder) if written.endswith("parquet") else len(list(folder.glob(written)))
            print(f"{name:>11} {megabytes:4} MB {wall:7.1f} s wall {used:7.1f} s CPU, wrote {kept:,}", flush=True)
            shutil.rmtree(folder)
    rates = {}
    for name, (_, _, wanted) in tools.items():
        growth = [seconds[name, wanted[-1]][k] - seconds[name, wanted[0]][k] for k in (0, 1)]
        rates[name] = [(wanted[-1] - wanted[0]) / grown for grown in growth]
        ratio = [ours / theirs for ours, theirs in zip(rates["corpuskit"], rates[name], strict=True)]
        print(
            f"{name:>11}: {rates[name][0]:7.2f} MB a second of wall time, {rates[name][1]:7.2f} of CPU, beyond its "
            f"start-up; corpuskit {ratio[0]:.0f} and {ratio[1]:.0f} times"
        )


if __name__ == "__main__":
    main()
