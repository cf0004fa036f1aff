"""The local executor: worker processes with a pipe each, so that the death of one is known, survived and pinned down.

A worker that dies (a crash in compiled code, the kernel's out-of-memory killer) takes only its own task with it. The
task says where it is as it goes; a second attempt takes the fatal batch row by row, a third leaves the fatal row out,
which ends in the quarantine. `concurrent.futures` would lose the whole pool and not know which task was to blame.

On Linux workers are forked from a server process that has loaded, once, what this process has loaded of corpuskit and
what loads late (pandas behind pyarrow, numba's registries behind the first kernel): 1.4 s of CPU that each worker
would spend anew.
"""

from __future__ import annotations

import ctypes
import logging
import multiprocessing
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any, Protocol

from corpuskit.engine.task import Worker
from corpuskit.errors import CorpuskitError, refused_by_system

Say = Callable[..., None]

MAX_POISON = 100
"""Rows of one task that may kill a worker before the task is given up."""


class Task(Protocol):
    """A picklable piece of work."""

    @property
    def name(self) -> str: ...

    def run(self, worker: Worker) -> Any: ...


class Executor(Protocol):
    def map(self, tasks: Sequence[Task], heard: Say) -> Iterator[tuple[int, Any]]:
        """(position of the task, its result) as tasks finish; `heard` gets what they say meanwhile.

        Raises CorpuskitError with a task's own message where one fails.
        """

    def close(self) -> None: ...


@dataclass
class _Attempt:
    position: int
    careful: set[int] = field(default_factory=set)
    poison: set[tuple[int, int]] = field(default_factory=set)
    at: tuple[int, int] = (-1, -1)
    deaths: int = 0


class LocalPool:
    """`workers` processes, started when first needed, that live until `close`."""

    def __init__(self, workers: int):
        self.workers = max(1, workers)
        self._context = _context()
        self._idle: list[tuple[Any, Connection]] = []

    def map(self, tasks: Sequence[Task], heard: Say) -> Iterator[tuple[int, Any]]:
        waiting = [_Attempt(position) for position in range(len(tasks))][::-1]
        busy: dict[Connection, tuple[Any, _Attempt]] = {}
        try:
            while waiting or busy:
                while waiting and len(busy) < self.workers:
                    process, pipe = self._idle.pop() if self._idle else self._start()
                    attempt = waiting.pop()
                    try:
                        pipe.send((tasks[attempt.position], frozenset(attempt.careful), frozenset(attempt.poison)))
                    except (BrokenPipeError, OSError):  # it died while idle
                        waiting.append(attempt)
                        continue
                    busy[pipe] = (process, attempt)
                for ready in wait(list(busy)):
                    assert isinstance(ready, Connection)
                    process, attempt = busy[ready]
                    try:
                        kind, *content = ready.recv()
                    except (EOFError, ConnectionResetError, OSError):
                        del busy[ready]
                        process.join()
                        self._learn(attempt, tasks[attempt.position].name, process.exitcode)
                        waiting.append(attempt)
                        continue
                    if kind == "at":
                        attempt.at = (content[0], content[1])
                    elif kind == "done":
                        del busy[ready]
                        self._idle.append((process, ready))
                        yield attempt.position, content[0]
                    elif kind == "failed":
                        message, expected, trace = content
                        name = tasks[attempt.position].name
                        raise CorpuskitError(message if expected else f"{name}: {message}\n{trace}")
                    else:
                        heard(kind, *content)
        finally:
            for ready, (process, _) in busy.items():
                _stop(process, ready)

    def _learn(self, attempt: _Attempt, name: str, code: int | None) -> None:
        """Make the next attempt at a task whose worker died gentler."""
        how = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
        batch, row = attempt.at
        attempt.deaths += 1
        if batch < 0 or len(attempt.poison) >= MAX_POISON:
            if attempt.deaths > 2 or len(attempt.poison) >= MAX_POISON:
                raise CorpuskitError(f"{name}: the process that ran it died ({how}), {attempt.deaths} times")
        elif row >= 0:
            attempt.poison.add((batch, row))
        elif batch in attempt.careful:
            raise CorpuskitError(f"{name}: the process that ran it died ({how}) between the rows of batch {batch}")
        else:
            attempt.careful.add(batch)
        attempt.at = (-1, -1)

    def _start(self) -> tuple[Any, Connection]:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_work, args=(theirs, dict(os.environ)), daemon=False)
        process.start()
        theirs.close()
        return process, ours

    def close(self) -> None:
        for process, pipe in self._idle:
            _stop(process, pipe)
        self._idle = []


def _stop(process: Any, pipe: Connection) -> None:
    pipe.close()
    process.terminate()
    process.join()


def _work(pipe: Connection, environment: dict[str, str]) -> None:
    """The life of a worker: take a task, run it, answer, until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends its workers
    _die_with_parent()
    if os.environ != environment:  # it has changed since the server that forks workers began
        os.environ.clear()
        os.environ.update(environment)

    def say(*message: Any) -> None:
        try:
            pipe.send(message)
        except (BrokenPipeError, OSError):
            os._exit(1)

    _forward_log(say)
    while True:
        try:
            task, careful, poison = pipe.recv()
        except (EOFError, OSError):
            return
        try:
            result = task.run(Worker(say, careful, poison))
        except CorpuskitError as error:
            say("failed", str(error), True, "")
        except Exception as error:
            refusal = refused_by_system(error)
            if refusal is not None:
                say("failed", refusal, True, "")
            else:
                say("failed", f"{type(error).__name__}: {error}", False, traceback.format_exc())
        else:
            say("done", result)


class _Forwarding(logging.Handler):
    def __init__(self, say: Say):
        super().__init__(logging.INFO)
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        self._say("note", record.getMessage())


def _forward_log(say: Say) -> None:
    """Let the person who runs hear what the stages tell the logger `corpuskit` (a plan, a limit reached)."""
    logger = logging.getLogger("corpuskit")
    logger.setLevel(logging.INFO)
    logger.addHandler(_Forwarding(say))


def _die_with_parent() -> None:
    """Ask Linux to end this process when the one that forked it is gone, so that no worker goes on writing alone.

    The server that forks workers ends with the process that runs the pool.
    """
    if sys.platform == "linux":
        forked_by = os.getppid()
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
        if forked_by == 1 or os.getppid() != forked_by:
            os._exit(1)


def _context() -> Any:
    """How workers are started."""
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    loaded = (name for name in list(sys.modules) if name.split(".")[0] == "corpuskit" and "__main__" not in name)
    context.set_forkserver_preload([*sorted(loaded), "corpuskit.kernels.warm"])
    return context
