"""What the models see of a page: a row of numbers for each block, and one for the page. They hold no words of it.

Elements pass what is around them down (the distance to the nearest ancestor of a kind) and what is in them up (text,
links, paragraphs), each in one loop over the table of elements. A row holds the block's own counts, those of the three
elements around it, of the group of elements alike that it belongs to, of its neighbours, and of the page.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import numba as nb
import numpy as np
import numpy.typing as npt

from corpuskit.extract import embedded, tags
from corpuskit.extract.blocks import Blocks
from corpuskit.extract.keywords import GROUPS, KEYWORDS, LONGEST_WORD, WORD_KEYS, WORD_VALUES
from corpuskit.extract.parse import lookup
from corpuskit.extract.tags import BLOCK, HEADING, ID, NAMES

_AROUND = (
    "nav header footer aside main article section form table tr td th ul ol li dl dd dt blockquote figure figcaption "
    "details dialog button label a p h1 h2 h3 h4 h5 h6 pre address summary noscript center"
).split()
_ELEMENT_KINDS = len(_AROUND)
_KINDS = _ELEMENT_KINDS + len(KEYWORDS)
_FAR = 12
_CODE = np.full(len(NAMES), -1, np.int16)
for _place, _name in enumerate(_AROUND):
    _CODE[ID[_name]] = _place
_P, _LI, _A, _IMG, _PRE, _TR, _H1 = (ID[name] for name in "p li a img pre tr h1".split())
_OWN = 35 + GROUPS
"""A block's own features."""
_TREE = 3 * 7 + 10
_NEAR = 6 * 5 + 4
_PLACE = 10

Matrix = npt.NDArray[np.float32]


class Features(NamedTuple):
    """The features of a page."""

    blocks: Matrix
    """float32[blocks, BLOCK_FEATURES]"""
    page: Matrix
    """float32[PAGE_FEATURES]"""
    alike: npt.NDArray[np.int64]
    """int64[blocks]: the number of the group of blocks at the same path of names and classes."""
    items: npt.NDArray[np.int64]
    """int64[blocks]: the number of the group of elements alike that the block's item belongs to; -1 for none."""
    posts: npt.NDArray[np.int64]
    """int64[blocks]: the element around the block that is one of the largest group of elements alike; -1 for none."""


_STATED: tuple[bytes, ...] = (
    b"Product", b"DiscussionForumPosting", b"QAPage", b"ItemList", b"NewsArticle", b"BlogPosting", b"Article",
    b"FAQPage", b"Organization", b"CollectionPage", b"LocalBusiness", b"Recipe", b"TechArticle", b"WebPage",
    b"Person", b"BreadcrumbList",
)  # fmt: skip
"""Types of schema.org that a page may state in JSON-LD."""
_HEAD = ((b"article", b'content="article"'), (b"wordpress", b"wp-content"), (b"product", b"product"))
_HEAD_BYTES = 30_000
_TAGS_SEEN = ("article", "main", "iframe", "table", "pre", "form", "time", "video")
_URL_WORDS = (
    ("forum", "thread", "topic", "/t/", "showthread", "question", "discuss", "community", "/bbs", "board", "cafe"),
    ("product", "/p/", "shop", "item", "/dp/", "goods"),
    ("docs", "doc.", "documentation", "wiki", "manual", "reference", "guide", "api", "tutorial"),
    ("category", "collection", "/c/", "tag", "catalog", "list"),
    ("news", "article", "blog", "story", "post", "/20"),
    ("service", "about", "solution", "pricing", "feature"),
)  # fmt: skip
_PAGE_COUNTS = 14
_TOLD = len(_STATED) + len(_HEAD) + len(_TAGS_SEEN) + len(_URL_WORDS) + 4
PAGE_FACTS = _PAGE_COUNTS + _TOLD
"""Of the features of a page, those before the shares of its text that are inside each kind of element."""
PAGE_FEATURES = PAGE_FACTS + _KINDS
BLOCK_FEATURES = _OWN + _TREE + _KINDS + _NEAR + _PLACE + PAGE_FACTS


