"""See through the characters that hide a value: one spelling for all digits, dashes, dots, spaces and escapes.

Folding maps every Unicode decimal digit, full-width character and mathematical letter to ASCII, every dash to '-',
every middle dot and full stop to '.', every space to ' ', and decodes percent, HTML and backslash escapes. It takes out
characters without width (default-ignorable code points of Unicode 16's DerivedCoreProperties.txt, control characters,
Hangul fillers, strike-through marks) and composes conjoining jamo (Unicode 3.12, Hangul syllable composition). Every
folded character knows where it came from, so findings point into the original.
"""

from __future__ import annotations

import unicodedata
from typing import Any, NamedTuple

import numba as nb
import numpy as np
import numpy.typing as npt

_GONE = -1
_LEAD, _VOWEL, _TRAIL = 0x1100, 0x1161, 0x11A7
MATH_LETTERS, MATH_DIGITS, MATH_END = 0x1D400, 0x1D7CE, 0x1D800
TAGS, TAGS_END = 0xE0000, 0xE1000

_WITHOUT_WIDTH = (
    *(0x00AD, 0x034F, 0x061C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFEFF, 0xFFA0, 0x20E3),
    *range(0x180B, 0x1810),
    *range(0x200B, 0x2010),  # zero-width space, non-joiner, joiner, direction marks
    *range(0x202A, 0x202F),  # direction embeddings
    *range(0x2060, 0x2070),  # word joiner, invisible operators, direction isolates
    *range(0xFE00, 0xFE10),  # variation selectors
    *range(0xFFF0, 0xFFF9),
    0xFFFD,  # replaces a character that could not be read, such as NUL
    *(0x0332, 0x0335, 0x0336, 0x0337, 0x0338),  # underline and strike-through
)
_CONTROLS = (*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), *range(0x7F, 0xA0))
_DASHES = "‐‑‒–—―⁃−－﹘﹣֊־᠆⸺⸻─━ー–ㅡ⁻₋"
_DOTS = "·․‧∙⋅・･ㆍᆞ。．｡﹒۔"
_TILDES = "～〜〰∼˜⁓"
_SLASHES = "∕⁄⧸"
_OTHERS = {"﹐": ",", "﹑": ",", "、": ",", "﹔": ";", "﹕": ":", "﹙": "(", "﹚": ")", "﹟": "#", "﹠": "&", "﹡": "*"}
_OTHERS |= {"﹢": "+", "﹦": "=", "﹪": "%", "﹫": "@", "‚": ",", "٫": ".", "٬": ",", "＿": "_"}


def _targets() -> npt.NDArray[np.int32]:
    targets = np.arange(1 << 16, dtype=np.int32)
    targets[0xFF01:0xFF5F] -= 0xFF01 - 0x21
    for point in range(0x80, 1 << 16):
        category = unicodedata.category(chr(point))
        if category == "Nd":
            targets[point] = ord("0") + unicodedata.decimal(chr(point))
        elif category == "Zs":
            targets[point] = ord(" ")
    for characters, target in ((_DASHES, "-"), (_DOTS, "."), (_TILDES, "~"), (_SLASHES, "/")):
        targets[[ord(character) for character in characters]] = ord(target)
    for character, target in _OTHERS.items():
        targets[ord(character)] = ord(target)
    targets[[*_WITHOUT_WIDTH, *_CONTROLS]] = _GONE
    return targets


_TARGETS = _targets()
HIDING = np.array(sorted({*np.flatnonzero(np.arange(1 << 16) != _TARGETS), *range(_LEAD, _LEAD + 19)}), np.int64)
"""Code points below U+10000 whose presence means that a text must be folded."""

_ENTITIES = {
    "amp": "&",
    "lt": "<",
    "gt": ">",
    "quot": '"',
    "apos": "'",
    "nbsp": " ",
    "ensp": " ",
    "emsp": " ",
    "thinsp": " ",
    "shy": "\u00ad",
    "zwnj": "\u200c",
    "zwj": "\u200d",
    "lrm": "\u200e",
    "rlm": "\u200f",
    "dash": "-",
    "hyphen": "-",
    "ndash": "-",
    "mdash": "-",
    "minus": "-",
    "middot": ".",
    "period": ".",
    "comma": ",",
    "colon": ":",
    "semi": ";",
    "sol": "/",
    "commat": "@",
    "lowbar": "_",
    "num": "#",
    "equals": "=",
    "lpar": "(",
    "rpar": ")",
    "plus": "+",
    "ast": "*",
    "tilde": "~",
    "Tab": "\t",
    "NewLine": "\n",
}
"""The HTML entities that stand inside or around values; numeric ones are all decoded."""
_NAME_LENGTH = 7


def _packed(name: str) -> int:
    return int.from_bytes(name.encode(), "big")


_NAMES = np.array([_packed(name) for name in _ENTITIES], np.uint64)
_VALUES = np.array([ord(value) for value in _ENTITIES.values()], np.int64)


class Folded(NamedTuple):
    """A folded text. Character i stands for `original[starts[i]:ends[i]]`."""

    text: str
    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]


def fold(text: str) -> Folded:
    """A text without what hides values in it. Lone surrogates stay as they are."""
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    folded, starts, ends = _fold(points, _TARGETS, _NAMES, _VALUES)
    return Folded(folded.tobytes().decode("utf-32-le", "surrogatepass"), starts, ends)


@nb.njit(cache=True, nogil=True)
def _hexadecimal(point: Any) -> int:
    """The value of a hexadecimal digit, or -1."""
    if 48 <= point <= 57:
        return int(point) - 48
    letter = point | 32
    return int(letter) - 87 if 97 <= letter <= 102 else -1


