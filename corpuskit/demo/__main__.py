"""`python -m corpuskit.demo --port 8000` serves the site until Ctrl-C; `--build FOLDER` writes it as files."""

from __future__ import annotations

import argparse
import contextlib
import threading
from pathlib import Path

from corpuskit.demo import build, serve


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m corpuskit.demo", description="The demo web site of corpuskit.")
    parser.add_argument("--port", type=int, default=8000, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--build", type=Path, metavar="FOLDER", help="write the site into FOLDER instead of serving it")
    arguments = parser.parse_args()
    if arguments.build:
        print(f"{build(arguments.build)} files in {arguments.build}")
        return
    with serve(arguments.port) as base, contextlib.suppress(KeyboardInterrupt):
        print(f"{base}/  (Ctrl-C ends it)", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
