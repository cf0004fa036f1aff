"""Reading shuffled training batches from memory-mapped shards, beside nanoGPT's loader and `datasets`.

    python benchmarks/loader.py [--tokens 50_000_000] [--sequence-length 1024] [--batch 64]

Every loader gives int64 inputs and targets of the same shape from the same 16-bit tokens. Ours also gives the
positions inside documents, masks targets across their edges, and shuffles without replacement; nanoGPT's draws windows
at random with replacement. The second row also reads sources in different numbers of epochs, repeats documents by the
size of their cluster, and marks the tokens of flagged documents. Timed by process CPU time on one thread, best of five
rounds each, in turns.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from corpuskit.document import documents
from corpuskit.tokens import TokenOrder, open_shards, train_tokenizer, write_shards

Loader = Callable[[int], tuple[object, object]]


def make_shards(folder: Path, tokens: int) -> None:
    """Documents of 50 to 2,000 words drawn by Zipf's law, about `tokens` tokens."""
    random = np.random.default_rng(0)
    words = np.array([f"w{number:x}" for number in range(5000)])
    chance = 1 / np.arange(1, 5001)
    chance /= chance.sum()
    sample = [" ".join(random.choice(words, 20_000, p=chance))]
    tokenizer = train_tokenizer(sample, 8000)
    per_word = len(tokenizer.encode(sample)[0]) / 20_000
    rows, sizes, actions, written, number = [], [], [], 0, 0
    while written < tokens:
        length = int(random.integers(50, 2000))
        rows.append(
            {
                "id": f"{number:032x}",
                "text": " ".join(random.choice(words, length, p=chance)),
                "source": f"zipf{number % 3}",
            }
        )
        sizes.append({"cluster": f"c{number}", "cluster_size": int(random.zipf(1.7))})
        actions.append({"action": "keep" if number % 10 else "goldfish"})
        written += int(length * per_word)
        number += 1
    batch = (
        documents(rows).append_column("near_duplicates", pa.array(sizes)).append_column("decisions", pa.array(actions))
    )
    pq.write_table(pa.Table.from_batches([batch]), folder / "corpus.parquet")
    write_shards([folder / "corpus.parquet"], tokenizer, folder / "tokens", hold_out=0)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tokens", type=int, default=50_000_000)
    parser.add_argument("--sequence-length", type=int, default=1024)
    parser.add_argument("--batch", type=int, default=64)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_shards(folder, options.tokens)
        compare(folder, options.sequence_length, options.batch)


def compare(folder: Path, length: int, batch: int) -> None:
    import datasets

    shards = open_shards(folder / "tokens")
    flat = np.concatenate([shard.tokens for shard in shards.shards])
    flat.tofile(folder / "train.bin")
    print(f"{len(flat):,} tokens in {len(shards.shards)} shards, batches of {batch} x {length}")
    order = TokenOrder(shards, sequence_length=length, batch=batch)
    chosen = TokenOrder(
        shards,
        sequence_length=length,
        batch=batch,
        epochs={"zipf0": 2, "zipf1": 0.5},
        weights="rehydrate",
        flag="goldfish",
    )
    random = torch.Generator().manual_seed(0)
    windows = flat[: len(flat) // (length + 1) * (length + 1)].reshape(-1, length + 1)
    table = pa.table({"tokens": pa.FixedSizeListArray.from_arrays(windows.ravel(), length + 1)})
    items = datasets.Dataset(table).with_format("torch")
    rows = datasets.Dataset(table).with_format("numpy")

    def corpuskit(step: int) -> tuple[object, object]:
        made = order.batch_of(order.samples_at(step))
        return torch.from_numpy(made.inputs), torch.from_numpy(made.targets)

    def corpuskit_chosen(step: int) -> tuple[object, object]:
        made = chosen.batch_of(chosen.samples_at(step))
        return torch.from_numpy(made.inputs), torch.from_numpy(made.targets)

    def nanogpt(step: int) -> tuple[object, object]:
        data = np.memmap(folder / "train.bin", np.uint16, "r")
        at = torch.randint(len(data) - length, (batch,), generator=random)
        x = torch.stack([torch.from_numpy(data[i : i + length].astype(np.int64)) for i in at])
        y = torch.stack([torch.from_numpy(data[i + 1 : i + 1 + length].astype(np.int64)) for i in at])
        return x, y

    def datasets_items(step: int) -> tuple[object, object]:
        at = np.random.default_rng(step).integers(0, len(items), batch).tolist()
        stacked = torch.stack([items[i]["tokens"] for i in at]).long()
        return stacked[:, :-1], stacked[:, 1:]

    def datasets_batches(step: int) -> tuple[object, object]:
        at = np.random.default_rng(step).integers(0, len(rows), batch)
        taken = torch.from_numpy(np.asarray(rows[at]["tokens"]).astype(np.int64))
        return taken[:, :-1], taken[:, 1:]

    loaders: dict[str, tuple[Loader, int]] = {
        "corpuskit TokenOrder": (corpuskit, 200),
        "  epochs, weights and flags": (corpuskit_chosen, 200),
        "nanoGPT get_batch": (nanogpt, 60),
        "datasets, item by item": (datasets_items, 12),
        "datasets, a batch of rows at once": (datasets_batches, 60),
    }
    best = dict.fromkeys(loaders, 0.0)
    for _ in range(5):
        for label, (loader, steps) in loaders.items():
            loader(1)
            began = time.process_time()
            for step in range(2, steps + 2):
                loader(step)
            best[label] = max(best[label], steps * batch * length / (time.process_time() - began))
    ours = best["corpuskit TokenOrder"]
    for label, speed in best.items():
        print(f"{label:36s} {speed / 1e6:8.1f} M tokens a CPU-second   corpuskit is {ours / speed:5.1f} times")


if __name__ == "__main__":
    main()
