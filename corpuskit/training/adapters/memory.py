"""The most memory that a stretch of work takes: of the graphics card where there is one, else of the process."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from corpuskit.errors import require

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@dataclass
class Peak:
    bytes: int | None = None
    """Highest use over what was in use at the start; None where the system does not tell (other than Linux)."""


@contextmanager
def peak_memory() -> Iterator[Peak]:
    """Measures its block: `with peak_memory() as peak: ...`, then `peak.bytes`."""
    torch = require("torch", "train")
    found = Peak()
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        yield found
        found.bytes = int(torch.cuda.max_memory_allocated() - before)
        return
    start = _reset()
    yield found
    top = _status("VmHWM")
    found.bytes = None if start is None or top is None else max(0, top - start)


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
