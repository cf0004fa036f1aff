"""All quality rules against datatrove's same filters, on one core and the same texts.

    python benchmarks/quality.py [../shared/data] [--megabytes 16]

datatrove 0.10.1 runs in an environment of its own, as its users run it: Gopher repetition,
Gopher quality, C4 and FineWeb filters one after the other over Document objects, every filter seeing every document (so
that none is spared by an earlier one). Ours measures every value of all of them at once. CPU time of the process; the
compilation of ours is cached before and not counted, imports are counted for neither.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from itertools import cycle
from pathlib import Path

from peers import DATA
from quality_peers import python_of


def corpora(data: Path, size: int) -> dict[str, list[str]]:
    pages = [json.loads(page.read_text()) for page in sorted((data / "extraction/wcxb/ground-truth").glob("*.json"))]
    english = [text for page in pages if (text := page["ground_truth"].get("main_content"))]
    english += (data / "duplicates/mccormick/articles_1000.train").read_text().splitlines()
    months = sorted((data / "duplicates/petitions").iterdir())
    korean = [json.loads(line)["content"] for month in months for line in month.read_text().splitlines()]
    filled: dict[str, list[str]] = {}
    for name, texts in (("en", english), ("ko", korean)):
        left = size
        chosen = filled.setdefault(name, [])
        for text in cycle(texts):
            chosen.append(text)
            left -= len(text.encode())
            if left <= 0:
                break
    return filled


def datatrove(texts: list[str]) -> float:
    from datatrove.data import Document
    from datatrove.pipeline import filters

    chain = [
        filters.GopherRepetitionFilter(),
        filters.GopherQualityFilter(),
        filters.C4QualityFilter(filter_no_terminal_punct=False),
        filters.FineWebQualityFilter(),
    ]
    for filter_ in chain:
        filter_.filter(Document(text="A first text, so that the tokenizer is loaded. " * 9, id="0"))
    started = time.process_time()
    for number, text in enumerate(texts):
        for filter_ in chain:
            filter_.filter(Document(text=text, id=str(number)))
    return time.process_time() - started


def ours(texts: list[str], language: str) -> float:
    import pyarrow as pa

    from corpuskit.document import set_column
    from corpuskit.quality.stage import Quality

    stage = Quality(chosen=("gopher", "c4", "mc4", "fineweb", "korean"))
    array = pa.array(texts, pa.large_string())
    batch = pa.RecordBatch.from_arrays([array, pa.array([language] * len(texts))], ["text", "language"])
    stage.measure(batch.slice(0, 10))
    best = float("inf")
    for _ in range(3):
        started = time.process_time()
        for start in range(0, len(batch), 1024):
            measured = stage.measure(batch.slice(start, 1024))
            for rule in stage.rules():
                rule.breaks(set_column(measured, "language", measured.column("language")))
        best = min(best, time.process_time() - started)
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="?", type=Path, default=DATA)
    parser.add_argument("--megabytes", type=int, default=16)
    arguments = parser.parse_args()
    pa_threads = {**os.environ, "OMP_NUM_THREADS": "1"}
    for language, texts in corpora(arguments.data, arguments.megabytes << 20).items():
        size = sum(len(text.encode()) for text in texts) / 1e6
        seconds = ours(texts, language)
        print(
            f"{language}: {len(texts)} texts, {size:.1f} MB; corpuskit {seconds:.2f} s CPU, {size / seconds:.1f} MB/s"
        )
        if language != "en":
            continue  # datatrove's Korean tokenizer needs another kiwipiepy than the one that is packaged now
        few = texts[: max(len(texts) // 16, 1)]
        part = sum(len(text.encode()) for text in few) / 1e6
        done = subprocess.run(
            [python_of("datatrove"), __file__, "--peer"],
            input=json.dumps(few), stdout=subprocess.PIPE, text=True, check=True, env=pa_threads,
        )  # fmt: skip
        peer = part / float(done.stdout.splitlines()[-1])
        print(f"{language}: datatrove {peer:.2f} MB/s ({part:.1f} MB); ratio {size / seconds / peer:.0f}")


if __name__ == "__main__":
    if sys.argv[1:] == ["--peer"]:
        print(datatrove(json.load(sys.stdin)))
    else:
        main()
