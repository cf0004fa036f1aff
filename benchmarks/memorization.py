"""What an audit costs: scoring beside a bare forward pass with its loss, and all metrics of ten million cached tokens.

    python benchmarks/memorization.py

1. The throughput of scoring windows (probability, rank, margin, entropy, spread of every token) over that of
   `model(input_ids).logits` and cross entropy at the same batch, in turns, wall clock and CPU time of the process.
   One thread, since the threads of a busy machine wait for each other.
2. The growth of the process's peak memory while either scores a batch of a large vocabulary.
3. Membership scores one text at a time with all logits kept, as the published scripts compute them, beside ours.
4. Seconds to compute every metric from a cache of ten million tokens.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from corpuskit.memorization.measures import metrics
from corpuskit.memorization.scoring.model import CausalModel
from corpuskit.memorization.scoring.scores import Passages, TokenScores, score_passages

BATCH, LENGTH = 32, 256
ROUNDS = 5


def build(folder: Path, vocabulary: int, width: int = 384, layers: int = 6) -> Path:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        intermediate_size=4 * width,
        num_hidden_layers=layers,
        num_attention_heads=width // 64,
        max_position_embeddings=1024,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def bare(model: CausalModel, tokens: np.ndarray[Any, Any]) -> float:
    import torch

    ids = torch.from_numpy(tokens)
    with torch.inference_mode():
        logits = model.model(input_ids=ids, use_cache=False).logits[:, :-1]
        return float(torch.nn.functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), ids[:, 1:].reshape(-1)))


def timed(work: Callable[[], object]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def throughput(folder: Path) -> None:
    for vocabulary in (8_000, 32_000):
        model = CausalModel(build(folder / f"v{vocabulary}", vocabulary))
        tokens = np.random.default_rng(0).integers(0, vocabulary, (BATCH, LENGTH))
        works = {"bare": lambda: bare(model, tokens), "scored": lambda: model.score(tokens)}  # noqa: B023
        best = dict.fromkeys(works, (np.inf, np.inf))
        for _ in range(ROUNDS):
            for name, work in works.items():
                found = timed(work)
                best[name] = (min(best[name][0], found[0]), min(best[name][1], found[1]))
        for clock, place in (("wall", 0), ("CPU", 1)):
            speeds = {name: tokens.size / seconds[place] for name, seconds in best.items()}
            print(
                f"vocabulary {vocabulary:6,}, {clock:4}: bare {speeds['bare']:8,.0f} tokens/s, "
                f"scored {speeds['scored']:8,.0f}: {speeds['scored'] / speeds['bare']:.2f} times"
            )


def _peak(folder: str, scored: bool, to: Any) -> None:
    import torch

    torch.set_num_threads(1)
    model = CausalModel(folder)
    tokens = np.random.default_rng(0).integers(0, 50_000, (BATCH, LENGTH))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if scored:
        model.score(tokens)
    else:
        bare(model, tokens)
    to.send((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)


def memory(folder: Path) -> None:
    build(folder / "wide", 50_000, width=128, layers=2)
    for scored in (False, True):
        mine, theirs = get_context("spawn").Pipe()
        process = get_context("spawn").Process(target=_peak, args=(str(folder / "wide"), scored, theirs))
        process.start()
        grown = mine.recv()
        process.join()
        print(f"{BATCH} x {LENGTH} tokens, vocabulary 50,000, {'scored' if scored else 'bare'}: peak {grown:,.0f} MiB")


def one_at_a_time(folder: Path) -> None:
    import torch

    model = CausalModel(folder / "v8000")
    chance = np.random.default_rng(1)
    texts = [chance.integers(0, 8_000, chance.integers(32, 65)) for _ in range(256)]
    direct: list[float] = []

    def published() -> None:
        for text in texts:
            ids = torch.from_numpy(text[None])
            with torch.inference_mode():
                logits = model.model(input_ids=ids, use_cache=False).logits
            input_ids = ids[0, 1:, None]
            probabilities = torch.softmax(logits[0, :-1], -1)
            logs = torch.log_softmax(logits[0, :-1], -1)
            token_logs = logs.gather(-1, input_ids)[:, 0]
            mean = (probabilities * logs).sum(-1)
            spread = (probabilities * logs.square()).sum(-1) - mean.square()
            normal = ((token_logs - mean) / spread.sqrt()).numpy()
            direct.append(float(np.sort(normal)[: int(len(normal) * 0.2)].mean()))

    ours: list[Any] = []

    def cached() -> None:
        scores = score_passages(model, Passages.of(texts), folder / "texts")
        ours.append(metrics.min_k_plus_plus(scores))

    theirs, mine = timed(published), timed(cached)
    print(
        f"Min-K%++ of {len(texts)} short texts: one at a time {theirs[0]:.1f} s ({theirs[1]:.1f} CPU), "
        f"ours {mine[0]:.1f} s ({mine[1]:.1f} CPU): {theirs[0] / mine[0]:.1f} times; "
        f"largest difference {np.abs(np.array(direct) - ours[0]).max():.1e}"
    )


def analysis(tokens: int = 10_000_000, length: int = 256) -> None:
    chance = np.random.default_rng(0)
    scores = TokenScores(
        offsets=np.arange(0, tokens + 1, length, dtype=np.int64),
        token=chance.integers(0, 8_000, tokens // length * length).astype(np.uint32),
        nll=chance.exponential(3, tokens // length * length).astype(np.float32),
        rank=chance.integers(0, 3, tokens // length * length).astype(np.uint16),
        margin=np.ones(tokens // length * length, np.float16),
        entropy=chance.uniform(1, 5, tokens // length * length).astype(np.float32),
        sigma=chance.uniform(0.5, 3, tokens // length * length).astype(np.float32),
        policies={},
        model="none",
    )
    texts = ["a text of ordinary length, which compresses somewhat " * 20] * len(scores)
    counts = np.bincount(scores.token, minlength=8_000)
    total = 0.0
    works: dict[str, Callable[[], object]] = {
        "loss": lambda: metrics.loss(scores),
        "zlib": lambda: metrics.zlib_ratio(scores, texts),
        "Min-K%": lambda: metrics.min_k(scores),
        "Min-K%++": lambda: metrics.min_k_plus_plus(scores),
        "DC-PDD": lambda: metrics.dc_pdd(scores, counts),
        "reference": lambda: metrics.reference(scores, scores),
        "longest runs": lambda: metrics.longest_runs(scores),
        "extractable at every length": lambda: metrics.extractable_by_length(scores, 32),
        "suffix probability": lambda: metrics.suffix_log_probability(scores, 32),
    }
    for name, work in works.items():
        wall, cpu = timed(work)
        total += wall
        print(f"{name:28} {wall:6.2f} s ({cpu:.2f} CPU)")
    print(f"{'all of ' + format(tokens, ',') + ' tokens':28} {total:6.2f} s")


def main() -> None:
    import torch

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        throughput(Path(folder))
        memory(Path(folder))
        one_at_a_time(Path(folder))
    analysis()


if __name__ == "__main__":
    sys.exit(main())
