"""Compiled loops over Arrow buffers. Nothing here knows what a document is."""

from __future__ import annotations

import os
from pathlib import Path


def compiled() -> bool:
    """Whether an earlier process left compiled kernels, so that this one need not wait for them."""
    return any(Path(__file__).parent.glob("__pycache__/*.nbi")) or "NUMBA_CACHE_DIR" in os.environ


def _forget_stale_code() -> None:
    """Remove compiled functions of this package that are older than the newest kernel source.

    numba keeps a compiled function until that function's own file changes, although it may hold a kernel of another
    file inlined: after an update of some files it would go on running the old one.
    """
    kernels = Path(__file__).parent
    newest = max(path.stat().st_mtime_ns for path in kernels.glob("*.py"))
    for path in kernels.parent.rglob("__pycache__/*.nb[ic]"):
        try:
            if path.stat().st_mtime_ns < newest:
                path.unlink()
        except OSError:  # another process was first, or the installation may not be written to
            continue


_forget_stale_code()