@nb.njit(cache=True, nogil=True)
def _number(points: npt.NDArray[np.uint32], start: int, digits: int) -> int:
    """The value of so many hexadecimal digits, or -1."""
    if start + digits > len(points):
        return -1
    value = 0
    for i in range(start, start + digits):
        digit = _hexadecimal(points[i])
        if digit < 0:
            return -1
        value = value * 16 + digit
    return value


@nb.njit(cache=True, nogil=True)
def _percent(points: npt.NDArray[np.uint32], i: int) -> tuple[int, int]:
    """The character of a percent escape at `i` (RFC 3986, UTF-8) and the escape's length, 0 where there is none."""
    byte = _number(points, i + 1, 2)
    if 32 <= byte < 127:
        return byte, 3
    more = 1 if 0xC2 <= byte < 0xE0 else 2 if 0xE0 <= byte < 0xF0 else 0
    if more == 0:
        return 0, 0
    value = byte & (0x1F if more == 1 else 0x0F)
    for k in range(1, more + 1):
        at = i + 3 * k
        following = _number(points, at + 1, 2) if at < len(points) and points[at] == 37 else -1
        if following & 0xC0 != 0x80 or following < 0:
            return 0, 0
        value = value << 6 | following & 0x3F
    return (0, 0) if 0xD800 <= value < 0xE000 or value < 0x80 else (value, 3 * more + 3)


@nb.njit(cache=True, nogil=True)
def _entity(
    points: npt.NDArray[np.uint32], i: int, names: npt.NDArray[np.uint64], values: npt.NDArray[np.int64]
) -> tuple[int, int]:
    """The character of an HTML entity at `i` and the entity's length; length 0 where there is none."""
    end = i + 1
    while end < len(points) and end - i <= _NAME_LENGTH + 2 and points[end] != 59:
        end += 1
    if end >= len(points) or points[end] != 59 or end == i + 1:
        return 0, 0
    if points[i + 1] != 35:
        name = np.uint64(0)
        for k in range(i + 1, end):
            if points[k] > 126 or k - i > _NAME_LENGTH:
                return 0, 0
            name = name << np.uint64(8) | np.uint64(points[k])
        for k in range(len(names)):
            if names[k] == name:
                return int(values[k]), end + 1 - i
        return 0, 0
    value, base, k = 0, 10, i + 2
    if k < end and points[k] | 32 == 120:
        base, k = 16, k + 1
    if k == end:
        return 0, 0
    while k < end:
        digit = _hexadecimal(points[k])
        if digit < 0 or digit >= base:
            return 0, 0
        value = value * base + digit
        k += 1
    valid = 32 <= value < 0x110000 and not 0xD800 <= value < 0xE000
    return (value, end + 1 - i) if valid else (0, 0)


@nb.njit(cache=True, nogil=True)
def _backslash(points: npt.NDArray[np.uint32], i: int) -> tuple[int, int]:
    """The character of a JSON or string escape at `i` and the escape's length; length 0 where there is none."""
    k = i + 1
    if k < len(points) and points[k] == 92 and k + 1 < len(points) and points[k + 1] == 117:
        k += 1  # \\u002d: escaped twice
    if k >= len(points):
        return 0, 0
    letter = points[k]
    if letter == 117 or letter == 120:
        digits = 4 if letter == 117 else 2
        value = _number(points, k + 1, digits)
        if value < 32 or 0xD800 <= value < 0xE000:
            return 0, 0
        return value, k + 1 + digits - i
    if letter == 110 or letter == 114:
        return 10, 2
    if letter == 116:
        return 9, 2
    return (int(letter), 2) if letter == 47 or letter == 34 else (0, 0)


@nb.njit(cache=True, nogil=True)
def _fold(
    points: npt.NDArray[np.uint32],
    targets: npt.NDArray[np.int32],
    names: npt.NDArray[np.uint64],
    values: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    folded = np.empty(len(points), np.uint32)
    starts = np.empty(len(points), np.int64)
    ends = np.empty(len(points), np.int64)
    count = 0
    i = 0
    while i < len(points):
        start = i
        point = int(points[i])
        length = 0
        if point == 37:
            decoded, length = _percent(points, i)
        elif point == 38:
            decoded, length = _entity(points, i, names, values)
        elif point == 92:
            decoded, length = _backslash(points, i)
        if length:
            point = decoded
            i += length
        else:
            i += 1
        target = _folded_point(point, targets)
        if target == _GONE:
            continue
        if count:
            last = int(folded[count - 1])
            composed = _GONE
            if 0 <= last - _LEAD < 19 and 0 <= target - _VOWEL < 21:
                composed = 0xAC00 + ((last - _LEAD) * 21 + (target - _VOWEL)) * 28
            elif 0 < target - _TRAIL < 28 and 0xAC00 <= last <= 0xD7A3 and (last - 0xAC00) % 28 == 0:
                composed = last + target - _TRAIL
            if composed != _GONE:
                folded[count - 1] = composed
                ends[count - 1] = i
                continue
        folded[count] = target
        starts[count] = start
        ends[count] = i
        count += 1
    return folded[:count], starts[:count], ends[:count]


@nb.njit(cache=True, nogil=True)
def _folded_point(point: int, targets: npt.NDArray[np.int32]) -> int:
    if point < 65536:
        return int(targets[point])
    if MATH_LETTERS <= point < MATH_END:
        if point >= MATH_DIGITS:
            return 48 + (point - MATH_DIGITS) % 10
        letter = (point - MATH_LETTERS) % 52
        return 65 + letter if letter < 26 else 71 + letter
    return _GONE if TAGS <= point < TAGS_END else point
