"""Where personal data could possibly stand: one compiled pass over the bytes, before any regular expression runs.

A mark is a place with the feature that every value of some type must have: a run of seven digits, an '@', a keyword.
The detectors look at marks alone. `ANCHORS` says the same as regular expressions over a whole text. The pass finds
exactly what they find, so the fast answer equals the slow one (tests check it).
"""

from __future__ import annotations

import json
import re
from enum import IntEnum
from functools import lru_cache
from pathlib import Path

import numba as nb
import numpy as np
import numpy.typing as npt

from corpuskit.kernels.arrow import Bytes, Offsets
from corpuskit.kernels.keywords import Keywords, compile_keywords, filled, occurrences
from corpuskit.privacy.fold import HIDING, MATH_END, MATH_LETTERS, TAGS, TAGS_END
from corpuskit.privacy.quiet import quiet_end, run_bytes


class Mark(IntEnum):
    """The kinds of marks. Those with words in KEYWORDS are keywords."""

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
    MAC = 20  # three hexadecimal pairs with ':' or '-' after each
    PLATE = 21  # four digits after a digit and a syllable of number plates
    MASKED = 22  # a run of characters that hide digits
    LABELLED = 23  # a word for something whose form alone says nothing
    NAMED = 24  # a word for a field that holds a person's name
    RULE = 25  # a keyword of a rule for secrets
    WEBHOOK = 26  # the address of a service's webhooks


def secret_keywords() -> set[str]:
    """The keywords of the rules for secrets (`corpuskit.privacy.detect.secret`)."""
    content = json.loads((Path(__file__).parent / "data" / "gitleaks_rules.json").read_text(encoding="utf-8"))
    return {keyword for rule in content["rules"] for keyword in rule["keywords"]}


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split("|"))


KEYWORDS: dict[Mark, tuple[str, ...]] = {
    Mark.BIRTH: _words("생년월일|출생|태어|생일|일생|born|birth|d.o.b|dob|생년|법정생"),
    Mark.PASSPORT: _words("여권|passport"),
    Mark.SECRET: _words(
        "password|passwd|pwd|secret|token|api_key|apikey|api key|api-key|access_key|accesskey|access key|bearer"
        "|비밀번호"
        "|비번|패스워드|암호|authorization|kakaoak|pw:|pw=|pw :|accountkey|passcode|passphrase|credential|client_key"
        "|encryption_key|private_key|secret_key|auth_key|x-api-key|sharedaccess|pass=|pass:|_pass|-u |--user"
        '|&sig=|?sig=|mysql|sshpass|"key"'
    ),
    Mark.PRIVATE_KEY: ("-----begin ",),
    Mark.WEBHOOK: _words(
        "hooks.slack.com/|api/webhooks/|hooks.zapier.com|webhook.office|outlook.office|chat.googleapis.com/v1/spaces"
        "|maker.ifttt.com|//hooks."
    ),
    Mark.HANDLE: _words(
        "카톡|카카오톡|텔레그램|인스타|트위터|아이디|telegram|kakaotalk|instagram|twitter|discord|skype|facebook.com/"
        "|//x.com/|www.x.com/|t.me/|tiktok.com/|threads.net/|threads.com/|kakao id|kakao:|line id|라인id|라인 id|wechat"
        "|snapchat|insta:|ig:|텔레 |텔레:|디코|디스코드|위챗|open.kakao.com/|profile.php?id=|linkedin.com/in/"
        "|github.com/"
        "|youtube.com/@|youtube.com/c/|youtube.com/user/|twitch.tv/|pinterest.com/|reddit.com/u|medium.com/@|line.me/"
        "|blog.naver.com/|cafe.naver.com/|brunch.co.kr/@|velog.io/@|bsky.app/profile/|mastodon|pf.kakao.com/|fb.com/"
    ),
    Mark.SPELT_AT: _words("(at)|[at]|{at}|<at>|(@)|[@]|( at |[ at |골뱅이| dot |앳|_at_"),
    Mark.LETTERED: _words("o1o|01o|o10|0l0|olo|0lo|ol0"),
    Mark.SPOKEN: _words("공일공에|공일공 다시|공일공다시|영일영에|영일영 다시|영일영다시"),
    Mark.LICENCE: _words("driver's licen|drivers licen|driver licen|driver’s licen|driving licen"),
    Mark.BOX: _words("po box|p.o. box|사서함|flat |studio |apo a|fpo a|dpo a|postcode|post code|postal code"),
    Mark.DEFANGED: _words("[.]|(.)|{.}|[dot]|(dot)|{dot}"),
    Mark.MASKED: _words("***|●●|○○|xx-|-xx|xxx|◯◯|■■|**-|-**|##-"),
    Mark.LABELLED: _words(
        "national insurance|nino|ni number|ni no|n.i. n|mrn|medical record|patient|chart no|chart number|환자|차트"
        "|병록|plate|vehicle reg|car reg|reg no|reg. no|registration no|registration num|vrm|차량|차번호|번호판|주소"
        "|address|adresse|anschrift|dirección|direccion|indirizzo|adres:|morada|endereço|wohnhaft|plz"
    ),
    Mark.NAMED: _words(
        "성명|이름|성함|예금주|수취인|수령인|받는|보내는|보낸 |대표자|담당자|신청인|신청자|작성자|계약자|가입자"
        "|주문자|구매자"
        "|고객명|환자명|회원명|보호자|피보험자|생도명|학생명|직원명|입금자|송금인|발신인|수신인|대표:|name"
        "|from:|customer:"
        "|patient:|author:|employee:|contact:|attn|recipient:|sender:|signed|applicant:|payee:|holder:|owner:|to:|cc:"
    ),
}

