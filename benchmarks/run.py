"""Every benchmark, one after the other: `make bench`. Each prints its own table, with its peers in the same run.

    python benchmarks/run.py [NAME ...]

A peer's environment is made on first use, which needs a package index. What a machine cannot run (no GPU, no reference
data) says so and counts as not measured, not as failed. The exit code is the number of benchmarks that failed.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from peers import DATA, NOTHING_MEASURED

FOLDER = Path(__file__).parent


def benchmarks() -> list[str]:
    """Names of the scripts that measure something; `NAME_peer.py` runs in a peer's environment, from its NAME."""
    return sorted(
        path.stem
        for path in FOLDER.glob("*.py")
        if path != Path(__file__) and not path.stem.endswith(("_peer", "_peers")) and '"__main__"' in path.read_text()
    )


def main() -> int:
    """Runs the scripts named on the command line, or all; goes on where one fails, and says so at the end."""
    failed, unmeasured = [], []
    for name in sys.argv[1:] or benchmarks():
        print(f"\n=== {name} ===", flush=True)
        text = (FOLDER / f"{name}.py").read_text()
        if not DATA.is_dir() and ("DATA" in text or "shared/data" in text):
            print(f"nothing measured: it needs the reference data in {DATA}")
            unmeasured.append(name)
            continue
        started = time.perf_counter()
        code = subprocess.run([sys.executable, str(FOLDER / f"{name}.py")], check=False).returncode
        if code == NOTHING_MEASURED:
            unmeasured.append(name)
        elif code:
            failed.append(name)
        print(f"({name}: {time.perf_counter() - started:.0f} s)", flush=True)
    if unmeasured:
        print(f"\nnot measured here: {', '.join(unmeasured)}")
    if failed:
        print(f"\nfailed: {', '.join(failed)}")
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
