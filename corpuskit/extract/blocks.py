"""The text of a parsed page, block by block: what a browser shows, with every character in its order.

A block is a run of inline content between the boundaries of block elements (WHATWG HTML, section 15.3, and the
innerText algorithm, 3.2.7). White space is collapsed as CSS does it, except in `pre`. A block carries how it is set
apart from the one before: by a tab (the next cell of a row), a line break or a blank line.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba as nb
import numpy as np
import numpy.typing as npt

from corpuskit.extract import tags
from corpuskit.extract.parse import (
    ARIA_HIDDEN,
    CLOSE,
    DEPTH,
    DISPLAY_BLOCK,
    GUTTER,
    HIDDEN,
    HREF,
    KEEP_SPACES,
    LINK_END,
    OPEN,
    TEMPLATE,
    TEX,
    TEXT,
    Tree,
    lookup,
)
from corpuskit.extract.tags import APART, BLOCK, CODE, ID, LIST, PRE, SKIP

TAB, LINE, BLANK = 1, 2, 3
"""How a block is set apart from the one before."""

_MOST_HIDDEN = 0.5
"""A hidden element with more of the page's text than this is shown by a script."""
_A, _BR, _WBR, _RT, _RP, _MATH, _BUTTON, _NOSCRIPT = (
    ID[name] for name in "a br wbr rt rp math button noscript".split()
)
_ANNOTATION, _ANNOTATION_XML, _TD, _TH, _TR, _LI, _PRE = (
    ID[name] for name in "annotation annotation-xml td th tr li pre".split()
)
_P, _DIV, _SPAN, _HR = (ID[name] for name in "p div span hr".split())

_OUT, _SPACES, _BROKEN, _NEWLINES, _CONTENT, _UNITS, _LINK, _BEGIN, _OWNER, _BREAKS = range(10)
"""Places of the serializer's state: bytes written; spaces and a line break in the source that wait; `br`s that wait;
whether the block has content; its size and the size of its links; where it began; its element; its `br`s."""


class Blocks(NamedTuple):
    """The displayed text of a page."""

    tree: Tree
    data: npt.NDArray[np.uint8]
    """The blocks' text, one behind the other, in UTF-8."""
    begin: npt.NDArray[np.int32]
    stop: npt.NDArray[np.int32]
    """int32[blocks]: block i is `data[begin[i]:stop[i]]`."""
    owner: npt.NDArray[np.int32]
    """int32[blocks]: the innermost block element around the block's first character; -1 for none."""
    apart: npt.NDArray[np.uint8]
    """uint8[blocks]: TAB, LINE or BLANK before the block."""
    units: npt.NDArray[np.int32]
    """int32[blocks]: characters; those of Han, kana and Hangul, which say more, count two."""
    links: npt.NDArray[np.int32]
    """int32[blocks]: units inside links."""
    breaks: npt.NDArray[np.int32]
    """int32[blocks]: line breaks (`br`) inside the block."""
    pre: npt.NDArray[np.bool_]
    """bool[elements]: white space is kept inside."""

    def text(self, keep: npt.NDArray[np.bool_] | None = None) -> str:
        """The kept blocks (bool[blocks]; all by default), with what sets them apart."""
        if keep is None:
            keep = np.ones(len(self.begin), np.bool_)
        return bytes(_joined(self.data, self.begin, self.stop, self.apart, keep)).decode("utf-8", "replace")

    def block(self, number: int) -> str:
        """The text of one block."""
        return bytes(self.data[self.begin[number] : self.stop[number]]).decode("utf-8", "replace")


def blocks(tree: Tree) -> Blocks:
    """The displayed text of a parsed page."""
    skip, pre, code, owner = _shown(
        tree.data, tree.tag, tree.parent, tree.marks, tree.kind, tree.first, tree.last, tags.FLAGS
    )
    found: tuple[Any, ...] = _laid_out(
        tree.data, tree.tag, tree.parent, tree.marks, tree.kind, tree.first, tree.last, tags.FLAGS,
        skip, pre, code, owner,
        tags.ENTITY_KEYS, tags.ENTITY_VALUES, tags.ENTITY_BYTES, tags.ENTITY_BOUNDS, tags.CP1252,
    )  # fmt: skip
    return Blocks._make((tree, *found, pre))