def features(page: Blocks, url: str | None) -> Features:
    """The features of a page's blocks and of the page."""
    tree = page.tree
    address = (url or "").lower()
    path = address.split("://", 1)[-1].partition("/")[2]
    stated = b"".join(embedded.ld_sources(tree))
    told = [float(b'"' + name + b'"' in stated) for name in _STATED]
    head = tree.data[:_HEAD_BYTES].tobytes()
    told += [float(word in head) for _, word in _HEAD]
    counts = np.bincount(tree.tag, minlength=len(NAMES))
    told += [float(counts[ID[name]]) for name in _TAGS_SEEN]
    told += [float(any(word in address for word in words)) for words in _URL_WORDS]
    told += [path.count("/"), float(len(re.findall(r"\d", path))), path.count("-"), float(not path.strip("/"))]
    found = _features(
        page.data, page.begin, page.stop, page.owner, page.apart, page.units, page.links, page.breaks, page.pre,
        tree.tag, tree.parent, tree.signature, tree.words, tags.FLAGS, _CODE, np.array(told, np.float32),
        WORD_KEYS, WORD_VALUES,
    )  # fmt: skip
    return Features(*found)


@nb.njit(cache=True, nogil=True)
def _slot(table: Any, key: Any) -> Any:
    """The place of a key in an open-addressing table of uint64, added where it is new."""
    mask = np.uint64(len(table) - 1)
    key = key | np.uint64(1)
    place = (key ^ (key >> np.uint64(29))) & mask
    while table[place] != 0 and table[place] != key:
        place = (place + np.uint64(1)) & mask
    table[place] = key
    return np.int64(place)


@nb.njit(cache=True, nogil=True)
def _own(data: Any, begin: Any, stop: Any, row: Any, word_keys: Any, word_values: Any) -> Any:
    """A block's own counts, into `row` from place 4 on. Returns a hash of its text, digits taken for one another."""
    words = digits = upper = commas = ends = hangul = han = bars = letters = 0
    longest = current = 0
    first = last = np.uint8(0)
    text_hash = np.uint64(0xCBF29CE484222325)
    inside = False
    key = np.uint64(0xCBF29CE484222325)
    length = 0
    date_like = 0
    run = 0
    for i in range(begin, stop):
        c = data[i]
        digit = 48 <= c <= 57
        text_hash = (text_hash ^ np.uint64(48 if digit else c)) * np.uint64(0x100000001B3)
        if digit:
            digits += 1
            run += 1
        else:
            if run == 4 or (run == 2 and (c == 46 or c == 45 or c == 47 or c == 58)):
                date_like += 1
            run = 0
        if 65 <= c <= 90:
            upper += 1
        lower = c | 32
        letters += 97 <= lower <= 122
        if c == 44 or c == 59:
            commas += 1
        elif c == 124 or c == 183:
            bars += 1
        elif (c == 46 or c == 33 or c == 63) and (i + 1 == stop or data[i + 1] == 32 or data[i + 1] == 10):
            ends += 1
        if 0xEA <= c <= 0xED:
            hangul += 1
        elif 0xE3 <= c <= 0xE9:
            han += 1
        if c != 32:
            last = c
            if first == 0:
                first = c
        space = c == 32 or c == 10 or c == 9
        word = not space and (c >= 128 or 97 <= lower <= 122 or digit or c == 36 or c == 40 or c == 41)
        if word:
            if not inside:
                inside = True
                words += 1
                key = np.uint64(0xCBF29CE484222325)
                length = 0
            length += 1
            if length <= LONGEST_WORD:
                key = (key ^ np.uint64(c | 32 if 65 <= c <= 90 else c)) * np.uint64(0x100000001B3)
                # particles follow Korean words: each prefix of whole syllables is looked up
                if c >= 128 and stop - begin < 600 and (i + 1 == stop or data[i + 1] < 128 or data[i + 1] >= 192):
                    group = lookup(word_keys, word_values, key)
                    if group >= 0:
                        row[34 + group] += 1
        elif inside:
            inside = False
            if 2 <= length <= LONGEST_WORD and data[i - 1] < 128:
                group = lookup(word_keys, word_values, key)
                if group >= 0:
                    row[34 + group] += 1
        if not word:
            longest = max(longest, current)
            current = 0
        else:
            current += 1
    if inside and 2 <= length <= LONGEST_WORD and data[stop - 1] < 128:
        group = lookup(word_keys, word_values, key)
        if group >= 0:
            row[34 + group] += 1
    size = max(1, stop - begin)
    row[4] = words
    row[5] = size / max(1, words)
    row[6] = digits / size
    row[7] = upper / max(1, letters)
    row[8] = commas
    row[9] = ends
    row[10] = hangul * 3 / size
    row[11] = han * 3 / size
    row[12] = bars
    row[13] = first
    row[14] = last
    row[15] = last == 46 or last == 33 or last == 63 or last == 34 or last == 39 or last == 41
    row[16] = last == 58
    row[17] = date_like
    row[18] = max(longest, current)
    row[19] = commas / size
    return text_hash


