"""Supervised fine-tuning: a model learns to answer from demonstrations (Ouyang et al. 2022, arXiv:2203.02155, section
3.5), with the loss on the answers alone.

    L = - sum over answer tokens t of log p(t | prompt and answer before t) / number of answer tokens in the step

Conversations share windows without seeing each other. Logits are computed at answer tokens only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from corpuskit.engine.progress import Watch, silent
from corpuskit.errors import UsageError, require
from corpuskit.tokens.windows import IGNORED, Numbers
from corpuskit.training.adapters.folder import weights_digest
from corpuskit.training.instruct.chat import Chat
from corpuskit.training.instruct.config import SftConfig
from corpuskit.training.instruct.dialogues import Demonstration
from corpuskit.training.instruct.loop import (
    TuningResult,
    TuningRun,
    data_digest,
    require_nonempty,
    rows_of_step,
    run_steps,
    update,
)
from corpuskit.training.instruct.packing import Conversations, Packed, pack
from corpuskit.training.instruct.policy import (
    body,
    context,
    load_policy,
    restore_policy,
    save_policy,
    with_adapter,
)
from corpuskit.training.instruct.tasks import judged_file, shipped_file
from corpuskit.training.instruct.unknown import check_known
from corpuskit.training.loss import summed_cross_entropy, token_losses
from corpuskit.training.machine import Machine, stop_signals, this_machine
from corpuskit.training.metrics import read_metrics
from corpuskit.training.models import output_head
from corpuskit.training.objectives import NextToken
from corpuskit.training.optimization import learning_rate, make_optimizers, set_learning_rate

BATCH = 1024
"""Conversations that are read and rendered at once."""
LONGEST = 4
"""A window is no longer than this many of the longest conversations need."""


@dataclass(frozen=True, kw_only=True)
class SftResult(TuningResult):
    demonstrations: int
    skipped: int = 0
    """Records that could not be read; bad_records.jsonl lists them."""
    cut: int
    """Demonstrations whose prompt lost its start."""
    parameters: int
    trained_parameters: int
    loss: float | None
    """Mean over the last tenth of the steps, in nats an answer token."""
    held_out_loss: float | None

    def sentence(self) -> str:
        """The tuning in a line for people."""
        text = f"{self.demonstrations:,} demonstrations, {self.steps:,} steps"
        if self.skipped:
            text += f"; {self.skipped:,} records could not be read (bad_records.jsonl)"
        if self.cut:
            text += f"; {self.cut:,} prompts lost their start"
        if self.held_out_loss is not None:
            text += f"; held out {self.held_out_loss:.3f} nats an answer token"
        return text


def finetune_on_demonstrations(
    model: str | Path,
    folder: str | Path,
    config: SftConfig | None = None,
    *,
    demonstrations: Sequence[Demonstration] | None = None,
    held_out: Sequence[Demonstration] | None = None,
    watch: Watch = silent,
    resume: bool = True,
) -> SftResult:
    """Fine-tune the decoder in a folder on demonstrations, and write it (or its adapter) to `folder`.

    `demonstrations` and `held_out` replace the files that the configuration names. A run that was stopped goes on
    from its newest checkpoint; a finished one is not run again. Raises UsageError for demonstrations that cannot be
    read or do not fit into a window, and for settings other than those the folder was begun with.
    """
    config, model, folder = config or SftConfig(), Path(model), Path(folder)
    if held_out is None:
        file = judged_file("held_out", config.demonstrations, config.held_out, demonstrations is not None)
        held_out = [] if file is None else list(config.reader().demonstrations(file))
    source: Sequence[Demonstration] | str | Path
    if demonstrations is None:
        source = config.demonstrations or shipped_file("demonstrations")
    else:
        source = require_nonempty(demonstrations, "demonstration to learn from")
    asked = {
        "config": config.model_dump(mode="json"),
        "model": weights_digest(model),
        "data": data_digest(source, held_out),
    }
    run = TuningRun(folder, "sft", asked, resume)
    if run.result is not None:
        return SftResult(**run.result)
    with this_machine(config.precision) as machine, stop_signals() as stop:
        fresh, tokenizer = load_policy(model)
        chat, limit = Chat(tokenizer), context(fresh)
        reader = config.reader()
        learned, places = _rendered(chat, reader.demonstrations(source) if isinstance(source, str | Path) else source)
        reader.write_ledger(folder)
        length = min(config.sequence_length or limit, limit)
        if config.sequence_length is None:
            length = min(length, LONGEST * int(learned.lengths.max()))
        cut = shorten(learned, places, length, config.too_long)
        windows = pack(learned, length, tokenizer.pad)
        held, held_places = _rendered(chat, held_out)
        shorten(held, held_places, length, "cut")
        module = fresh if config.lora is None else with_adapter(fresh, config.lora, config.seed)
        if run.checkpoint is not None:
            restore_policy(module, run.checkpoint)
        module = module.to(machine.device).train()
        steps = max(1, round(config.epochs * len(windows) / config.batch))
        trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
        optimizers = make_optimizers(body(module), "adamw", 0.0)

        def step(number: int) -> dict[str, Any]:
            rows = rows_of_step(len(windows), config.batch, number, config.seed)
            rate = learning_rate(number, steps, config.learning_rate, config.warmup, "cosine")
            set_learning_rate(optimizers, rate)
            loss, tokens = answer_loss(module, windows, rows, machine)
            norm = update(optimizers, trained, config.gradient_clip)
            return {"loss": loss, "answer_tokens": tokens, "learning_rate": rate, "gradient_norm": norm}

        def write(into: Path) -> None:
            save_policy(module, tokenizer, into, model)

        ended = run_steps(run, config, steps, step, optimizers=optimizers, write=write, stop=stop, watch=watch)
        result = SftResult(
            **vars(ended),
            demonstrations=len(learned),
            skipped=len(reader.skipped),
            cut=cut,
            parameters=sum(parameter.numel() for parameter in module.parameters()),
            trained_parameters=sum(parameter.numel() for parameter in trained),
            loss=_last_loss(folder),
            held_out_loss=mean_loss(module, pack(held, length, tokenizer.pad), machine) if len(held) else None,
        )
        if ended.finished:
            run.finish(result, write)
        return result


def answer_loss(module: Any, windows: Packed, rows: Numbers, machine: Machine) -> tuple[float, int]:
    """(mean loss in nats, answer tokens) of some windows, with the gradients left in the module's parameters."""
    model, tensors = body(module), machine.tensors(windows.rows(rows))
    with machine.autocast():
        states, targets = NextToken().hidden(model, tensors)
    chosen = targets != IGNORED
    count = int(chosen.sum())
    loss = summed_cross_entropy(machine.narrowed(states[chosen]), output_head(model), targets[chosen]) / max(count, 1)
    loss.backward()
    return float(loss.detach()), count


