"""What an adapter costs: time to read a prompt (prefill) and to write each token after it, and peak memory in training.

Each measurement is a call of `generate`, as a user would make it: prefill is the time to the first token, decoding the
rest of the time over the tokens that follow. The contenders take turns, and the order of a round is turned by one each
time, so that whatever else the machine does falls on all of them alike; what is reported is the median over rounds, and
the share over the base is the median of the rounds' own shares, with the middle half of them as the band of noise. An
encoder writes nothing: its prefill is the pass over the prompt, and nothing is decoded.
"""

from __future__ import annotations

import ctypes
import gc
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from corpuskit.errors import require

BASE = "base"


@dataclass(frozen=True)
class Pace:
    """How fast a model answers, for one size of batch."""

    prefill_ms: float
    """Milliseconds to the first token of the batch."""
    decode_ms: float | None
    """Milliseconds for each further token of the batch; None for an encoder."""
    prefill_overhead: float
    """Share that it takes over the base: 0.1 is ten per cent more."""
    decode_overhead: float | None
    prefill_noise: tuple[float, float]
    """Quartiles of that share over the rounds."""
    decode_noise: tuple[float, float] | None

    def json(self) -> dict[str, Any]:
        return asdict(self)


def measure_overhead(
    models: Mapping[str, Any],
    *,
    prompt: int = 64,
    tokens: int = 32,
    batches: Sequence[int] = (1, 8),
    rounds: int = 7,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, dict[int, Pace]]:
    """Name -> batch size -> pace, for models in memory by name; the one called `base` is what the others are held to.

    `prompt`: tokens to read, `tokens`: tokens to write after the first. `clock`: seconds; `time.process_time` counts
    processor time instead, which other programs on the machine do not lengthen.
    """
    torch = require("torch", "train")
    paces: dict[str, dict[int, Pace]] = {name: {} for name in models}
    names = list(models)
    for batch in batches:
        times = {name: np.zeros((rounds, 2)) for name in names}
        for turn in range(-1, rounds):  # the first round warms up
            for place in range(len(names)):
                name = names[(place + turn) % len(names)]
                with torch.no_grad():
                    spent = _timed(models[name], batch, prompt, tokens, clock)
                if turn >= 0:
                    times[name][turn] = spent
        for name in names:
            paces[name][batch] = _pace(times[name], times[BASE])
    return paces


def _timed(model: Any, batch: int, prompt: int, tokens: int, clock: Callable[[], float]) -> tuple[float, float]:
    """(seconds to the first token, seconds for each further one)"""
    torch = require("torch", "train")
    vocabulary = model.config.vocab_size
    given = torch.randint(5, vocabulary, (batch, prompt), generator=torch.Generator().manual_seed(prompt))
    given = given.to(next(model.parameters()).device)
    mask = torch.ones_like(given)
    if not hasattr(model, "generate") or not model.can_generate():
        began = clock()
        model(input_ids=given, attention_mask=mask)
        return clock() - began, float("nan")

    def write(count: int) -> float:
        began = clock()
        model.generate(
            input_ids=given, attention_mask=mask, max_new_tokens=count, min_new_tokens=count, do_sample=False
        )
        return clock() - began

    first = write(1)
    return first, (write(1 + tokens) - first) / tokens


def _pace(times: Any, base: Any) -> Pace:
    shares = times / base - 1
    prefill, decode = np.median(times, axis=0) * 1000
    low, middle, high = np.quantile(shares, (0.25, 0.5, 0.75), axis=0)
    decodes = bool(np.isfinite(decode))
    return Pace(
        prefill_ms=float(prefill),
        decode_ms=float(decode) if decodes else None,
        prefill_overhead=float(middle[0]),
        decode_overhead=float(middle[1]) if decodes else None,
        prefill_noise=(float(low[0]), float(high[0])),
        decode_noise=(float(low[1]), float(high[1])) if decodes else None,
    )


STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@dataclass
class Peak:
    bytes: int | None = None
    """Highest use over what was in use at the start; None where the system does not tell (other than Linux)."""


@contextmanager
def peak_memory() -> Iterator[Peak]:
    """Measures its block: `with peak_memory() as peak: ...`, then `peak.bytes`."""
    torch = require("torch", "train")
    peak = Peak()
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        yield peak
        peak.bytes = int(torch.cuda.max_memory_allocated() - before)
        return
    start = _reset()
    yield peak
    top = _status("VmHWM")
    peak.bytes = None if start is None or top is None else max(0, top - start)


def _reset() -> int | None:
    """Forget the process's highest memory; what it holds now, or None where that cannot be done."""
    try:
        ctypes.CDLL("libc.so.6").malloc_trim(0)  # memory that was freed and kept for later counts as free
        CLEAR.write_text("5")
    except (OSError, AttributeError):
        return None
    return _status("VmRSS")


def _status(name: str) -> int | None:
    try:
        line = next(line for line in STATUS.read_text().splitlines() if line.startswith(f"{name}:"))
    except (OSError, StopIteration):
        return None
    return int(line.split()[1]) * 1024
