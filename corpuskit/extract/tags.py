"""The elements of HTML as numbers: what the parser and the serializer must know of each, as plain arrays.

Sources: WHATWG HTML, 13.1.2 (void and raw text elements), 13.2.4.2 and 13.2.6.4.7 (special elements, scopes, what closes
a paragraph), and 15.3 (the display table of the default style sheet).
"""

from __future__ import annotations

import html.entities
from typing import Final

import numpy as np
import numpy.typing as npt

VOID: Final = 1
SPECIAL: Final = 2
"""End tags of other elements do not reach past these."""
SCOPE: Final = 4
"""Elements that end every search for an open element."""
CLOSES_P: Final = 8
HEADING: Final = 16
FORMATTING: Final = 32
RAW: Final = 64
"""Everything up to the end tag is text without markup."""
RCDATA: Final = 128
"""As RAW, with character references."""
BLOCK: Final = 256
"""Text before, inside and after the element is on lines of its own."""
SKIP: Final = 512
"""Never displayed as text."""
BREAKOUT: Final = 1024
"""An HTML element that ends SVG or MathML around it."""
PRE: Final = 2048
"""White space is kept."""
APART: Final = 4096
"""A block with a blank line around it."""
CODE: Final = 8192
"""Inline code: runs of spaces are kept."""
LIST: Final = 16384

_GROUPS: dict[int, str] = {
    VOID: "area base basefont bgsound br col embed frame hr image img input keygen link meta param source track wbr",
    SPECIAL: "address applet area article aside base basefont bgsound blockquote body br button caption center col colgroup "
    "dd details dialog dir div dl dt embed fieldset figcaption figure footer form frame frameset h1 h2 h3 h4 h5 h6 head "
    "header hgroup hr html iframe img input keygen li link listing main marquee menu meta nav noembed noframes noscript "
    "object ol p param plaintext pre script search section select source style summary table tbody td template textarea "
    "tfoot th thead title tr track ul wbr xmp",
    SCOPE: "applet caption table td th marquee object template",
    CLOSES_P: "address article aside blockquote center details dialog dir div dl fieldset figcaption figure footer header "
    "hgroup main menu nav ol p search section summary ul h1 h2 h3 h4 h5 h6 pre listing form plaintext table hr xmp li dd dt",
    HEADING: "h1 h2 h3 h4 h5 h6",
    FORMATTING: "a b big code em font i nobr s small strike strong tt u",
    RAW: "script style xmp iframe noembed noframes plaintext",
    RCDATA: "title textarea",
    BLOCK: "address article aside blockquote body button caption center dd details dialog dir div dl dt fieldset figcaption "
    "figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr legend li listing main menu nav ol optgroup option p plaintext "
    "pre search section summary table tbody td tfoot th thead tr ul xmp frameset marquee noscript template",
    SKIP: "area audio base basefont bgsound canvas col colgroup datalist embed frame head iframe image img input keygen "
    "link meta noembed noframes object optgroup option param rp script select source style svg textarea title track video "
    "applet",
    BREAKOUT: "b big blockquote body br center code dd div dl dt em embed h1 h2 h3 h4 h5 h6 head hr i img li listing menu "
    "meta nobr ol p pre ruby s small span strong strike sub sup table tt u ul var",
    PRE: "pre listing plaintext xmp",
    APART: "p h1 h2 h3 h4 h5 h6 pre listing xmp blockquote ul ol dl table figure article section details fieldset hr menu "
    "address aside header footer main nav",
    CODE: "code kbd samp tt",
    LIST: "ul ol menu dir",
}
_OTHER = (
    "a span strong em b i math semantics annotation annotation-xml mi mo mn ms mtext foreignobject desc ruby rb rt rtc time "
    "label cite q abbr mark del ins sub sup var dfn data output meter progress slot map svg"
)

NAMES: Final[tuple[str, ...]] = ("", *sorted({*_OTHER.split(), *" ".join(_GROUPS.values()).split()}))
"""Element names by number; 0 is every name that HTML does not know, which is displayed inline."""
ID: Final[dict[str, int]] = {name: number for number, name in enumerate(NAMES)}
FLAGS: Final[npt.NDArray[np.int32]] = np.array(
    [sum(flag for flag, names in _GROUPS.items() if name in names.split()) for name in NAMES], np.int32
)

_OFFSET, _PRIME = 0xCBF29CE484222325, 0x100000001B3


def fnv(name: bytes) -> int:
    """The 64-bit FNV-1a hash that the compiled loops compute of names."""
    value = _OFFSET
    for byte in name:
        value = (value ^ byte) * _PRIME & 0xFFFFFFFFFFFFFFFF
    return value


def hash_table(names: dict[str, int], bits: int) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int32]]:
    """(keys uint64[2 ** bits], values int32[2 ** bits]) of an open-addressing table from hashed names to numbers.

    A key's place is its low bits; the next free place follows. Key 0 is an empty place.
    """
    keys, values = np.zeros(1 << bits, np.uint64), np.zeros(1 << bits, np.int32)
    for name, number in names.items():
        key = fnv(name.encode())
        place = key & ((1 << bits) - 1)
        while keys[place]:
            place = (place + 1) & ((1 << bits) - 1)
        keys[place], values[place] = key, number
    return keys, values


TAG_KEYS, TAG_VALUES = hash_table({name: number for name, number in ID.items() if name}, 10)

_REFERENCES = dict(html.entities.html5)
ENTITY_KEYS, ENTITY_VALUES = hash_table({name: number for number, name in enumerate(_REFERENCES)}, 13)
"""Named character references with and, where HTML allows it, without their semicolon; values index ENTITY_BOUNDS."""
_ENCODED = [value.encode() for value in _REFERENCES.values()]
ENTITY_BYTES: Final[npt.NDArray[np.uint8]] = np.frombuffer(b"".join(_ENCODED), np.uint8)
ENTITY_BOUNDS: Final[npt.NDArray[np.int32]] = np.cumsum([0, *map(len, _ENCODED)]).astype(np.int32)
LONGEST_ENTITY: Final = max(map(len, _REFERENCES))
CP1252: Final[npt.NDArray[np.int32]] = np.array(
    [ord(bytes([byte]).decode("cp1252", "ignore") or chr(byte)) for byte in range(128, 160)], np.int32
)
"""What numeric references to 0x80-0x9F mean."""