@nb.njit(cache=True, nogil=True)
def _features(
    data: Any, begin: Any, stop: Any, owner: Any, apart: Any, units: Any, links: Any, breaks: Any, pre: Any,
    tag: Any, parent: Any, signature: Any, words: Any, flags: Any, code: Any, told: Any, word_keys: Any,
    word_values: Any,
) -> tuple[Any, Any, Any, Any, Any]:  # fmt: skip
    n, count = len(begin), len(tag)
    # elements: what is around
    depth = np.zeros(count + 1, np.int32)
    far = np.full((count + 1, _KINDS), _FAR, np.uint8)  # the last row: outside of all elements
    path = np.zeros(count + 1, np.uint64)
    for e in range(count):
        above = parent[e] if parent[e] >= 0 else count
        depth[e] = depth[above] + 1 if above < count else 1
        for k in range(_KINDS):
            far[e, k] = min(far[above, k] + 1, _FAR)
        if code[tag[e]] >= 0:
            far[e, code[tag[e]]] = 0
        for half in range(2):
            bits = words[e, half]
            k = _ELEMENT_KINDS + 64 * half
            while bits:
                if bits & np.uint64(1):
                    far[e, k] = 0
                bits >>= np.uint64(1)
                k += 1
        path[e] = (path[above] * np.uint64(0x9E3779B97F4A7C15) + signature[e]) * np.uint64(0x100000001B3)
    # elements: what is in them
    size = np.zeros(count + 1, np.float64)
    linked = np.zeros(count + 1, np.float64)
    many = np.zeros(count + 1, np.float64)
    prose = np.zeros(count + 1, np.float64)
    total = total_links = 0.0
    for b in range(n):
        o = owner[b] if owner[b] >= 0 else count
        size[o] += units[b]
        linked[o] += links[b]
        many[o] += 1
        if units[b] >= 60 and links[b] * 3 < units[b]:
            prose[o] += units[b]
        total += units[b]
        total_links += links[b]
    near_prose = np.zeros(count + 1, np.float64)  # as readability scores containers: children count, grandchildren half
    for e in range(count):
        above = parent[e]
        if prose[e] and above >= 0:
            near_prose[above] += prose[e]
            if parent[above] >= 0:
                near_prose[parent[above]] += prose[e] / 2
    images = np.zeros(count + 1, np.float64)
    for e in range(count):
        if tag[e] == _IMG:
            images[parent[e] if parent[e] >= 0 else count] += 1
    for e in range(count - 1, -1, -1):
        above = parent[e] if parent[e] >= 0 else count
        size[above] += size[e]
        linked[above] += linked[e]
        many[above] += many[e]
        prose[above] += prose[e]
        images[above] += images[e]
    best = -1
    for e in range(count):
        if near_prose[e] > 0 and (best < 0 or near_prose[e] > near_prose[best]):
            best = e
    in_best = np.zeros(count + 1, np.uint8)
    for e in range(count):
        above = parent[e]
        in_best[e] = e == best or (above >= 0 and in_best[above])
    around_best = np.zeros(count + 1, np.uint8)  # how far up from the best container: 1 itself, 2 its parent, ...
    e = best
    level = 1
    while e >= 0 and level < 250:
        around_best[e] = level
        level += 1
        e = parent[e]
    # groups of elements alike
    bits = 8
    while (1 << bits) < 2 * (count + n) + 8:
        bits += 1
    table = np.zeros(1 << bits, np.uint64)
    group = np.zeros(count + 1, np.int64)
    members = np.zeros(1 << bits, np.float32)
    member_size = np.zeros(1 << bits, np.float64)
    member_links = np.zeros(1 << bits, np.float64)
    member_prose = np.zeros(1 << bits, np.float64)
    index = np.zeros(count + 1, np.float32)
    for e in range(count):
        above = parent[e]
        slot = _slot(table, signature[e] * np.uint64(31) + np.uint64(above + 7) * np.uint64(0x9E3779B97F4A7C15))
        group[e] = slot
        if flags[tag[e]] & BLOCK and size[e] > 0:
            index[e] = members[slot]
            members[slot] += 1
            member_size[slot] += size[e]
            member_links[slot] += linked[e]
            member_prose[slot] += prose[e]
    item = np.full(count + 1, -1, np.int32)  # the nearest element around with two more like it beside it
    outer = np.full(count + 1, -1, np.int32)
    for e in range(count):
        above = parent[e]
        if above >= 0:
            item[e] = item[above]
            outer[e] = outer[above]
        if flags[tag[e]] & BLOCK and members[group[e]] >= 3 and tag[e] != _P:
            if outer[e] < 0 or member_size[group[e]] > member_size[group[outer[e]]] * 0.9:
                outer[e] = e
            item[e] = e
    # blocks alike, by where they are
    where = np.zeros(1 << bits, np.uint64)
    alike = np.zeros(1 << bits, np.float32)
    alike_size = np.zeros(1 << bits, np.float64)
    alike_links = np.zeros(1 << bits, np.float64)
    place = np.zeros(n, np.int64)
    texts = np.zeros(1 << bits, np.uint64)
    same = np.zeros(1 << bits, np.float32)
    text_place = np.zeros(n, np.int64)
    before = np.zeros(n, np.float32)
    rows = np.zeros((n, BLOCK_FEATURES), np.float32)
    for b in range(n):
        o = owner[b] if owner[b] >= 0 else count
        place[b] = _slot(where, path[o])
        alike[place[b]] += 1
        alike_size[place[b]] += units[b]
        alike_links[place[b]] += links[b]
        text_hash = _own(data, begin[b], stop[b], rows[b], word_keys, word_values)
        text_place[b] = _slot(texts, text_hash)
        before[b] = same[text_place[b]]
        same[text_place[b]] += 1
    total = max(total, 1.0)
    done = 0.0
    since_heading = 99.0
    units_since = 0.0
    level = 0
    first_h1 = -1
    for b in range(n):
        o = owner[b]
        if o >= 0 and tag[o] == _H1 and first_h1 < 0:
            first_h1 = b
    for b in range(n):
        row = rows[b]
        o = owner[b] if owner[b] >= 0 else count
        number = tag[o] if o < count else 0
        row[0] = np.log1p(units[b])
        row[1] = links[b] / max(1, units[b])
        row[2] = number
        row[3] = apart[b]
        row[20] = breaks[b]
        row[21] = pre[o] if o < count else False
        row[22] = depth[o]
        row[23] = alike[place[b]]
        row[24] = np.log1p(alike_size[place[b]])
        row[25] = alike_links[place[b]] / max(1.0, alike_size[place[b]])
        row[26] = alike_size[place[b]] / total
        row[27] = same[text_place[b]]
        row[34 + GROUPS] = before[b]
        row[28] = alike_size[place[b]] / alike[place[b]]
        row[29] = in_best[o]
        e = o
        up = 0
        while e != count and e >= 0 and not around_best[e] and up < 60:
            e = parent[e]
            up += 1
        row[30] = up
        row[31] = around_best[e] if e >= 0 else 0
        row[32] = units[b] / total
        row[33] = first_h1 >= 0 and b >= first_h1
        at = _OWN
        e = o
        for _ in range(3):
            if e != count and e >= 0:
                e = parent[e]
            real = e if e != count and e >= 0 else count
            row[at] = np.log1p(size[real])
            row[at + 1] = linked[real] / max(1.0, size[real])
            row[at + 2] = size[real] / total
            row[at + 3] = many[real]
            row[at + 4] = prose[real] / max(1.0, size[real])
            row[at + 5] = images[real]
            row[at + 6] = tag[real] if real < count else -1
            at += 7
        for kind in range(2):
            e = item[o] if kind == 0 else outer[o]
            if e >= 0:
                slot = group[e]
                row[at] = members[slot]
                row[at + 1] = member_size[slot] / members[slot]
                row[at + 2] = member_size[slot] / total
                row[at + 3] = member_links[slot] / max(1.0, member_size[slot])
                row[at + 4] = member_prose[slot] / max(1.0, member_size[slot])
            else:
                for k in range(5):
                    row[at + k] = -1
            at += 5
        for k in range(_KINDS):
            row[at + k] = far[o, k]
        at += _KINDS
        # neighbours
        for step in (-3, -2, -1, 1, 2, 3):
            other = b + step
            if 0 <= other < n:
                row[at] = np.log1p(units[other])
                row[at + 1] = links[other] / max(1, units[other])
                row[at + 2] = tag[owner[other]] if owner[other] >= 0 else 0
                row[at + 3] = rows[other, 15]
                row[at + 4] = owner[other] >= 0 and o < count and parent[owner[other]] == parent[o]
            else:
                for k in range(5):
                    row[at + k] = -1
            at += 5
        window = window_links = 0.0
        for other in range(max(0, b - 6), min(n, b + 7)):
            window += units[other]
            window_links += links[other]
        row[at] = np.log1p(window)
        row[at + 1] = window_links / max(1.0, window)
        window = window_links = 0.0
        for other in range(max(0, b - 20), min(n, b + 21)):
            window += units[other]
            window_links += links[other]
        row[at + 2] = np.log1p(window)
        row[at + 3] = window_links / max(1.0, window)
        at += 4
        # place in the page
        row[at] = b / n
        row[at + 1] = done / total
        row[at + 2] = b
        row[at + 3] = n - b
        row[at + 4] = since_heading
        row[at + 5] = np.log1p(units_since)
        row[at + 6] = level
        row[at + 7] = np.log1p(total - done)
        row[at + 8] = index[item[o]] if item[o] >= 0 else -1
        row[at + 9] = b - first_h1 if first_h1 >= 0 else -999
        if o < count and flags[number] & HEADING:
            since_heading = 0
            units_since = 0
            for k in range(6):
                if code[number] == code[_H1] + k:
                    level = k + 1
        else:
            since_heading += 1
            units_since += units[b]
        done += units[b]
    # the page
    facts = np.zeros(PAGE_FEATURES, np.float32)
    facts[0] = np.log1p(total)
    facts[1] = n
    facts[2] = total_links / total
    paragraphs = items = headings = cells = code_units = hangul = longest = punctuated = short = 0.0
    for b in range(n):
        o = owner[b]
        if o >= 0:
            if tag[o] == _P:
                paragraphs += units[b]
            if far[o, code[_LI]] < _FAR:
                items += units[b]
            if flags[tag[o]] & HEADING:
                headings += 1
            if far[o, code[_TR]] < _FAR:
                cells += units[b]
            if pre[o]:
                code_units += units[b]
        hangul += rows[b, 10] * units[b]
        longest = max(longest, units[b])
        if rows[b, 15]:
            punctuated += units[b]
        if units[b] < 25:
            short += 1
    facts[3] = paragraphs / total
    facts[4] = items / total
    facts[5] = headings
    facts[6] = cells / total
    facts[7] = code_units / total
    facts[8] = hangul / total
    facts[9] = np.log1p(longest)
    facts[10] = punctuated / total
    facts[11] = short / max(1, n)
    facts[12] = images[count]
    facts[13] = size[best] / total if best >= 0 else 0
    for k in range(len(told)):
        facts[_PAGE_COUNTS + k] = told[k]
    at = _PAGE_COUNTS + len(told)
    for b in range(n):
        o = owner[b]
        if o >= 0:
            for k in range(_KINDS):
                if far[o, k] < 9:
                    facts[at + k] += units[b] / total
        for k in range(at):
            rows[b, BLOCK_FEATURES - at + k] = facts[k]
    item_group = np.full(n, -1, np.int64)
    for b in range(n):
        if owner[b] >= 0 and item[owner[b]] >= 0:
            item_group[b] = group[item[owner[b]]]
    posts = np.full(n, -1, np.int64)
    for b in range(n):
        if owner[b] >= 0:
            posts[b] = outer[owner[b]]
    return rows, facts, place, item_group, posts


