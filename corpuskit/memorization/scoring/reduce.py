"""From a block of logits to a handful of numbers a token, in one pass over each row while it lies in the cache.

`log_softmax`, its exponential, their product and its square would each write the block anew; a model with a large
vocabulary then spends as long on that as on its head. Here a row is read three times where it lies: the two largest
logits and the rank, the exponentials with their sum, the spread around the mean. Nothing is sorted: a rank is a count,
and the largest logits are looked for only where a decoding policy may keep that token.

Sums run in lanes, each lane in single precision over a block of the row and in double precision over the blocks. The
order of every addition is written out here rather than left to the compiler, which would choose another one for code
that it inlines than for code that it finds in its cache: the last bits must not depend on which run compiled it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt
from numba.extending import intrinsic

from corpuskit.memorization.config import DecodingPolicy

Floats = npt.NDArray[np.float32]
F = np.float32
LANES = 128
BLOCK = 4096
"""Entries of a row that are summed in single precision, LANES of them at a time."""
COLUMNS = 4
"""Log-probability, margin, entropy, sigma; the policies follow."""
_SMALLEST = F(-3e38)
_LOG2E, _LN2_HIGH, _LN2_LOW = F(1.4426950408889634), F(0.693359375), F(-2.12194440e-4)


@intrinsic
def _fma(context: Any, a: Any, b: Any, c: Any) -> Any:  # pragma: no cover
    """a * b + c, rounded once: asked for by name, since a compiler that may fuse does so here and not there."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fma(*arguments)

    return a(a, a, a), generate


@nb.njit(inline="always")
def _exp(x: Any) -> Any:  # pragma: no cover
    """e^x for x <= 0 in single precision to 2 units in the last place: 2^n times a polynomial (Cephes, expf)."""
    x = max(x, F(-87.0))
    n = np.floor(_fma(x, _LOG2E, F(0.5)))
    r = _fma(n, -_LN2_LOW, _fma(n, -_LN2_HIGH, x))
    p = _fma(F(1.9875691500e-4), r, F(1.3981999507e-3))
    p = _fma(p, r, F(8.3334519073e-3))
    p = _fma(p, r, F(4.1665795894e-2))
    p = _fma(p, r, F(1.6666665459e-1))
    p = _fma(p, r, F(5.0000001201e-1))
    p = _fma(p * r, r, r) + F(1.0)
    return p * np.int32((np.int32(n) + np.int32(127)) << np.int32(23)).view(np.float32)


@nb.njit(cache=True, nogil=True)
def _two_largest(row: Any, first: Any, second: Any) -> Any:  # pragma: no cover
    """The two largest entries; each of the lanes keeps two of its own, so that the loop has no branch."""
    first[:], second[:] = _SMALLEST, _SMALLEST
    whole = row.shape[0] // LANES * LANES
    for start in range(0, whole, LANES):
        block = row[start : start + LANES]
        for lane in range(LANES):
            value, most = block[lane], first[lane]
            lower = most if value > most else value
            first[lane] = value if value > most else most
            second[lane] = lower if lower > second[lane] else second[lane]
    rest = row[whole:]
    for lane in range(rest.shape[0]):
        value, most = rest[lane], first[lane]
        lower = most if value > most else value
        first[lane] = value if value > most else most
        second[lane] = lower if lower > second[lane] else second[lane]
    best, next_best = _SMALLEST, _SMALLEST
    for lane in range(LANES):
        for value in (first[lane], second[lane]):
            if value > best:
                best, next_best = value, best
            elif value > next_best:
                next_best = value
    return best, next_best


@nb.njit(cache=True, nogil=True)
def _rank(row: Any, target: int) -> int:  # pragma: no cover
    """Entries before which greedy decoding would take the target: larger ones, and equal ones of a smaller id."""
    own = row[target]
    count = np.int32(0)
    before, after = row[:target], row[target + 1 :]
    for place in range(before.shape[0]):
        count += np.int32(1) if before[place] >= own else np.int32(0)
    for place in range(after.shape[0]):
        count += np.int32(1) if after[place] > own else np.int32(0)
    return int(count)


