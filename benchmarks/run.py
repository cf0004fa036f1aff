"""Every benchmark, one after the other: `make bench`. Each prints its own table, with its peers in the same run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def main() -> int:
    """Runs the scripts named on the command line, or all; goes on where one fails, and says so at the end."""
    folder = Path(__file__).parent
    chosen = sys.argv[1:] or sorted(
        path.stem
        for path in folder.glob("*.py")
        if path != Path(__file__) and not path.stem.endswith("_peer") and '"__main__"' in path.read_text()
    )
    failed = []
    for name in chosen:
        print(f"\n=== {name} ===", flush=True)
        if subprocess.run([sys.executable, str(folder / f"{name}.py")], check=False).returncode:
            failed.append(name)
    if failed:
        print(f"\nfailed: {', '.join(failed)}")
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
