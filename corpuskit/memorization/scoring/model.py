"""A causal language model as an audit needs it: token scores without ever holding the logits of a whole batch.

The language-model head is applied to some positions at a time and reduced at once to a handful of numbers a
token, so memory does not grow with vocabulary times length.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from corpuskit.engine.files import file_digest
from corpuskit.errors import UsageError, require
from corpuskit.memorization.config import DecodingPolicy

LOGITS = 1 << 22
"""Logits in memory at once, 16 MiB of them: enough to keep all cores busy, whatever the vocabulary."""
PREFIXES = 512
"""Rows of one forward pass over prefixes."""
Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Scores:
    """What the model made of each predicted token. `score` gives arrays [windows, length - 1], where column t is about
    token t + 1; `score_ragged` gives flat arrays [predicted tokens]."""

    log_probability: npt.NDArray[np.float32]
    """Natural log of the probability of the token given those before it."""
    rank: npt.NDArray[np.int32]
    """How many tokens the model prefers to it; of equally likely ones, greedy decoding takes the smallest id."""
    margin: npt.NDArray[np.float32]
    """Logit of the model's first choice less that of its second."""
    entropy: npt.NDArray[np.float32]
    """Entropy of the model's distribution in nats."""
    sigma: npt.NDArray[np.float32]
    """Standard deviation of the log-probability of a token drawn from the model's distribution."""
    policies: tuple[npt.NDArray[np.float32], ...]
    """For each decoding policy, the log-probability of the token under it; -inf where the policy cuts it off."""

    @property
    def match(self) -> npt.NDArray[np.bool_]:
        """Whether the token is the model's first choice."""
        found: npt.NDArray[np.bool_] = self.rank == 0
        return found


_COLUMNS: dict[str, Any] = {
    "log_probability": np.float32,
    "rank": np.int32,
    "margin": np.float32,
    "entropy": np.float32,
    "sigma": np.float32,
}


