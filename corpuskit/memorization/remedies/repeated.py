"""How far the text around a window is repeated: the longest passage about it that the shards hold too often.

A window is a sample of a passage. Where a whole notice stands a hundred times, taking out the sampled window would
leave the rest of the notice there a hundred times, so what is capped is the passage: the window, grown to both sides as
long as more than `cap` of its occurrences go on alike.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from corpuskit.kernels.ngrams import find_equal
from corpuskit.memorization.corpus.windows import Windows
from corpuskit.tokens import Shards

Numbers = npt.NDArray[np.int64]


def repeated_passages(shards: Shards, windows: Windows, cap: int) -> Numbers:
    """int64[windows, 2]: first token and end of the passage about each window that stands more than `cap` times.

    Tokens are counted in the window's document, the framing ones included. A window that stands there at most `cap`
    times gives itself.
    """
    length = windows.tokens.shape[1]
    found = np.stack([windows.position, windows.position + length], axis=1)
    wanted = np.ascontiguousarray(windows.tokens, np.int64)
    occurrences = [find_equal(shard.tokens.astype(np.int64), shard.offsets, wanted) for shard in shards.shards]
    for number in range(len(windows)):
        shard_of, places = [], []
        for at, (all_places, bounds) in enumerate(occurrences):
            mine = all_places[bounds[number] : bounds[number + 1]]
            shard_of.append(np.full(len(mine), at, np.int64))
            places.append(mine)
        where, place = np.concatenate(shard_of), np.concatenate(places)
        if len(place) > cap:
            own = int(windows.shard[number])
            begin = int(shards.shards[own].offsets[windows.row[number]])
            left, right = _grown(shards, where, place, own, begin + int(windows.position[number]), length, cap)
            found[number] = (found[number, 0] - left, found[number, 1] + right)
    return found


def _grown(
    shards: Shards, shard_of: Numbers, place: Numbers, own: int, here: int, length: int, cap: int
) -> tuple[int, int]:
    """(tokens to the left, tokens to the right) by which more than `cap` occurrences go on like the one at `here`."""
    rows = [np.asarray(shards.shards[s].row_of(place[shard_of == s])) for s in range(len(shards.shards))]
    first, last = np.empty_like(place), np.empty_like(place)
    for number, shard in enumerate(shards.shards):
        mine = shard_of == number
        first[mine] = shard.offsets[rows[number]]
        last[mine] = shard.offsets[rows[number] + 1] - 1  # the framing token is no text
    frame = 0 if shards.tokenizer.begin is None else 1
    grown = [0, 0]
    for side, step in ((1, 1), (0, -1)):
        edge = length - 1 if side else 0
        while True:
            at = place + edge + step * (grown[side] + 1)
            inside = (at < last) & (at >= first + frame)
            mine = here + edge + step * (grown[side] + 1)
            if not inside[(shard_of == own) & (place == here)].any():
                break
            token = shards.shards[own].tokens[mine]
            alike = inside.copy()
            for number, shard in enumerate(shards.shards):
                these = np.flatnonzero(inside & (shard_of == number))
                alike[these] = shard.tokens[at[these]] == token
            if alike.sum() <= cap:
                break
            shard_of, place, first, last = shard_of[alike], place[alike], first[alike], last[alike]
            grown[side] += 1
    return grown[0], grown[1]
