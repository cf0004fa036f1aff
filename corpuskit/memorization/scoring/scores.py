"""The token-score cache: one forward pass over the audited passages, kept as Arrow; every metric comes from it.

A cache is a folder. Each chunk of passages is one Arrow file and a receipt that commits it; `manifest.json` is written
last. A scoring that was killed goes on at the first chunk without a valid receipt and ends with the same bytes.
Receipts carry a key made of the model's weights, the passages' tokens and the decoding policies: chunks of another
model or another sample are never taken for ours.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpuskit.engine.files import digest, file_digest, read_json, remove_temporaries, replacing, write_json
from corpuskit.errors import CorpuskitError, UsageError
from corpuskit.memorization.config import DecodingPolicy
from corpuskit.memorization.scoring.model import CausalModel

FORMAT = 1
CHUNK_TOKENS = 1 << 16
"""Tokens after which a chunk ends, with the passage that reaches them: what a killed run loses at most."""
MANIFEST = "manifest.json"

Watch = Callable[..., None]
Numbers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Passages:
    """Pieces of token text, each scored on its own."""

    tokens: Numbers
    """int64[tokens], one passage after the other."""
    offsets: Numbers
    """int64[passages + 1]."""

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @classmethod
    def of(cls, pieces: Iterable[npt.ArrayLike]) -> Passages:
        """Passages from lists of token ids, or from the rows of a matrix."""
        arrays = [np.asarray(piece, np.int64) for piece in pieces]
        lengths = np.array([len(array) for array in arrays], np.int64)
        tokens = np.concatenate(arrays) if arrays else np.empty(0, np.int64)
        return cls(tokens, np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))

    def digest(self) -> str:
        found = hashlib.blake2b(self.offsets.astype("<i8").tobytes(), digest_size=16)
        found.update(self.tokens.astype("<i8").tobytes())
        return found.hexdigest()

    def slice(self, start: int, end: int) -> Passages:
        first, last = self.offsets[start], self.offsets[end]
        return Passages(self.tokens[first:last], self.offsets[start : end + 1] - first)


@dataclass(frozen=True)
class TokenScores:
    """Scores of the predicted tokens of passages (all but the first of each): 20 bytes a token without policies."""

    offsets: Numbers
    """int64[passages + 1]: the scores of passage i are those from offsets[i] to offsets[i + 1]."""
    token: npt.NDArray[np.uint32]
    nll: Floats
    """Negative natural log of the token's probability given those before it in the passage."""
    rank: npt.NDArray[np.uint16]
    """Tokens that the model prefers, 65,535 where there are as many or more; 0 is greedy decoding's choice."""
    margin: npt.NDArray[np.float16]
    """Logit of the first choice less that of the second: near 0, another arithmetic may choose otherwise."""
    entropy: Floats
    sigma: Floats
    policies: dict[str, Floats]
    """By the policy's name, the log-probability under it (-inf where it is cut off)."""
    model: str
    """Digest of the model."""

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def match(self) -> npt.NDArray[np.bool_]:
        found: npt.NDArray[np.bool_] = self.rank == 0
        return found

    @property
    def lengths(self) -> Numbers:
        return np.diff(self.offsets)


def score_passages(
    model: CausalModel,
    passages: Passages,
    folder: Path,
    policies: Sequence[DecodingPolicy] = (),
    *,
    batch: int = 64,
    what: str = "passages",
    watch: Watch = lambda message, done, total: None,
) -> TokenScores:
    """Score passages into the cache at `folder`, or take from it what is there already.

    Raises UsageError where a passage is longer than the model's context.
    """
    key = digest([FORMAT, model.digest, passages.digest(), [policy.name for policy in policies], batch, CHUNK_TOKENS])
    folder.mkdir(parents=True, exist_ok=True)
    remove_temporaries(folder)
    (folder / MANIFEST).unlink(missing_ok=True)
    bounds = _chunks(passages)
    for number, (start, end) in enumerate(bounds):
        watch(f"scoring {what}", start, len(passages))
        path, receipt = folder / f"{number:05d}.arrow", folder / f"{number:05d}.json"
        done = read_json(receipt)
        if isinstance(done, dict) and done.get("key") == key and path.is_file() and file_digest(path) == done["digest"]:
            continue
        receipt.unlink(missing_ok=True)
        table = _score(model, passages.slice(start, end), policies, batch)
        with (
            replacing(path) as temporary,
            pa.OSFile(str(temporary), "wb") as sink,
            pa.ipc.new_file(sink, table.schema) as to,
        ):
            to.write_table(table)
        write_json(receipt, {"key": key, "digest": file_digest(path), "passages": end - start})
    for stale in sorted(folder.glob("[0-9]*.*"))[2 * len(bounds) :]:
        stale.unlink()
    names = [policy.name for policy in policies]
    write_json(folder / MANIFEST, {"key": key, "model": model.digest, "chunks": len(bounds), "policies": names})
    return read_scores(folder)


