"""Hangul word processor documents (HWP 5 and HWPX) to text."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from corpuskit.errors import require
from corpuskit.extract.documents.formats import members
from corpuskit.extract.errors import Unreadable
from corpuskit.extract.result import Extracted


def read_hwp(data: bytes) -> Extracted:
    """The text of an HWP 5 document, tables and notes where they are.

    Raises Unreadable for one that is encrypted or made for distribution only.
    """
    return _read(data, "hwp")


def read_hwpx(data: bytes) -> Extracted:
    """The text of an HWPX document."""
    members(data).close()
    return _read(data, "hwpx")


def _read(data: bytes, suffix: str) -> Extracted:
    from corpuskit.extract.page import clean

    library: Any = require("hwp_hwpx_parser", "documents")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"document.{suffix}"
        path.write_bytes(data)
        with library.Reader(path) as reader:
            if reader.is_encrypted:
                raise Unreadable(f"the {suffix} document is encrypted")
            text = clean(reader.extract_text())
    if not text:
        raise Unreadable(f"the {suffix} document holds no text")
    return Extracted(text, None, None, None, None, None, suffix, suffix)
