"""The child process that parses pages for a Sandbox: one request in, one answer out, until its input ends.

    python -m corpuskit.extract.worker MODULE:FUNCTION MEMORY_BYTES

A request is two lengths (8 bytes each, little-endian), a JSON object of arguments and the page's bytes; an answer is a
length and a JSON object. Nothing is unpickled on either side.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import resource
import signal
import struct
import sys
from dataclasses import asdict
from typing import BinaryIO

_DIE_WITH_PARENT = 1


def serve(requests: BinaryIO, answers: BinaryIO, function: str) -> None:
    """Answer requests with what `function` ('module:name') makes of the page, until the input ends."""
    module, name = function.split(":")
    parse = getattr(importlib.import_module(module), name)
    warm_up = getattr(importlib.import_module(module), "warm_up", None)
    if warm_up is not None:
        warm_up()
    _send(answers, {"ready": True})
    while len(lengths := requests.read(16)) == 16:
        arguments, content = (requests.read(length) for length in struct.unpack("<QQ", lengths))
        try:
            answer = asdict(parse(content, **json.loads(arguments)))
        except MemoryError:
            _send(answers, {"error": "the page needs more memory than allowed", "done": True})
            return
        except Exception as error:  # a parser may raise anything; the page is the cause
            answer = {"error": str(error).split("\n")[0] or type(error).__name__}
        _send(answers, answer)


def _send(answers: BinaryIO, answer: dict[str, object]) -> None:
    message = json.dumps(answer).encode()
    answers.write(struct.pack("<Q", len(message)) + message)
    answers.flush()


def main() -> None:
    function, memory = sys.argv[1], int(sys.argv[2])
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print is no answer
    serve(sys.stdin.buffer, answers, function)


if __name__ == "__main__":
    main()
