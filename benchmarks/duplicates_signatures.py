"""MinHash signatures on one core: corpuskit beside datasketch, rensa and datatrove's signature stage.

    python benchmarks/duplicates_signatures.py [PEER]

With the name of a peer, it measures that peer in the running interpreter and prints its MB/s. Without, it does so for
each in an environment of its own, and for corpuskit here.

Word 5-grams, 112 permutations (14 bands of 8 for datatrove), the same English articles for all; seconds are CPU time
of the process, the best of three. Peers get as many of the texts as they do in a few seconds. Each cuts the words
itself, since that is part of the work.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

from peers import DATA, python_with

ARTICLES = DATA / "duplicates/mccormick/articles_1000.train"
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
    from corpuskit.duplicates import signatures

    signatures(texts, "en", permutations=PERMUTATIONS, words=WORDS)


def megabytes_a_second(work: Callable[[list[str]], None], texts: list[str]) -> float:
    work(texts[:5])
    seconds = []
    for _ in range(3):
        started = time.process_time()
        work(texts)
        seconds.append(time.process_time() - started)
    return sum(len(text.encode()) for text in texts) / min(seconds) / 1e6


PEERS: dict[str, tuple[Callable[[list[str]], None], int, list[str]]] = {
    "datasketch": (with_datasketch, 1000, ["datasketch==2.0.0"]),
    "rensa": (with_rensa, 1000, ["rensa"]),
    "datatrove": (with_datatrove, 200, ["datatrove[io]==0.10.1", "tokenizers", "spacy", "nltk", "xxhash", "numpy"]),
}


def main() -> None:
    texts = articles()
    if len(sys.argv) > 1:
        work, number, _ = PEERS[sys.argv[1]]
        print(megabytes_a_second(work, texts[:number]))
        return
    ours = megabytes_a_second(with_corpuskit, texts * 40)
    print(f"{'corpuskit':>12} {ours:9.2f} MB/s")
    for name, (_, _, packages) in PEERS.items():
        command = [str(python_with(name, packages)), __file__, name]
        speed = float(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.split()[-1])
        print(f"{name:>12} {speed:9.2f} MB/s   corpuskit is {ours / speed:,.0f} times as fast", flush=True)


if __name__ == "__main__":
    main()
