"""The learned extractor: which blocks of a page are its text.

Four small forests work one after the other. The first tells the type of the page. The second gives each block a
probability from its own features and the page's type; the third looks again, with what the second thinks of the
neighbours, of the elements around and of blocks alike (stacking, as in Vogels et al., Web2Text, ECIR 2018, without its
chain). Then there are candidates: the blocks above each of several thresholds, the best container, and texts that the
page holds in JSON-LD or in hydration data. The fourth forest predicts each candidate's word F1, and the best is taken.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import numba as nb
import numpy as np
import numpy.typing as npt

from corpuskit.extract import embedded, forest
from corpuskit.extract.blocks import Blocks
from corpuskit.extract.embedded import Node
from corpuskit.extract.features import PAGE_FACTS, Features, context, features
from corpuskit.extract.forest import Forest
from corpuskit.extract.tags import ID

TYPES: Final = ("article", "service", "forum", "listing", "documentation", "collection", "product")
"""Page types that the models know."""
MODEL: Final = Path(__file__).parent / "data" / "extractor.npz"

_THRESHOLDS: Final = (0.12, 0.2, 0.3, 0.4, 0.5, 0.6, 0.75)
_MIDDLE = 3
_CONTAINER, _STATED, _HYDRATION, _ALL = range(len(_THRESHOLDS), len(_THRESHOLDS) + 4)
_NAMES = (*(f"blocks above {value}" for value in _THRESHOLDS), "container", "json-ld", "hydration", "all")
_OWN_FEATURES = 16
_IN_CONTAINER = 0.08
_SHORT_TEXT = 80
_MOST_BLOCKS = 40_000
"""Blocks that the models look at: 200 MB of features. Of longer pages, all blocks that are no links are the text."""
_LITTLE = 1500
"""Expected units of shown text from which on hydration data, a copy of it at best, is not read."""
_HINTS = {"community": "forum", "reference": "documentation", "news": "article", "blog": "article"}
_HINT_WEIGHT = 4.0
_LISTS = (ID["ul"], ID["ol"], ID["dl"])


@dataclass(frozen=True)
class Choice:
    """The text that was chosen for a page."""

    text: str
    method: str
    """Where it is from: 'blocks', 'container', 'json-ld', 'hydration', 'all'."""
    keep: npt.NDArray[np.bool_] | None
    """bool[blocks], where it is made of blocks."""
    page_type: str
    """The likeliest of TYPES."""
    type_probability: float
    expected_f1: float
    """The predicted word F1."""
    posts: int = 0
    """Posts of a thread in the text; 0 for pages of other types."""


class Candidate(NamedTuple):
    """A text that a page may have."""

    number: int
    """The place of its kind in the list of names; a feature."""
    keep: npt.NDArray[np.bool_] | None
    text: str | None
    """Text that is not made of blocks."""


class Judged(NamedTuple):
    """What the first three forests make of a page."""

    types: npt.NDArray[np.float32]
    """float32[len(TYPES)]"""
    probabilities: npt.NDArray[np.float32]
    """float32[blocks]"""


@dataclass(frozen=True)
class Model:
    """The four forests."""

    page_type: Forest
    first: Forest
    second: Forest
    quality: Forest

    def judge(self, page: Blocks, facts: Features, kind: str = "other") -> Judged:
        """Types and probabilities. `kind` is what a source says of the page; it weighs, it does not decide."""
        types = forest.softmax(self.page_type.scores(facts.page[None]))[0]
        if kind in _HINTS:
            weighed = types.copy()
            weighed[TYPES.index(_HINTS[kind])] *= _HINT_WEIGHT
            types = (weighed / weighed.sum()).astype(np.float32)
        first = forest.logistic(self.first.scores(with_types(facts, types))[:, 0])
        rows = second_rows(page, facts, types, first)
        return Judged(types, forest.logistic(self.second.scores(rows)[:, 0]))


def with_types(facts: Features, types: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The rows that the second forest sees."""
    return np.hstack([facts.blocks, np.broadcast_to(types, (len(facts.blocks), len(types)))])


