"""What an audit costs: scoring beside a bare forward pass with its loss, all metrics of ten million tokens, the joins.

    python benchmarks/memorization.py [throughput] [memory] [published] [suite] [metrics] [joins]

throughput  Tokens a second of scoring windows (probability, rank, margin, entropy, spread of every token) over those
            of `model(input_ids).logits` and cross entropy at the same batch, in turns, wall clock and CPU time. One
            thread, since the threads of a busy machine wait for each other.
memory      Growth of the process's peak memory while one batch is scored, for two vocabularies and two lengths.
published   Membership scores as the published script has them (run.py of github.com/zjysteven/mink-plus-plus, commit
            62281ab: one text at a time, all logits kept, loss, zlib, Min-K% and Min-K%++ at ten shares), written here
            from its formulas, beside ours; on a CPU, where the forward pass is nearly all of both.
suite       The same as the suite MIMIR has them (mimir/models.py and attacks/, commits 014d0ea and 206c010), written
            here from its procedure: loss, zlib, Min-K% and Min-K%++ at one share and a reference model, where Min-K%++
            asks the model again, the reference is a third pass, and each token's probability is taken out by itself.
metrics     Seconds to compute every metric from a cache of ten million tokens.
joins       Copies at 32, 50 and 100 tokens of 2,000 windows, and spans of 64 texts, in ten million tokens.
"""

from __future__ import annotations

import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from corpuskit.memorization.measures import metrics
from corpuskit.memorization.scoring.model import CausalModel
from corpuskit.memorization.scoring.scores import Passages, TokenScores, score_passages
from corpuskit.training.adapters.overhead import peak_memory

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


def _peak(folder: str, scored: bool, vocabulary: int, length: int, to: Any) -> None:
    import torch

    torch.set_num_threads(1)
    model = CausalModel(folder)
    tokens = np.random.default_rng(0).integers(0, vocabulary, (BATCH, length))
    model.score(tokens[:1, :8])  # what is compiled and loaded once
    with peak_memory() as peak:  # not ru_maxrss, which a process inherits from the one that started it
        if scored:
            model.score(tokens)
        else:
            bare(model, tokens)
    assert peak.bytes is not None
    to.send(peak.bytes / 2**20)


def memory(folder: Path) -> None:
    for vocabulary in (25_000, 100_000):
        wide = build(folder / f"wide{vocabulary}", vocabulary, width=64, layers=1)
        for length in (256, 512):
            grown = {}
            for scored in (False, True):
                mine, theirs = get_context("spawn").Pipe()
                arguments = (str(wide), scored, vocabulary, length, theirs)
                process = get_context("spawn").Process(target=_peak, args=arguments)
                process.start()
                grown[scored] = mine.recv()
                process.join()
            print(
                f"{BATCH} x {length} tokens, vocabulary {vocabulary:7,}: "
                f"bare +{grown[False]:,.0f} MiB, scored +{grown[True]:,.0f} MiB",
                flush=True,
            )