@nb.njit(inline="always")
def _sum(values: Any, lanes: Any) -> float:  # pragma: no cover
    """Sum of at most BLOCK values: value i goes to lane i mod LANES, then halves of the lanes are added.

    `lanes` is room for them.
    """
    lanes[:] = F(0.0)
    whole = values.shape[0] // LANES * LANES
    for start in range(0, whole, LANES):
        piece = values[start : start + LANES]
        for lane in range(LANES):
            lanes[lane] += piece[lane]
    rest = values[whole:]
    for lane in range(rest.shape[0]):
        lanes[lane] += rest[lane]
    half = LANES // 2
    while half:  # neighbours last: halves are added as vectors
        for lane in range(half):
            lanes[lane] += lanes[half + lane]
        half //= 2
    return float(lanes[0])


@nb.njit(cache=True, nogil=True)
def _moments(row: Any, best: Any, weights: Any, products: Any, lanes: Any) -> Any:  # pragma: no cover
    """(log of the sum, mean, standard deviation) of row - best under the softmax.

    `weights` is room for one row, `products` for one block, `lanes` for the lanes of a sum.
    """
    total, weighted = 0.0, 0.0
    for start in range(0, row.shape[0], BLOCK):
        block, kept = row[start : start + BLOCK], weights[start : start + BLOCK]
        for place in range(block.shape[0]):
            below = max(block[place] - best, F(-1e4))  # of -inf, whose weight is 0, the product must be a number
            weight = _exp(below)
            kept[place] = weight
            products[place] = weight * below
        total += _sum(kept, lanes)
        weighted += _sum(products[: block.shape[0]], lanes)
    mean = F(weighted / total)
    # centred before it is squared: the difference of two large sums would lose the digits of a small spread
    spread = 0.0
    for start in range(0, row.shape[0], BLOCK):
        block, kept = row[start : start + BLOCK], weights[start : start + BLOCK]
        for place in range(block.shape[0]):
            off = max(block[place] - best, F(-1e4)) - mean
            products[place] = kept[place] * off * off
        spread += _sum(products[: block.shape[0]], lanes)
    return math.log(total), weighted / total, math.sqrt(spread / total)


@nb.njit(cache=True, nogil=True)
def _mass(row: Any, best: Any, warmth: Any, products: Any, lanes: Any) -> float:  # pragma: no cover
    """The sum of e^((row - best) * warmth); `products` and `lanes` are room to work in."""
    total = 0.0
    for start in range(0, row.shape[0], BLOCK):
        block = row[start : start + BLOCK]
        for place in range(block.shape[0]):
            products[place] = _exp((block[place] - best) * warmth)
        total += _sum(products[: block.shape[0]], lanes)
    return total


@nb.njit(cache=True, nogil=True)
def _largest(row: Any, k: int) -> Any:  # pragma: no cover
    """The k largest entries, in no order that matters."""
    if k > LANES:
        return np.partition(row, row.shape[0] - k)[row.shape[0] - k :]
    found = np.full(k, -np.inf, np.float32)  # sorted, the largest first
    for value in row:
        if value > found[k - 1]:
            place = k - 1
            while place > 0 and found[place - 1] < value:
                found[place] = found[place - 1]
                place -= 1
            found[place] = value
    return found


@nb.njit(cache=True, nogil=True)
def _nucleus(row: Any, best: Any, warmth: Any, wanted: float) -> Any:  # pragma: no cover
    """(entries, their sum) of the fewest largest entries whose e^((entry - best) * warmth) sum to `wanted`.

    Most nuclei are small, so some largest entries are looked through before more of them are sorted. All, where the
    sum is never reached.
    """
    many, total = LANES, 0.0
    while True:
        whole = many >= row.shape[0]
        largest = np.sort(row if whole else np.partition(row, row.shape[0] - many)[row.shape[0] - many :])
        total = 0.0
        for place in range(largest.shape[0]):
            total += _exp((largest[largest.shape[0] - 1 - place] - best) * warmth)
            if total >= wanted:
                return place + 1, total
        if whole:
            return row.shape[0], total
        many *= 8


