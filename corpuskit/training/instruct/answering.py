"""Answers: many prompts at once, with the keys and values of what was read kept, and rows that have ended let go.

Prompts are padded on the left, so that all answers begin in one column. A token is drawn by one number from the seed
for each prompt and place, so that letting rows go changes no other row's answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from corpuskit.errors import UsageError, require
from corpuskit.tokens.tokenizer import Tokenizer
from corpuskit.tokens.windows import Numbers
from corpuskit.training.instruct.chat import Chat
from corpuskit.training.instruct.dialogues import Message
from corpuskit.training.instruct.policy import body, context
from corpuskit.training.models import end_tokens

SHRINK = 0.75
"""Rows are let go once no more than this share of them still writes."""


@dataclass(frozen=True)
class Answered:
    """Prompts with their answers, as tensors on the model's device."""

    ids: Any
    """int64[n, P + A]: P columns of prompts, padded on the left, then A of answers, padded on the right."""
    mask: Any
    """int64[n, P + A]: 1 at tokens, 0 at padding."""
    prompt_columns: int
    ended: Any = None
    """bool[n]: whether an answer ends within its tokens."""

    @property
    def answers(self) -> Any:
        """int64[n, A]"""
        return self.ids[:, self.prompt_columns :]

    @property
    def answer_mask(self) -> Any:
        """int64[n, A]: 1 at the tokens of an answer, its end among them."""
        return self.mask[:, self.prompt_columns :]

    @property
    def lengths(self) -> Numbers:
        """int64[n]: tokens of each answer."""
        lengths: Numbers = self.answer_mask.sum(1).cpu().numpy()
        return lengths

    def texts(self, tokenizer: Tokenizer) -> list[str]:
        return [
            tokenizer.decode(row[:length])
            for row, length in zip(self.answers.cpu().numpy(), self.lengths.tolist(), strict=True)
        ]

    def rows(self, chosen: Any) -> Answered:
        """Some of the answers, without the columns that are empty in all of them."""
        ids, mask = self.ids[chosen], self.mask[chosen]
        first = int((mask[:, : self.prompt_columns].sum(0) == 0).sum())
        last = self.prompt_columns + int(mask[:, self.prompt_columns :].sum(1).max())
        return Answered(ids[:, first:last], mask[:, first:last], self.prompt_columns - first, self.ended[chosen])


def answer(
    module: Any, prompts: Sequence[Numbers], tokenizer: Tokenizer, tokens: int, temperature: float, seed: int
) -> Answered:
    """At most `tokens` tokens after each prompt; `temperature` 0 takes the likeliest token always.

    Raises UsageError for a prompt that leaves no room for an answer in what the model reads.
    """
    torch = require("torch", "train")
    model = body(module)
    device = next(model.parameters()).device
    columns = max(len(prompt) for prompt in prompts)
    if columns + tokens > context(model):
        raise UsageError(
            f"a prompt of {columns:,} tokens and an answer of {tokens:,} do not fit into the {context(model):,} "
            "that the model reads: ask for less, or leave such prompts out"
        )
    read = np.full((len(prompts), columns), tokenizer.pad, np.int64)
    mask = np.zeros((len(prompts), columns + tokens), np.int64)
    for row, prompt in enumerate(prompts):
        read[row, columns - len(prompt) :] = prompt
        mask[row, columns - len(prompt) : columns] = 1
    inputs, seen = torch.from_numpy(read).to(device), torch.from_numpy(mask).to(device)
    written = torch.full((len(prompts), tokens), tokenizer.pad, dtype=torch.long, device=device)
    ends = torch.tensor([*end_tokens(model, tokenizer), *Chat(tokenizer).stops], device=device)
    draws = torch.Generator().manual_seed(seed)
    active = torch.arange(len(prompts), device=device)
    positions = (seen[:, :columns].cumsum(1) - 1).clamp(min=0)
    cache: Any = None
    width = 0
    with torch.no_grad():
        for place in range(tokens):
            noise = torch.rand(len(prompts), generator=draws) if temperature else None
            output = model(
                input_ids=inputs,
                attention_mask=seen[active, : columns + place],
                position_ids=positions,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            )
            cache = output.past_key_values
            chosen = _choose(output.logits[:, -1].float(), temperature, noise, active)
            written[active, place] = chosen
            seen[active, columns + place] = 1
            width = place + 1
            writing = ~torch.isin(chosen, ends)
            left = int(writing.sum())
            if left == 0:
                break
            positions = positions[:, -1:] + 1
            inputs = chosen[:, None]
            if left <= SHRINK * len(active):
                kept = writing.nonzero()[:, 0]
                active, inputs, positions = active[kept], inputs[kept], positions[kept]
                cache.batch_select_indices(kept)
    ended = torch.isin(written[:, :width], ends).long()
    after = ended.cumsum(1) - ended  # rows that were not let go at once wrote on past their end
    answers = torch.where(after > 0, tokenizer.pad, written[:, :width])
    ids = torch.cat([torch.from_numpy(read).to(device), answers], 1)
    full = torch.cat([seen[:, :columns], (after == 0).long() * seen[:, columns : columns + width]], 1)
    return Answered(ids, full, columns, ended.any(1))


def check_room(
    conversations: Sequence[Sequence[Message]], prompts: Sequence[Numbers], length: int, tokens: int
) -> None:
    """Raises UsageError for the first conversation, `prompts` as tokens, that leaves no room for an answer of `tokens`
    in the `length` that a model reads."""
    for number, (conversation, prompt) in enumerate(zip(conversations, prompts, strict=True), 1):
        if len(prompt) + tokens > length:
            raise UsageError(
                f"{conversation[-1].where or f'prompt {number}'}: takes {len(prompt):,} tokens, and with "
                f"answer_tokens {tokens:,} the model reads {max(length - tokens, 0):,}: shorten it or ask for fewer "
                "answer_tokens"
            )


def _choose(logits: Any, temperature: float, noise: Any, active: Any) -> Any:
    """int64[n]: a token for each row. `noise[row]` in [0, 1) selects it by the rows' cumulative probabilities."""
    if not temperature:
        return logits.argmax(-1)
    torch = require("torch", "train")
    cumulative = torch.softmax(logits / temperature, -1).cumsum(-1)
    point = noise.to(logits.device)[active][:, None] * cumulative[:, -1:]
    return torch.searchsorted(cumulative, point, right=True)[:, 0].clamp(max=logits.shape[1] - 1)


def answer_texts(
    module: Any,
    conversations: Sequence[Sequence[Message]],
    tokenizer: Tokenizer,
    *,
    tokens: int = 128,
    temperature: float = 0.0,
    seed: int = 0,
    batch: int = 64,
) -> list[str]:
    """What a model answers to conversations, as text."""
    prompts = Chat(tokenizer).prompts(conversations)
    order = np.argsort([len(prompt) for prompt in prompts], kind="stable").tolist()
    texts = [""] * len(prompts)
    for start in range(0, len(order), batch):
        rows = order[start : start + batch]
        answered = answer(module, [prompts[row] for row in rows], tokenizer, tokens, temperature, seed + start)
        for row, text in zip(rows, answered.texts(tokenizer), strict=True):
            texts[row] = text
    return texts
