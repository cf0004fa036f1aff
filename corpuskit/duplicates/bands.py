"""How many bands of how many minima find the pairs that are looked for (MMDS, section 3.4.2).

A pair with Jaccard J shares a band of r minima with the chance J^r, and one of b bands with 1 - (1 - J^r)^b.
Candidates are verified, so bands only have to find every pair; pairs below the threshold that they also find cost a
comparison and nothing more.
"""

from __future__ import annotations

from typing import NamedTuple

from corpuskit.errors import InputError

PERMUTATIONS = 112
RECALL = 0.999
"""Share of the pairs exactly at the threshold that the chosen bands find. Nearer pairs are found more surely still."""


class Bands(NamedTuple):
    bands: int
    rows: int

    def recall(self, jaccard: float) -> float:
        """The chance that a pair with this Jaccard index becomes a candidate."""
        return 1.0 - (1.0 - jaccard**self.rows) ** self.bands


def choose_bands(threshold: float, permutations: int = PERMUTATIONS, recall: float = RECALL) -> Bands:
    """The bands with the most rows (the fewest false candidates) that find `recall` of the pairs at the threshold.

    Raises InputError where the permutations are too few for that.
    """
    for rows in range(permutations, 0, -1):
        choice = Bands(permutations // rows, rows)
        if choice.recall(threshold) >= recall:
            return choice
    raise InputError(
        f"{permutations} permutations cannot find {recall:.1%} of the pairs at a Jaccard index of {threshold:.2f}; "
        "take more permutations or a higher threshold"
    )


def jaccard_for_containment(threshold: float) -> float:
    """The Jaccard index of two texts, one twice as long as the other, whose containment is at the threshold."""
    return threshold / (3.0 - threshold)