@nb.njit(cache=True, nogil=True)
def _reduce(
    logits: Any, targets: Any, temperatures: Any, top_k: Any, top_p: Any, found: Any, ranks: Any
) -> None:  # pragma: no cover
    first, second = np.empty(LANES, np.float32), np.empty(LANES, np.float32)
    weights = np.empty(logits.shape[1], np.float32)
    products, lanes = np.empty(BLOCK, np.float32), np.empty(LANES, np.float32)
    for number in range(logits.shape[0]):
        row, target = logits[number], targets[number]
        best, next_best = _two_largest(row, first, second)
        rank = _rank(row, target)
        log_total, mean, sigma = _moments(row, best, weights, products, lanes)
        below = row[target] - best
        ranks[number] = rank
        found[0, number] = below - log_total
        found[1, number] = best - next_best
        found[2, number] = log_total - mean
        found[3, number] = sigma
        for place in range(temperatures.shape[0]):
            temperature, k, share = temperatures[place], top_k[place], top_p[place]
            if 0 < k <= rank:
                found[COLUMNS + place, number] = -np.inf
                continue
            kept = row if k == 0 or k >= row.shape[0] else _largest(row, k)
            warmth = F(1.0) / temperature
            mass = _mass(kept, best, warmth, products, lanes)
            if share < 1.0:
                size, mass = _nucleus(kept, best, warmth, share * mass)
                if size <= rank:
                    found[COLUMNS + place, number] = -np.inf
                    continue
            found[COLUMNS + place, number] = below / temperature - math.log(mass)


def reduce_logits(
    logits: Floats, targets: npt.NDArray[np.int64], policies: Sequence[DecodingPolicy] = (), threads: int = 1
) -> tuple[npt.NDArray[Any], ...]:
    """Log-probability, rank, margin, entropy, sigma and each policy's log-probability of targets int64[rows].

    `logits` float32[rows, vocabulary]; entropy and log-probabilities in nats. A target that a policy cuts off has -inf.
    """
    found = np.empty((COLUMNS + len(policies), len(logits)), np.float32)
    ranks = np.empty(len(logits), np.int32)
    temperatures = np.array([policy.temperature for policy in policies], np.float32)
    top_k = np.array([policy.top_k or 0 for policy in policies], np.int64)
    top_p = np.array([policy.top_p or 1.0 for policy in policies], np.float64)

    def work(rows: slice) -> None:
        _reduce(logits[rows], targets[rows], temperatures, top_k, top_p, found[:, rows], ranks[rows])

    size = max(1, -(-len(logits) // threads))
    parts = [slice(start, start + size) for start in range(0, len(logits), size)]
    if len(parts) > 1:
        with ThreadPoolExecutor(len(parts)) as pool:
            list(pool.map(work, parts))
    elif parts:
        work(parts[0])
    return found[0], ranks, *found[1:]


def reduce_on_device(
    torch: Any, logits: Any, target: Any, policies: Sequence[DecodingPolicy] = ()
) -> tuple[npt.NDArray[Any], ...]:
    """The same by PyTorch where the logits lie, for an accelerator. `target` int64[rows]."""
    target = target[:, None]
    chosen = logits.gather(-1, target)
    rank = torch.count_nonzero(logits > chosen, -1)
    tied = torch.nonzero(torch.count_nonzero(logits >= chosen, -1) > rank + 1)[:, 0]
    if len(tied):
        before = torch.arange(logits.shape[-1], device=logits.device) < target[tied]
        rank[tied] += ((logits[tied] == chosen[tied]) & before).sum(-1)
    widest = min(max(2, *(policy.top_k or 0 for policy in policies), 0), logits.shape[-1])
    best = logits.topk(widest, -1).values
    under = [_under_policy(torch, logits, best, chosen[:, 0], rank, policy) for policy in policies]
    logs = torch.log_softmax(logits, -1)
    probabilities = logs.exp()
    mean = torch.linalg.vecdot(probabilities, logs)
    own = logs.gather(-1, target)[:, 0]
    sigma = torch.linalg.vecdot(probabilities, logs.sub_(mean[:, None]).square_()).sqrt()
    columns = (own, rank.int(), best[:, 0] - best[:, 1], -mean, sigma, *under)
    return tuple(column.cpu().numpy() for column in columns)


def _under_policy(torch: Any, logits: Any, best: Any, chosen: Any, rank: Any, policy: DecodingPolicy) -> Any:
    kept = (logits if policy.top_k is None else best[:, : policy.top_k]) / policy.temperature
    normal = torch.logsumexp(kept, -1)
    size = kept.shape[-1]
    if policy.top_p is not None and policy.top_p < 1:
        reached = torch.softmax(kept.sort(-1, descending=True).values.double(), -1).cumsum(-1)
        size = 1 + torch.count_nonzero(reached[:, :-1] < policy.top_p, -1)
        normal = normal + reached.gather(-1, size[:, None] - 1)[:, 0].log().float()
    return torch.where(rank < size, chosen / policy.temperature - normal, -torch.inf)
