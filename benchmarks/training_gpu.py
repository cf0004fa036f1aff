"""Training 124 million parameters on graphics cards: tokens a second and the share of the peak.

    python benchmarks/training_gpu.py                      GPT-2's shape, 1,024 tokens a window, compiled, bfloat16
    python benchmarks/training_gpu.py --size 1B --length 2048 --steps 60
    python benchmarks/training_gpu.py --ranks 8 --parallel fsdp
    python benchmarks/training_gpu.py --rehearse           a tiny model on a processor: that the script itself works

What is timed is `pretrain` as a user calls it, on shards of random words with document masks; the first third of the
steps (compilation, warm-up) does not count. `benchmarks/gpu.md` says what to hold the figures against.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from peers import nothing_measured

from corpuskit.document import documents
from corpuskit.tokens import train_tokenizer, write_shards
from corpuskit.training import TrainConfig, pretrain, read_metrics

VOCABULARY = 50_257
GPT2 = {"layers": 12, "width": 768, "heads": 12}
TINY = {"layers": 2, "width": 64, "heads": 2}


def make_shards(folder: Path, length: int, texts: int, vocabulary: int) -> Path:
    """Shards of `texts` documents of 60 to 1,200 words, with a vocabulary of this size."""
    random = np.random.default_rng(0)
    words = np.array([f"word{number:x}" for number in range(3000)])
    chance = 1 / np.arange(1, 3001)
    chance /= chance.sum()
    lengths = random.integers(60, 1200, texts)
    rows = [
        {"id": f"{n:032x}", "text": " ".join(random.choice(words, size, p=chance)), "source": "zipf"}
        for n, size in enumerate(lengths)
    ]
    pq.write_table(pa.Table.from_batches([documents(rows)]), folder / "corpus.parquet")
    tokenizer = train_tokenizer([str(row["text"]) for row in rows[:200]], 3000)
    tokenizer = tokenizer.extended([f"<unused {n}>" for n in range(vocabulary - tokenizer.vocabulary)])
    write_shards([folder / "corpus.parquet"], tokenizer, folder / "tokens", sequence_length=length, hold_out=0)
    return folder / "tokens"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", help="a preset, such as 1B, instead of GPT-2's shape")
    parser.add_argument("--length", type=int, default=1024)
    parser.add_argument("--batch", type=int, default=512, help="windows a step")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--ranks", type=int)
    parser.add_argument("--parallel", default="auto", choices=["auto", "ddp", "fsdp"])
    parser.add_argument("--optimizer", default="adamw", choices=["adamw", "muon"])
    parser.add_argument("--no-compile", action="store_true")
    parser.add_argument("--rehearse", action="store_true")
    options = parser.parse_args()
    import torch

    if options.rehearse:
        options.length, options.batch, options.steps, options.no_compile = 64, 8, 6, True
    elif not torch.cuda.is_available():
        nothing_measured("no GPU here (benchmarks/gpu.md)")
    model = {"size": options.size} if options.size else TINY if options.rehearse else GPT2
    config = TrainConfig.model_validate(
        {
            "model": model,
            "budget": {"steps": options.steps},
            "batch": options.batch,
            "ranks": options.ranks,
            "parallel": options.parallel,
            "optimizer": options.optimizer,
            "learning_rate": 6e-4,
            "compile": not options.no_compile,
            "checkpoint_every": options.steps,
            "watch": {"samples_every": 0},
        }
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        texts, vocabulary = (200, 4000) if options.rehearse else (20_000, VOCABULARY)
        result = pretrain(make_shards(folder, options.length, texts, vocabulary), folder / "model", config)
        lines = read_metrics(folder / "model")
    counted = lines[len(lines) // 3 :]
    speed = float(np.median([line["tokens_per_second"] for line in counted]))
    shares = [line["mfu"] for line in counted if "mfu" in line]
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "processor"
    print(
        f"{device} x {options.ranks or max(1, torch.cuda.device_count())}: {result.parameters / 1e6:.0f} M parameters, "
        f"{options.batch} x {options.length} tokens a step: {speed:,.0f} tokens/s"
        + (f", {float(np.median(shares)):.1%} of the peak" if shares else "")
        + f", loss {lines[-1]['loss']:.3f} after {len(lines)} steps"
    )


if __name__ == "__main__":
    main()