CONTEXT_FEATURES = 22


@nb.njit(cache=True, nogil=True)
def context(first: Any, owner: Any, units: Any, parent: Any, alike: Any, items: Any) -> Any:
    """float32[blocks, CONTEXT_FEATURES]: what a first model thinks of a block and of those around it.

    `first` are its probabilities, float32[blocks]; the rest are arrays of `Blocks`, `Tree` and `Features`.
    """
    n, count = len(first), len(parent)
    rows = np.zeros((n, CONTEXT_FEATURES), np.float32)
    mass = np.zeros(count + 1, np.float64)
    size = np.zeros(count + 1, np.float64)
    slots = 1
    for b in range(n):
        slots = max(slots, alike[b] + 1, items[b] + 1)
    groups = np.zeros((slots, 4), np.float64)
    total = total_size = 0.0
    for b in range(n):
        o = owner[b] if owner[b] >= 0 else count
        mass[o] += first[b] * units[b]
        size[o] += units[b]
        total += first[b] * units[b]
        total_size += units[b]
        groups[alike[b], 0] += first[b] * units[b]
        groups[alike[b], 1] += units[b]
        if items[b] >= 0:
            groups[items[b], 2] += first[b] * units[b]
            groups[items[b], 3] += units[b]
    for e in range(count - 1, -1, -1):
        above = parent[e] if parent[e] >= 0 else count
        mass[above] += mass[e]
        size[above] += size[e]
    mean = total / max(1.0, total_size)
    best = -1.0
    best_at = 0
    for b in range(n):
        if first[b] * units[b] > best:
            best = first[b] * units[b]
            best_at = b
    done = 0.0
    for b in range(n):
        row = rows[b]
        row[0] = first[b]
        k = 1
        for step in (-3, -2, -1, 1, 2, 3):
            row[k] = first[b + step] if 0 <= b + step < n else -1
            k += 1
        e = owner[b] if owner[b] >= 0 else count
        for _ in range(5):
            row[k] = mass[e] / max(1.0, size[e])
            k += 1
            if e < count:
                e = parent[e] if parent[e] >= 0 else count
        row[k] = groups[alike[b], 0] / max(1.0, groups[alike[b], 1])
        row[k + 1] = groups[items[b], 2] / max(1.0, groups[items[b], 3]) if items[b] >= 0 else -1
        k += 2
        for reach in (5, 15):
            inside = weight = 0.0
            for other in range(max(0, b - reach), min(n, b + reach + 1)):
                inside += first[other] * units[other]
                weight += units[other]
            row[k] = inside / max(1.0, weight)
            k += 1
        row[k] = mean
        row[k + 1] = np.log1p(total)
        row[k + 2] = done / max(1.0, total)
        row[k + 3] = b - best_at
        row[k + 4] = first[best_at]
        row[k + 5] = units[best_at]
        done += first[b] * units[b]
    return rows
