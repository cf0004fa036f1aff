"""A trained model as an evaluation sees it: what each token costs, given what the model is shown.

Three kinds, one question. A decoder pays for each token given those before it; an encoder for tokens that are hidden
from it; an encoder-decoder for the text of a gap. `LanguageModel.costs` answers for a batch of any of them.
Models of our own classes never hold all logits at once; others are run as they are, in smaller batches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from corpuskit.engine.files import read_json
from corpuskit.errors import CorpuskitError, UsageError, require
from corpuskit.tokens.tokenizer import BEGIN, MASK, Tokenizer, load_tokenizer
from corpuskit.tokens.windows import IGNORED, Numbers
from corpuskit.training.adapters.folder import check_base
from corpuskit.training.adapters.load import put_on, virtual_places
from corpuskit.training.config import Kind
from corpuskit.training.loss import token_losses
from corpuskit.training.models import (
    FAMILIES,
    SENTINELS,
    check_vocabulary,
    context_length,
    kind_of,
    load_model,
    output_head,
)
from corpuskit.training.objectives import MaskedWords, NextToken, Objective, Spans
from corpuskit.training.plan import FILE as PLAN

BATCH_TOKENS = 2048
"""Tokens that a forward pass on a processor reads, padding among them: a small model's states then stay in its cache. A
graphics card reads sixteen times as many."""
UNLIMITED = 1 << 20
"""Context of a model that nothing limits."""
LOGITS = 1 << 26
"""Logits that a model of a class which is not ours may make at once: 256 MB."""
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Costs:
    """What the predicted tokens of a batch cost, row by row: [predicted tokens] each."""

    nats: Floats
    """Negative natural log of the token's probability."""
    tokens: Numbers
    rows: Numbers
    """Row of the batch that the token is in."""
    first: npt.NDArray[np.bool_] | None = None
    """Whether it is the model's first choice, where that is known."""


