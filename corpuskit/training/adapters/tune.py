"""Any model and a file of texts: the shortest way to an adapter, with what it gained and forgot.

FOLDER/                 the adapter's files, or the model's where its own weights were trained
FOLDER/tuning/tokens/   the texts with the model's tokenizer, a share of them held out
FOLDER/tuning/change.json
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from corpuskit.engine.files import write_json
from corpuskit.engine.progress import Watch, silent
from corpuskit.errors import Stopped, UsageError
from corpuskit.tokens.tokenizer import load_tokenizer
from corpuskit.training.adapters.config import ADAPTERS, AdaptConfig
from corpuskit.training.adapters.finetune import finetune
from corpuskit.training.adapters.forgetting import Change, change, score_model
from corpuskit.training.adapters.methods import virtual_tokens
from corpuskit.training.adapters.target import write_target
from corpuskit.training.evaluation import open_model
from corpuskit.training.trainer import TrainResult


@dataclass(frozen=True)
class TuneResult:
    """A finished tuning on a file of texts."""

    result: TrainResult
    before: float
    """Bits a byte of the held-out texts before."""
    after: float
    change: Change

    def sentence(self) -> str:
        """The tuning in a line for people."""
        gain = self.change.gain
        spread = "" if gain.error is None else f" ± {gain.error:.3f}"
        text = (
            f"{self.result.tokens:,} tokens in {self.result.steps:,} steps; held-out texts {self.before:.3f} bits "
            f"a byte before, {self.after:.3f} after (gain {gain.value:.3f}{spread})"
        )
        probes = self.change.probes
        return text if probes is None else f"{text}; probe suite {100 * probes:+.1f} points"


def tune(
    model: str | Path,
    file: str | Path,
    folder: str | Path,
    config: AdaptConfig | None = None,
    *,
    sequence_length: int = 256,
    hold_out: float = 0.1,
    probes: int = 20,
    watch: Watch = silent,
) -> TuneResult:
    """Fine-tune the model in a folder on the texts of a JSON Lines file, and measure it before and after.

    `file` and `hold_out` as in `write_target`, of which at least one text is held out; `sequence_length` tokens a
    window, fewer where the model reads fewer; `probes` items of each probe task, 0 for none. A tuning that was stopped
    goes on. Raises UsageError as these and `finetune` do, Stopped where a signal ended the training.
    """
    config, model, folder = config or AdaptConfig(), Path(model), Path(folder)
    if not (model / "config.json").is_file():
        raise UsageError(f"no model at {model}: it has no config.json")
    if config.source is not None or config.replay:
        raise UsageError("a file of texts is one source: 'source' and 'replay' need the shards of a corpus (`compare`)")
    watch("reading the texts", 0, 0)
    shards = folder / "tuning" / "tokens"
    room = open_model(model).context - virtual_tokens(config)
    if room < 8:
        raise UsageError(f"{model} reads {room + virtual_tokens(config)} tokens: too few with that many virtual ones")
    write_target(file, load_tokenizer(model), shards, min(sequence_length, room), hold_out)
    watch("measuring the model before", 0, 0)
    before = score_model(open_model(model), shards, probes=probes or None)
    result = finetune(model, shards, folder, config, watch=watch)
    if not result.finished:
        raise Stopped("the tuning stopped, and everything is saved: run the same command to go on")
    watch("measuring the model after", 0, 0)
    adapted = config.method in ADAPTERS
    after = score_model(
        open_model(model if adapted else folder, folder if adapted else None), shards, probes=probes or None
    )
    tuned = TuneResult(
        result, before.bits.all.bits_per_byte, after.bits.all.bits_per_byte, change(before, after, config.source)
    )
    write_json(folder / "tuning" / "change.json", tuned.change.json() | {"before": tuned.before, "after": tuned.after})
    return tuned
