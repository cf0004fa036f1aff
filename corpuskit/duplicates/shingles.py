"""What two texts are compared by: shingles, cut by words or by characters as the language asks.

`corpuskit.kernels.shingles` says how each way cuts and why. `shingles` here is the same in plain Python, for people who
want to see what is compared.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from corpuskit.errors import InputError
from corpuskit.inputs import as_languages
from corpuskit.kernels.arrow import text_buffers
from corpuskit.kernels.normal_form import compose
from corpuskit.kernels.shingles import CHARACTERS, LONE_WORD, LONGEST_SHINGLE, WORDS, folded
from corpuskit.kernels.unicode import HANGUL, UNSPACED, CodePoints, character_class, code_points, decode

BY_CHARACTERS = ("bo", "dz", "ja", "km", "ko", "lo", "my", "th", "wuu", "yue", "zh")
"""Languages (ISO 639-1) whose words are cut by characters."""

CHARACTER_SHARE = 0.3
"""A text of no known language is cut by characters where this share of its letters is Hangul, Han, kana, Thai, Lao,
Tibetan, Burmese or Khmer."""

_UNKNOWN = 255
"""The way of a text whose language is not known, until it has been looked at."""

Ways = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Shingling:
    """How large a shingle is, each way."""

    words: int = 5
    characters: int = 2

    def __post_init__(self) -> None:
        for name, size in (("words", self.words), ("characters", self.characters)):
            if not 1 <= size <= LONGEST_SHINGLE:
                raise InputError(f"a shingle has 1 to {LONGEST_SHINGLE} {name}, not {size}")

    def sizes(self) -> npt.NDArray[np.int64]:
        return np.array([self.words, self.characters], np.int64)


@dataclass(frozen=True)
class PreparedTexts:
    """Texts as compiled loops take them: in NFC, each with the way it is cut."""

    data: npt.NDArray[np.uint8]
    offsets: npt.NDArray[np.int64]
    ways: Ways


def prepare(texts: pa.LargeStringArray, languages: pa.StringArray) -> PreparedTexts:
    """Texts ready for the kernels. Where a language is null the text itself is looked at."""
    composed = compose(texts)
    data, offsets = text_buffers(composed)
    by_characters = pc.is_in(languages, pa.array(BY_CHARACTERS, pa.string()))
    ways = np.where(by_characters.to_numpy(zero_copy_only=False), CHARACTERS, WORDS).astype(np.uint8)
    if languages.null_count:
        ways[languages.is_null().to_numpy(zero_copy_only=False)] = _UNKNOWN
        _guess_ways(data, offsets, code_points(), CHARACTER_SHARE, ways)
    return PreparedTexts(data, offsets, ways)


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
            found += (kind & (HANGUL | UNSPACED)) != 0 or 0xE00 <= code < 0x10A0 or 0x1780 <= code < 0x1800
            at += width
        out[text] = found > 0 and found >= share * letters


def shingles(text: str, language: str | None = None, *, words: int = 5, characters: int = 2) -> set[str]:
    """The shingles of one text as strings: the slow and obvious version of what the kernels hash."""
    way = int(prepare(pa.array([text], pa.large_string()), as_languages(language, 1)).ways[0])
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