@nb.njit(cache=True, nogil=True)
def _shown(
    data: Any, tag: Any, parent: Any, marks: Any, kind: Any, first: Any, last: Any, flags: Any
) -> tuple[Any, Any, Any, Any]:
    """(skip, pre, code, owner) of each element: not displayed; white space kept; code; its innermost block element."""
    count = len(tag)
    skip = np.zeros(count, np.bool_)
    pre = np.zeros(count, np.bool_)
    code = np.zeros(count, np.bool_)
    owner = np.full(count, -1, np.int32)
    for e in range(count):
        above = parent[e]
        traits = flags[tag[e]]
        block = traits & BLOCK or marks[e] & DISPLAY_BLOCK
        skip[e] = traits & SKIP or marks[e] & TEMPLATE
        pre[e] = traits & PRE or (marks[e] & KEEP_SPACES and block)
        code[e] = traits & CODE
        if above >= 0:
            skip[e] |= skip[above] or (tag[e] == _BUTTON and pre[above])
            pre[e] |= pre[above]
            code[e] |= code[above]
            owner[e] = owner[above]
        if block:
            owner[e] = e
    size = np.zeros(count + 1, np.int64)
    stack = np.full(DEPTH + 3, -1, np.int32)
    depth = 0
    for k in range(len(kind)):
        if kind[k] == OPEN:
            depth += 1
            stack[depth] = first[k]
        elif kind[k] == CLOSE:
            depth -= 1
        elif kind[k] != LINK_END:
            e = stack[depth]
            if e < 0 or not skip[e]:
                amount = 0
                for i in range(first[k], last[k]):
                    if data[i] > 32:
                        amount += 1
                size[e] += amount  # -1, the last place, is outside all elements
    total = size[count]
    for e in range(count - 1, -1, -1):
        if parent[e] >= 0:
            size[parent[e]] += size[e]
        else:
            total += size[e]
    most = _MOST_HIDDEN * total
    for e in range(count):
        above = parent[e]
        hidden = marks[e] & (HIDDEN | ARIA_HIDDEN) or tag[e] == _NOSCRIPT
        if hidden and size[e] <= most:
            skip[e] = True
        elif (
            marks[e] & GUTTER
            and size[e] <= 0.3 * total
            and (tag[e] == _TD or tag[e] == _PRE or tag[e] == _SPAN or tag[e] == _DIV)
        ):
            skip[e] = True
        if above >= 0 and skip[above]:
            skip[e] = True
            if tag[e] == _MATH and marks[e] & TEX:  # MediaWiki hides its formulas behind their pictures
                higher = parent[above]
                skip[e] = not (marks[above] & HIDDEN and (higher < 0 or not skip[higher]))
    return skip, pre, code, owner


@nb.njit(cache=True, nogil=True)
def _put(out: Any, state: Any, c: Any, pre: Any, code: Any, link: Any) -> None:
    """Write one code point, with the white space that waits before it."""
    if pre:
        if (c < 32 and c != 9 and c != 10) or c == 127 or c == 0xFEFF:
            return
        if c != 10 and c != 32 and c != 9:
            state[_CONTENT] = 1
    else:
        if c <= 32 or c == 160 or c == 0x85 or 0x2000 <= c <= 0x200A or c == 0x202F or c == 0x205F or c == 0x3000:
            if c <= 32 and c != 32 and not 9 <= c <= 13:
                return
            if c == 10 or c == 12 or c == 13:
                state[_BROKEN] = 1
            state[_SPACES] = state[_SPACES] + 1 if code else max(state[_SPACES], 1)
            return
        if c == 0x2028 or c == 0x2029:
            state[_NEWLINES] = 1
            return
        if c == 127 or c == 0x200B or c == 0x2060 or c == 0xFEFF or c == 0xAD or c == 0xFFFE or c == 0xFFFF:
            return
        if state[_CONTENT]:
            if state[_NEWLINES]:
                out[state[_OUT]] = 10
                state[_OUT] += 1
                state[_BREAKS] += 1
            elif state[_SPACES]:
                for _ in range(state[_SPACES] if code and not state[_BROKEN] else 1):
                    out[state[_OUT]] = 32
                    state[_OUT] += 1
                state[_UNITS] += 1
                if link:
                    state[_LINK] += 1
        state[_SPACES] = state[_BROKEN] = state[_NEWLINES] = 0
        state[_CONTENT] = 1
    at = state[_OUT]
    size = 1
    if c < 0x80:
        out[at] = c
        at += 1
    elif c < 0x800:
        out[at] = 0xC0 | c >> 6
        out[at + 1] = 0x80 | c & 63
        at += 2
    elif c < 0x10000:
        out[at] = 0xE0 | c >> 12
        out[at + 1] = 0x80 | c >> 6 & 63
        out[at + 2] = 0x80 | c & 63
        at += 3
        if 0x2E80 <= c <= 0x9FFF or 0xAC00 <= c <= 0xD7A3:
            size = 2
    else:
        out[at] = 0xF0 | c >> 18
        out[at + 1] = 0x80 | c >> 12 & 63
        out[at + 2] = 0x80 | c >> 6 & 63
        out[at + 3] = 0x80 | c & 63
        at += 4
    state[_OUT] = at
    state[_UNITS] += size
    if link:
        state[_LINK] += size


