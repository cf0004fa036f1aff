"""Which tokens come at which step: a pure function of the step's number, and its inverse.

Sample number i is window `permute(i mod n)` of the shards, under a key that the seed and the epoch name
(`corpuskit.tokens.permutation`). So the order has no state: resuming at any step, with any number of ranks and
workers, gives the same tokens, and which documents made a step, or which steps saw a document, is a calculation.

With a mixture of sources, or with epochs for each, the samples are shared out among the sources
(`corpuskit.tokens.shares`), and each source runs through its own permuted epochs. A window is a fixed number of tokens,
so a share of samples is a share of tokens.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np

from corpuskit.errors import UsageError, nearest
from corpuskit.tokens.layouts import BestFit, Concatenated, Copies, Layout
from corpuskit.tokens.permutation import permute, unpermute
from corpuskit.tokens.shards import Shards
from corpuskit.tokens.shares import Shares
from corpuskit.tokens.weights import Weights, epoch_copies
from corpuskit.tokens.windows import Batch, Numbers, Pieces, fill, flagged

Packing = Literal["concatenate", "best_fit"]


@dataclass(frozen=True)
class SeenDocument:
    """A document in a step."""

    id: str
    url: str | None
    source: str
    language: str
    sample: int
    """Number of the sample whose window holds it."""
    tokens: int
    """How many of its tokens that window holds."""


class TokenOrder:
    """The order in which a run of training sees the windows of a split."""

    def __init__(
        self,
        shards: Shards,
        *,
        sequence_length: int | None = None,
        batch: int = 1,
        seed: int = 0,
        packing: Packing = "concatenate",
        mixture: Mapping[str, float] | None = None,
        epochs: Mapping[str, float] | None = None,
        weights: Weights = "none",
        flag: str | None = None,
    ) -> None:
        """`batch`: windows a step, over all ranks; a step is named by its number, from 1.

        `mixture`: share of tokens for each source, and sources that it does not name are left out. `epochs`: how often
        each source is read in all, evenly over the order, and sources that it does not name once; 0 leaves one out.
        Without either, every window comes once an epoch. `weights`: how often a document of a near-duplicate cluster
        comes in an epoch (`corpuskit.tokens.weights`). `flag`: mark the tokens of documents that an audit decided this
        about (`Batch.flagged`).

        Raises UsageError for a source that is not there, and where there is nothing to train on.
        """
        self.shards, self.batch, self.seed = shards, batch, seed
        self.sequence_length = sequence_length or shards.manifest.sequence_length
        self.sources = [entry.source for entry in shards.entries]
        layouts: dict[str, Callable[[Shards, Numbers, int, Copies], Layout]]
        layouts = {"concatenate": Concatenated, "best_fit": BestFit}
        if packing not in layouts:
            raise UsageError(f"no packing '{packing}'{nearest(packing, layouts)}")
        if not self.sources:
            raise UsageError(f"{shards.folder}: the {shards.name} split is empty")
        if mixture and epochs:
            raise UsageError("give mixture (shares) or epochs (how often each source is read), not both")
        self.names = self._pools(mixture, epochs)
        copies = epoch_copies(shards, weights, seed)
        self.pools: list[Layout] = []
        for name in self.names:
            members = [number for number, source in enumerate(self.sources) if name in ("", source)]
            self.pools.append(layouts[packing](shards, np.array(members, np.int64), self.sequence_length, copies))
            if not self.pools[-1].windows:
                raise UsageError(f"{shards.folder}: with these weights nothing of '{name or 'any source'}' is left")
        self.shares: Shares | None = None
        key = partial(self._key, "mixture")
        if mixture:
            self.shares = Shares.of_weights(np.array([mixture[name] for name in self.names], np.float64), key)
        elif epochs:
            counts = [
                round(epochs.get(name, 1) * pool.windows) for name, pool in zip(self.names, self.pools, strict=True)
            ]
            self.shares = Shares.of_counts(np.maximum(np.array(counts, np.int64), 1), key)
        self.periodic = bool(epochs)
        self.flags = [shard.decided(flag) for shard in shards.shards] if flag else None

    def _pools(self, mixture: Mapping[str, float] | None, epochs: Mapping[str, float] | None) -> list[str]:
        """Names of the sources that samples are drawn from, each on its own; '' for all together."""
        asked, what = (mixture, "mixture") if mixture else (epochs or {}, "epochs")
        for source, value in asked.items():
            if source not in self.sources:
                raise UsageError(
                    f"{what} names '{source}', which the shards do not have{nearest(source, self.sources)}"
                )
            if mixture and not 0 < value < np.inf:
                raise UsageError(f"mixture gives '{source}' the weight {value}: give more than 0, or leave it out")
            if not 0 <= value < np.inf:
                raise UsageError(f"epochs gives '{source}' {value} epochs: give 0 or more")
        if mixture:
            return sorted(mixture)
        if not epochs:
            return [""]
        names = sorted(name for name in set(self.sources) if epochs.get(name, 1) > 0)
        if not names:
            raise UsageError("epochs leaves out every source: there is nothing to train on")
        return names

    @property
    def epoch_samples(self) -> int:
        """Samples of an epoch: every window once; with `epochs`, every source as often as it asks; with a mixture,
        every window of the source that lasts longest once."""
        if self.shares is None:
            return self.pools[0].windows
        if self.periodic:
            return self.shares.total
        counts = self.shares.counts.tolist()
        rounds = [pool.windows / max(count, 1) for pool, count in zip(self.pools, counts, strict=True)]
        return int(np.ceil(max(rounds) * self.shares.total))

    @property
    def epoch_steps(self) -> int:
        """Steps an epoch, the last of which may reach into the next one."""
        return -(-self.epoch_samples // self.batch)

    def samples_at(self, step: int, rank: int = 0, ranks: int = 1) -> Numbers:
        """Sample numbers of a step that fall to one rank. Steps count from 1, samples from 0."""
        if step < 1:
            raise UsageError(f"no step {step}: steps count from 1")
        return np.arange((step - 1) * self.batch + rank, step * self.batch, ranks, dtype=np.int64)

    def batch_of(self, samples: Numbers) -> Batch:
        """The windows of sample numbers, in their order."""
        pieces = self._pieces(samples)
        length, pad = self.sequence_length, self.shards.manifest.tokenizer.pad
        batch = fill(self.shards, pieces, len(samples), length, pad)
        if self.flags is None:
            return batch
        return replace(batch, flagged=flagged(self.shards, pieces, batch.inputs.shape, self.flags))

    def trace(self, step: int) -> list[SeenDocument]:
        """The documents of a step, sample by sample, in the order in which they lie in the windows."""
        return self.trace_samples(self.samples_at(step))

    def trace_samples(self, samples: Numbers) -> list[SeenDocument]:
        seen: list[SeenDocument] = []
        pool, window = self._locate(samples)
        for sample, number, place in zip(samples.tolist(), pool.tolist(), window, strict=True):
            pieces = self.pools[number].pieces(np.array([place]))
            for at, start, length in zip(pieces.shard, pieces.start, pieces.length, strict=True):
                shard, end = self.shards.shards[at], start + length
                for row in range(int(shard.row_of(start)), int(shard.row_of(end - 1)) + 1):
                    tokens = min(end, shard.offsets[row + 1]) - max(start, shard.offsets[row])
                    about = shard.describe(row)
                    seen.append(
                        SeenDocument(
                            str(about["id"]),
                            about["url"],
                            str(about["source"]),
                            str(about["language"]),
                            sample,
                            int(tokens),
                        )
                    )
        return seen

    def samples_of(self, document_id: str, until: int) -> list[int]:
        """Sample numbers below `until` whose windows hold any of a document's tokens, in order.

        Raises UsageError where the split has no such document.
        """
        samples: set[int] = set()
        present = False
        for at, shard in enumerate(self.shards.shards):
            for row in shard.rows_with_id(document_id):
                present = True
                for number, pool in enumerate(self.pools):
                    if self.names[number] not in ("", self.sources[at]):
                        continue
                    windows = pool.windows_of(at, int(shard.offsets[row]), int(shard.offsets[row + 1]))
                    samples.update(self._samples(number, windows, until))
        if not present:
            raise UsageError(f"{self.shards.folder}: the {self.shards.name} split has no document '{document_id}'")
        return sorted(samples)

    def stretch(self, shard: int, start: int, end: int, until: int) -> tuple[int | None, list[int]]:
        """How training reads the tokens from `start` to before `end` of a shard, which lie in one document.

        (the first token of that document in the window that holds the whole stretch, or None where windows cut it;
        the sample numbers below `until` whose windows hold any of it, in order)
        """
        first, samples = None, set[int]()
        document = int(self.shards.shards[shard].offsets[self.shards.shards[shard].row_of(start)])
        for number, pool in enumerate(self.pools):
            if self.names[number] not in ("", self.sources[shard]):
                continue
            windows = pool.windows_of(shard, start, end)
            samples.update(self._samples(number, windows, until))
            pieces = pool.pieces(windows)
            for at, begin, length in zip(pieces.shard, pieces.start, pieces.length, strict=True):
                if at == shard and begin <= start and end <= begin + length:
                    first = max(int(begin), document)
        return first, sorted(samples)

    def steps_of(self, document_id: str, steps: int) -> list[int]:
        """Which of the first `steps` steps saw a document; they count from 1."""
        return sorted({1 + sample // self.batch for sample in self.samples_of(document_id, steps * self.batch)})

    def _pieces(self, samples: Numbers) -> Pieces:
        """What fills the windows of samples; row r is the window of `samples[r]`."""
        pool, window = self._locate(samples)
        if len(self.pools) == 1:
            return self.pools[0].pieces(window)
        filled: list[Pieces] = []
        for number in np.unique(pool):
            chosen = np.flatnonzero(pool == number)
            pieces = self.pools[number].pieces(window[chosen])
            filled.append(replace(pieces, row=chosen[pieces.row]))
        return Pieces.joined(filled)

    def _locate(self, samples: Numbers) -> tuple[Numbers, Numbers]:
        """(pool, window in the pool) of sample numbers."""
        if self.shares is None:
            return np.zeros(len(samples), np.int64), self._window(0, samples)
        pool, running = self.shares.locate(samples)
        window = np.empty(len(samples), np.int64)
        for number in np.unique(pool):
            chosen = pool == number
            window[chosen] = self._window(int(number), running[chosen])
        return pool, window

    def _window(self, pool: int, running: Numbers) -> Numbers:
        size = self.pools[pool].windows
        epoch, window = running // size, running % size
        for number in np.unique(epoch):
            here = epoch == number
            window[here] = permute(window[here], size, self._key(self.names[pool], int(number)))
        return window

    def _samples(self, pool: int, windows: Numbers, until: int) -> Sequence[int]:
        """Sample numbers below `until` at which windows of a pool come."""
        size = self.pools[pool].windows
        numbers: list[int] = []
        if not len(windows) or (self.shares is not None and not self.shares.counts[pool]):
            return numbers
        for epoch in range(-(-until // size)):
            samples = unpermute(windows, size, self._key(self.names[pool], epoch)) + epoch * size
            if self.shares is not None:
                samples = self.shares.samples_of(pool, samples)
            numbers.extend(samples[samples < until].tolist())
        return numbers

    def _key(self, pool: str, number: int) -> int:
        name = f"{self.seed}:{pool}:{number}".encode()
        return int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), "little")
