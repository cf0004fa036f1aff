"""What two texts are compared by: shingles, cut by words or by characters as the language asks.

`corpuskit.kernels.shingles` says how each way cuts and why. `shingles` here is the same in plain Python, for people who
want to see what is compared.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numba as nb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpuskit.kernels.arrow import text_buffers
from corpuskit.kernels.normal_form import compose
from corpuskit.kernels.shingles import CHARACTERS, LONE_WORD, LONGEST_SHINGLE, WORDS, folded
from corpuskit.kernels.unicode import HANGUL, UNSPACED, CodePoints, character_class, code_points, decode

BY_CHARACTERS = ("ja", "km", "ko", "lo", "my", "th", "zh")
"""Languages (ISO 639-1) whose words are cut by characters."""

CHARACTER_SHARE = 0.3
"""A text of no known language is cut by characters where this share of its letters is Hangul, Han or kana."""

_UNKNOWN = 255
"""The way of a text whose language is not known, until it has been looked at."""

Languages: TypeAlias = "str | Sequence[str | None] | pa.Array | None"
Ways = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Shingling:
    """How large a shingle is, each way."""

    words: int = 5
    characters: int = 2

    def __post_init__(self) -> None:
        for name, size in (("words", self.words), ("characters", self.characters)):
            if not 1 <= size <= LONGEST_SHINGLE:
                raise ValueError(f"a shingle has 1 to {LONGEST_SHINGLE} {name}, not {size}")

    def sizes(self) -> npt.NDArray[np.int64]:
        return np.array([self.words, self.characters], np.int64)


@dataclass(frozen=True)
class Texts:
    """Texts as compiled loops take them: in NFC, each with the way it is cut."""

    data: npt.NDArray[np.uint8]
    offsets: npt.NDArray[np.int64]
    ways: Ways


def prepare(texts: pa.Array | Sequence[str | None], languages: Languages = None) -> Texts:
    """Texts ready for the kernels. `languages` is one code for all, or one a text (None or 'und': look at the text)."""
    composed = compose(texts)
    data, offsets = text_buffers(composed)
    if isinstance(languages, str) and languages not in ("", "und"):
        return Texts(data, offsets, np.full(len(composed), _way_of(languages), np.uint8))
    ways = np.full(len(composed), _UNKNOWN, np.uint8)
    if languages is not None and not isinstance(languages, str):
        codes = languages if isinstance(languages, pa.Array) else pa.array(languages, pa.string())
        if len(codes) != len(composed):
            raise ValueError(f"{len(composed)} texts with {len(codes)} languages")
        encoded = codes.dictionary_encode()
        numbers = np.asarray(encoded.indices.fill_null(-1))
        for number, code in enumerate(encoded.dictionary.to_pylist()):
            if code and code != "und":
                ways[numbers == number] = _way_of(code)
    if (ways == _UNKNOWN).any():
        _guess_ways(data, offsets, code_points(), CHARACTER_SHARE, ways)
    return Texts(data, offsets, ways)


def _way_of(language: str) -> int:
    return CHARACTERS if language in BY_CHARACTERS else WORDS


@nb.njit(cache=True, nogil=True)
def _guess_ways(data: Any, offsets: Any, points: CodePoints, share: Any, out: Any) -> None:
    for text in range(len(offsets) - 1):
        if out[text] != _UNKNOWN:
            continue
        at = offsets[text]
        end = offsets[text + 1]
        letters = 0
        found = 0
        while at < end:
            byte = data[at]
            if byte < 0x80:
                letters += (byte | 0x20) >= 97 and (byte | 0x20) <= 122
                at += 1
                continue
            code, width = decode(data, at, end)
            kind = character_class(code, points)
            letters += (kind & 2) != 0
            found += (kind & (HANGUL | UNSPACED)) != 0
            at += width
        out[text] = found > 0 and found >= share * letters


def shingles(text: str, language: str | None = None, *, words: int = 5, characters: int = 2) -> set[str]:
    """The shingles of one text as strings: the slow and obvious version of what the kernels hash."""
    way = int(prepare([text], language).ways[0])
    composed = unicodedata.normalize("NFC", text)
    table = folded()
    symbols = [int(table[ord(character)]) if ord(character) < len(table) else 0 for character in composed]
    spelled = "".join(chr(symbol) if symbol > 1 else " " for symbol in symbols if symbol != 1)
    found = [word for word in spelled.split(" ") if word]
    if not found:
        return {"".join(character for character in composed if character > " ")}
    whole = {" ".join(found)}
    if way == WORDS:
        if len(found) < words:
            return whole
        return {" ".join(found[start : start + words]) for start in range(len(found) - words + 1)}
    if len(found) == 1 and len(found[0]) - characters + 1 < LONE_WORD:
        return whole
    result = set()
    before = ""
    for word in found:
        for start in range(max(1, len(word) - characters + 1)):
            result.add(f"{before}|{word[start : start + characters]}")
        before = word[0]
    return result
