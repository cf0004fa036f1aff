"""Bits per byte of held-out text during training, compared with a model that knows token frequencies alone.

The figures are those of `corpuskit.training.evaluation.held_out_bits`, on the same documents each time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from corpuskit.tokens.shards import Shards
from corpuskit.tokens.tokenizer import Tokenizer
from corpuskit.tokens.windows import IGNORED
from corpuskit.training.config import Kind, TrainConfig
from corpuskit.training.evaluation.held_out import HeldOutBits, held_out_bits
from corpuskit.training.evaluation.language_model import Costs, LanguageModel
from corpuskit.training.learner import gathered
from corpuskit.training.machine import Machine


@dataclass(frozen=True, eq=False)
class TokenFrequencies(LanguageModel):
    """A unigram model: each token has the probability of its frequency in the training text."""

    nats: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    """Cost of each token; the last is for ids that the training text does not have."""

    def rows_at_once(self, width: int) -> int:
        return max(1, (1 << 16) // width)

    def costs(self, arrays: dict[str, Any]) -> Costs:
        goal = arrays["targets"]
        rows, places = np.nonzero(goal != IGNORED)
        tokens = goal[rows, places]
        return Costs(self.nats[np.minimum(tokens, len(self.nats) - 1)], tokens, rows)


class Validation:
    """Measures a model in training on the held-out split."""

    def __init__(
        self,
        held_out: Shards,
        tokenizer: Tokenizer,
        config: TrainConfig,
        context: int,
        trained_with: str,
        machine: Machine,
    ) -> None:
        """`tokenizer`: the model's own; `trained_with`: the digest of the shards' one."""
        self.held_out, self.tokens, self.bfloat16 = held_out, config.validation_tokens, machine.bfloat16
        self.about: dict[str, Any] = {
            "tokenizer": tokenizer,
            "kind": config.model.kind,
            "context": context,
            "seed": config.seed,
            "trained_with": trained_with,
        }

    @property
    def kind(self) -> Kind:
        kind: Kind = self.about["kind"]
        return kind

    def run(self, learner: Any) -> dict[str, Any]:
        """validation_loss (nats a predicted token) and bits_per_byte, the latter also by source and by language.

        Every rank measures all of it: the figures are the same whatever the number of ranks.
        """
        with gathered(learner):
            bits = self._measure(LanguageModel(learner.body, bfloat16=self.bfloat16, **self.about))
        return {
            "validation_loss": bits.all.loss,
            "bits_per_byte": bits.all.bits_per_byte,
            "bits_per_byte_by_source": {name: part.bits_per_byte for name, part in bits.by_source.items()},
            "bits_per_byte_by_language": {name: part.bits_per_byte for name, part in bits.by_language.items()},
        }

    def unigram_bits_per_byte(self, train: Shards) -> float:
        """What the same targets cost a model that knows nothing but how often each token comes in the training text."""
        counts = np.ones(train.manifest.tokenizer.vocabulary + 1)
        for shard in train.shards:
            counts += np.bincount(shard.tokens, minlength=len(counts))
        nats = -np.log(counts / counts.sum())
        return self._measure(TokenFrequencies(None, nats=nats, **self.about)).all.bits_per_byte

    def _measure(self, model: LanguageModel) -> HeldOutBits:
        return held_out_bits(model, self.held_out, tokens=self.tokens, overlap=0)