@nb.njit(cache=True, nogil=True)
def _number(data: Any, at: Any, stop: Any) -> tuple[Any, Any]:
    """(code point or -1, byte behind it) of a numeric character reference whose '#' is at `at`."""
    i = at + 1
    base = 10
    if i < stop and (data[i] | 32) == 120:
        base = 16
        i += 1
    began = i
    value: Any = 0
    while i < stop:
        byte = data[i]
        digit = np.int64(-1)
        if 48 <= byte <= 57:
            digit = np.int64(byte) - 48
        elif base == 16 and 97 <= (byte | 32) <= 102:
            digit = np.int64(byte | 32) - 87
        if digit < 0:
            break
        value = min(value * base + digit, 0x110000)
        i += 1
    if i == began:
        return -1, at
    if i < stop and data[i] == 59:
        i += 1
    return value, i


@nb.njit(cache=True, nogil=True)
def _reference(data: Any, at: Any, stop: Any, keys: Any, values: Any) -> tuple[Any, Any]:
    """(number of the named reference or -1, byte behind it): the longest name that begins behind the '&' at `at`."""
    key = np.uint64(0xCBF29CE484222325)
    best, behind = np.int32(-1), at
    i = at + 1
    while i < stop and i <= at + tags.LONGEST_ENTITY:
        byte = data[i]
        letter = 97 <= (byte | 32) <= 122 or 48 <= byte <= 57
        if not letter and byte != 59:
            break
        key = (key ^ np.uint64(byte)) * np.uint64(0x100000001B3)
        i += 1
        number = lookup(keys, values, key)
        if number >= 0:
            best, behind = number, i
        if byte == 59:
            break
    return best, behind


