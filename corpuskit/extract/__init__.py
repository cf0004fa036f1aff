"""From a page or document as fetched to its text, title, author and dates."""

from __future__ import annotations

from corpuskit.extract.errors import Unreadable
from corpuskit.extract.evidence.charset import decode
from corpuskit.extract.evidence.dates import parse_date
from corpuskit.extract.page import extract
from corpuskit.extract.result import Extracted
from corpuskit.extract.sandbox import Sandbox

__all__ = ["Extracted", "Sandbox", "Unreadable", "decode", "extract", "parse_date"]