@dataclass(frozen=True, eq=False)
class LanguageModel:
    """A model with what an evaluation needs to know of it. Make one of your own for a model in memory."""

    model: Any
    """A `transformers` model, or a `peft` model around one."""
    tokenizer: Tokenizer
    """The model's own (with the mask or sentinel tokens that its kind needs)."""
    kind: Kind
    context: int
    """Tokens that it reads at most."""
    name: str = "model"
    bfloat16: bool = False
    """Compute in bfloat16 where products allow it; scores are summed in float32 either way."""
    seed: int = 0
    """Seed of the masks that an encoder and an encoder-decoder are measured with."""
    chat: Callable[[Sequence[dict[str, str]]], list[int]] | None = None
    """Tokens of a conversation with the heading of the answer behind it, for a model that has a chat template."""
    trained_with: str | None = None
    """SHA-256 of the tokenizer of the shards that it was trained on, where that is known."""

    @property
    def device(self) -> Any:
        return next(self.model.parameters()).device

    @property
    def body(self) -> Any:
        """The `transformers` model itself, with an adapter's layers inside it where there are some."""
        return self.model.get_base_model() if hasattr(self.model, "get_base_model") else self.model

    @cached_property
    def objective(self) -> Objective:
        """What the model was trained to do. Raises CorpuskitError where the tokenizer lacks the tokens for it."""
        if self.kind == "encoder":
            return MaskedWords(self.tokenizer, self.seed)
        if self.kind == "encoder-decoder":
            return Spans(self.tokenizer, self.seed)
        return NextToken()

    @property
    def whole(self) -> bool:
        """Whether the model has to be run whole: its family is not known, or its
        adapter comes before the first one."""
        prompt = getattr(self.model, "active_peft_config", None)
        return self.body.config.model_type not in FAMILIES or bool(getattr(prompt, "is_prompt_learning", False))

    def rows_at_once(self, width: int) -> int:
        """Rows of a batch of this width."""
        tokens = BATCH_TOKENS * (1 if self.device.type == "cpu" else 16)
        if self.whole:
            tokens = min(tokens, LOGITS // self.body.get_output_embeddings().weight.shape[0])
        return max(1, tokens // width)

    @contextmanager
    def measuring(self) -> Iterator[None]:
        """No gradients, no dropout; the model is left in the mode that it was in."""
        torch = require("torch", "train")
        training = self.model.training
        self.model.eval()
        try:
            with (
                torch.no_grad(),
                torch.autocast(torch.device(self.device).type, torch.bfloat16, enabled=self.bfloat16),
            ):
                yield
        finally:
            self.model.train(training)

    def costs(self, arrays: dict[str, Numbers]) -> Costs:
        """What the targets of a batch cost: arrays as an `Objective` makes them, and `targets` IGNORED elsewhere.

        Every row holds one document and then padding, whose `positions` are 0 (a decoder does not look there).
        """
        torch = require("torch", "train")
        tensors = {
            name: torch.from_numpy(np.ascontiguousarray(value)).to(self.device) for name, value in arrays.items()
        }
        goal = arrays["targets"]
        rows, places = np.nonzero(goal != IGNORED)
        with self.measuring():
            if self.whole:
                logits = self._logits(tensors)
                chosen = logits[torch.from_numpy(rows).to(self.device), torch.from_numpy(places).to(self.device)]
                wanted = torch.from_numpy(goal[rows, places]).to(self.device)
                losses = torch.nn.functional.cross_entropy(chosen.float(), wanted, reduction="none")
                hits = chosen.argmax(-1) == wanted
            else:
                hidden, targets = self.objective.hidden(self.body, tensors)
                kept = targets != IGNORED
                losses, hits = token_losses(hidden[kept], output_head(self.body), targets[kept])
        return Costs(losses.double().cpu().numpy(), goal[rows, places], rows, hits.cpu().numpy())

    def _logits(self, tensors: dict[str, Any]) -> Any:
        """[rows, T, vocabulary] of the whole model, without those of a prompt that an adapter puts before."""
        targets = tensors["targets"]
        if self.kind == "decoder":
            out = self.model(input_ids=tensors["inputs"], use_cache=False)
        elif self.kind == "encoder":
            out = self.model(input_ids=tensors["inputs"], attention_mask=_read(tensors["positions"] != 0))
        else:
            here, there = tensors["documents"], tensors["decoder_documents"]
            out = self.model(
                input_ids=tensors["inputs"],
                attention_mask=(here == here[:, :1]).long(),
                decoder_input_ids=tensors["decoder_inputs"],
                decoder_attention_mask=(there == there[:, :1]).long(),
                use_cache=False,
            )
        return out.logits[:, -targets.shape[1] :]


def _read(inside: Any) -> Any:
    """Attention mask of rows whose document's tokens but the first have a position above 0."""
    mask = inside.long()
    mask[:, 0] = 1
    return mask


def open_model(
    folder: str | Path, adapter: str | Path | None = None, *, bfloat16: bool = False, device: str | None = None
) -> LanguageModel:
    """A model from a folder in the Hugging Face layout (ours, or any causal one), with an adapter's folder laid over.

    It goes to the graphics card where there is one, unless `device` names another. Raises UsageError where no model is
    there, or none of a class that `transformers` knows with weights in safetensors.
    """
    torch = require("torch", "train")
    folder = Path(folder)
    if not (folder / "config.json").is_file():
        raise UsageError(f"no model at {folder}: it has no config.json")
    tokenizer = _framing(load_tokenizer(folder))
    try:
        model = load_model(folder)
    except (OSError, ValueError, AttributeError) as error:
        reason = str(error).splitlines()[0]
        raise UsageError(f"{folder}: the model cannot be loaded: {reason}") from error
    check_vocabulary(model, tokenizer, folder)
    kind = kind_of(model.config)
    if adapter is not None:
        check_base(folder, adapter)
        model = put_on(model, {"default": adapter})
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    plan = read_json(folder / PLAN)
    return LanguageModel(
        model.to(device).eval(),
        tokenizer,
        kind,
        (context_length(model.config) or UNLIMITED) - virtual_places(model),
        name=folder.name if adapter is None else f"{folder.name}+{Path(adapter).name}",
        bfloat16=bfloat16,
        chat=_chat(folder) if adapter is None else _chat(Path(adapter)) or _chat(folder),
        trained_with=plan.get("tokenizer") if isinstance(plan, dict) else None,
    )


def _framing(tokenizer: Tokenizer) -> Tokenizer:
    """The tokenizer, without a beginning token where the model never saw one: ours always did, another one where its
    own tokenizer puts it before a text."""
    if tokenizer.begin is None or tokenizer.reference.id_to_token(tokenizer.begin) == BEGIN:
        return tokenizer
    framed = require("tokenizers", "train").Tokenizer.from_str(tokenizer.json).encode("a").ids
    return tokenizer if framed[:1] == [tokenizer.begin] else replace(tokenizer, begin=None)


def check_tokenizer(model: LanguageModel, tokenizer: Tokenizer, folder: Path) -> None:
    """Raises CorpuskitError where shards were written with another tokenizer than the model has."""
    added = {"decoder": [], "encoder": [MASK], "encoder-decoder": [f"<extra_id_{n}>" for n in range(SENTINELS)]}
    same_ids = (tokenizer.ids_digest, tokenizer.extended(added[model.kind]).ids_digest)
    if tokenizer.digest == model.trained_with or model.tokenizer.ids_digest in same_ids:
        return
    raise CorpuskitError(
        f"{folder} was written with another tokenizer than {model.name} has (SHA-256 {tokenizer.digest[:12]}… and "
        f"{model.tokenizer.digest[:12]}…): write shards of the same text with the model's tokenizer"
    )


def _chat(folder: Path) -> Callable[[Sequence[dict[str, str]]], list[int]] | None:
    """The chat template of a folder, where it has one."""
    config = read_json(folder / "tokenizer_config.json")
    named = isinstance(config, dict) and bool(config.get("chat_template"))
    if not named and not (folder / "chat_template.jinja").is_file():
        return None
    tokenizer = require("transformers", "train").AutoTokenizer.from_pretrained(folder, local_files_only=True)

    def render(messages: Sequence[dict[str, str]]) -> list[int]:
        text = tokenizer.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=True)
        return [int(number) for number in tokenizer(text, add_special_tokens=False)["input_ids"]]

    return render
