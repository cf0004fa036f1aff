"""Peers run in environments of their own, so that their pins never meet ours: `.venv-bench/NAME`, made on first use."""

from __future__ import annotations

import os
import shutil
import site
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"
ENVIRONMENTS = ROOT / ".venv-bench"

NOTHING_MEASURED = 77
"""Exit code of a benchmark that cannot run on this machine, and has said why."""


def nothing_measured(reason: str) -> NoReturn:
    """End a benchmark that needs what is not here."""
    print(f"nothing measured: {reason}")
    sys.exit(NOTHING_MEASURED)


def python_with(
    name: str, packages: Sequence[str], *, without_dependencies: Sequence[str] = (), beside_ours: bool = False
) -> Path:
    """The interpreter of the environment `name`, with the packages installed.

    `without_dependencies` are installed with --no-deps. `beside_ours`: it also sees this environment's packages and
    corpuskit; its own packages come first. The environment is made on first use, and again when the packages change.
    """
    folder = ENVIRONMENTS / name
    interpreter, stamp = folder / "bin" / "python", folder / ".installed"
    wanted = "\n".join([*packages, "--no-deps", *without_dependencies, sys.version.split()[0], str(beside_ours)])
    if stamp.is_file() and stamp.read_text() == wanted:
        return interpreter
    print(f"making the environment of {name} in {folder}", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    install = [str(interpreter), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for options, chosen in (([], packages), (["--no-deps"], without_dependencies)):
        if chosen:
            subprocess.run([*install, *options, *chosen], check=True)
    if beside_ours:
        (own,) = folder.glob("lib/python3*/site-packages")
        (own / "ours.pth").write_text("\n".join([*site.getsitepackages(), str(ROOT)]) + "\n")
    stamp.write_text(wanted)
    return interpreter


def run_again_with(interpreter: Path) -> None:
    """Replace this process by the same command under another interpreter, unless it runs there already."""
    if Path(sys.prefix).resolve() != interpreter.parents[1].resolve():
        sys.stdout.flush()
        os.execv(interpreter, [str(interpreter), *sys.argv])


def downloaded(name: str, packages: Sequence[str]) -> Path:
    """The folder with the packages' wheels, downloaded on first use and not installed."""
    folder = ENVIRONMENTS / f"{name}-wheels"
    stamp, wanted = folder / ".downloaded", "\n".join(packages)
    if not stamp.is_file() or stamp.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), *packages]
        subprocess.run(command, check=True)
        stamp.write_text(wanted)
    return folder


def timed(command: Sequence[str], environment: Mapping[str, str] | None = None) -> float:
    """Seconds on the clock that a command takes. Raises where it fails."""
    started = time.perf_counter()
    result = subprocess.run(
        list(command), env={**os.environ, **(environment or {})}, capture_output=True, text=True, check=False
    )
    if result.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{result.stdout[-3000:]}\n{result.stderr[-3000:]}")
    return time.perf_counter() - started
