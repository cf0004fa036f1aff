"""HTML to a table of elements and a list of nodes in document order, in one pass of a compiled loop over the bytes.

Tokens follow the WHATWG HTML standard, section 13.2.5. The tree follows 13.2.6 in what decides the order and the blocks
of a text: implied end tags, scopes, table cells, raw text, foreign content. Three things differ. Formatting elements
are not reopened in a later block (their text is the same). Text that a table may not hold stays where it was written.
Elements nest at most DEPTH deep, as in browsers; deeper ones become siblings, so that time stays linear.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba as nb
import numpy as np
import numpy.typing as npt

from corpuskit.extract import tags
from corpuskit.extract.keywords import BEGINS, KEYWORD_KEYS, KEYWORD_VALUES, LONGEST
from corpuskit.extract.tags import (
    BREAKOUT,
    CLOSES_P,
    FORMATTING,
    HEADING,
    ID,
    RAW,
    RCDATA,
    SCOPE,
    SPECIAL,
    VOID,
    fnv,
)

DEPTH = 512

OPEN, CLOSE, TEXT, LITERAL, LINK_END = 0, 1, 2, 3, 4
"""Kinds of nodes: an element begins, ends; text with character references, without; the link of an open `a` ends."""

(
    HIDDEN, ARIA_HIDDEN, HREF, KEEP_SPACES, SHADOW, TEX, DISPLAY_BLOCK, GUTTER, TEMPLATE, RELATION, PROPERTY,
) = (1 << bit for bit in range(11))  # fmt: skip
"""Bits of an element's marks: what its attributes say (RELATION: it has `rel`; PROPERTY: it has `itemprop`)."""

_A, _P, _LI, _DD, _DT, _BUTTON, _FORM, _BR = (ID[name] for name in "a p li dd dt button form br".split())
_TABLE, _TR, _TD, _TH, _TBODY, _THEAD, _TFOOT, _CAPTION, _COLGROUP, _COL = (
    ID[name] for name in "table tr td th tbody thead tfoot caption colgroup col".split()
)
_DIV, _ADDRESS, _OPTION, _OPTGROUP, _TEMPLATE, _SVG, _MATH = (
    ID[name] for name in "div address option optgroup template svg math".split()
)
_HTML, _HEAD, _BODY, _FRAMESET, _SELECT, _INPUT, _SCRIPT, _PLAINTEXT, _IMAGE, _IMG = (
    ID[name] for name in "html head body frameset select input script plaintext image img".split()
)
_ANNOTATION, _FOREIGN_OBJECT, _DESC, _PRE, _LISTING, _TEXTAREA, _TITLE = (
    ID[name] for name in "annotation foreignobject desc pre listing textarea title".split()
)
_MATH_TEXT = tuple(ID[name] for name in "mi mo mn ms mtext".split())

_KEYS = {
    name: np.uint64(fnv(name.encode()))
    for name in (
        "rel class id role itemprop style hidden aria-hidden href shadowrootmode shadowroot encoding gutter lineno "
        "linenos linenodiv linenumber none"
    ).split()
}
_CLASS, _IDENTITY, _ROLE, _ITEMPROP = _KEYS["class"], _KEYS["id"], _KEYS["role"], _KEYS["itemprop"]
_STYLE, _HIDDEN_NAME, _ARIA, _HREF_NAME = _KEYS["style"], _KEYS["hidden"], _KEYS["aria-hidden"], _KEYS["href"]
_SHADOW_MODE, _SHADOW_ROOT, _ENCODING = _KEYS["shadowrootmode"], _KEYS["shadowroot"], _KEYS["encoding"]
_REL = _KEYS["rel"]
_GUTTERS = tuple(_KEYS[name] for name in ("gutter", "lineno", "linenos", "linenodiv", "linenumber"))
_OFFSET, _PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)

_NO_DISPLAY, _INVISIBLE, _SPACES_KEPT, _AS_BLOCK = (
    np.frombuffer(style, np.uint8)
    for style in (b"display:none", b"visibility:hidden", b"white-space:pre", b"display:block")
)

Table = npt.NDArray[Any]