KEYWORDS[Mark.RULE] = tuple(sorted(secret_keywords() - {word for words in KEYWORDS.values() for word in words}))
"""A keyword has one mark: those of rules that are another mark's as well are looked up by that one's detector."""

SEPARATORS = " -.()/+,_~*"
"""What may separate two digits of one number in a folded text; at most MAX_GAP of them."""
MAX_GAP = 3
MIN_DIGITS = 7
MIN_TOKEN = 20
NUMBER_WORDS = "공영일이삼사오육륙칠팔구"
"""Sino-Korean digits: 공일공 is 010."""
LOT_ENDS = "로길동리가읍면산하"
PLATE_SYLLABLES = "가나다라마거너더러머버서어저고노도로모보소오조구누두루무부수우주바사아자배하허호"
"""The syllables of Korean number plates (자동차등록번호판 등의 기준에 관한 고시)."""

_DIGIT = f"[0-9{NUMBER_WORDS}]"
_GAP = f"[{re.escape(SEPARATORS)}]{{0,{MAX_GAP}}}"
_HEX_PAIR = "[0-9A-Fa-f]{2}"
ANCHORS: dict[Mark, re.Pattern[str]] = {
    Mark.NUMBER: re.compile(f"{_DIGIT}(?:{_GAP}{_DIGIT}){{{MIN_DIGITS - 1},}}"),
    Mark.DOTTED: re.compile(r"[0-9]+(?:\.[0-9]+){3,}"),
    Mark.COLON: re.compile(r"(?<![0-9A-Za-z_:])[0-9A-Fa-f]{4}:(?=[0-9A-Fa-f:])"),
    Mark.AT: re.compile("@"),
    Mark.TOKEN: re.compile(rf"[A-Za-z0-9_-]{{{MIN_TOKEN},}}"),
    Mark.IBAN: re.compile(r"(?<![0-9A-Za-z])(?:[A-Z]{2}|[a-z]{2})[0-9]{2}"),
    Mark.LOT: re.compile(rf"(?:(?<=[{LOT_ENDS}])|(?<=[{LOT_ENDS}] ))[0-9]"),
    Mark.STREET: re.compile(
        r"(?<![0-9A-Za-z])[0-9]{1,6}[A-Za-z]?(?= [A-Z])|(?<![0-9A-Za-z])[0-9]{1,6}[A-Za-z]?(?= [0-9]{1,3}[nrst])"
    ),
    Mark.BORN: re.compile(r"(?:(?<=[0-9])|(?<=[0-9]\.))생"),
    Mark.MAC: re.compile(
        rf"(?<![0-9A-Za-z])(?<![0-9A-Fa-f][:-]){_HEX_PAIR}(?P<sign>[:-]){_HEX_PAIR}(?P=sign)(?={_HEX_PAIR}(?P=sign))"
    ),
    Mark.PLATE: re.compile(rf"(?:(?<=[0-9][{PLATE_SYLLABLES}])|(?<=[0-9][{PLATE_SYLLABLES}] ))[0-9]{{4}}(?![0-9])"),
    **{
        mark: re.compile("(?=(" + "|".join(map(re.escape, words)) + "))", re.IGNORECASE | re.ASCII)
        for mark, words in KEYWORDS.items()
    },
}
"""Each mark as a regular expression: its matches (for keywords, its first group's spans) are the marks."""

