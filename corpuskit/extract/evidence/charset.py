"""From bytes to text: which encoding a page is really in, whatever it says.

Valid UTF-8 with multi-byte characters is hardly ever anything else, so it comes before what the page declares. A
declared encoding counts when the bytes decode under it; labels mean what browsers make of them (WHATWG Encoding
Standard, section 4.2: 'euc-kr' is windows-949, 'iso-8859-1' is windows-1252). What is left is detected.
"""

from __future__ import annotations

import codecs
import re
import unicodedata

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

_AS_BROWSERS_DO = {
    "ascii": "cp1252",
    "us-ascii": "cp1252",
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "latin-1": "cp1252",
    "latin1": "cp1252",
    "windows-1252": "cp1252",
    "iso-8859-9": "cp1254",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "windows-874": "cp874",
    "euc-kr": "cp949",
    "euc_kr": "cp949",
    "euckr": "cp949",
    "ks_c_5601-1987": "cp949",
    "ksc5601": "cp949",
    "ks_c_5601": "cp949",
    "windows-949": "cp949",
    "ms949": "cp949",
    "uhc": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "x-sjis": "cp932",
    "windows-31j": "cp932",
    "x-mac-cyrillic": "mac_cyrillic",
    "big5": "big5hkscs",
    "utf-16": "utf-16-le",
    "unicode": "utf-16-le",
    "utf8": "utf-8",
}

_BY_DEFAULT = ("cp1252", "iso8859-1", "iso8859-15")
"""What servers and editors write without looking, and what every byte string decodes under."""

_HEADER = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.I)
_META = re.compile(rb"<meta[^>]{0,300}?charset\s*=\s*[\"']?\s*([\w.:-]+)", re.I)
_XML = re.compile(rb"<\?xml[^>]{0,100}?encoding\s*=\s*[\"']([\w.:-]+)", re.I)
_HEAD = 4096
_WRONG_SHARE = 0.002
"""Undecodable bytes that a declared encoding may leave: pages are cut off and patched from other sources."""


def decode(data: bytes, media_type: str | None = None) -> tuple[str, str]:
    """(text, encoding) of a page's bytes. `media_type` is the HTTP Content-Type. Undecodable bytes become U+FFFD.

    `encoding` is a Python codec name. Line ends and characters are left as they are.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace"), encoding
    wide = _without_mark(data)
    if wide:
        return data.decode(wide, "replace"), wide
    if not data.isascii() or b"\x1b$" in data or b"\x1b(" in data:
        return _not_ascii(data, media_type)
    return data.decode("ascii"), "ascii"


def _not_ascii(data: bytes, media_type: str | None) -> tuple[str, str]:
    escapes = data.isascii()
    if not escapes:
        text = data.decode("utf-8", "replace")
        wrong = text.count("\ufffd")
        # a handful of broken bytes among thousands of sound characters: still UTF-8
        if wrong * 50 <= len(data) - len(text) + wrong and wrong <= 1 + _WRONG_SHARE * len(data):
            return text, "utf-8"
    if not escapes:
        for encoding in ("cp949", "johab"):
            if _is_korean(data, encoding):
                return data.decode(encoding, "replace"), encoding
    declared = [name for name in (_label(media_type), _in_page(data)) if name]
    doubtful: list[tuple[str, str]] = []
    for name in declared:
        read = _read(data, name)
        if read is None:
            continue
        if name in _BY_DEFAULT:
            doubtful.append((read, name))
        else:
            return read, name
    guess = _detected(data)
    if guess and guess not in [name for _, name in doubtful]:
        read = _read(data, guess)
        if read is not None and (not doubtful or _plausible(read) > _plausible(doubtful[0][0])):
            return read, guess
    if doubtful:
        return doubtful[0]
    if guess:
        return data.decode(guess, "replace"), guess
    return data.decode("cp1252", "replace"), "cp1252"


_COMMON_SYLLABLES = frozenset(
    "이다는을를에의가고은하한서지로도기사자인시어나그리아해있정대스으수들게일과만주여보라전것구상제"
)


def _is_korean(data: bytes, encoding: str) -> bool:
    """True for bytes that are Korean under cp949, or under johab, and nothing sensible under any other encoding.

    Chinese and Japanese bytes decode to a mixture of syllables, hanja and signs there, and to rare syllables.
    """
    text = _read(data[: 1 << 16], encoding)
    if text is None:
        return False
    other = [character for character in text if ord(character) > 127]
    syllables = [character for character in other if "가" <= character <= "힣"]
    common = sum(character in _COMMON_SYLLABLES for character in syllables)
    return len(syllables) >= max(4, 0.9 * len(other)) and common >= 0.25 * len(syllables)


def _label(media_type: str | None) -> str | None:
    match = _HEADER.search(media_type or "")
    return _codec(match[1]) if match else None


def _in_page(data: bytes) -> str | None:
    head = data[:_HEAD]
    match = _META.search(head) or _XML.search(head)
    return _codec(match[1].decode("ascii", "replace")) if match else None


def _codec(label: str) -> str | None:
    """Python's name of an encoding, or None for one that is unknown or that text in ASCII cannot declare."""
    label = label.strip().lower()
    try:
        name = codecs.lookup(_AS_BROWSERS_DO.get(label, label))
    except LookupError:
        return None
    if not name._is_text_encoding or name.name.startswith(("utf-16", "utf-32", "utf-7")):
        return None
    return name.name


def _read(data: bytes, encoding: str) -> str | None:
    """The text, or None where more bytes than chance allows are none in this encoding."""
    text = data.decode(encoding, "replace")
    wrong = text.count("\ufffd")
    return text if wrong <= 1 + _WRONG_SHARE * len(data) else None


def _without_mark(data: bytes) -> str | None:
    """UTF-16 or UTF-32 without a byte order mark, by where the zero bytes of its ASCII characters lie."""
    head = data[:_HEAD]
    if len(head) < 8 or head.count(0) < len(head) // 5:
        return None
    zeros = [head[place::4].count(0) / max(1, len(head[place::4])) for place in range(4)]
    if min(zeros[0], zeros[1]) > 0.7 and zeros[3] < 0.5:
        return "utf-32-be"
    if min(zeros[2], zeros[3]) > 0.7 and zeros[0] < 0.5:
        return "utf-32-le"
    if min(zeros[0], zeros[2]) > 0.2 and max(zeros[1], zeros[3]) < 0.1:
        return "utf-16-be"
    if min(zeros[1], zeros[3]) > 0.2 and max(zeros[0], zeros[2]) < 0.1:
        return "utf-16-le"
    return None


_TAGS = re.compile(rb"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.I | re.S)


def _detected(data: bytes) -> str | None:
    """The encoding that statistics of the bytes outside markup suggest."""
    from resiliparse.parse.encoding import detect_encoding

    prose = _TAGS.sub(b" ", data[: 1 << 20])
    if prose.isascii() and b"\x1b" not in prose:
        prose = data
    name = detect_encoding(prose[: 1 << 17], html5_compatible=False)
    return _codec(name) if name else None


def _plausible(text: str) -> float:
    """How many of the characters beyond ASCII are letters that stand with others of their kind."""
    other = [character for character in text[: 1 << 16] if ord(character) > 127]
    if not other:
        return 0.0
    letters = sum(unicodedata.category(character) in ("Lo", "Ll", "Lu") for character in other)
    return letters / len(other)
