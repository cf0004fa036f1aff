"""What a training runs on: the device, the number format, the ranks that `torchrun` started, and the signals that
stop it after the current step."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from corpuskit.errors import require


@dataclass(frozen=True)
class Machine:
    device: str
    rank: int
    ranks: int
    bfloat16: bool
    group: Any = None
    """Process group of the ranks for what is written in the background, where there are several."""

    def autocast(self) -> AbstractContextManager[Any]:
        torch = require("torch", "train")
        kind = self.device.split(":")[0]
        context: AbstractContextManager[Any] = torch.autocast(kind, torch.bfloat16, enabled=self.bfloat16)
        return context

    def narrowed(self, states: Any) -> Any:
        """Hidden states in the format that products are computed in."""
        return states.bfloat16() if self.bfloat16 else states

    def tensors(self, arrays: dict[str, Any]) -> dict[str, Any]:
        torch = require("torch", "train")
        return {name: torch.from_numpy(array).to(self.device, non_blocking=True) for name, array in arrays.items()}

    def sum(self, tensor: Any) -> Any:
        """The tensor added up over all ranks, in place."""
        if self.ranks > 1:
            require("torch.distributed", "train").all_reduce(tensor)
        return tensor


@contextmanager
def this_machine(precision: str) -> Iterator[Machine]:
    """The machine for a run: CUDA where there is one, and the process group that torchrun's environment names."""
    torch = require("torch", "train")
    ranks = int(os.environ.get("WORLD_SIZE", "1"))
    cuda = torch.cuda.is_available()
    device = f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if cuda else "cpu"
    able = torch.cuda.is_bf16_supported() if cuda else _cpu_bfloat16()
    started = False
    if ranks > 1 and not torch.distributed.is_initialized():
        torch.distributed.init_process_group("nccl" if cuda else "gloo")
        started = True
    if cuda:
        torch.cuda.set_device(device)
    try:
        wanted = able if precision == "auto" else precision == "bfloat16"
        group = torch.distributed.new_group(backend="gloo") if ranks > 1 else None
        yield Machine(device, int(os.environ.get("RANK", "0")), ranks, wanted, group)
    finally:
        if started:
            torch.distributed.destroy_process_group()


def _cpu_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 itself; elsewhere it is slower than float32."""
    cpu = require("torch", "train").cpu
    tests = (getattr(cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
    return any(test is not None and test() for test in tests)


@contextmanager
def stop_signals() -> Iterator[Callable[[], str | None]]:
    """SIGTERM and SIGINT ask for an end after the step; a second SIGINT interrupts at once. The function that it
    gives returns the name of the signal that came, or None."""
    asked: list[str] = []

    def ask(number: int, frame: Any) -> None:
        if asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        asked.append(signal.Signals(number).name)

    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield lambda: asked[0] if asked else None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