def second_rows(
    page: Blocks, facts: Features, types: npt.NDArray[np.float32], first: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """The rows that the third forest sees."""
    around = context(first, page.owner, page.units, page.tree.parent, facts.alike, facts.items)
    return np.hstack([around, with_types(facts, types)])


def candidates(page: Blocks, probabilities: npt.NDArray[np.float32], nodes: list[Node]) -> list[Candidate]:
    """All texts that the page may have; those that are equal to one before are left out.

    `nodes` are the objects of its JSON-LD (`embedded.json_ld`).
    """
    tree = page.tree
    masks = [
        (
            number,
            _coherent(probabilities > threshold, page.owner, page.units, page.pre, tree.tag, tree.parent),
        )
        for number, threshold in enumerate(_THRESHOLDS)
    ]
    masks.append((_CONTAINER, _best_container(probabilities, page.owner, page.units, page.tree.parent)))
    masks.append((_ALL, np.ones(len(page.begin), np.bool_)))
    found, seen = [], set()
    for number, keep in masks:
        key = keep.tobytes()
        if keep.any() and key not in seen:
            seen.add(key)
            found.append(Candidate(number, keep, None))
    others = [(_STATED, embedded.stated_text(nodes) if nodes else "")]
    if float((page.units * probabilities).sum()) < _LITTLE:
        others.append((_HYDRATION, embedded.hydration_text(tree)))
    found += [Candidate(number, None, text) for number, text in others if len(text) >= _SHORT_TEXT]
    return found


def quality_rows(page: Blocks, facts: Features, judged: Judged, found: list[Candidate]) -> npt.NDArray[np.float32]:
    """The rows that the fourth forest sees, one a candidate."""
    rows = np.zeros((len(found), _OWN_FEATURES + len(TYPES) + PAGE_FACTS), np.float32)
    rows[:, _OWN_FEATURES : _OWN_FEATURES + len(TYPES)] = judged.types
    rows[:, _OWN_FEATURES + len(TYPES) :] = facts.page[:PAGE_FACTS]
    units = page.units.astype(np.float32)
    p = judged.probabilities
    total, expected = float(units.sum()), float((units * p).sum())
    middle = p > _THRESHOLDS[_MIDDLE]
    middle_units = float(units[middle].sum())
    unsure = float((units * np.minimum(p, 1 - p)).sum())
    shown: Counter[str] | None = None
    for row, candidate in zip(rows, found, strict=True):
        row[0] = candidate.number
        row[5] = np.log1p(expected)
        row[6] = expected / max(1.0, total)
        row[7] = unsure / max(1.0, total)
        row[8] = unsure / max(1.0, expected)
        row[13] = len(found)
        if candidate.keep is not None:
            keep = candidate.keep
            size = float(units[keep].sum())
            right = float((units[keep] * p[keep]).sum())
            shared = float(units[keep & middle].sum())
            row[1] = 2 * right / max(1.0, size + expected)
            row[2] = right / max(1.0, size)
            row[3] = right / max(1.0, expected)
            row[4] = np.log1p(size)
            row[9] = size / max(1.0, total)
            row[10] = 2 * shared / max(1.0, size + middle_units)
            row[11] = row[12] = -1
            row[14] = size - middle_units
            row[15] = keep.sum()
        else:
            assert candidate.text is not None
            if shown is None:
                shown = Counter(page.text().split())
                kept = Counter(page.text(middle).split())
            words = Counter(candidate.text.split())
            count = sum(words.values())
            row[1:4] = -1
            row[4] = np.log1p(len(candidate.text))
            row[9] = len(candidate.text) / max(1.0, total)
            row[10] = 2 * sum((words & kept).values()) / max(1, count + sum(kept.values()))
            row[11] = sum((words & shown).values()) / max(1, count)
            row[12] = sum((words & kept).values()) / max(1, count)
            row[14] = len(candidate.text) - middle_units
            row[15] = -1
    return rows


def choose(
    page: Blocks,
    url: str | None = None,
    kind: str = "other",
    nodes: list[Node] | None = None,
    model: Model | None = None,
) -> Choice:
    """The text of a page. `kind` is a hint from its source (see `corpuskit.document.KINDS`), `nodes` its JSON-LD."""
    model = model or shipped()
    if len(page.begin) > _MOST_BLOCKS:  # a list or table of data: memory stays bounded
        keep = page.links * 2 <= page.units
        return Choice(page.text(keep), "all", keep, "listing", 0.0, 0.0)
    facts = features(page, url)
    judged = model.judge(page, facts, kind)
    found = candidates(page, judged.probabilities, embedded.json_ld(page.tree) if nodes is None else nodes)
    best = int(judged.types.argmax())
    if not found:
        return Choice("", "blocks", None, TYPES[best], float(judged.types[best]), 0.0)
    quality = model.quality.scores(quality_rows(page, facts, judged, found))[:, 0]
    place = int(quality.argmax())
    chosen = found[place]
    text = page.text(chosen.keep) if chosen.keep is not None else chosen.text or ""
    method = "blocks" if chosen.number < len(_THRESHOLDS) else _NAMES[chosen.number]
    is_thread = TYPES[best] == "forum" or kind == "community"
    posts = _posts(page, facts, chosen.keep) if is_thread and chosen.keep is not None else 0
    return Choice(text, method, chosen.keep, TYPES[best], float(judged.types[best]), float(quality[place]), posts)


def _posts(page: Blocks, facts: Features, keep: npt.NDArray[np.bool_]) -> int:
    """How many elements of the group that holds the most of the text are in it; 1 where none repeats."""
    units: Counter[tuple[int, int]] = Counter()
    members: dict[tuple[int, int], set[int]] = {}
    for element, size in zip(facts.posts[keep].tolist(), page.units[keep].tolist(), strict=True):
        if element >= 0:
            key = (int(page.tree.parent[element]), int(page.tree.signature[element]))
            units[key] += size
            members.setdefault(key, set()).add(element)
    return len(members[units.most_common(1)[0][0]]) if units else 1


@lru_cache(maxsize=1)
def shipped() -> Model:
    """The model that comes with the package. Raises CorpuskitError where its file is missing or damaged."""
    return load(MODEL)


def load(path: Path) -> Model:
    """A model from its file."""
    forests, _ = forest.load(path)
    return Model(forests["page_type"], forests["first"], forests["second"], forests["quality"])


@nb.njit(cache=True, nogil=True)
def _coherent(keep: Any, owner: Any, units: Any, pre: Any, tag: Any, parent: Any) -> Any:
    """bool[blocks]: `keep` with the rest of each list of which most is kept, or a part in the midst of kept text; and
    with code beside what is kept."""
    n, count = len(keep), len(parent)
    listing = np.full(count + 1, -1, np.int32)
    for e in range(count):
        if tag[e] == _LISTS[0] or tag[e] == _LISTS[1] or tag[e] == _LISTS[2]:
            listing[e] = e
        elif parent[e] >= 0:
            listing[e] = listing[parent[e]]
    size = np.zeros(count + 1, np.float64)
    kept = np.zeros(count + 1, np.float64)
    begin = np.full(count + 1, -1, np.int32)
    end = np.full(count + 1, -1, np.int32)
    for b in range(n):
        o = owner[b]
        if o >= 0 and listing[o] >= 0:
            e = listing[o]
            size[e] += units[b]
            if begin[e] < 0:
                begin[e] = b
            end[e] = b
            if keep[b]:
                kept[e] += units[b]
    found = keep.copy()
    for b in range(n):
        o = owner[b]
        if keep[b] or o < 0:
            continue
        if listing[o] >= 0 and kept[listing[o]] > 0:
            first, last = begin[listing[o]], end[listing[o]]
            inside = first > 0 and keep[first - 1] and last + 1 < n and keep[last + 1]
            if inside or kept[listing[o]] >= 0.5 * size[listing[o]]:
                found[b] = True
        elif pre[o]:
            box = o
            while box >= 0 and pre[box]:
                box = parent[box]
            for other in (b - 1, b + 1):
                if 0 <= other < n and keep[other] and owner[other] >= 0:
                    e = owner[other]
                    for _ in range(4):
                        if e == box:
                            found[b] = True
                        if e >= 0:
                            e = parent[e]
    return found


@nb.njit(cache=True, nogil=True)
def _best_container(p: Any, owner: Any, units: Any, parent: Any) -> Any:
    """bool[blocks]: the likelier blocks inside the element with the best expected F1."""
    n, count = len(p), len(parent)
    mass = np.zeros(count + 1, np.float64)
    size = np.zeros(count + 1, np.float64)
    total = 0.0
    for b in range(n):
        if p[b] >= _IN_CONTAINER:
            o = owner[b] if owner[b] >= 0 else count
            mass[o] += p[b] * units[b]
            size[o] += units[b]
        total += p[b] * units[b]
    for e in range(count - 1, -1, -1):
        above = parent[e] if parent[e] >= 0 else count
        mass[above] += mass[e]
        size[above] += size[e]
    best, value = count, -1.0
    for e in range(count + 1):
        score = 2 * mass[e] / max(1.0, size[e] + total)
        if score >= value:
            best, value = e, score
    inside = np.zeros(count + 1, np.bool_)
    inside[count] = best == count
    for e in range(count):
        inside[e] = e == best or inside[parent[e] if parent[e] >= 0 else count]
    keep = np.zeros(n, np.bool_)
    for b in range(n):
        keep[b] = p[b] >= _IN_CONTAINER and inside[owner[b] if owner[b] >= 0 else count]
    return keep
