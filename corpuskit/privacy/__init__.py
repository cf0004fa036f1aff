"""Personal data: find it, and scrub it from texts.

>>> from corpuskit.privacy import find, scrub
>>> scrub(["전화는 010-1234-5678입니다"], "ko")
['전화는 <PHONE>입니다']
"""

from __future__ import annotations

from corpuskit.privacy.find import find
from corpuskit.privacy.finding import KINDS, NAMES, STRUCTURED, Finding
from corpuskit.privacy.redact import redact, redact_column, string_columns
from corpuskit.privacy.scrub import scrub

__all__ = ["KINDS", "NAMES", "STRUCTURED", "Finding", "find", "redact", "redact_column", "scrub", "string_columns"]
