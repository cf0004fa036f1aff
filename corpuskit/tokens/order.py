"""Which tokens come at which step: a pure function of the step's number, and its inverse.

Sample number i is window `permute(i mod n)` of the shards, under a key that the seed and the epoch name
(`corpuskit.kernels.permutation`). So the order has no state: resuming at any step, with any number of ranks and
workers, gives the same tokens, and which documents made a step, or which steps saw a document, is a calculation.

With a mixture of sources, blocks of 1,024 samples each hold every source in its exact share (largest remainder), in an
order of the block's own; each source runs through its own permuted epochs. A window is a fixed number of tokens, so a
share of samples is a share of tokens.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from corpuskit.errors import UsageError, nearest
from corpuskit.kernels.permutation import permute, unpermute
from corpuskit.tokens.shards import Shards
from corpuskit.tokens.windows import Batch, BestFit, Concatenated, Layout, Numbers, fill

BLOCK = 1024
Packing = Literal["concatenate", "best_fit"]


@dataclass(frozen=True)
class Seen:
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
    ) -> None:
        """`batch`: windows a step, over all ranks; a step is named by its number, from 1. `mixture`: share of tokens
        for each source; without it every window comes once an epoch. Raises UsageError for a source that is not there,
        and where there is nothing to train on.
        """
        self.shards, self.batch, self.seed = shards, batch, seed
        self.sequence_length = sequence_length or shards.manifest.sequence_length
        sources = [entry.source for entry in shards.entries]
        layouts: dict[str, Callable[[Shards, Numbers, int], Layout]]
        layouts = {"concatenate": Concatenated, "best_fit": BestFit}
        if packing not in layouts:
            raise UsageError(f"no packing '{packing}'{nearest(packing, layouts)}")
        if not sources:
            raise UsageError(f"{shards.folder}: the {shards.name} split is empty")
        weights = dict(mixture) if mixture else {"": 1.0}
        for source, weight in weights.items():
            if source and source not in sources:
                raise UsageError(f"mixture names '{source}', which the shards do not have{nearest(source, sources)}")
            if not weight > 0:
                raise UsageError(f"mixture gives '{source}' the weight {weight}: give more than 0, or leave it out")
        self.names = sorted(weights)
        members = [[n for n, source in enumerate(sources) if name in ("", source)] for name in self.names]
        self.pools: list[Layout] = [
            layouts[packing](shards, np.array(of, np.int64), self.sequence_length) for of in members
        ]
        share = np.array([weights[name] for name in self.names])
        exact = share / share.sum() * BLOCK
        self.slots = np.floor(exact).astype(np.int64)
        self.slots[np.argsort(self.slots - exact, kind="stable")[: BLOCK - self.slots.sum()]] += 1
        self.first_slot = np.concatenate([[0], np.cumsum(self.slots)]).astype(np.int64)

    @property
    def epoch_samples(self) -> int:
        """Samples after which every window of the largest pool, in proportion to its share, has come once."""
        if len(self.pools) == 1:
            return self.pools[0].windows
        rounds = [pool.windows / max(int(slots), 1) for pool, slots in zip(self.pools, self.slots, strict=True)]
        return int(np.ceil(max(rounds) * BLOCK))

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
        pool, window = self._locate(samples)
        length, pad = self.sequence_length, self.shards.manifest.tokenizer.pad
        if len(self.pools) == 1:
            return fill(self.shards, self.pools[0].pieces(window), len(samples), length, pad)
        parts: list[Batch] = []
        where = np.empty(len(samples), np.int64)
        for number in np.unique(pool):
            chosen = np.flatnonzero(pool == number)
            where[chosen] = sum(len(part.inputs) for part in parts) + np.arange(len(chosen))
            pieces = self.pools[number].pieces(window[chosen])
            parts.append(fill(self.shards, pieces, len(chosen), length, pad))
        return Batch(
            np.concatenate([part.inputs for part in parts])[where],
            np.concatenate([part.targets for part in parts])[where],
            np.concatenate([part.positions for part in parts])[where],
        )

    def trace(self, step: int) -> list[Seen]:
        """The documents of a step, sample by sample, in the order in which they lie in the windows."""
        return self.trace_samples(self.samples_at(step))

    def trace_samples(self, samples: Numbers) -> list[Seen]:
        seen: list[Seen] = []
        pool, window = self._locate(samples)
        for sample, number, place in zip(samples.tolist(), pool.tolist(), window, strict=True):
            pieces = self.pools[number].pieces(np.array([place]))
            for at, start, length in zip(pieces.shard, pieces.start, pieces.length, strict=True):
                shard, end = self.shards.shards[at], start + length
                for row in range(int(shard.row_of(start)), int(shard.row_of(end - 1)) + 1):
                    tokens = min(end, shard.offsets[row + 1]) - max(start, shard.offsets[row])
                    about = shard.describe(row)
                    seen.append(
                        Seen(
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
        found: set[int] = set()
        present = False
        for at, shard in enumerate(self.shards.shards):
            for row in shard.rows_with_id(document_id):
                present = True
                for number, pool in enumerate(self.pools):
                    if self.names[number] not in ("", self.shards.entries[at].source):
                        continue
                    windows = pool.windows_of(at, int(shard.offsets[row]), int(shard.offsets[row + 1]))
                    found.update(self._samples(number, windows, until))
        if not present:
            raise UsageError(f"{self.shards.folder}: the {self.shards.name} split has no document '{document_id}'")
        return sorted(found)

    def steps_of(self, document_id: str, steps: int) -> list[int]:
        """Which of the first `steps` steps saw a document; they count from 1."""
        return sorted({1 + sample // self.batch for sample in self.samples_of(document_id, steps * self.batch)})

    def _locate(self, samples: Numbers) -> tuple[Numbers, Numbers]:
        """(pool, window in the pool) of sample numbers."""
        if len(self.pools) == 1:
            return np.zeros(len(samples), np.int64), self._window(0, samples)
        block, slot = samples // BLOCK, samples % BLOCK
        for one in np.unique(block):
            here = block == one
            slot[here] = permute(slot[here], BLOCK, self._key("mixture", int(one)))
        pool = np.searchsorted(self.first_slot, slot, side="right") - 1
        running = block * self.slots[pool] + slot - self.first_slot[pool]
        window = np.empty(len(samples), np.int64)
        for number in np.unique(pool):
            chosen = pool == number
            window[chosen] = self._window(int(number), running[chosen])
        return pool, window

    def _window(self, pool: int, running: Numbers) -> Numbers:
        size = self.pools[pool].windows
        epoch, window = running // size, running % size
        for one in np.unique(epoch):
            here = epoch == one
            window[here] = permute(window[here], size, self._key(self.names[pool], int(one)))
        return window

    def _samples(self, pool: int, windows: Numbers, until: int) -> Sequence[int]:
        """Sample numbers below `until` at which windows of a pool come."""
        size, slots = self.pools[pool].windows, int(self.slots[pool])
        found: list[int] = []
        if not slots:
            return found
        for epoch in range(-(-until // size)):
            running = unpermute(windows, size, self._key(self.names[pool], epoch)) + epoch * size
            if len(self.pools) == 1:
                samples = running
            else:
                block, slot = running // slots, self.first_slot[pool] + running % slots
                samples = np.empty(len(running), np.int64)
                for one in np.unique(block):
                    here = block == one
                    samples[here] = one * BLOCK + unpermute(slot[here], BLOCK, self._key("mixture", int(one)))
            found.extend(samples[samples < until].tolist())
        return found

    def _key(self, pool: str, number: int) -> int:
        name = f"{self.seed}:{pool}:{number}".encode()
        return int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), "little")