class Tree(NamedTuple):
    """A parsed page. Elements are numbered in the order of their start tags."""

    data: npt.NDArray[np.uint8]
    """The page in UTF-8."""
    tag: npt.NDArray[np.int16]
    """int16[elements]: the number of the element's name in `tags.NAMES`; 0 for unknown names."""
    parent: npt.NDArray[np.int32]
    """int32[elements]: the element around it; -1 at the top (html, head and body are transparent)."""
    start: npt.NDArray[np.int32]
    """int32[elements]: the byte of the start tag's `<`."""
    stop: npt.NDArray[np.int32]
    """int32[elements]: the byte after the start tag's `>`."""
    end: npt.NDArray[np.int32]
    """int32[elements]: the byte where the content ends."""
    marks: npt.NDArray[np.int32]
    """int32[elements]: bits HIDDEN to TEMPLATE."""
    signature: npt.NDArray[np.uint64]
    """uint64[elements]: a hash of name and class, digits taken for one another."""
    words: npt.NDArray[np.uint64]
    """uint64[elements, 2]: the keywords (`keywords.KEYWORDS`) in class, id, role and itemprop, a bit each."""
    kind: npt.NDArray[np.uint8]
    """uint8[nodes]: OPEN to LINK_END."""
    first: npt.NDArray[np.int32]
    """int32[nodes]: the element, or the byte where a text begins."""
    last: npt.NDArray[np.int32]
    """int32[nodes]: the byte after a text."""


def parse(page: bytes, is_xml: bool = False) -> Tree:
    """The tree of a page in UTF-8. `is_xml` takes `<script/>` for an empty element, as XHTML does."""
    data = np.frombuffer(page, np.uint8)
    count = int(_tag_count(data))
    return Tree(
        data,
        *_parse(data, count, is_xml, tags.TAG_KEYS, tags.TAG_VALUES, tags.FLAGS, BEGINS, KEYWORD_KEYS, KEYWORD_VALUES),
    )


@nb.njit(cache=True, nogil=True)
def _tag_count(data: Any) -> Any:
    count = 0
    for i in range(len(data) - 1):
        if data[i] == 60 and (_is_letter(data[i + 1]) or data[i + 1] == 47 or data[i + 1] == 33 or data[i + 1] == 63):
            count += 1
    return count


@nb.njit(cache=True, nogil=True)
def _lower(byte: Any) -> Any:
    return byte | 32 if 65 <= byte <= 90 else byte


@nb.njit(cache=True, nogil=True)
def _is_letter(byte: Any) -> Any:
    return 97 <= (byte | 32) <= 122


@nb.njit(cache=True, nogil=True)
def _is_space(byte: Any) -> Any:
    return byte == 32 or byte == 10 or byte == 9 or byte == 13 or byte == 12


@nb.njit(cache=True, nogil=True)
def lookup(keys: Any, values: Any, key: Any) -> Any:
    """The number of a hashed name, or -1."""
    mask = np.uint64(len(keys) - 1)
    place = key & mask
    while keys[place] != 0:
        if keys[place] == key:
            return values[place]
        place = (place + np.uint64(1)) & mask
    return np.int32(-1)


@nb.njit(cache=True, nogil=True)
def _holds(data: Any, at: Any, stop: Any, wanted: Any) -> Any:
    """Whether a style attribute holds a declaration, in any case and whatever white space is in it."""
    for i in range(at, stop):
        if _lower(data[i]) == wanted[0] and (i == at or (not _is_letter(data[i - 1]) and data[i - 1] != 45)):
            j, k = i, 0
            while j < stop and k < len(wanted):
                if _is_space(data[j]):
                    j += 1
                elif _lower(data[j]) == wanted[k]:
                    j += 1
                    k += 1
                else:
                    break
            if k == len(wanted):
                return True
    return False


