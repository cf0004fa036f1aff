"""How close a model's own continuation comes to the true suffix, where it is not the same token by token.

A filter on exact matches is passed by a changed word or letter case (Ippolito et al. 2023, arXiv:2210.17546), so an
audit that counts exact matches alone tells less than there is. The model writes greedily after the prefix; the edit
distance to the true suffix, over its length, is taken of the tokens and of the text without case, spaces and
punctuation, and the smaller one decides. Only windows that are half right token by token are written out: what is
further away is rarely near (the others count as not near, so the rate is a lower bound).
"""

from __future__ import annotations

import unicodedata
from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpuskit.memorization.config import AuditConfig
from corpuskit.memorization.corpus.windows import Windows
from corpuskit.memorization.measures.extraction import document_numbers, other_prefixes
from corpuskit.memorization.measures.statistics import clopper_pearson, document_interval, widest
from corpuskit.memorization.scoring.model import CausalModel
from corpuskit.tokens import Tokenizer

Numbers = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]
NEAR = 0.1
"""Edit distance over length up to which a continuation is near-verbatim (Ippolito et al. 2023 use a like bound)."""
PROMISING = 0.5
"""Share of suffix tokens that are the model's first choice, from which a window is written out."""


@nb.njit(cache=True, nogil=True)
def edit_distance(one: Any, two: Any) -> int:  # pragma: no cover
    """Insertions, deletions and replacements between two sequences (Levenshtein 1966)."""
    row = np.arange(two.shape[0] + 1)
    for i in range(one.shape[0]):
        corner = row[0]
        row[0] = i + 1
        for j in range(two.shape[0]):
            best = corner + (one[i] != two[j])
            corner = row[j + 1]
            best = min(best, corner + 1, row[j] + 1)
            row[j + 1] = best
    return int(row[two.shape[0]])


@nb.njit(cache=True, nogil=True)
def longest_common(one: Any, two: Any) -> int:  # pragma: no cover
    """Length of the longest stretch that both sequences hold, anywhere."""
    row = np.zeros(two.shape[0] + 1, np.int64)
    longest = 0
    for i in range(one.shape[0]):
        for j in range(two.shape[0] - 1, -1, -1):
            row[j + 1] = row[j] + 1 if one[i] == two[j] else 0
            longest = max(longest, row[j + 1])
    return int(longest)


def folded(text: str) -> npt.NDArray[np.int64]:
    """Code points of a text without case, compatibility forms, spaces and punctuation."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return np.array([ord(character) for character in plain if character.isalnum()], np.int64)


def distances(tokenizer: Tokenizer, written: Numbers, true: Numbers) -> tuple[Values, Numbers]:
    """(distance float64[rows], longest common stretch in tokens int64[rows]) between rows of token ids.

    The distance is the smaller of those of tokens and of folded text, each over the longer of the two.
    """
    far, longest = np.empty(len(true)), np.empty(len(true), np.int64)
    for row, (mine, theirs) in enumerate(zip(written, true, strict=True)):
        far[row] = edit_distance(mine, theirs) / max(len(mine), len(theirs), 1)
        longest[row] = longest_common(mine, theirs)
        one, two = folded(tokenizer.decode(mine.tolist())), folded(tokenizer.decode(theirs.tolist()))
        if len(one) and len(two):
            far[row] = min(far[row], edit_distance(one, two) / max(len(one), len(two)))
    return far, longest


def near_verbatim(
    model: CausalModel, tokenizer: Tokenizer, windows: Windows, table: pa.Table, config: AuditConfig
) -> tuple[pa.Table, dict[str, Any]]:
    """The table of extraction with `distance` and `longest_common` (null where nothing was written), and their rate.

    A window that is extracted is written as it stands: its distance is 0.
    """
    extracted = table.column("extracted").to_numpy()
    matched = table.column("matched").to_numpy()
    promising = np.flatnonzero(~extracted & (matched >= PROMISING))
    chosen = np.sort(promising[np.argsort(-matched[promising], kind="stable")][: config.near_verbatim])
    distance, longest = np.full(len(windows), np.nan), np.full(len(windows), -1, np.int64)
    distance[extracted], longest[extracted] = 0.0, config.suffix
    predictable = 0
    if len(chosen):
        prompts, true = windows.tokens[chosen, : config.prefix], windows.tokens[chosen, config.prefix :]
        written = model.write(prompts, config.suffix, batch=config.batch)
        distance[chosen], longest[chosen] = distances(tokenizer, written, true)
        close = np.flatnonzero(distance[chosen] <= NEAR)
        if len(close):
            prompts = other_prefixes(windows, chosen[close], config.prefix, config.seed)
            written = model.write(prompts, config.suffix, batch=config.batch)
            predictable = int((distances(tokenizer, written, true[close])[0] <= NEAR).sum())
    near = distance <= NEAR
    found = table.append_column("distance", pa.array(distance, mask=np.isnan(distance)))
    found = found.append_column("longest_common", pa.array(longest, mask=longest < 0))
    by_document = document_interval(near, document_numbers(table), config.confidence)
    low, high = widest(clopper_pearson(int(near.sum()), len(near), config.confidence), by_document)
    return found, {
        "windows": len(near),
        "near": int(near.sum()),
        "rate": float(near.mean()) if len(near) else 0.0,
        "low": low,
        "high": high,
        "low_by_document": by_document[0],
        "high_by_document": by_document[1],
        "not_extracted": int((near & ~extracted).sum()),
        "other_prefix": predictable,
        "written": len(chosen),
        "left_out": len(promising) - len(chosen),
        "half_in_one_stretch": int((2 * longest >= config.suffix).sum()),
    }