def read_scores(folder: str | Path, model: str | None = None) -> TokenScores:
    """A finished cache. `model`: the digest that it must have been scored with.

    Raises UsageError where there is none, where it was cut off, or where it is another model's.
    """
    folder = Path(folder)
    manifest = read_json(folder / MANIFEST)
    if not isinstance(manifest, dict):
        raise UsageError(
            f"{folder}: no finished token scores are here (no {MANIFEST}); run the audit again, it goes on"
        )
    if model is not None and manifest["model"] != model:
        raise UsageError(
            f"{folder}: these scores are of the model {manifest['model'][:12]}…, not of {model[:12]}…; "
            "score into another folder"
        )
    tables = [_read_chunk(folder / f"{number:05d}.arrow") for number in range(manifest["chunks"])]
    names: list[str] = manifest["policies"]
    lengths = [np.diff(table.column("nll").combine_chunks().offsets.to_numpy()) for table in tables]
    kinds = {**_COLUMNS, **dict.fromkeys(map(_column, names), np.float32)}
    columns: dict[str, Any] = {
        name: np.concatenate(
            [np.empty(0, kind), *(table.column(name).combine_chunks().values.to_numpy() for table in tables)]
        )
        for name, kind in kinds.items()
    }
    return TokenScores(
        offsets=np.concatenate([[0], np.cumsum(np.concatenate([np.empty(0, np.int64), *lengths]))]).astype(np.int64),
        policies={name: columns[_column(name)] for name in names},
        model=manifest["model"],
        **{name: columns[name] for name in _COLUMNS},
    )


_COLUMNS: dict[str, Any] = {
    "token": np.uint32,
    "nll": np.float32,
    "rank": np.uint16,
    "margin": np.float16,
    "entropy": np.float32,
    "sigma": np.float32,
}


def _column(policy: str) -> str:
    return f"log_probability[{policy}]"


def _read_chunk(path: Path) -> pa.Table:
    try:
        with pa.memory_map(str(path)) as source:
            return pa.ipc.open_file(source).read_all()
    except (pa.ArrowInvalid, OSError) as error:
        raise CorpuskitError(
            f"{path} is not a chunk of token scores ({error}); delete it and run the audit again"
        ) from error


def _chunks(passages: Passages) -> list[tuple[int, int]]:
    """Ranges of passages, each ended by the passage that fills it."""
    found = []
    start = 0
    while start < len(passages):
        end = int(np.searchsorted(passages.offsets, passages.offsets[start] + CHUNK_TOKENS, side="left"))
        end = min(max(end, start + 1), len(passages))
        found.append((start, end))
        start = end
    return found


def _score(model: CausalModel, passages: Passages, policies: Sequence[DecodingPolicy], batch: int) -> pa.Table:
    scores = model.score_ragged(passages.tokens, passages.offsets, policies, batch)
    lengths = np.maximum(np.diff(passages.offsets) - 1, 0)
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))
    predicted = np.ones(len(passages.tokens), np.bool_)
    predicted[passages.offsets[:-1][np.diff(passages.offsets) > 0]] = False
    columns = {
        "token": passages.tokens[predicted].astype(np.uint32),
        "nll": -scores.log_probability,
        "rank": np.minimum(scores.rank, 65_535).astype(np.uint16),
        # a model that is certain can have a margin beyond the largest half float, 65,504
        "margin": np.minimum(scores.margin, 65_504).astype(np.float16),
        "entropy": scores.entropy,
        "sigma": scores.sigma,
        **{_column(policy.name): values for policy, values in zip(policies, scores.policies, strict=True)},
    }
    return pa.table(
        {name: pa.LargeListArray.from_arrays(offsets, pa.array(values)) for name, values in columns.items()}
    )