@nb.njit(cache=True, nogil=True)
def _laid_out(
    data: Any, tag: Any, parent: Any, marks: Any, kind: Any, first: Any, last: Any, flags: Any,
    skip: Any, pre: Any, code: Any, owner: Any,
    entity_keys: Any, entity_values: Any, entity_bytes: Any, entity_bounds: Any, cp1252: Any,
) -> tuple[Any, Any, Any, Any, Any, Any, Any, Any]:  # fmt: skip
    n = len(data)
    out = np.zeros(2 * n + 64, np.uint8)
    most = len(kind) + 2
    begin = np.zeros(most, np.int32)
    stop = np.zeros(most, np.int32)
    owners = np.zeros(most, np.int32)
    apart = np.zeros(most, np.uint8)
    units = np.zeros(most, np.int32)
    links = np.zeros(most, np.int32)
    breaks = np.zeros(most, np.int32)
    state = np.zeros(10, np.int64)
    state[_OWNER] = -1
    blocks = 0
    separation = BLANK
    stack = np.full(DEPTH + 3, -1, np.int32)
    link = np.full(DEPTH + 3, -1, np.int32)
    ended = np.zeros(len(tag) + 1, np.bool_)
    cells = np.zeros((DEPTH + 3, 2), np.int32)  # blocks before the cell, what sets it apart
    cell = -1
    lists = 0
    tex = -1
    depth = 0
    for k in range(len(kind)):
        what = kind[k]
        if what == OPEN:
            e = first[k]
            number = tag[e]
            traits = flags[number]
            depth += 1
            stack[depth] = e
            link[depth] = e if number == _A and marks[e] & HREF else link[depth - 1]
            if number == _MATH and marks[e] & TEX and tex < 0:
                tex = depth
        elif what == CLOSE:
            e = stack[depth]
            number = tag[e]
            traits = flags[number]
            if traits & LIST:
                lists -= 1
        elif what == LINK_END:
            ended[first[k]] = True
            continue
        else:
            e = stack[depth]
            if e >= 0 and skip[e]:
                continue
            if e >= 0 and tag[e] == _ANNOTATION_XML:
                continue
            is_annotation = e >= 0 and tag[e] == _ANNOTATION
            if (tex >= 0 and not (is_annotation and marks[e] & TEX)) or (tex < 0 and is_annotation):
                continue
            in_pre = e >= 0 and pre[e]
            in_code = e >= 0 and code[e]
            in_link = link[depth] >= 0 and not ended[link[depth]]
            if not state[_CONTENT]:
                state[_OWNER] = owner[e] if e >= 0 else -1
            i, until = first[k], last[k]
            while i < until:
                c = np.int64(data[i])
                i += 1
                if c == 38 and what == TEXT and i < until:
                    for _ in range(2):
                        if data[i] == 35:
                            value, behind = _number(data, i, until)
                            if value >= 0:
                                i = behind
                                c = value
                                if 0xD800 <= c <= 0xDBFF and i + 2 < until and data[i] == 38 and data[i + 1] == 35:
                                    low, behind = _number(data, i + 1, until)
                                    if 0xDC00 <= low <= 0xDFFF:
                                        c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00)
                                        i = behind
                                if 128 <= c <= 159:
                                    c = np.int64(cp1252[c - 128])
                                if c == 0 or c > 0x10FFFF or 0xD800 <= c <= 0xDFFF:
                                    c = np.int64(0xFFFD)
                        else:
                            name, behind = _reference(data, i - 1, until, entity_keys, entity_values)
                            if name >= 0:
                                i = behind
                                at, end = entity_bounds[name], entity_bounds[name + 1]
                                if end - at == 1:
                                    c = np.int64(entity_bytes[at])
                                    # `&amp;lt;`: escaped twice by mistake, outside code
                                    if (
                                        c == 38
                                        and i < until
                                        and not in_pre
                                        and not in_code
                                        and _escaped_again(data, i, until)
                                    ):
                                        continue
                                else:
                                    c = np.int64(-1)
                                    while at < end:
                                        value, length = _decoded(entity_bytes, at, end)
                                        at += length
                                        if at < end:
                                            _put(out, state, value, in_pre, in_code, in_link)
                                        else:
                                            c = value
                        break
                elif c >= 128:
                    value, length = _decoded(data, i - 1, until)
                    c = value
                    i += length - 1
                elif c == 13:
                    c = np.int64(10)
                    if i < until and data[i] == 10:
                        i += 1
                _put(out, state, c, in_pre, in_code, in_link)
            continue

        # an element begins or ends
        shown = not skip[e]
        if number == _RT and shown and tex < 0:
            _put(out, state, np.int64(40 if what == OPEN else 41), False, False, link[depth] >= 0)
        if (number == _BR) and what == OPEN and shown:
            if pre[e]:
                _put(out, state, np.int64(10), True, False, False)
            elif state[_NEWLINES] and state[_CONTENT]:
                blocks = _finished(
                    out, state, begin, stop, owners, apart, units, links, breaks, blocks, separation, False
                )
                separation = BLANK
            else:
                state[_NEWLINES] = 1
        elif (traits & BLOCK or marks[e] & DISPLAY_BLOCK) and shown:
            inside = e >= 0 and parent[e] >= 0 and pre[parent[e]]
            if inside:
                if state[_CONTENT] and out[state[_OUT] - 1] != 10:
                    _put(out, state, np.int64(10), True, False, False)
            else:
                before = separation
                if cell >= 0 and cells[cell, 0] == blocks:
                    before = cells[cell, 1]
                had = blocks
                was_pre = state[_OWNER] >= 0 and pre[state[_OWNER]]
                blocks = _finished(
                    out, state, begin, stop, owners, apart, units, links, breaks, blocks, before, was_pre
                )
                if blocks > had:
                    separation = 0
                if number == _TD or number == _TH:
                    if what == OPEN:
                        separation = max(separation, TAB)
                        cell += 1
                        cells[cell, 0], cells[cell, 1] = blocks, separation
                    elif cell >= 0:
                        if blocks == cells[cell, 0]:
                            separation = cells[cell, 1]
                        elif blocks == cells[cell, 0] + 1:
                            separation = TAB
                        else:
                            separation = max(separation, LINE)
                        cell -= 1
                elif traits & APART and not lists and not (cell >= 0 and number == _P):
                    separation = BLANK
                else:
                    separation = max(separation, LINE)
        if traits & LIST and what == OPEN:
            lists += 1
        if what == CLOSE:
            if tex == depth:
                tex = -1
            depth -= 1
    blocks = _finished(
        out, state, begin, stop, owners, apart, units, links, breaks, blocks, separation,
        state[_OWNER] >= 0 and pre[state[_OWNER]],
    )  # fmt: skip
    return (
        out[: state[_OUT]].copy(),
        begin[:blocks],
        stop[:blocks],
        owners[:blocks],
        apart[:blocks],
        units[:blocks],
        links[:blocks],
        breaks[:blocks],
    )


