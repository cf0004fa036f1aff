"""JSON as people store it: one value a line, several on a line, an array, values over many lines; UTF-8, 16 or 32."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import IO, Any

_BETWEEN = re.compile(r"[\s,]*")
_DIGITS = 4300
"""Python converts no integer with more digits; such a number stays text."""

_BLOCK = 1 << 20

_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= _DIGITS else digits


_DECODER = json.JSONDecoder(parse_int=_integer, strict=False)


def values_in(text: str) -> Iterator[Any]:
    """The JSON values in a line, with blanks or commas between them; almost always one.

    Raises ValueError where the text is not JSON; RecursionError where it is nested too deeply.
    """
    at = _BETWEEN.match(text).end()  # type: ignore[union-attr]  # it matches the empty string
    while at < len(text):
        value, at = _DECODER.raw_decode(text, at)
        yield value
        at = _BETWEEN.match(text, at).end()  # type: ignore[union-attr]


def is_by_lines(head: bytes) -> bool:
    """Whether a file that begins with these bytes holds whole values on each line, in UTF-8."""
    if encoding_of(head) != "utf-8":
        return False
    text = head.removeprefix(codecs.BOM_UTF8).lstrip()
    line = text.partition(b"\n")[0]
    if text.startswith(b"["):
        return _is_json(line) and text.partition(b"\n")[2].lstrip().startswith(b"[")
    # an object that ends on a later line: `{` alone, or a field and a comma
    return not text.startswith(b"{") or b"\n" not in text or not re.fullmatch(rb'\{\s*("[^"\n]*"\s*:.*,)?\s*', line)


def encoding_of(head: bytes) -> str:
    """The encoding that a byte order mark tells; UTF-8 without one."""
    return next((encoding for mark, encoding in _MARKS.items() if head.startswith(mark)), "utf-8")


def streamed_values(stream: IO[bytes], encoding: str, limit: int) -> Iterator[Any]:
    """The values of a file one after another: the items of an array, or values over many lines.

    Raises ValueError where the file is not JSON any more, or holds a value of more than `limit` characters.
    """
    reader = codecs.getreader("utf-8-sig" if encoding == "utf-8" else encoding)(stream)
    held = reader.read(_BLOCK)
    at = len(held) - len(held.lstrip())
    array = held[at : at + 1] == "["
    at += array
    ended = not held
    while True:
        at = _BETWEEN.match(held, at).end()  # type: ignore[union-attr]
        if at < len(held):
            if array and held[at] == "]":
                rest = held[at + 1 :].strip()
                if rest:
                    raise ValueError(f"more follows the end of the array: {rest[:40]!r}")
                return
            try:
                value, end = _DECODER.raw_decode(held, at)
            except ValueError:
                if ended or len(held) - at > limit:
                    raise
            else:
                if ended or end < len(held):  # a number may go on in the next block
                    yield value
                    at = end
                    continue
        elif ended:
            if array:
                raise ValueError("the array has no end")
            return
        more = reader.read(max(_BLOCK, len(held) - at))
        ended = not more
        held, at = held[at:] + more, 0


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True