class CausalModel:
    """A checkpoint of ours or any Hugging Face causal model folder."""

    def __init__(self, folder: str | Path):
        torch = require("torch", "train")
        transformers = require("transformers", "train")
        self.folder = Path(folder)
        if not (self.folder / "config.json").is_file():
            raise UsageError(f"{folder}: no model is here (no config.json)")
        transformers.utils.logging.disable_progress_bar()
        try:
            model = transformers.AutoModelForCausalLM.from_pretrained(folder, local_files_only=True)
        except ValueError as error:
            raise UsageError(f"{folder}: an audit needs a causal language model: {error}") from error
        self._torch = torch
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.model: Any = model.to(self.device, torch.float32).eval()
        self.head: Any = model.get_output_embeddings()
        self.context = int(getattr(model.config, "max_position_embeddings", 0) or 1 << 30)

    @cached_property
    def digest(self) -> str:
        """Names the model by its configuration and weights: equal bytes, equal digest."""
        files = [
            self.folder / "config.json",
            *sorted(self.folder.glob("*.safetensors")),
            *sorted(self.folder.glob("*.bin")),
        ]
        return hashlib.blake2b(" ".join(map(file_digest, files)).encode(), digest_size=16).hexdigest()

    def check_vocabulary(self, vocabulary: int) -> None:
        """Raises UsageError where the model has fewer tokens than the shards use."""
        if self.head.weight.shape[0] < vocabulary:
            raise UsageError(
                f"the model knows {self.head.weight.shape[0]:,} tokens and the shards use {vocabulary:,}: "
                "they were made with another tokenizer"
            )

    def score(self, tokens: Array, policies: Sequence[DecodingPolicy] = ()) -> Scores:
        """Scores of windows of equal length, int[windows, length]: one teacher-forced forward pass.

        Raises UsageError where the windows are longer than the model's context.
        """
        windows, length = tokens.shape
        flat = self._forward(tokens, np.full(windows, length), policies)
        shape = (windows, length - 1)
        return Scores(
            policies=tuple(values.reshape(shape) for values in flat.policies),
            **{name: getattr(flat, name).reshape(shape) for name in _COLUMNS},
        )

    def score_ragged(
        self, tokens: Array, offsets: npt.NDArray[np.int64], policies: Sequence[DecodingPolicy] = (), batch: int = 64
    ) -> Scores:
        """Scores of passages int[tokens] cut at int64[passages + 1], flat: a passage of n tokens gives n - 1 of them.

        `batch` passages of similar length share a forward pass, padded on the right, which a causal model does not see.
        """
        lengths = np.diff(offsets)
        places = np.concatenate([[0], np.cumsum(np.maximum(lengths - 1, 0))])
        total = int(places[-1])
        found = Scores(
            policies=tuple(np.empty(total, np.float32) for _ in policies),
            **{name: np.empty(total, kind) for name, kind in _COLUMNS.items()},
        )
        order = np.argsort(lengths, kind="stable")
        order = order[lengths[order] > 1]
        for start in range(0, len(order), batch):
            chosen = order[start : start + batch]
            rows = np.zeros((len(chosen), int(lengths[chosen].max())), np.int64)
            for row, passage in zip(rows, chosen, strict=True):
                row[: lengths[passage]] = tokens[offsets[passage] : offsets[passage + 1]]
            scores = self._forward(rows, lengths[chosen], policies)
            where = np.concatenate([np.arange(places[passage], places[passage + 1]) for passage in chosen])
            for name in _COLUMNS:
                getattr(found, name)[where] = getattr(scores, name)
            for mine, theirs in zip(found.policies, scores.policies, strict=True):
                mine[where] = theirs
        return found

    def next_log_probabilities(self, tokens: Array, wanted: list[npt.NDArray[np.int64]]) -> list[Any]:
        """For each row of int[rows, length], the natural log-probabilities of the `wanted` next tokens."""
        torch = self._torch
        found: list[npt.NDArray[np.float64]] = []
        with torch.inference_mode():
            for start in range(0, len(tokens), PREFIXES):
                ids = torch.from_numpy(np.ascontiguousarray(tokens[start : start + PREFIXES], np.int64)).to(self.device)
                logs = torch.log_softmax(self.head(self._hidden(ids)[:, -1]).float(), -1).cpu().numpy()
                found += [row[choice].astype(np.float64) for row, choice in zip(logs, wanted[start:], strict=False)]
        return found

    def _hidden(self, tokens: Any) -> Any:
        return self.model.base_model(input_ids=tokens, use_cache=False).last_hidden_state

    def _forward(self, tokens: Array, lengths: Array, policies: Sequence[DecodingPolicy]) -> Scores:
        """Flat scores of the first `lengths[i]` tokens of each row, rows in order."""
        torch = self._torch
        if tokens.shape[1] > self.context:
            raise UsageError(f"windows of {tokens.shape[1]} tokens do not fit a context of {self.context}")
        predicted = torch.from_numpy(np.arange(1, tokens.shape[1])[None, :] < lengths[:, None]).to(self.device)
        parts: list[tuple[Any, ...]] = []
        with torch.inference_mode():
            ids = torch.from_numpy(np.ascontiguousarray(tokens, np.int64)).to(self.device)
            hidden, targets = self._hidden(ids)[:, :-1][predicted], ids[:, 1:][predicted]
            rows = max(LOGITS // self.head.weight.shape[0], 16)
            for start in range(0, len(targets), rows):
                logits = self.head(hidden[start : start + rows]).float()
                parts.append(_reduce(torch, logits, targets[start : start + rows, None], policies))
        columns = [torch.cat(values).cpu().numpy() for values in zip(*parts, strict=True)]
        if not columns:
            columns = [np.empty(0, np.float32)] * (5 + len(policies))
        return Scores(columns[0], columns[1].astype(np.int32), columns[2], columns[3], columns[4], tuple(columns[5:]))


def _reduce(torch: Any, logits: Any, target: Any, policies: Sequence[DecodingPolicy]) -> tuple[Any, ...]:
    """The columns of `Scores` for logits [rows, vocabulary] and target ids [rows, 1]."""
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
    # centred before it is squared: the difference of two large sums would lose the digits of a small spread
    sigma = torch.linalg.vecdot(probabilities, logs.sub_(mean[:, None]).square_()).sqrt()
    return own, rank, best[:, 0] - best[:, 1], -mean, sigma, *under


def _under_policy(torch: Any, logits: Any, best: Any, chosen: Any, rank: Any, policy: DecodingPolicy) -> Any:
    kept = logits if policy.top_k is None else best[:, : policy.top_k]
    logs = chosen / policy.temperature - torch.logsumexp(kept / policy.temperature, -1)
    return logs if policy.top_k is None else torch.where(rank < policy.top_k, logs, -torch.inf)
