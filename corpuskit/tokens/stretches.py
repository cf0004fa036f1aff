"""Holding out stretches of texts, for a source with too few documents to hold any of them out.

A single file, or a handful, cannot be parted by whole documents: either nothing is held out or nothing is left to train
on. Such a source is cut into stretches at line breaks, and a drawn share of these is held out. What is trained on keeps
the text between two held-out stretches in one piece. Every piece keeps its document's id, URL and source.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpuskit.tokens.sample import Lots, corpus_batches, drawn, first_known, lots, text_bytes

FEW = 20
"""Sources with more documents than this are held out by whole documents alone."""
PIECES = 40
"""Stretches of such a source, about."""
SHORTEST, LONGEST = 200, 4000
"""Characters of a stretch."""

Flags = npt.NDArray[np.bool_]
Cuts = dict[int, list[tuple[str, bool]]]
"""Row of the corpus -> (stretch, whether it is held out) in the text's order."""


def stretches(text: str, size: int) -> list[str]:
    """The text in pieces of about `size` characters, cut after line breaks, else after spaces where there are any."""
    pieces, start = [], 0
    while len(text) - start > 1.5 * size:
        low, high = start + size // 2, start + size + size // 2
        at = max(text.rfind("\n", low, high), low - 1)
        if at < low:
            at = text.rfind(" ", low, high)
        end = at + 1 if at >= low else start + size
        pieces.append(text[start:end])
        start = end
    return [*pieces, text[start:]] if text[start:].strip() or not pieces else [*pieces[:-1], pieces[-1] + text[start:]]


class FewDocuments:
    """Finds the sources that have few documents, in the pass that adds up the lots."""

    def __init__(self) -> None:
        self.members: dict[str, list[tuple[int, int]]] = {}
        """Source -> (row of the corpus, lot) of its documents with text, up to one more than are few."""
        self.rows = 0

    def add(self, batch: pa.RecordBatch, numbers: Lots) -> None:
        sources = _sources(batch)
        if any(len(self.members.get(name, ())) <= FEW for name in set(sources)):
            full = text_bytes(batch) > 0
            for row, name in enumerate(sources):
                known = self.members.setdefault(name, [])
                if full[row] and len(known) <= FEW:
                    known.append((self.rows + row, int(numbers[row])))
        self.rows += batch.num_rows

    def cuts(self, files: Sequence[Path], limit: int, hold_out: float, seed: int) -> Cuts:
        """The cuts of all sources that whole documents cannot be held out of.

        `limit` is that of the lots by which whole documents are drawn. A document with near-duplicates is never cut:
        the stretch that is held out would be trained on in its duplicate.
        """
        wanting = {}
        for name, known in self.members.items():
            held = int(drawn(np.array([lot for _, lot in known], np.uint64), limit).sum())
            if 0 < len(known) <= FEW and held in (0, len(known)):
                wanting[name] = {row for row, _ in known}
        return _drawn_cuts(files, wanting, hold_out, seed) if wanting and hold_out else {}


def _drawn_cuts(files: Sequence[Path], wanting: dict[str, set[int]], hold_out: float, seed: int) -> Cuts:
    texts: dict[str, dict[int, tuple[str, str]]] = {name: {} for name in wanting}
    first = 0
    for batch in corpus_batches(files, ("id", "source", "text", "near_duplicates", "exact_duplicates")):
        sizes = first_known(batch, ["near_duplicates.cluster_size", "exact_duplicates.cluster_size"])
        alone = [size is None or size <= 1 for size in (sizes.to_pylist() if sizes is not None else [])]
        for row, name in enumerate(_sources(batch)):
            if first + row in wanting.get(name, ()) and (not alone or alone[row]):
                text = batch.column("text")[row].as_py()
                texts[name][first + row] = (str(batch.column("id")[row].as_py()), text)
        first += batch.num_rows
    cuts: Cuts = {}
    for rows in texts.values():
        whole = sum(len(text) for _, text in rows.values())
        size = min(max(whole // PIECES, SHORTEST), LONGEST)
        pieces = [(row, name, number, piece) for row, (name, text) in rows.items()
                  for number, piece in enumerate(stretches(text, size))]  # fmt: skip
        if len(pieces) < 2:
            continue
        order = np.argsort(lots([f"{name}/{number}" for _, name, number, _ in pieces], seed, "hold_out"), kind="stable")
        lengths = np.array([len(piece) for *_, piece in pieces])[order]
        count = min(1 + int(np.searchsorted(np.cumsum(lengths), hold_out * whole)), len(pieces) - 1)
        chosen = set(order[:count].tolist())
        for place, (row, _, _, piece) in enumerate(pieces):
            cuts.setdefault(row, []).append((piece, place in chosen))
    return cuts


def cut(
    batch: pa.RecordBatch, first: int, held: Flags, cuts: Cuts
) -> tuple[pa.RecordBatch, npt.NDArray[np.int64], Flags]:
    """(a batch with the pieces of its cut documents in their place, the row of the corpus of each, whether it is held
    out). `first`: row of the batch's first document; `held`: of its whole documents."""
    rows = np.arange(first, first + batch.num_rows)
    if not any(row in cuts for row in rows.tolist()):
        return batch, rows, held
    index, texts, flags = [], [], []
    column = batch.column("text")
    for place, row in enumerate(rows.tolist()):
        for text, flag in _pieces(cuts[row]) if row in cuts else [(column[place].as_py(), bool(held[place]))]:
            index.append(place)
            texts.append(text)
            flags.append(flag)
    taken = batch.take(pa.array(index))
    texts_column = pa.array(texts, column.type)
    taken = taken.set_column(taken.schema.get_field_index("text"), "text", texts_column)
    return taken, rows[index], np.array(flags, np.bool_)


def _pieces(parts: list[tuple[str, bool]]) -> Iterator[tuple[str, bool]]:
    """Neighbours that share a fate, joined."""
    for flag, group in groupby(parts, key=lambda part: part[1]):
        yield "".join(text for text, _ in group), flag


def _sources(batch: pa.RecordBatch) -> list[str]:
    values = first_known(batch, ["source"])
    return [""] * batch.num_rows if values is None else [str(value or "") for value in values.to_pylist()]