@nb.njit(cache=True, nogil=True)
def _words(data: Any, at: Any, stop: Any, begins: Any, keys: Any, numbers: Any, words: Any, e: Any) -> Any:
    """Note in `words[e]` the keywords in an attribute value. Returns whether it names the gutter of line numbers.

    Runs of letters are read, cut where lower case turns to upper, and a keyword may begin anywhere in one.
    """
    i = at
    gutter = False
    while i < stop:
        if not _is_letter(data[i]):
            i += 1
            continue
        j = i + 1
        while j < stop and _is_letter(data[j]) and not (data[j] < 97 <= data[j - 1]):
            j += 1
        whole = _OFFSET
        for k in range(i, j):
            whole = (whole ^ np.uint64(_lower(data[k]))) * _PRIME
        for key in _GUTTERS:
            gutter |= key == whole
        for k in range(i, j - 2):
            if not begins[_lower(data[k]) - 97, _lower(data[k + 1]) - 97]:
                continue
            key = _OFFSET
            for m in range(k, min(j, k + LONGEST)):
                key = (key ^ np.uint64(_lower(data[m]))) * _PRIME
                if m - k >= 2:
                    number = lookup(keys, numbers, key)
                    if number >= 0:
                        words[e, number >> 6] |= np.uint64(1) << np.uint64(number & 63)
        i = j
    return gutter


@nb.njit(cache=True, nogil=True)
def _raw_end(data: Any, at: Any, name: Any, length: Any, is_script: Any) -> Any:
    """Where the end tag `</name` of raw text begins (13.2.5.15-31), or -1 where there is none.

    `name` is the byte where the start tag's name begins.
    """
    n = len(data)
    i = at
    escaped = False
    twice = False
    while i < n:
        if is_script and data[i] == 45 and i + 2 < n and data[i + 1] == 45 and data[i + 2] == 62:
            escaped = twice = False
        if data[i] == 60 and i + 1 < n:
            if is_script and data[i + 1] == 33 and i + 3 < n and data[i + 2] == 45 and data[i + 3] == 45:
                escaped = True
                i += 2
                continue
            closing = data[i + 1] == 47
            if closing or (is_script and escaped):
                j = i + 2 if closing else i + 1
                k = 0
                while k < length and j + k < n and _lower(data[j + k]) == _lower(data[name + k]):
                    k += 1
                if k == length and j + k < n and (_is_space(data[j + k]) or data[j + k] == 47 or data[j + k] == 62):
                    if not closing:
                        twice = True
                    elif twice:
                        twice = False
                    else:
                        return i
        i += 1
    return -1


@nb.njit(cache=True, nogil=True)
def _recovery(data: Any, at: Any) -> Any:
    """Where a style, title or textarea that is never closed is taken to end: at the next body, heading or block."""
    n = len(data)
    for i in range(at, n - 4):
        if data[i] == 60:
            a, b, c = _lower(data[i + 1]), _lower(data[i + 2]), data[i + 3]
            if (a == 98 and b == 111) or (a == 47 and (b == 104 or b == 98)) or (a == 109 and (b == 101 or b == 97)):
                return i  # <body, </head, </body, <meta, <main
            if (a == 112 and (b == 62 or b == 32)) or (a == 100 and b == 105) or (a == 104 and 49 <= b <= 54):
                return i  # <p, <div, <h1
            if a == 97 and b == 114 and c == 116:
                return i  # <article
    return n


@nb.njit(cache=True, nogil=True)
def _find(stack: Any, depth: Any, tag: Any, flags: Any, wanted: Any, stops: Any) -> Any:
    """The topmost place on the stack of the element `wanted`; -1 where none lies above an element with a flag of
    `stops`."""
    for k in range(depth - 1, -1, -1):
        number = tag[stack[k]]
        if number == wanted:
            return k
        if flags[number] & stops:
            return -1
    return -1


@nb.njit(cache=True, nogil=True)
def _pop(stack: Any, depth: Any, to: Any, at: Any, end: Any, kind: Any, first: Any, nodes: Any) -> tuple[Any, Any]:
    """Close the elements from the top of the stack down to place `to`. Returns (depth, nodes)."""
    while depth > to:
        depth -= 1
        end[stack[depth]] = at
        kind[nodes] = CLOSE
        first[nodes] = stack[depth]
        nodes += 1
    return to if to >= 0 else 0, nodes


