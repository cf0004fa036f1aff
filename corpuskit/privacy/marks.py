"""Where personal data could possibly stand: one compiled pass over the bytes, before any regular expression runs.

A mark is a place with the feature that every value of some type must have: a run of seven digits, an '@', a keyword.
The detectors look at marks alone. `ANCHORS` says the same as regular expressions over a whole text; that the pass
finds exactly what they find is what makes the fast answer equal to the slow one (the tests hold it).
"""

from __future__ import annotations

import re
from enum import IntEnum
from functools import lru_cache

import numba as nb
import numpy as np
import numpy.typing as npt

from corpuskit.kernels.arrow import Bytes, Offsets
from corpuskit.kernels.keywords import Keywords, compile_keywords, filled, occurrences
from corpuskit.privacy.fold import HIDING
from corpuskit.privacy.quiet import quiet_end, run_bytes


class Mark(IntEnum):
    """The kinds of marks. Those from BIRTH to LICENCE, and DEFANGED, are keywords."""

    NUMBER = 0  # seven or more digits, or Hangul number words, with at most three separators between two of them
    DOTTED = 1  # four or more dotted numbers
    COLON = 2  # four hexadecimal digits before ':' and another or a second ':'
    AT = 3  # '@'
    TOKEN = 4  # twenty or more of A-Z a-z 0-9 _ -
    IBAN = 5  # two letters of one case and two digits at the start of a word
    LOT = 6  # a digit after 로, 길, 동, 리, 가, 읍, 면, 산 or 하
    STREET = 7  # a house number and the space before a capitalised or an ordinal word
    BIRTH = 8
    PASSPORT = 9
    SECRET = 10
    PRIVATE_KEY = 11
    HANDLE = 12
    SPELT_AT = 13
    BOX = 14
    LETTERED = 15
    SPOKEN = 16
    LICENCE = 17
    BORN = 18  # 생 after a digit, or after a digit and a full stop
    DEFANGED = 19


KEYWORDS: dict[Mark, tuple[str, ...]] = {
    Mark.BIRTH: ("생년월일", "출생", "태어", "생일", "일생", "born", "birth", "d.o.b", "dob"),
    Mark.PASSPORT: ("여권", "passport"),
    Mark.SECRET: (
        *("password", "passwd", "pwd", "secret", "token", "api_key", "apikey", "api key", "api-key", "access_key"),
        *(
            "bearer",
            "비밀번호",
            "비번",
            "패스워드",
            "암호",
            "authorization",
            "kakaoak",
            "pw:",
            "pw=",
            "pw :",
            "accountkey",
        ),
        *("hooks.slack.com/", "passcode", "credential"),
    ),
    Mark.PRIVATE_KEY: ("-----begin ",),
    Mark.HANDLE: (
        *("카톡", "카카오톡", "텔레그램", "인스타", "트위터", "아이디", "telegram", "kakaotalk", "instagram"),
        *("twitter", "discord", "skype", "facebook.com/", "//x.com/", "t.me/", "tiktok.com/", "threads.net/"),
        *(
            "kakao id",
            "kakao:",
            "line id",
            "라인id",
            "라인 id",
            "wechat",
            "snapchat",
            "insta:",
            "ig:",
            "텔레 ",
            "텔레:",
            "디코",
            "디스코드",
            "위챗",
        ),
        *("open.kakao.com/", "profile.php?id=", "linkedin.com/in/"),
    ),
    Mark.SPELT_AT: (
        "(at)",
        "[at]",
        "{at}",
        "<at>",
        "(@)",
        "[@]",
        "( at ",
        "[ at ",
        "골뱅이",
        " dot ",
        "앳",
        "_at_",
    ),
    Mark.LETTERED: ("o1o", "01o", "o10", "0l0", "olo", "0lo", "ol0"),
    Mark.SPOKEN: ("공일공에", "공일공 다시", "공일공다시", "영일영에", "영일영 다시", "영일영다시"),
    Mark.LICENCE: ("driver's licen", "drivers licen", "driver licen", "driver’s licen", "driving licen"),
    Mark.BOX: (
        *("po box", "p.o. box", "사서함", "flat ", "studio ", "apo a", "fpo a", "dpo a"),
        *("postcode", "post code", "postal code"),
    ),
    Mark.DEFANGED: ("[.]", "(.)", "{.}", "[dot]", "(dot)", "{dot}"),
}