def published(folder: Path) -> None:
    """The peer keeps softmax and log-softmax of every text; ours scores in batches of like length, into the cache."""
    import torch

    shares = [number / 10 for number in range(1, 11)]
    for vocabulary in (8_000, 50_000):
        model = CausalModel(build(folder / f"p{vocabulary}", vocabulary, width=64, layers=2))
        chance = np.random.default_rng(1)
        texts = [chance.integers(0, vocabulary, chance.integers(32, 65)) for _ in range(256)]
        words = [" ".join(map(str, text)) for text in texts]
        theirs: dict[str, list[float]] = {}

        def peer(model: CausalModel = model, texts: Any = texts, words: Any = words, theirs: Any = theirs) -> None:
            for text, written in zip(texts, words, strict=True):
                ids = torch.from_numpy(text[None])
                with torch.no_grad():
                    output = model.model(ids, labels=ids)
                mean = -output.loss.item()
                theirs.setdefault("loss", []).append(mean)
                theirs.setdefault("zlib", []).append(mean / len(zlib.compress(written.encode())))
                before = output.logits[0, :-1]
                chances, logs = before.softmax(-1), before.log_softmax(-1)
                own = logs[torch.arange(len(logs)), ids[0, 1:]]
                middle = (chances * logs).sum(-1)
                spread = ((chances * logs**2).sum(-1) - middle**2).sqrt()
                for name, values in (("min_k", own), ("min_k_plus_plus", (own - middle) / spread)):
                    for share in shares:
                        lowest = np.sort(values.numpy())[: int(len(values) * share)]
                        theirs.setdefault(f"{name} {share}", []).append(float(lowest.mean()))

        ours: dict[str, Any] = {}

        def cached(model: CausalModel = model, texts: Any = texts, words: Any = words, ours: Any = ours) -> None:
            scores = score_passages(model, Passages.of(texts), Path(tempfile.mkdtemp(dir=folder)))
            ours |= {"loss": metrics.loss(scores), "zlib": metrics.zlib_ratio(scores, words)}
            for share in shares:
                ours[f"min_k {share}"] = metrics.min_k(scores, share)
                ours[f"min_k_plus_plus {share}"] = metrics.min_k_plus_plus(scores, share)

        cached()  # compiled once
        ours.clear()
        seconds = timed(peer), timed(cached)
        exact = [exactly(model, text, shares) for text in texts]
        print(
            f"vocabulary {vocabulary:6,}, {len(texts)} texts: "
            f"published {seconds[0][0]:.2f} s ({seconds[0][1]:.2f} CPU), "
            f"ours {seconds[1][0]:.2f} s ({seconds[1][1]:.2f} CPU): {seconds[0][1] / seconds[1][1]:.1f} times"
        )
        for kind in ("loss", "zlib", "min_k ", "min_k_plus_plus"):
            names = [name for name in theirs if name.startswith(kind)]
            apart = max(float(np.abs(np.array(theirs[name]) - ours[name]).max()) for name in names)
            print(f"    {kind:16} furthest apart {apart:.1e}", end="")
            if kind.startswith("min_k_"):
                right = {name: np.array([one[float(name.split()[1])] for one in exact]) for name in names}
                errors = [max(float(np.abs(np.array(of[n]) - right[n]).max()) for n in names) for of in (theirs, ours)]
                print(f"; from double precision: published {errors[0]:.1e}, ours {errors[1]:.1e}", end="")
            print(flush=True)


def suite(folder: Path) -> None:
    """Five attacks as MIMIR runs them, a text after the other, beside the same five from two caches."""
    import torch

    for vocabulary, shortest, longest, count in ((8_000, 32, 64, 256), (50_000, 32, 64, 256), (50_000, 150, 300, 64)):
        model, reference = (
            CausalModel(build(folder / f"s{vocabulary}-{width}", vocabulary, width=width, layers=2))
            for width in (128, 64)
        )
        chance = np.random.default_rng(2)
        texts = [chance.integers(0, vocabulary, chance.integers(shortest, longest + 1)) for _ in range(count)]
        words = [" ".join(map(str, text)) for text in texts]
        theirs: dict[str, list[float]] = {
            name: [] for name in ("loss", "zlib", "min_k", "min_k_plus_plus", "reference")
        }

        def logs_of(of: CausalModel, text: Any) -> tuple[list[float], Any]:
            ids = torch.from_numpy(text[None])
            with torch.no_grad():
                logs = of.model(ids, labels=ids).logits[..., :-1, :].contiguous().log_softmax(-1)
            return [logs[0, place, token].item() for place, token in enumerate(ids[0, 1:])], logs[0]

        def peer(
            model: CausalModel = model,
            reference: CausalModel = reference,
            texts: Any = texts,
            words: Any = words,
            theirs: Any = theirs,
        ) -> None:
            for text, written in zip(texts, words, strict=True):
                own, _ = logs_of(model, text)
                loss = -float(np.mean(own))
                theirs["loss"].append(-loss)
                theirs["zlib"].append(-loss / len(zlib.compress(written.encode())))
                theirs["min_k"].append(float(np.mean(sorted(own)[: int(len(own) * 0.2)])))
                own, logs = logs_of(model, text)
                chances = logs.exp()
                middle = (chances * logs).sum(-1)
                spread = ((chances * logs.square()).sum(-1) - middle.square()).sqrt()
                scaled = sorted((np.array(own) - middle.numpy()) / spread.numpy())
                theirs["min_k_plus_plus"].append(float(np.mean(scaled[: int(len(scaled) * 0.2)])))
                theirs["reference"].append(-loss - float(np.mean(logs_of(reference, text)[0])))

        ours: dict[str, Any] = {}

        def cached(
            model: CausalModel = model,
            reference: CausalModel = reference,
            texts: Any = texts,
            words: Any = words,
            ours: Any = ours,
        ) -> None:
            passages = Passages.of(texts)
            scores, other = (
                score_passages(one, passages, Path(tempfile.mkdtemp(dir=folder))) for one in (model, reference)
            )
            ours |= {
                "loss": metrics.loss(scores),
                "zlib": metrics.zlib_ratio(scores, words),
                "min_k": metrics.min_k(scores, 0.2),
                "min_k_plus_plus": metrics.min_k_plus_plus(scores, 0.2),
                "reference": metrics.reference(scores, other),
            }

        cached()  # compiled once
        seconds = timed(peer), timed(cached)
        print(
            f"suite, vocabulary {vocabulary:6,}, {count} texts of {shortest} to {longest} tokens: "
            f"MIMIR's way {seconds[0][0]:.2f} s ({seconds[0][1]:.2f} CPU), ours {seconds[1][0]:.2f} s "
            f"({seconds[1][1]:.2f} CPU): {seconds[0][1] / seconds[1][1]:.1f} times; furthest apart "
            + ", ".join(f"{name} {np.abs(np.array(theirs[name]) - ours[name]).max():.0e}" for name in ours),
            flush=True,
        )