@nb.njit(cache=True, nogil=True)
def _escaped_again(data: Any, at: Any, until: Any) -> Any:
    """Whether the '&' just decoded begins one of `lt;`, `gt;`, `amp;`, `quot;`, `nbsp;`, `#`number`;`."""
    length = min(until - at, 9)
    for end in range(length):
        byte = data[at + end]
        if byte == 59:
            if end == 2:
                return (data[at] == 108 or data[at] == 103) and data[at + 1] == 116
            if end == 3:
                return (data[at] == 97 and data[at + 1] == 109 and data[at + 2] == 112) or data[at] == 35
            if end == 4:
                return (
                    (data[at] == 113 and data[at + 1] == 117 and data[at + 2] == 111)
                    or (data[at] == 110 and data[at + 1] == 98 and data[at + 2] == 115)
                    or data[at] == 35
                )
            return data[at] == 35 and end > 1
    return False


@nb.njit(cache=True, nogil=True)
def _decoded(data: Any, at: Any, until: Any) -> tuple[Any, Any]:
    """(code point, bytes) of the UTF-8 character at a place; U+FFFD for a byte that begins none."""
    first = np.int64(data[at])
    if first < 0x80:
        return first, 1
    if first >= 0xF0 and at + 3 < until:
        second, third, fourth = np.int64(data[at + 1]), np.int64(data[at + 2]), np.int64(data[at + 3])
        return (first & 7) << 18 | (second & 63) << 12 | (third & 63) << 6 | fourth & 63, 4
    if 0xE0 <= first < 0xF0 and at + 2 < until:
        second, third = np.int64(data[at + 1]), np.int64(data[at + 2])
        return (first & 15) << 12 | (second & 63) << 6 | third & 63, 3
    if 0xC0 <= first < 0xE0 and at + 1 < until:
        return (first & 31) << 6 | np.int64(data[at + 1]) & 63, 2
    return np.int64(0xFFFD), 1


@nb.njit(cache=True, nogil=True)
def _finished(
    out: Any, state: Any, begin: Any, stop: Any, owners: Any, apart: Any, units: Any, links: Any, breaks: Any,
    blocks: Any, separation: Any, was_pre: Any,
) -> Any:  # fmt: skip
    """Close the block that is being written. Returns how many blocks there are."""
    if state[_CONTENT]:
        end = state[_OUT]
        if was_pre:
            while end > state[_BEGIN] and (out[end - 1] == 10 or out[end - 1] == 32 or out[end - 1] == 9):
                end -= 1
        begin[blocks], stop[blocks], owners[blocks] = state[_BEGIN], end, state[_OWNER]
        apart[blocks], units[blocks], links[blocks] = separation, state[_UNITS], state[_LINK]
        breaks[blocks] = state[_BREAKS]
        blocks += 1
        state[_BEGIN] = state[_OUT]
    else:
        state[_OUT] = state[_BEGIN]
    state[_SPACES] = state[_BROKEN] = state[_NEWLINES] = state[_CONTENT] = state[_UNITS] = state[_LINK] = 0
    state[_BREAKS] = 0
    return blocks


@nb.njit(cache=True, nogil=True)
def _joined(data: Any, begin: Any, stop: Any, apart: Any, keep: Any) -> Any:
    size = 0
    for b in range(len(begin)):
        if keep[b]:
            size += stop[b] - begin[b] + 2
    out = np.zeros(size, np.uint8)
    at = 0
    separation = 0
    for b in range(len(begin)):
        separation = max(separation, apart[b])
        if not keep[b]:
            continue
        if at:
            if separation == TAB:
                out[at] = 9
                at += 1
            else:
                out[at] = 10
                at += 1
                if separation == BLANK:
                    out[at] = 10
                    at += 1
        separation = 0
        for i in range(begin[b], stop[b]):
            out[at] = data[i]
            at += 1
    return out[:at]