SEPARATORS = " \u00a0-.()/·+,_~*‐‑‒–—−ㅡ"
"""What may stand between two digits of one number."""
NUMBER_WORDS = "공영일이삼사오육륙칠팔구"
"""Sino-Korean digits: 공일공 is 010."""

_DIGIT = f"[0-9{NUMBER_WORDS}]"
_GAP = f"[{re.escape(SEPARATORS)}]{{0,3}}"
ANCHORS: dict[Mark, re.Pattern[str]] = {
    Mark.NUMBER: re.compile(f"{_DIGIT}(?:{_GAP}{_DIGIT}){{6,}}"),
    Mark.DOTTED: re.compile(r"[0-9]+(?:\.[0-9]+){3,}"),
    Mark.COLON: re.compile(r"(?<![0-9A-Za-z_:])[0-9A-Fa-f]{4}:(?=[0-9A-Fa-f:])"),
    Mark.AT: re.compile("@"),
    Mark.TOKEN: re.compile(r"[A-Za-z0-9_-]{20,}"),
    Mark.IBAN: re.compile(r"(?<![0-9A-Za-z])(?:[A-Z]{2}|[a-z]{2})[0-9]{2}"),
    Mark.LOT: re.compile(r"(?:(?<=[로길동리가읍면산하])|(?<=[로길동리가읍면산하] ))[0-9]"),
    Mark.STREET: re.compile(
        r"(?<![0-9A-Za-z])[0-9]{1,6}[A-Za-z]?(?= [A-Z])|(?<![0-9A-Za-z])[0-9]{1,6}[A-Za-z]?(?= [0-9]{1,3}[nrst])"
    ),
    Mark.BORN: re.compile(r"(?:(?<=[0-9])|(?<=[0-9]\.))생"),
    **{
        mark: re.compile("(?=(" + "|".join(map(re.escape, words)) + "))", re.IGNORECASE | re.ASCII)
        for mark, words in KEYWORDS.items()
    },
}
"""Each mark as a regular expression: its matches (for keywords, its first group's spans) are the marks."""

_D, _WORD, _SEPARATOR, _UPPER, _LOWER, _TOKEN, _LOT, _HIDDEN = (1 << bit for bit in range(8))


@lru_cache(maxsize=1)
def _classes() -> npt.NDArray[np.uint8]:
    classes = np.zeros(1 << 16, np.uint8)

    def add(characters: str, bits: int) -> None:
        for character in characters:
            classes[ord(character)] |= bits

    add("0123456789", _D | _TOKEN)
    add("ABCDEFGHIJKLMNOPQRSTUVWXYZ", _UPPER | _TOKEN)
    add("abcdefghijklmnopqrstuvwxyz", _LOWER | _TOKEN)
    add("_-", _TOKEN)
    add(NUMBER_WORDS, _WORD)
    add(SEPARATORS, _SEPARATOR)
    add("로길동리가읍면산하", _LOT)
    classes[HIDING] |= _HIDDEN
    return classes


@lru_cache(maxsize=1)
def _run_bytes() -> npt.NDArray[np.bool_]:
    return run_bytes(NUMBER_WORDS + SEPARATORS)


@lru_cache(maxsize=1)
def _keywords() -> Keywords:
    return compile_keywords({word: int(mark) for mark, words in KEYWORDS.items() for word in words})