_D, _WORD, _SEPARATOR, _UPPER, _LOWER, _TOKEN, _LOT, _HIDDEN, _PLATE, _SIGN = (1 << bit for bit in range(10))
_LETTER = _UPPER | _LOWER
_ALNUM = _D | _LETTER
_SPACE, _DASH, _DOT, _COLON_SIGN, _AT_SIGN = (ord(sign) for sign in " -.:@")
_PERCENT, _AMPERSAND, _BACKSLASH, _HASH = (ord(sign) for sign in "%&\\#")
_BORN_SYLLABLE = ord("생")

# The marks as plain numbers, for compiled code.
_M_NUMBER, _M_DOTTED, _M_COLON, _M_AT, _M_TOKEN = (
    int(m) for m in (Mark.NUMBER, Mark.DOTTED, Mark.COLON, Mark.AT, Mark.TOKEN)
)
_M_IBAN, _M_LOT, _M_STREET, _M_BORN = (int(m) for m in (Mark.IBAN, Mark.LOT, Mark.STREET, Mark.BORN))
_M_MAC, _M_PLATE = int(Mark.MAC), int(Mark.PLATE)


@lru_cache(maxsize=1)
def _classes() -> npt.NDArray[np.uint16]:
    """uint16[65536]: the classes of each code point."""
    classes = np.zeros(1 << 16, np.uint16)

    def add(characters: str, bits: int) -> None:
        for character in characters:
            classes[ord(character)] |= bits

    add("0123456789", _D | _TOKEN)
    add("ABCDEFGHIJKLMNOPQRSTUVWXYZ", _UPPER | _TOKEN)
    add("abcdefghijklmnopqrstuvwxyz", _LOWER | _TOKEN)
    add("_-", _TOKEN)
    add(NUMBER_WORDS, _WORD)
    add(SEPARATORS, _SEPARATOR)
    add(LOT_ENDS, _LOT)
    add(PLATE_SYLLABLES, _PLATE)
    add("@:-%&\\", _SIGN)
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
    `corpuskit.privacy.fold` may change the text: its marks are to be taken from the folded text instead.
    """
    hidden = np.zeros(len(offsets) - 1, np.bool_)
    room = 4096 + len(data) // 512
    forms = filled(lambda rows: _form_marks(data, offsets, _classes(), _run_bytes(), rows, hidden), room)
    words = occurrences(data, offsets, _keywords())
    rows = np.concatenate([forms, words])
    return rows[np.argsort(rows[:, 0], kind="stable")], hidden


@nb.njit(cache=True, nogil=True, inline="always")
def _add(rows: npt.NDArray[np.int64], count: int, text: int, mark: int, start: int, end: int) -> int:
    if count < len(rows):
        rows[count, 0] = text
        rows[count, 1] = mark
        rows[count, 2] = start
        rows[count, 3] = end
    return count + 1


@nb.njit(cache=True, nogil=True)
def _form_marks(
    data: Bytes,
    offsets: Offsets,
    classes: npt.NDArray[np.uint16],
    in_run: npt.NDArray[np.bool_],
    rows: npt.NDArray[np.int64],
    hidden: npt.NDArray[np.bool_],
) -> int:
    """Every mark that is no keyword: one walk over the characters of each text, which leaves quiet stretches out."""
    count = 0
    for text in range(len(offsets) - 1):
        first, last = offsets[text], offsets[text + 1]
        position = 0  # of the current character, in code points
        digits, gap, number_start, number_end = 0, MAX_GAP + 1, 0, 0  # the number that is open
        token_start = -1
        dotted_end = first  # the byte up to which dotted numbers have been read
        look_again = first  # from here on a quiet stretch is worth looking for
        i = first
        while i < last:
            byte = data[i]
            if byte >= 0xE4 and i >= look_again and digits == 0 and token_start < 0:
                quiet, look_again = quiet_end(data, i, last, in_run)
                for k in range(i, quiet):
                    position += (data[k] & 0xC0) != 0x80
                i = quiet
                if i >= last:
                    break
                byte = data[i]
            if byte < 0x80:
                point, width, kind = np.int64(byte), 1, np.int64(classes[byte])
            else:
                point, width = _character(data, i)
                kind = np.int64(_kind(point, classes))
            if kind & _HIDDEN:
                hidden[text] = True

            if kind & (_D | _WORD):
                if gap > MAX_GAP:
                    if digits >= MIN_DIGITS:
                        count = _add(rows, count, text, _M_NUMBER, number_start, number_end)
                    digits, number_start = 0, position
                digits += 1
                gap = 0
                number_end = position + 1
            elif kind & _SEPARATOR:
                gap += 1
            else:
                if digits >= MIN_DIGITS:
                    count = _add(rows, count, text, _M_NUMBER, number_start, number_end)
                digits, gap = 0, MAX_GAP + 1

            if kind & _TOKEN:
                token_start = position if token_start < 0 else token_start
            else:
                if token_start >= 0 and position - token_start >= MIN_TOKEN:
                    count = _add(rows, count, text, _M_TOKEN, token_start, position)
                token_start = -1

            if kind & _D and not (i > first and classes[data[i - 1]] & _D and data[i - 1] < 0x80):
                end = _digits_end(data, i, last)
                count = _around_digits(data, first, i, end, last, classes, rows, count, text, position)
                if i >= dotted_end:
                    dotted_end, groups = _dotted_end(data, i, last)
                    if groups >= 4:
                        count = _add(rows, count, text, _M_DOTTED, position, position + dotted_end - i)
            elif kind & _SIGN:
                if byte == _AT_SIGN:
                    count = _add(rows, count, text, _M_AT, position, position + 1)
                elif byte == _COLON_SIGN and _is_hexadecimal_word(data, first, i, last, classes):
                    count = _add(rows, count, text, _M_COLON, position - 4, position + 1)
                if byte in (_COLON_SIGN, _DASH):
                    if _is_hardware_address(data, first, i, last, classes):
                        count = _add(rows, count, text, _M_MAC, position - 2, position + 4)
                elif _escape_begins(data, i, last):
                    hidden[text] = True
            elif point == _BORN_SYLLABLE and _is_after_digit(data, first, i, classes):
                count = _add(rows, count, text, _M_BORN, position, position + 1)
            position += 1
            i += width
        if digits >= MIN_DIGITS:
            count = _add(rows, count, text, _M_NUMBER, number_start, number_end)
        if token_start >= 0 and position - token_start >= MIN_TOKEN:
            count = _add(rows, count, text, _M_TOKEN, token_start, position)
    return count


@nb.njit(cache=True, nogil=True, inline="always")
def _character(data: Bytes, i: int) -> tuple[int, int]:
    """The code point at `i`, and how many bytes it takes."""
    byte = int(data[i])
    if byte < 0x80:
        return byte, 1
    if byte < 0xE0:
        return (byte & 0x1F) << 6 | int(data[i + 1] & 0x3F), 2
    if byte < 0xF0:
        return (byte & 0x0F) << 12 | int(data[i + 1] & 0x3F) << 6 | int(data[i + 2] & 0x3F), 3
    high = (byte & 0x07) << 18 | int(data[i + 1] & 0x3F) << 12
    return high | int(data[i + 2] & 0x3F) << 6 | int(data[i + 3] & 0x3F), 4


@nb.njit(cache=True, nogil=True, inline="always")
def _kind(point: int, classes: npt.NDArray[np.uint16]) -> int:
    """The classes of a code point."""
    if point < 1 << 16:
        return int(classes[point])
    styled = MATH_LETTERS <= point < MATH_END or TAGS <= point < TAGS_END
    return _HIDDEN if styled else 0


@nb.njit(cache=True, nogil=True, inline="always")
def _escape_begins(data: Bytes, i: int, last: int) -> bool:
    """Whether a percent, HTML or backslash escape may begin at `i`."""
    byte = data[i]
    if (byte != _PERCENT and byte != _AMPERSAND and byte != _BACKSLASH) or i + 1 >= last:
        return False
    following = data[i + 1]
    if byte == _PERCENT:
        return bool(i + 2 < last and _is_hexadecimal(following) and _is_hexadecimal(data[i + 2]))
    if byte == _AMPERSAND:
        return bool(following == _HASH or 65 <= following <= 90 or 97 <= following <= 122)
    # u x n r t / " \
    letter = following == 117 or following == 120 or following == 110 or following == 114 or following == 116
    return bool(letter or following == 47 or following == 34 or following == _BACKSLASH)


@nb.njit(cache=True, nogil=True, inline="always")
def _digits_end(data: Bytes, i: int, last: int) -> int:
    while i < last and 48 <= data[i] <= 57:
        i += 1
    return i


@nb.njit(cache=True, nogil=True, inline="always")
def _dotted_end(data: Bytes, i: int, last: int) -> tuple[int, int]:
    """Where the dotted numbers that begin at `i` end, and how many they are."""
    end, groups = _digits_end(data, i, last), 1
    while end + 1 < last and data[end] == _DOT and 48 <= data[end + 1] <= 57:
        end = _digits_end(data, end + 1, last)
        groups += 1
    return end, groups


@nb.njit(cache=True, nogil=True, inline="always")
def _class_before(data: Bytes, first: int, i: int, classes: npt.NDArray[np.uint16]) -> tuple[int, int]:
    """The classes of the character before `i`, 0 at the beginning, and where it begins."""
    if i <= first:
        return 0, first
    begin = i - 1
    while data[begin] & 0xC0 == 0x80:
        begin -= 1
    point, _ = _character(data, begin)
    return _kind(point, classes), begin


@nb.njit(cache=True, nogil=True)
def _around_digits(
    data: Bytes,
    first: int,
    start: int,
    end: int,
    last: int,
    classes: npt.NDArray[np.uint16],
    rows: npt.NDArray[np.int64],
    count: int,
    text: int,
    position: int,
) -> int:
    """Marks told from what surrounds the digits `data[start:end]`, the first of which is character `position`."""
    before, begin = _class_before(data, first, start, classes)
    spaced = start > first and data[start - 1] == _SPACE
    ahead, ahead_begin = _class_before(data, first, begin, classes)  # of the character before that one
    if before & _LOT or (spaced and ahead & _LOT):
        count = _add(rows, count, text, _M_LOT, position, position + 1)
    if end - start == 4 and (before & _PLATE or (spaced and ahead & _PLATE)):
        syllable = ahead_begin if spaced else begin
        if _class_before(data, first, syllable, classes)[0] & _D:
            count = _add(rows, count, text, _M_PLATE, position, position + 4)
    if end - start >= 2 and start - first >= 2:
        one_case = before & ahead & _LETTER
        if one_case and not _class_before(data, first, ahead_begin, classes)[0] & _ALNUM:
            count = _add(rows, count, text, _M_IBAN, position - 2, position + 2)
    if not before & _ALNUM and end - start <= 6:
        stop = end + 1 if end < last and data[end] < 0x80 and classes[data[end]] & _LETTER else end
        if stop + 1 < last and data[stop] == _SPACE and _begins_a_name(data, stop + 1, last):
            count = _add(rows, count, text, _M_STREET, position, position + stop - start)
    return count


@nb.njit(cache=True, nogil=True, inline="always")
def _begins_a_name(data: Bytes, i: int, last: int) -> bool:
    """Whether a capital letter or an ordinal number (5th) begins at `i`."""
    if 65 <= data[i] <= 90:
        return True
    end = _digits_end(data, i, last)
    ordinal = end < last and (data[end] == 110 or data[end] == 114 or data[end] == 115 or data[end] == 116)
    return bool(1 <= end - i <= 3 and ordinal)


@nb.njit(cache=True, nogil=True, inline="always")
def _is_after_digit(data: Bytes, first: int, i: int, classes: npt.NDArray[np.uint16]) -> bool:
    """Whether a digit, or a digit and a full stop, comes just before `i`."""
    if i > first and data[i - 1] == _DOT:
        i -= 1
    return bool(i > first and 48 <= data[i - 1] <= 57)


@nb.njit(cache=True, nogil=True, inline="always")
def _is_hexadecimal(byte: int) -> bool:
    return 48 <= byte <= 57 or 65 <= byte <= 70 or 97 <= byte <= 102


@nb.njit(cache=True, nogil=True, inline="always")
def _is_hexadecimal_word(data: Bytes, first: int, colon: int, last: int, classes: npt.NDArray[np.uint16]) -> bool:
    """Whether four hexadecimal digits that begin a word come before a colon, and an address goes on after it."""
    if colon - first < 4 or colon + 1 >= last:
        return False
    if data[colon + 1] != _COLON_SIGN and not _is_hexadecimal(data[colon + 1]):
        return False
    for k in range(colon - 4, colon):
        if not _is_hexadecimal(data[k]):
            return False
    if colon - 5 < first:
        return True
    ahead = data[colon - 5]
    return not (ahead < 0x80 and (ahead == _COLON_SIGN or ahead == 95 or classes[ahead] & _ALNUM))


@nb.njit(cache=True, nogil=True, inline="always")
def _is_hardware_address(data: Bytes, first: int, i: int, last: int, classes: npt.NDArray[np.uint16]) -> bool:
    """Whether the first sign of `hh:hh:hh:` or `hh-hh-hh-`, which begins a word, is at `i`."""
    if i - first < 2 or i + 6 >= last or data[i + 3] != data[i] or data[i + 6] != data[i]:
        return False
    for k in (-2, -1, 1, 2, 4, 5):
        if not _is_hexadecimal(data[i + k]):
            return False
    if i - 3 < first or data[i - 3] >= 0x80:
        return True
    ahead = data[i - 3]
    if classes[ahead] & _ALNUM:
        return False
    joined = ahead in (_COLON_SIGN, _DASH) and i - 4 >= first and _is_hexadecimal(data[i - 4])
    return not joined
