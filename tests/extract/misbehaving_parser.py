"""A parser that does what real ones do on bad days. The sandbox's child process imports it by name."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import Any

from corpuskit.extract.result import Extracted


def parse(page: bytes, **arguments: Any) -> Extracted:
    if page == b"hang":
        while True:
            time.sleep(0.01)
    if page == b"crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if page == b"exit":
        sys.exit(3)
    if page == b"memory":
        bytearray(1 << 40)
    if page == b"raise":
        raise RuntimeError("a parser's own error")
    if page == b"print":
        print("noise on the standard output")
        os.write(1, b"and past Python")
    return Extracted(page.decode(), None, None, None, None, None, str(os.getpid()), "plain")