def find_marks(data: Bytes, offsets: Offsets) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Marks of texts, and which texts hide characters.

    Text i is `data[offsets[i]:offsets[i + 1]]`, valid UTF-8. Marks are int64[n, 4]: text number, Mark, first code
    point, code point after the last; in the order of the texts. The second array, bool[texts], is true where
    `corpuskit.privacy.fold` would change the text: its marks are to be taken from the folded text instead.
    """
    hidden = np.zeros(len(offsets) - 1, np.bool_)
    forms = filled(lambda rows: _marks(data, offsets, _classes(), _run_bytes(), rows, hidden), 4096 + len(data) // 512)
    words = occurrences(data, offsets, _keywords())
    rows = np.concatenate([forms, words])
    return rows[np.argsort(rows[:, 0], kind="stable")], hidden


@nb.njit(cache=True, nogil=True)
def _is_hexadecimal(byte: int) -> bool:
    return 48 <= byte <= 57 or 65 <= byte <= 70 or 97 <= byte <= 102


@nb.njit(cache=True, nogil=True, inline="always")
def _add(rows: npt.NDArray[np.int64], count: int, text: int, kind: int, start: int, end: int) -> int:
    if count < len(rows):
        rows[count, 0] = text
        rows[count, 1] = kind
        rows[count, 2] = start
        rows[count, 3] = end
    return count + 1


@nb.njit(cache=True, nogil=True)
def _marks(
    data: Bytes,
    offsets: Offsets,
    classes: npt.NDArray[np.uint8],
    in_run: npt.NDArray[np.bool_],
    rows: npt.NDArray[np.int64],
    hidden: npt.NDArray[np.bool_],
) -> int:
    count = 0
    for text in range(len(offsets) - 1):
        first, last = offsets[text], offsets[text + 1]
        position = -1  # of the current character, in code points
        digits, gap, number_start, number_end = 0, 9, 0, 0
        dots, dotted_start, dotted_end, after_dot = -1, 0, 0, False
        token_start = -1
        house_start, house_length = 0, 0  # the run of digits that ends at the previous character, or one before
        house_letter = False
        previous, before_previous = 0, 0  # classes of the two characters before
        previous_space = previous_dot = False
        again = first  # from here on a quiet stretch is worth looking for
        i = first
        while i <= last:
            point = 0
            if i == last:  # one step past the end closes what is open
                kind, width, byte = 0, 1, 0
            else:
                byte = data[i]
                if byte >= 0xE4 and i >= again and digits == 0 and dots < 0 and token_start < 0:
                    quiet, again = quiet_end(data, i, last, in_run)
                    for k in range(i, quiet):
                        position += (data[k] & 0xC0) != 0x80
                    i = quiet
                    byte = data[i]
                if byte < 0x80:
                    kind, width = classes[byte], 1
                elif byte < 0xE0:
                    kind, width = classes[((byte & 0x1F) << 6) | (data[i + 1] & 0x3F)], 2
                elif byte < 0xF0:
                    point = ((byte & 0x0F) << 12) | ((data[i + 1] & 0x3F) << 6) | (data[i + 2] & 0x3F)
                    kind, width = classes[point], 3
                else:  # mathematical digits U+1D7CE to U+1D7FF hide; nothing else out there matters
                    styled = byte == 0xF0 and data[i + 1] == 0x9D and data[i + 2] == 0x9F and data[i + 3] >= 0x8E
                    kind, width = (_HIDDEN if styled else 0), 4
            position += 1
            if byte >= 0x80:  # no digit, letter or sign of ASCII: only number words, separators and 생 count
                if kind & _HIDDEN:
                    hidden[text] = True
                if not kind & (_WORD | _SEPARATOR):
                    if digits >= 7:
                        count = _add(rows, count, text, 0, number_start, number_end)
                    digits, gap = 0, 9
                elif kind & _WORD:
                    if gap > 3:
                        if digits >= 7:
                            count = _add(rows, count, text, 0, number_start, number_end)
                        digits, number_start = 0, position
                    digits += 1
                    gap = 0
                    number_end = position + 1
                else:
                    gap += 1
                if dots >= 3:
                    count = _add(rows, count, text, 1, dotted_start, dotted_end)
                dots, after_dot = -1, False
                if token_start >= 0 and position - token_start >= 20:
                    count = _add(rows, count, text, 4, token_start, position)
                token_start = -1
                if point == 0xC0DD and (previous & _D or (previous_dot and before_previous & _D)):  # 생
                    count = _add(rows, count, text, 18, position, position + 1)
                house_length = 0
                before_previous, previous = previous, kind
                previous_dot = previous_space = False
                i += width
                continue

            if kind & _D:
                if gap > 3:
                    if digits >= 7:
                        count = _add(rows, count, text, 0, number_start, number_end)
                    digits, number_start = 0, position
                digits += 1
                gap = 0
                number_end = position + 1
            elif kind & _SEPARATOR:
                gap += 1
            else:
                gap = 9
                if digits >= 7:
                    count = _add(rows, count, text, 0, number_start, number_end)
                digits = 0

            if kind & _D:
                if dots < 0:
                    dots, dotted_start = 0, position
                elif after_dot:
                    dots += 1
                after_dot = False
                dotted_end = position + 1
            elif byte == 46 and dots >= 0 and not after_dot:
                after_dot = True
            else:
                if dots >= 3:
                    count = _add(rows, count, text, 1, dotted_start, dotted_end)
                dots, after_dot = -1, False

            if kind & _TOKEN:
                if token_start < 0:
                    token_start = position
            else:
                if token_start >= 0 and position - token_start >= 20:
                    count = _add(rows, count, text, 4, token_start, position)
                token_start = -1

            if byte == 64 and i < last:
                count = _add(rows, count, text, 3, position, position + 1)
            elif byte == 58 and i - first >= 4 and i + 1 < last:
                follows = data[i + 1] == 58 or _is_hexadecimal(data[i + 1])
                hexadecimal = follows and (
                    _is_hexadecimal(data[i - 1])
                    and _is_hexadecimal(data[i - 2])
                    and _is_hexadecimal(data[i - 3])
                    and _is_hexadecimal(data[i - 4])
                )
                if hexadecimal:
                    ahead = data[i - 5] if i - first >= 5 else 32
                    inside = ahead == 58 or ahead == 95 or (ahead < 0x80 and classes[ahead] & (_D | _UPPER | _LOWER))
                    if not inside:
                        count = _add(rows, count, text, 2, position - 4, position + 1)

            if kind & _D:
                if previous & _LOT or (previous_space and before_previous & _LOT):
                    count = _add(rows, count, text, 6, position, position + 1)
                if previous & _D and i - first >= 3:
                    ascii = data[i - 2] < 0x80 and data[i - 3] < 0x80
                    if ascii and classes[data[i - 2]] & classes[data[i - 3]] & (_UPPER | _LOWER):
                        ahead = data[i - 4] if i - first >= 4 else 32
                        if not (ahead < 0x80 and classes[ahead] & (_D | _UPPER | _LOWER)):
                            count = _add(rows, count, text, 5, position - 3, position + 1)
                if not previous & (_D | _UPPER | _LOWER):
                    house_start, house_length = position, 0
                    house_letter = False
                elif house_letter:
                    house_length = 9
                house_length += 1
            elif kind & (_UPPER | _LOWER):
                if previous & _D and not house_letter:
                    house_letter = True
                else:
                    house_length = 9
            elif byte == 32 and previous & (_D | _UPPER | _LOWER) and 1 <= house_length <= 6 and i + 1 < last:
                ahead = data[i + 1]
                named = 65 <= ahead <= 90
                if 48 <= ahead <= 57:
                    j = i + 2
                    while j < last and j < i + 4 and 48 <= data[j] <= 57:
                        j += 1
                    named = j < last and data[j] in (110, 114, 115, 116)
                if named:
                    count = _add(rows, count, text, 7, house_start, position)
            if not kind & (_D | _UPPER | _LOWER):
                house_length = 0
            before_previous, previous = previous, kind
            previous_dot = byte == 46
            previous_space = byte == 32
            i += width
    return count