def mean_loss(module: Any, windows: Packed, machine: Machine, rows: int = 8) -> float:
    """Nats an answer token over all windows."""
    torch = require("torch", "train")
    model, total, count = body(module), 0.0, 0
    module.eval()
    for start in range(0, len(windows), rows):
        part = np.arange(start, min(start + rows, len(windows)))
        with torch.no_grad(), machine.autocast():
            states, targets = NextToken().hidden(model, machine.tensors(windows.rows(part)))
        chosen = targets != IGNORED
        total += float(token_losses(states[chosen], output_head(model), targets[chosen])[0].sum())
        count += int(chosen.sum())
    module.train()
    return total / max(count, 1)


def _rendered(chat: Chat, demonstrations: Iterable[Demonstration]) -> tuple[Conversations, list[str]]:
    """(the demonstrations as tokens, the place of each one's answer)"""
    conversations, places = Conversations(), []
    rest = iter(demonstrations)
    while part := list(islice(rest, BATCH)):
        check_known(chat.tokenizer, (turn for demonstration in part for turn in demonstration.messages))
        conversations.add(chat.render([demonstration.messages for demonstration in part]))
        places += [demonstration.messages[-1].where for demonstration in part]
    return conversations, places


def shorten(conversations: Conversations, places: Sequence[str], length: int, how: str) -> int:
    """Cut conversations to `length` tokens; how many lost their start for it.

    Raises UsageError where one is longer and that is an error, or where nothing to learn would be left of it.
    """
    sizes = conversations.lengths
    too_long = np.flatnonzero(sizes > length)
    conversations.limit = length
    for number in too_long.tolist():
        name = places[number] or f"demonstration {number + 1}"
        if how == "error":
            raise UsageError(
                f"{name}: with its prompt it takes {sizes[number]:,} tokens, and a window has {length:,}: "
                "shorten it, raise sequence_length, or say too_long: cut"
            )
        if conversations[number].learned.all():
            raise UsageError(f"{name}: the answer alone takes more than a window of {length:,} tokens")
    return len(too_long)


def _last_loss(folder: Path) -> float | None:
    lines = read_metrics(folder)
    last = [line["loss"] for line in lines[-max(1, len(lines) // 10) :]]
    return sum(last) / len(last) if last else None
