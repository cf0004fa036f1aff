"""Peers live in environments of their own, so that their pins never meet ours: .venv-bench/NAME, made on first use."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"


def python_with(name: str, packages: Sequence[str]) -> Path:
    """The interpreter of the environment `name`, with the packages installed."""
    folder = ROOT / ".venv-bench" / name
    interpreter, stamp = folder / "bin" / "python", folder / ".installed"
    wanted = "\n".join(packages)
    if not stamp.exists() or stamp.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(interpreter), "-m", "pip", "install", "--quiet", *packages], check=True)
        stamp.write_text(wanted)
    return interpreter


def timed(command: Sequence[str], environment: Mapping[str, str] | None = None) -> float:
    """Seconds on the clock that a command takes. Raises where it fails."""
    started = time.perf_counter()
    result = subprocess.run(
        list(command), env={**os.environ, **(environment or {})}, capture_output=True, text=True, check=False
    )
    if result.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{result.stdout[-3000:]}\n{result.stderr[-3000:]}")
    return time.perf_counter() - started
