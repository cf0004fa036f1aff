"""A causal language model as an audit needs it: token scores without ever holding the logits of a whole batch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from corpuskit.errors import UsageError, require

ROWS = 512
"""Positions whose logits are in memory at once."""


@dataclass(frozen=True)
class Scores:
    """What the model made of each predicted token: arrays [windows, length - 1]; column t is about token t + 1."""

    log_probability: npt.NDArray[np.float32]
    """Natural log of the probability of the token given those before it."""
    match: npt.NDArray[np.bool_]
    """Whether it is the model's first choice."""
    rank: npt.NDArray[np.int32]
    """How many tokens the model prefers to it."""
    entropy: npt.NDArray[np.float32]
    """Entropy of the model's distribution in nats."""


class CausalModel:
    """A checkpoint of ours or any Hugging Face causal model folder."""

    def __init__(self, folder: str | Path):
        torch = require("torch", "train")
        transformers = require("transformers", "train")
        if not (Path(folder) / "config.json").is_file():
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

    def check_vocabulary(self, vocabulary: int) -> None:
        """Raises UsageError where the model has fewer tokens than the shards use."""
        if self.head.weight.shape[0] < vocabulary:
            raise UsageError(
                f"the model knows {self.head.weight.shape[0]:,} tokens and the shards use {vocabulary:,}: "
                "they were made with another tokenizer"
            )

    def _hidden(self, tokens: Any) -> Any:
        return self.model.base_model(input_ids=tokens, use_cache=False).last_hidden_state

    def score(self, tokens: npt.NDArray[Any]) -> Scores:
        """Scores of windows of equal length, int[windows, length]: one teacher-forced forward pass."""
        torch = self._torch
        if tokens.shape[1] > self.context:
            raise UsageError(f"windows of {tokens.shape[1]} tokens do not fit a context of {self.context}")
        with torch.inference_mode():
            ids = torch.from_numpy(np.ascontiguousarray(tokens, np.int64)).to(self.device)
            hidden = self._hidden(ids)[:, :-1].reshape(-1, self.model.config.hidden_size)
            targets = ids[:, 1:].reshape(-1)
            found: list[tuple[Any, ...]] = []
            for start in range(0, len(targets), ROWS):
                logits = self.head(hidden[start : start + ROWS]).float()
                target = targets[start : start + ROWS, None]
                normal = torch.logsumexp(logits, -1, keepdim=True)
                chosen = logits.gather(-1, target)
                # ties go to the smaller id, as argmax and greedy decoding have it
                before = torch.arange(logits.shape[-1], device=self.device) < target
                rank = (logits > chosen).sum(-1) + ((logits == chosen) & before).sum(-1)
                logs = logits - normal
                entropy = -(logs.exp() * logs).sum(-1)
                found.append(((chosen - normal)[:, 0], rank, entropy))
        shape = (tokens.shape[0], tokens.shape[1] - 1)
        log_probability, rank, entropy = (
            torch.cat(parts).cpu().numpy().reshape(shape) for parts in zip(*found, strict=True)
        )
        return Scores(log_probability.astype(np.float32), rank == 0, rank.astype(np.int32), entropy.astype(np.float32))

    def next_log_probabilities(self, tokens: npt.NDArray[Any], wanted: list[npt.NDArray[np.int64]]) -> list[Any]:
        """For each row of int[rows, length], the natural log-probabilities of the `wanted` next tokens."""
        torch = self._torch
        found: list[npt.NDArray[np.float64]] = []
        with torch.inference_mode():
            for start in range(0, len(tokens), ROWS):
                ids = torch.from_numpy(np.ascontiguousarray(tokens[start : start + ROWS], np.int64)).to(self.device)
                logs = torch.log_softmax(self.head(self._hidden(ids)[:, -1]).float(), -1).cpu().numpy()
                found += [row[choice].astype(np.float64) for row, choice in zip(logs, wanted[start:], strict=False)]
        return found