def exactly(model: CausalModel, text: Any, shares: list[float]) -> dict[float, float]:
    """Min-K%++ of one text at each share, from the same logits in double precision."""
    import torch

    ids = torch.from_numpy(text[None])
    with torch.no_grad():
        logs = model.model(ids).logits[0, :-1].double().log_softmax(-1)
    own, mean = logs[torch.arange(len(logs)), ids[0, 1:]], (logs.exp() * logs).sum(-1)
    spread = (logs.exp() * (logs - mean[:, None]) ** 2).sum(-1).sqrt()
    values = np.sort(((own - mean) / spread).numpy())
    return {share: float(values[: int(len(values) * share)].mean()) for share in shares}


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


def joins(tokens: int = 10_000_000) -> None:
    from corpuskit.memorization.corpus import corpus_spans
    from corpuskit.memorization.corpus.copies import LENGTHS, count_stretches

    class Shard:
        path = Path("shard")

        def __init__(self, values: Any, offsets: Any) -> None:
            self.tokens, self.offsets = values, offsets

        def __len__(self) -> int:
            return len(self.offsets) - 1

    class Corpus:
        def __init__(self, shard: Shard) -> None:
            self.shards = [shard]

    chance = np.random.default_rng(0)
    values = (chance.zipf(1.2, tokens) % 16_000).astype(np.uint16) + np.uint16(2)
    offsets = np.arange(0, tokens + 1, 500)
    values[offsets[1:] - 1] = 0
    corpus: Any = Corpus(Shard(values, offsets))
    starts = chance.integers(0, tokens // 500, 2000) * 500 + chance.integers(0, 380, 2000)
    for length in LENGTHS:
        wanted = values[starts[:, None] + np.arange(length)].astype(np.int64)
        count_stretches(corpus, wanted[:1])
        wall, cpu = timed(lambda: count_stretches(corpus, wanted))  # noqa: B023
        print(f"copies of 2,000 stretches of {length:3} tokens in {tokens:,}: {wall:.2f} s ({cpu:.2f} CPU)")
    texts = [values[start : start + 120] for start in starts[:64]]
    wall, cpu = timed(lambda: corpus_spans(corpus, texts, 50))
    print(f"spans of 64 texts of 120 tokens in {tokens:,}: {wall:.2f} s ({cpu:.2f} CPU), most of it sorting")


def main() -> None:
    import torch

    torch.set_num_threads(1)
    parts: dict[str, Callable[[Path], None]] = {
        "throughput": throughput,
        "memory": memory,
        "published": published,
        "suite": suite,
        "metrics": lambda folder: analysis(),
        "joins": lambda folder: joins(),
    }
    with tempfile.TemporaryDirectory() as folder:
        for name in sys.argv[1:] or parts:
            print(f"-- {name}", flush=True)
            parts[name](Path(folder))


if __name__ == "__main__":
    sys.exit(main())
