"""How far signatures, quality rules and the reading of a corpus are from the memory's speed, on one core.

    python benchmarks/duplicates_bandwidth.py

Copy and triad are those of STREAM (McCalpin 1995), by numpy over arrays far larger than the caches, in bytes moved;
the others are bytes of text. Seconds are CPU time of the process, the best of five. What bounds a signature is not the
bytes: every word updates 112 minima.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pyarrow as pa
from duplicates_signatures import PERMUTATIONS, articles

from corpuskit.duplicates import signatures
from corpuskit.kernels.arrow import text_buffers
from corpuskit.kernels.normal_form import compose
from corpuskit.quality.kernel import count
from corpuskit.quality.languages import numbers

ITEMS = 1 << 24


def seconds(work: Callable[[], object]) -> float:
    work()
    found = []
    for _ in range(5):
        started = time.process_time()
        work()
        found.append(time.process_time() - started)
    return min(found)


def main() -> None:
    a, b, c = (np.full(ITEMS, value, np.float64) for value in (0.0, 1.0, 2.0))
    copied = 16 * ITEMS / seconds(lambda: np.copyto(a, b)) / 1e9

    def triad() -> None:
        np.multiply(c, 3.0, out=a)
        np.add(a, b, out=a)

    print(
        f"copy  {copied:7.1f} GB/s\ntriad {40 * ITEMS / seconds(triad) / 1e9:7.1f} GB/s (two passes: five arrays moved)"
    )
    texts = articles() * 20
    array = pa.array(texts, pa.large_string())
    data, offsets = text_buffers(array)
    size = int(offsets[-1])
    words = sum(len(text.split()) for text in texts)
    languages = numbers(pa.array(["en"] * len(texts)))
    codec = pa.Codec("zstd", 3)
    block = "\n".join(articles()).encode()  # once: copies would compress to nothing
    packed = codec.compress(block, asbytes=True)
    rows: list[tuple[str, Callable[[], object], int, str]] = [
        ("one look at each byte (NFC)", lambda: compose(array), size, ""),
        ("signatures", lambda: signatures(array, "en"), size, f"{words * PERMUTATIONS / size:.0f} minima a byte"),
        ("quality, all rules", lambda: count(data, offsets, languages), size, ""),
        ("zstd 3, compress", lambda: codec.compress(block), len(block), ""),
        ("zstd 3, decompress", lambda: codec.decompress(packed, len(block)), len(block), ""),
    ]
    for name, work, length, note in rows:
        speed = length / seconds(work) / 1e6
        print(
            f"{name:28} {speed:8.0f} MB/s; copying moves {copied * 1000 / speed:5.0f} times the bytes  {note}",
            flush=True,
        )


if __name__ == "__main__":
    main()
