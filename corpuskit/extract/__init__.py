"""From a page as fetched to its text, title, author and date."""

from __future__ import annotations

from corpuskit.extract.charset import decode
from corpuskit.extract.page import Unreadable, extract
from corpuskit.extract.result import Extracted
from corpuskit.extract.sandbox import Sandbox

__all__ = ["Extracted", "Sandbox", "Unreadable", "decode", "extract"]
