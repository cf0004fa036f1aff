"""Pages parsed in a child process, so that one that hangs or crashes the parser costs itself alone.

The child lives as long as the pages behave. It is killed when a page takes longer than its time, dies alone when a
parser crashes or needs more memory than allowed, and a new one starts with the next page.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from corpuskit.errors import CorpuskitError
from corpuskit.extract.errors import Unreadable
from corpuskit.extract.page import Engine, Format
from corpuskit.extract.result import Extracted

_START_SECONDS = 600.0
"""A worker compiles its kernels before its first page where no earlier process has."""

_PATIENCE = 4.0
"""A page may take so many times its seconds by the clock: on a busy machine its process waits for its turn."""


class Sandbox:
    """Extracts pages in a child process with limits: `seconds` of processor time a page (on Linux; by the clock
    elsewhere, and at most four times as long by the clock), `memory` bytes in all."""

    def __init__(
        self, seconds: float = 20.0, memory: int = 4 << 30, function: str = "corpuskit.extract.page:extract"
    ) -> None:
        self.seconds, self.memory, self.function = seconds, memory, function
        self._child: subprocess.Popen[bytes] | None = None

    def extract(
        self,
        html: bytes,
        url: str | None = None,
        media_type: str | None = None,
        kind: str = "other",
        engine: Engine = "learned",
        format: Format = "text",
        fetched: str | None = None,
    ) -> Extracted:
        """What `corpuskit.extract.extract` returns.

        Raises Unreadable for a page that the parser refuses, does not finish in time or dies of.
        """
        arguments = json.dumps(
            {
                "url": url,
                "media_type": media_type,
                "kind": kind,
                "engine": engine,
                "format": format,
                "fetched": fetched,
            }
        ).encode()
        child = self._running()
        assert child.stdin is not None
        used = _processor_seconds(child.pid)
        try:
            child.stdin.write(struct.pack("<QQ", len(arguments), len(html)))
            child.stdin.write(arguments)
            child.stdin.write(html)
            child.stdin.flush()
            answer = self._answer(child, self.seconds, used)
        except TimeoutError:
            self.close()
            raise Unreadable(f"the parser did not finish within {self.seconds:g} s") from None
        except (BrokenPipeError, EOFError):
            code = child.wait()
            self.close()
            how = f"signal {-code}" if code < 0 else f"exit code {code}"
            raise Unreadable(f"the parser crashed ({how})") from None
        if answer.get("done"):
            self.close()
        if "error" in answer:
            raise Unreadable(str(answer["error"]))
        return Extracted(**answer)

    def close(self) -> None:
        """End the child process. The next page starts another."""
        child, self._child = self._child, None
        if child:
            child.kill()
            child.wait()
            for stream in (child.stdin, child.stdout):
                if stream:
                    with contextlib.suppress(OSError):  # what was still to be written has no reader
                        stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._child is None or self._child.poll() is not None:
            self.close()
            self._child = subprocess.Popen(
                [sys.executable, "-m", "corpuskit.extract.worker", self.function, str(self.memory)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            )
            try:
                self._answer(self._child, _START_SECONDS)
            except (EOFError, TimeoutError):
                self.close()
                raise CorpuskitError(
                    f"the extraction worker did not start; try: {sys.executable} -m corpuskit.extract.worker "
                    f"{self.function} {self.memory}"
                ) from None
        return self._child

    def _answer(self, child: subprocess.Popen[bytes], seconds: float, used: float | None = None) -> dict[str, Any]:
        """The next answer. Raises TimeoutError after `seconds`, EOFError where the child has died.

        With `used`, the processor time that the child had used before, only its processor time since then counts.
        """
        began = time.monotonic()

        def left() -> float:
            """Seconds to wait before asking again; none are left at 0."""
            clock = time.monotonic() - began
            now = _processor_seconds(child.pid) if used is not None else None
            if used is None or now is None:
                return max(0.0, seconds - clock)
            return max(0.0, min(seconds - (now - used), _PATIENCE * seconds - clock))

        (length,) = struct.unpack("<Q", self._read(child, 8, left))
        answer: dict[str, Any] = json.loads(self._read(child, length, left))
        return answer

    @staticmethod
    def _read(child: subprocess.Popen[bytes], length: int, left: Callable[[], float]) -> bytes:
        assert child.stdout is not None
        descriptor = child.stdout.fileno()
        data = bytearray()
        while len(data) < length:
            wait = left()
            ready, _, _ = select.select([descriptor], [], [], wait)
            if not ready and wait > 0:
                continue
            if not ready:
                raise TimeoutError
            piece = os.read(descriptor, min(length - len(data), 1 << 20))
            if not piece:
                raise EOFError
            data += piece
        return bytes(data)


def _processor_seconds(process: int) -> float | None:
    """Processor time that a process has used; None where the system does not say (it has no /proc)."""
    try:
        with open(f"/proc/{process}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return None
