"""The metrics log of a run: `metrics.jsonl`, one line a step.

    {"step": 120, "tokens": 491520, "loss": 4.31, "learning_rate": 0.0029, "gradient_norm": 0.8,
     "tokens_per_second": 14200, "mfu": 0.41}

`loss` is nats a predicted token; `tokens` counts from the start of the run; `mfu` is the share of the machine's peak
arithmetic that the model used. Steps at which the model was validated also have `validation_loss` (nats) and
`bits_per_byte`, and the latter by source and by language; a step that was not taken has `skipped` with the reason.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from corpuskit.tokens.shards import Shards
from corpuskit.tokens.tokenizer import Tokenizer

FILE = "metrics.jsonl"


def read_metrics(folder: str | Path, name: str = FILE) -> list[dict[str, Any]]:
    """The lines of a run's `metrics.jsonl` (or of another log), in order; a last line that was cut off is left out."""
    file = Path(folder) / name
    lines: list[dict[str, Any]] = []
    for line in file.read_text(encoding="utf-8").splitlines() if file.is_file() else []:
        try:
            lines.append(json.loads(line))
        except ValueError:
            break
    return lines


class MetricsLog:
    """Appends lines to a JSON lines file; a run that resumes after step `after` drops the lines of later steps."""

    def __init__(self, folder: Path, after: int, name: str = FILE) -> None:
        kept = [line for line in read_metrics(folder, name) if line["step"] <= after]
        partial = folder / f".{name}.partial"
        partial.write_text("".join(_line(line) for line in kept), encoding="utf-8")
        partial.rename(folder / name)
        self.file = (folder / name).open("a", encoding="utf-8")

    def add(self, line: dict[str, Any]) -> None:
        self.file.write(_line(line))
        self.file.flush()

    def close(self) -> None:
        self.file.close()


def _line(line: dict[str, Any]) -> str:
    return json.dumps(line, ensure_ascii=False) + "\n"


def bytes_of_tokens(shards: Shards) -> npt.NDArray[np.float64]:
    """float64[vocabulary + 1]: UTF-8 bytes of each token; the last is for ids that are not text.

    Exact for a byte-level tokenizer. For another one every token counts the split's mean.
    """
    tokenizer = shards.tokenizer
    if is_byte_level(tokenizer):
        return np.append(tokenizer.token_bytes(), 0).astype(np.float64)
    mean = shards.counts.text_bytes / max(shards.counts.tokens, 1)
    return np.append(np.full(tokenizer.vocabulary, mean), 0.0)


def is_byte_level(tokenizer: Tokenizer) -> bool:
    """Whether tokens are byte sequences of the text, so that their lengths add up to the length of the text."""
    decoder = json.loads(tokenizer.json).get("decoder") or {}
    return bool(decoder.get("type") == "ByteLevel")
