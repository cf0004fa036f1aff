"""MinHash signatures on one core: corpuskit beside datasketch, rensa and datatrove's signature stage.

    python -m venv /tmp/peers-duplicates
    /tmp/peers-duplicates/bin/pip install datatrove[io] tokenizers datasketch rensa spacy nltk xxhash
    /tmp/peers-duplicates/bin/pip install numba pyarrow pydantic pyyaml pydivsufsort
    PYTHONPATH=. /tmp/peers-duplicates/bin/python benchmarks/duplicates_signatures.py

Word 5-grams, 112 permutations (14 bands of 8 for datatrove), the same English articles for all; seconds are CPU time
of the process, the best of three. Peers get as many of the texts as they do in a few seconds. Each cuts the words
itself, since that is part of the work.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from corpuskit.duplicates import signatures

ARTICLES = Path(__file__).resolve().parents[2] / "shared/data/duplicates/mccormick/articles_1000.train"
PERMUTATIONS = 112
WORDS = 5


def articles() -> list[str]:
    return [line.split(" ", 1)[1].strip() for line in ARTICLES.read_text().splitlines()]


def shingles(text: str) -> list[str]:
    words = text.lower().split()
    return [" ".join(words[start : start + WORDS]) for start in range(max(1, len(words) - WORDS + 1))]


def with_datasketch(texts: list[str]) -> None:
    from datasketch import MinHash

    for text in texts:
        one = MinHash(num_perm=PERMUTATIONS)
        one.update_batch([shingle.encode() for shingle in shingles(text)])


def with_rensa(texts: list[str]) -> None:
    from rensa import RMinHash

    for text in texts:
        one = RMinHash(num_perm=PERMUTATIONS, seed=42)
        one.update(shingles(text))
        one.digest()


def with_datatrove(texts: list[str]) -> None:
    from datatrove.pipeline.dedup import MinhashDedupSignature
    from datatrove.pipeline.dedup.minhash import MinhashConfig

    config = MinhashConfig(n_grams=WORDS, num_buckets=14, hashes_per_bucket=8)
    stage = MinhashDedupSignature(tempfile.mkdtemp(), config=config)
    for text in texts:
        stage.get_signature(stage.get_shingles(text))


def with_corpuskit(texts: list[str]) -> None:
    signatures(texts, "en", permutations=PERMUTATIONS, words=WORDS)


def megabytes_a_second(work: Callable[[list[str]], None], texts: list[str]) -> float:
    work(texts[:5])
    seconds = []
    for _ in range(3):
        started = time.process_time()
        work(texts)
        seconds.append(time.process_time() - started)
    return sum(len(text.encode()) for text in texts) / min(seconds) / 1e6


def main() -> None:
    texts = articles()
    ours = megabytes_a_second(with_corpuskit, texts * 40)
    print(f"{'corpuskit':>12} {ours:9.2f} MB/s")
    for name, work, number in (
        ("datasketch", with_datasketch, 1000),
        ("rensa", with_rensa, 1000),
        ("datatrove", with_datatrove, 200),
    ):
        speed = megabytes_a_second(work, texts[:number])
        print(f"{name:>12} {speed:9.2f} MB/s   corpuskit is {ours / speed:,.0f} times as fast", flush=True)


if __name__ == "__main__":
    sys.exit(main())