@nb.njit(cache=True, nogil=True)
def _parse(
    data: Any,
    count: Any,
    is_xml: Any,
    keys: Any,
    numbers: Any,
    flags: Any,
    begins: Any,
    word_keys: Any,
    word_numbers: Any,
) -> tuple[Any, Any, Any, Any, Any, Any, Any, Any, Any, Any, Any]:
    n = len(data)
    tag = np.zeros(count + 1, np.int16)
    name_key = np.zeros(count + 1, np.uint64)
    parent = np.full(count + 1, -1, np.int32)
    start = np.zeros(count + 1, np.int32)
    stop = np.zeros(count + 1, np.int32)
    end = np.zeros(count + 1, np.int32)
    marks = np.zeros(count + 1, np.int32)
    signature = np.zeros(count + 1, np.uint64)
    words = np.zeros((count + 1, 2), np.uint64)
    size = 4 * count + 8
    kind = np.zeros(size, np.uint8)
    first = np.zeros(size, np.int32)
    last = np.zeros(size, np.int32)
    stack = np.zeros(DEPTH + 1, np.int32)
    foreign = np.zeros(DEPTH + 2, np.bool_)  # whether content at this depth is SVG or MathML
    depth = 0
    elements = 0
    nodes = 0
    unquoted = np.full(2, n, np.int64)  # from here on no " or ' is left
    saw_body = False
    i = 0
    text = 0
    while i < n:
        if data[i] != 60 or i + 1 >= n:
            i += 1
            continue
        following = data[i + 1]
        closing = following == 47
        if not (_is_letter(following) or closing or following == 33 or following == 63) or (closing and i + 2 >= n):
            i += 1
            continue
        if i > text:
            kind[nodes], first[nodes], last[nodes] = TEXT, text, i
            nodes += 1
        if following == 33 or following == 63 or (closing and not _is_letter(data[i + 2])):
            # comment, doctype, CDATA, or what is read as a comment
            j = i + 2
            if following == 33 and i + 3 < n and data[i + 2] == 45 and data[i + 3] == 45:
                j = i + 4
                if j < n and data[j] == 62:
                    j += 1
                elif j + 1 < n and data[j] == 45 and data[j + 1] == 62:
                    j += 2
                else:
                    while j < n:
                        if data[j] == 45 and j + 2 < n and data[j + 1] == 45:
                            if data[j + 2] == 62:
                                j += 3
                                break
                            if data[j + 2] == 33 and j + 3 < n and data[j + 3] == 62:
                                j += 4
                                break
                        j += 1
            elif (
                foreign[depth]
                and i + 8 < n
                and data[i + 2] == 91
                and data[i + 3] == 67
                and data[i + 4] == 68
                and data[i + 8] == 91
            ):
                j = i + 9
                while j < n and not (data[j] == 93 and j + 2 < n and data[j + 1] == 93 and data[j + 2] == 62):
                    j += 1
                kind[nodes], first[nodes], last[nodes] = LITERAL, i + 9, min(j, n)
                nodes += 1
                j += 3
            else:
                while j < n and data[j] != 62:
                    j += 1
                j += 1
            i = text = min(j, n)
            continue

        at = i + 2 if closing else i + 1
        j = at
        key = _OFFSET
        while j < n and not _is_space(data[j]) and data[j] != 62 and data[j] != 47:
            key = (key ^ np.uint64(_lower(data[j]))) * _PRIME
            j += 1
        length = j - at
        number = lookup(keys, numbers, key)
        if number < 0:
            number = np.int32(0)
        if number == _IMAGE:
            number = np.int32(_IMG)
        traits = flags[number]
        # attributes
        mark = 0
        empty = False
        class_key = key
        words[elements, 0] = words[elements, 1] = np.uint64(0)
        while j < n and data[j] != 62:
            if _is_space(data[j]) or data[j] == 47:
                empty = data[j] == 47 and j + 1 < n and data[j + 1] == 62
                j += 1
                continue
            attribute = _OFFSET
            began = j
            while (
                j < n and not _is_space(data[j]) and data[j] != 47 and data[j] != 62 and (data[j] != 61 or j == began)
            ):
                attribute = (attribute ^ np.uint64(_lower(data[j]))) * _PRIME
                j += 1
            k = j
            while k < n and _is_space(data[k]):
                k += 1
            begin = close = j
            if k < n and data[k] == 61:
                k += 1
                while k < n and _is_space(data[k]):
                    k += 1
                if k < n and (data[k] == 34 or data[k] == 39):
                    quote = data[k]
                    which = 0 if quote == 34 else 1
                    begin = k + 1
                    close = begin
                    if begin < unquoted[which]:
                        while close < n and data[close] != quote:
                            close += 1
                        if close >= n:
                            unquoted[which] = begin
                    else:
                        close = n
                    if close >= n:  # the quotation mark is missing: the tag ends at its first >
                        close = begin
                        while close < n and data[close] != 62:
                            close += 1
                        j = close
                    else:
                        j = close + 1
                else:
                    begin = close = k
                    while close < n and not _is_space(data[close]) and data[close] != 62:
                        close += 1
                    j = close
            if closing:
                continue
            if attribute == _CLASS:
                if _words(data, begin, close, begins, word_keys, word_numbers, words, elements):
                    mark |= GUTTER
                for k in range(begin, close):
                    byte = _lower(data[k])
                    class_key = (class_key ^ np.uint64(48 if 48 <= byte <= 57 else byte)) * _PRIME
            elif attribute == _REL:
                mark |= RELATION
            elif attribute == _IDENTITY or attribute == _ROLE or attribute == _ITEMPROP:
                if _words(data, begin, close, begins, word_keys, word_numbers, words, elements):
                    mark |= GUTTER
                if attribute == _ITEMPROP:
                    mark |= PROPERTY
            elif attribute == _STYLE:
                if _holds(data, begin, close, _NO_DISPLAY) or _holds(data, begin, close, _INVISIBLE):
                    mark |= HIDDEN
                if _holds(data, begin, close, _SPACES_KEPT):
                    mark |= KEEP_SPACES
                if _holds(data, begin, close, _AS_BLOCK):
                    mark |= DISPLAY_BLOCK
            elif attribute == _HIDDEN_NAME:
                mark |= HIDDEN
            elif attribute == _ARIA:
                if close - begin == 4:
                    mark |= ARIA_HIDDEN
            elif attribute == _HREF_NAME:
                mark |= HREF
            elif attribute == _SHADOW_MODE or attribute == _SHADOW_ROOT:
                mark |= SHADOW
            elif attribute == _ENCODING and number == _ANNOTATION:
                for k in range(begin, close - 2):
                    if _lower(data[k]) == 116 and _lower(data[k + 1]) == 101 and _lower(data[k + 2]) == 120:
                        mark |= TEX
        if j >= n:  # the page is cut off inside a tag
            i = text = n
            break
        tag_end = j + 1
        i = text = tag_end

        if closing:
            if number == _BR:
                number = np.int32(_BR)  # </br> is a line break: handled as a start tag below
                traits = flags[number]
            elif number == _HTML or number == _BODY or number == _HEAD or number == _FRAMESET:
                continue
            else:
                place = -1
                if number == 0 or foreign[depth]:
                    for k in range(depth - 1, -1, -1):
                        if name_key[stack[k]] == key:
                            place = k
                            break
                        if flags[tag[stack[k]]] & SPECIAL and not foreign[k]:
                            break
                elif number == _P:
                    place = -1
                    for k in range(depth - 1, -1, -1):
                        if tag[stack[k]] == _P:
                            place = k
                            break
                        if flags[tag[stack[k]]] & SCOPE or tag[stack[k]] == _BUTTON:
                            break
                elif traits & HEADING:
                    for k in range(depth - 1, -1, -1):
                        if flags[tag[stack[k]]] & HEADING:
                            place = k
                            break
                        if flags[tag[stack[k]]] & SCOPE:
                            break
                elif number == _LI:
                    for k in range(depth - 1, -1, -1):
                        if tag[stack[k]] == _LI:
                            place = k
                            break
                        if flags[tag[stack[k]]] & (SCOPE | tags.LIST):
                            break
                elif (
                    number == _TABLE
                    or number == _TR
                    or number == _TD
                    or number == _TH
                    or number == _CAPTION
                    or (number == _TBODY or number == _THEAD or number == _TFOOT or number == _COLGROUP)
                ):
                    for k in range(depth - 1, -1, -1):
                        if tag[stack[k]] == number:
                            place = k
                            break
                        if tag[stack[k]] == _TABLE or tag[stack[k]] == _TEMPLATE:
                            break
                elif number == _TEMPLATE:
                    for k in range(depth - 1, -1, -1):
                        if tag[stack[k]] == _TEMPLATE:
                            place = k
                            break
                elif traits & FORMATTING:
                    crossed = False
                    for k in range(depth - 1, -1, -1):
                        number_there = tag[stack[k]]
                        if number_there == number:
                            if not crossed:
                                place = k
                            elif number == _A:
                                kind[nodes], first[nodes] = LINK_END, stack[k]
                                nodes += 1
                            break
                        if flags[number_there] & SCOPE:
                            break
                        if flags[number_there] & SPECIAL:
                            crossed = True
                elif number == _FORM:
                    place = _find(stack, depth, tag, flags, number, SCOPE)
                    if place >= 0 and place != depth - 1:
                        blocks = 0
                        for k in range(place + 1, depth):
                            if flags[tag[stack[k]]] & SPECIAL and tag[stack[k]] != _P and tag[stack[k]] != _LI:
                                blocks += 1
                        if blocks:
                            place = -1
                elif traits & SPECIAL:
                    place = _find(stack, depth, tag, flags, number, SCOPE)
                else:
                    for k in range(depth - 1, -1, -1):
                        if tag[stack[k]] == number:
                            place = k
                            break
                        if flags[tag[stack[k]]] & SPECIAL:
                            break
                if place >= 0:
                    depth, nodes = _pop(stack, depth, place, at - 2, end, kind, first, nodes)
                elif number == _P:  # </p> without <p> is an empty paragraph
                    tag[elements], start[elements], stop[elements], end[elements] = _P, at - 2, tag_end, tag_end
                    name_key[elements] = key
                    parent[elements] = stack[depth - 1] if depth else -1
                    kind[nodes], first[nodes] = OPEN, elements
                    kind[nodes + 1], first[nodes + 1] = CLOSE, elements
                    nodes += 2
                    elements += 1
                continue

        # start tags
        if foreign[depth]:
            if traits & BREAKOUT and number != 0:
                k = depth
                while k > 0 and foreign[k]:
                    k -= 1
                depth, nodes = _pop(stack, depth, k, at - 1, end, kind, first, nodes)
        in_foreign = foreign[depth]
        if not in_foreign:
            if number == _FORM:
                if _find(stack, depth, tag, flags, number, 0) >= 0:
                    continue
            if number == _BODY or number == _HTML:
                if number == _BODY and saw_body:
                    continue
                saw_body = saw_body or number == _BODY
            if traits & CLOSES_P:
                for k in range(depth - 1, -1, -1):
                    number_there = tag[stack[k]]
                    if number_there == _P:
                        depth, nodes = _pop(stack, depth, k, at - 1, end, kind, first, nodes)
                        break
                    if flags[number_there] & SCOPE or number_there == _BUTTON:
                        break
            if number == _LI or number == _DD or number == _DT:
                for k in range(depth - 1, -1, -1):
                    number_there = tag[stack[k]]
                    if number_there == number or (number != _LI and (number_there == _DD or number_there == _DT)):
                        depth, nodes = _pop(stack, depth, k, at - 1, end, kind, first, nodes)
                        break
                    if (
                        flags[number_there] & SPECIAL
                        and number_there != _ADDRESS
                        and number_there != _DIV
                        and number_there != _P
                    ):
                        break
            elif traits & HEADING:
                if depth and flags[tag[stack[depth - 1]]] & HEADING:
                    depth, nodes = _pop(stack, depth, depth - 1, at - 1, end, kind, first, nodes)
            elif number == _A:
                for k in range(depth - 1, -1, -1):
                    number_there = tag[stack[k]]
                    if number_there == _A:
                        depth, nodes = _pop(stack, depth, k, at - 1, end, kind, first, nodes)
                        break
                    if flags[number_there] & SPECIAL:
                        break
            elif number == _BUTTON:
                k = _find(stack, depth, tag, flags, number, SCOPE)
                if k >= 0:
                    depth, nodes = _pop(stack, depth, k, at - 1, end, kind, first, nodes)
            elif number == _OPTION or number == _OPTGROUP:
                while depth and (
                    tag[stack[depth - 1]] == _OPTION or (number == _OPTGROUP and tag[stack[depth - 1]] == _OPTGROUP)
                ):
                    depth, nodes = _pop(stack, depth, depth - 1, at - 1, end, kind, first, nodes)
            elif number == _TABLE:
                if depth:
                    number_there = tag[stack[depth - 1]]
                    if (
                        number_there == _TABLE
                        or number_there == _TR
                        or number_there == _TBODY
                        or number_there == _THEAD
                        or number_there == _TFOOT
                    ):
                        k = _find(stack, depth, tag, flags, _TABLE, 0)
                        if k >= 0:
                            depth, nodes = _pop(stack, depth, k, at - 1, end, kind, first, nodes)
            elif (
                number == _TR
                or number == _TD
                or number == _TH
                or number == _TBODY
                or number == _THEAD
                or (number == _TFOOT or number == _CAPTION or number == _COLGROUP or number == _COL)
            ):
                place = -1
                for k in range(depth - 1, -1, -1):
                    number_there = tag[stack[k]]
                    if number_there == _TABLE or number_there == _TEMPLATE:
                        place = k
                        break
                    if (number == _TR or number == _TD or number == _TH) and (
                        number_there == _TBODY or number_there == _THEAD or number_there == _TFOOT
                    ):
                        place = k
                        break
                    if (number == _TD or number == _TH) and number_there == _TR:
                        place = k
                        break
                    if number == _COL and number_there == _COLGROUP:
                        place = k
                        break
                if place < 0:
                    continue
                depth, nodes = _pop(stack, depth, place + 1, at - 1, end, kind, first, nodes)
            elif (number == _INPUT or number == _TEXTAREA or number == _SELECT) and depth:
                k = _find(stack, depth, tag, flags, _SELECT, SCOPE)
                if k >= 0:
                    depth, nodes = _pop(stack, depth, k, at - 1, end, kind, first, nodes)
                    if number == _SELECT:
                        continue

        if depth == DEPTH:
            depth, nodes = _pop(stack, depth, depth - 1, at - 1, end, kind, first, nodes)
            in_foreign = foreign[depth]
        e = elements
        elements += 1
        tag[e], name_key[e], start[e], stop[e], end[e] = number, key, at - 1, tag_end, tag_end
        parent[e] = stack[depth - 1] if depth else -1
        signature[e] = class_key
        if number == _TEMPLATE and not mark & SHADOW:
            mark |= TEMPLATE
        marks[e] = mark
        if mark & TEX:
            for k in range(depth - 1, -1, -1):
                if tag[stack[k]] == _MATH:
                    marks[stack[k]] |= TEX
                    break
        kind[nodes], first[nodes] = OPEN, e
        nodes += 1
        if number == _HTML or number == _HEAD or number == _BODY or number == _FRAMESET:
            kind[nodes], first[nodes] = CLOSE, e
            nodes += 1
            continue
        if traits & VOID or (empty and (in_foreign or is_xml or number == _SVG or number == _MATH)) or closing:
            kind[nodes], first[nodes] = CLOSE, e
            nodes += 1
            continue
        if traits & (RAW | RCDATA) and not (in_foreign and number == _TITLE):
            if number == _PLAINTEXT:
                close = n
            else:
                close = _raw_end(data, tag_end, at, length, number == _SCRIPT)
                if close < 0:
                    close = n if number == _SCRIPT else _recovery(data, tag_end)
            if close > tag_end:
                kind[nodes], first[nodes], last[nodes] = (TEXT if traits & RCDATA else LITERAL), tag_end, close
                nodes += 1
            end[e] = close
            kind[nodes], first[nodes] = CLOSE, e
            nodes += 1
            i = text = close
            continue
        stack[depth] = e
        depth += 1
        inside = in_foreign or number == _SVG or number == _MATH
        if in_foreign and (number == _FOREIGN_OBJECT or number == _DESC or number == _TITLE):
            inside = False
        foreign[depth] = inside
        if (number == _PRE or number == _LISTING) and text < n:
            if data[text] == 10:
                text += 1
            elif data[text] == 13:
                text += 2 if text + 1 < n and data[text + 1] == 10 else 1
            i = text
    if text < n:
        kind[nodes], first[nodes], last[nodes] = TEXT, text, n
        nodes += 1
    depth, nodes = _pop(stack, depth, 0, n, end, kind, first, nodes)
    return (
        tag[:elements],
        parent[:elements],
        start[:elements],
        stop[:elements],
        end[:elements],
        marks[:elements],
        signature[:elements],
        words[:elements],
        kind[:nodes],
        first[:nodes],
        last[:nodes],
    )
