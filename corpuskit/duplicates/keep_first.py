"""Choosing what stays among candidates that resemble each other: the first of each kind, in a given order.

Candidates come in order of preference. One that resembles nothing kept so far is kept; any other is dropped for the
kept one that it resembles most. (The greedy maximal independent set of the similarity graph, in one pass.) Only
candidates that share a bucket are compared.
"""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np

from corpuskit.duplicates.shingle_sets import similarity

MOST_KEPT = 128
"""Kept candidates of one bucket that later ones are compared with. Where more pile up, most do not resemble each other
(their key was made to collide), and what does resemble meets in other bands: the work stays linear."""


@nb.njit(cache=True, nogil=True)
def keep_first(
    first: Any,
    last: Any,
    fixed: Any,
    bounds: Any,
    buckets: Any,
    heads: Any,
    loads: Any,
    following: Any,
    owners: Any,
    stamps: Any,
    values: Any,
    starts: Any,
    sizes: Any,
    measure: Any,
    threshold: Any,
    twins: Any,
    similarities: Any,
) -> None:
    """Decide the candidates `first` to `last`, after all before them have been decided.

    Candidate d is in `buckets[bounds[d]:bounds[d + 1]]`, and its set is `values[starts[d]:starts[d] + sizes[d]]`.
    Candidates below `fixed` are kept whatever they resemble. Writes into `twins` the kept candidate that d resembles
    most (the earlier one where two are as near), or d itself where it is kept, and into `similarities` how much. State
    between calls:
    `heads` (int64[buckets], -1 at first), `loads` (int32[buckets], 0), `following` and `owners` (int64[memberships]),
    `stamps` (int64[candidates], -1).
    """
    for candidate in range(first, last):
        best = np.int64(-1)
        most = 0.0
        if candidate >= fixed:
            for member in range(bounds[candidate], bounds[candidate + 1]):
                entry = heads[buckets[member]]
                while entry >= 0:
                    kept = owners[entry]
                    entry = following[entry]
                    if stamps[kept] == candidate:
                        continue
                    stamps[kept] = candidate
                    alike = similarity(
                        values,
                        starts[kept],
                        sizes[kept],
                        starts[candidate],
                        sizes[candidate],
                        measure,
                        max(threshold, most),
                    )
                    if alike >= threshold and (alike > most or (alike == most and kept < best)):
                        best = kept
                        most = alike
        if best >= 0:
            twins[candidate] = best
            similarities[candidate] = most
            continue
        twins[candidate] = candidate
        similarities[candidate] = 1.0
        for member in range(bounds[candidate], bounds[candidate + 1]):
            bucket = buckets[member]
            if loads[bucket] < MOST_KEPT:
                loads[bucket] += 1
                owners[member] = candidate
                following[member] = heads[bucket]
                heads[bucket] = member
