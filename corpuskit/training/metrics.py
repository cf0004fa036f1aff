"""The run's diary: `metrics.jsonl`, one line a step, and what held-out text costs in bits.

    {"step": 120, "tokens": 491520, "loss": 4.31, "learning_rate": 0.0029, "gradient_norm": 0.8,
     "tokens_per_second": 14200}

`loss` is nats a predicted token; `tokens` counts from the start of the run. Steps at which the model was validated also
have `validation_loss` (nats) and `bits_per_byte`; a step that was not taken has `skipped` with the reason.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from corpuskit.errors import require
from corpuskit.tokens.order import TokenOrder
from corpuskit.tokens.shards import Shards
from corpuskit.tokens.tokenizer import Tokenizer
from corpuskit.tokens.windows import IGNORED, Numbers
from corpuskit.training.loss import token_losses
from corpuskit.training.machine import Machine
from corpuskit.training.objectives import Objective, output_layer

FILE = "metrics.jsonl"


def read_metrics(folder: str | Path) -> list[dict[str, Any]]:
    """The lines of a run's `metrics.jsonl`, in order; a last line that was cut off is left out."""
    file = Path(folder) / FILE
    lines: list[dict[str, Any]] = []
    for line in file.read_text(encoding="utf-8").splitlines() if file.is_file() else []:
        try:
            lines.append(json.loads(line))
        except ValueError:
            break
    return lines


class Metrics:
    """Writes `metrics.jsonl`; a run that goes on after step `after` drops what was written beyond it."""

    def __init__(self, folder: Path, after: int) -> None:
        kept = [line for line in read_metrics(folder) if line["step"] <= after]
        partial = folder / f".{FILE}.partial"
        partial.write_text("".join(json.dumps(line) + "\n" for line in kept), encoding="utf-8")
        partial.rename(folder / FILE)
        self.file = (folder / FILE).open("a", encoding="utf-8")

    def add(self, line: dict[str, Any]) -> None:
        self.file.write(json.dumps(line) + "\n")
        self.file.flush()

    def close(self) -> None:
        self.file.close()


class Validation:
    """Held-out windows, always the same ones, prepared once; a validation costs one forward pass over them."""

    def __init__(
        self, held_out: Shards, objective: Objective, sequence_length: int, tokens: int, rows: int, machine: Machine
    ) -> None:
        order = TokenOrder(held_out, sequence_length=sequence_length)
        count = min(order.epoch_samples, -(-tokens // sequence_length))
        samples = np.arange(machine.rank, count, machine.ranks)
        self.machine, self.objective = machine, objective
        self.parts = [
            objective.arrays(order.batch_of(part), part) for part in np.split(samples, range(rows, len(samples), rows))
        ]
        self.lengths = bytes_of_tokens(held_out)

    def run(self, model: Any) -> tuple[float, float]:
        """(nats a predicted token, bits a byte of the predicted text), over all ranks.

        Special tokens count in the first and not in the second.
        """
        torch = require("torch", "train")
        total = np.zeros(4)
        model.eval()
        for part in self.parts:
            with torch.no_grad(), self.machine.autocast():
                hidden, targets = self.objective.hidden(model, self.machine.tensors(part))
            losses = token_losses(hidden, *output_layer(model), targets).double().cpu().numpy()
            total += self._totals(targets.cpu().numpy(), losses)
        model.train()
        summed = self.machine.sum(torch.from_numpy(total).to(self.machine.device))
        nats, count, text_nats, size = summed.tolist()
        return nats / max(count, 1), text_nats / math.log(2) / max(size, 1)

    def unigram_bits_per_byte(self, train: Shards) -> float:
        """What the same targets cost a model that knows nothing but how often each token comes in the training text."""
        counts = np.ones(len(self.lengths))
        for shard in train.shards:
            counts += np.bincount(shard.tokens, minlength=len(counts))
        cost = -np.log(counts / counts.sum())
        total = np.zeros(4)
        for part in self.parts:
            targets = part["targets"].flatten()
            total += self._totals(targets, cost[np.minimum(targets, len(cost) - 1)])
        return float(total[2] / math.log(2) / max(total[3], 1))

    def _totals(self, targets: Numbers, losses: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """(nats, targets, nats of the targets that are text, bytes of those)."""
        lengths = np.where(targets == IGNORED, 0.0, self.lengths[np.minimum(targets, len(self.lengths) - 1)])
        return np.array(
            [losses[targets != IGNORED].sum(), (targets != IGNORED).sum(), losses[lengths > 0].sum(), lengths.sum()]
        )


def bytes_of_tokens(shards: Shards) -> npt.NDArray[np.float64]:
    """float64[vocabulary + 1]: UTF-8 bytes that each token stands for; the last is for ids that are no text.

    Exact for a byte-level tokenizer. For another one every token counts the split's mean.
    """
    tokenizer = shards.tokenizer
    if is_byte_level(tokenizer):
        return np.append(tokenizer.token_bytes(), 0).astype(np.float64)
    mean = shards.counts.text_bytes / max(shards.counts.tokens, 1)
    return np.append(np.full(tokenizer.vocabulary, mean), 0.0)


def is_byte_level(tokenizer: Tokenizer) -> bool:
    """Whether each token stands for bytes of the text, so that their lengths add up to the text's."""
    decoder = json.loads(tokenizer.json).get("decoder") or {}
    return bool(decoder.get("type") == "ByteLevel")
