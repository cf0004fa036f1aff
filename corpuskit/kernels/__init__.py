"""Compiled loops over Arrow buffers. Nothing here knows what a document is."""

from __future__ import annotations

import os
from pathlib import Path


def compiled() -> bool:
    """Whether an earlier process left compiled kernels, so that this one need not wait for them."""
    return any(Path(__file__).parent.glob("__pycache__/*.nbi")) or "NUMBA_CACHE_DIR" in os.environ


def _forget_stale_code() -> None:
    """Remove compiled functions of this package that are older than a source that they may hold inlined.

    numba keeps a compiled function until that function's own file changes, although it may hold one of another file:
    after an update of some files it would go on running the old one. A function may hold kernels, and compiled
    functions of its own folder.
    """
    package = Path(__file__).parents[1]
    kernels = max(path.stat().st_mtime_ns for path in Path(__file__).parent.glob("*.py"))
    for cache in package.rglob("__pycache__"):
        compiled = list(cache.glob("*.nb[ic]"))
        try:
            sources = {cache.parent / f"{path.name.partition('.')[0]}.py" for path in compiled}
            newest = max([kernels, *(path.stat().st_mtime_ns for path in sources if path.exists())])
            for path in compiled:
                if path.stat().st_mtime_ns < newest:
                    path.unlink()
        except OSError:  # another process was first, or the installation may not be written to
            continue


_forget_stale_code()
