"""Let a model write answers: always its first choice, many prompts at a time, with a cache of keys and values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from corpuskit.engine.progress import Watch, silent
from corpuskit.errors import UsageError, require
from corpuskit.tokens.windows import Numbers
from corpuskit.training.evaluation.language_model import LanguageModel
from corpuskit.training.models import end_tokens
from corpuskit.training.objectives import Spans


@dataclass(frozen=True)
class Written:
    text: str
    """Up to the first stop, which is not part of it."""
    cut: bool
    """Whether the prompt lost its beginning because the model reads no more."""


def write_answers(
    model: LanguageModel,
    prompts: Sequence[Numbers],
    *,
    max_tokens: int = 32,
    stop: Sequence[str] = (),
    framed: bool = True,
    at_once: bool = False,
    batch: int = 32,
    watch: Watch = silent,
) -> list[Written]:
    """What a model writes after each prompt int64[n] (unframed tokens), greedily, at most `max_tokens` tokens.

    `stop`: texts that end an answer, once it has begun: a line break before the first word ends none, unless
    `at_once` is True. `framed`: put the token that begins a document before a prompt. A prompt that does
    not fit together with its answer loses its beginning. Raises UsageError for an encoder, and for answers longer than
    the model reads.
    """
    if model.kind == "encoder":
        raise UsageError(f"{model.name} is an encoder: it guesses hidden words and writes none; give it choices")
    if max_tokens >= model.context:
        raise UsageError(f"{max_tokens} tokens of answer do not fit a model that reads {model.context}")
    begin = [model.tokenizer.begin] if framed and model.tokenizer.begin is not None else []
    if model.kind == "encoder-decoder":
        objective = model.objective
        assert isinstance(objective, Spans)
        room, after = model.context - len(begin) - 1, [int(objective.sentinels[0])]
    else:
        room, after = model.context - len(begin) - max_tokens, []
    rows = [
        np.array([*begin, *prompt[max(0, len(prompt) - room) :].tolist(), *after] or [model.tokenizer.end])
        for prompt in prompts
    ]
    order = np.argsort([len(row) for row in rows], kind="stable")[::-1]
    answers: dict[int, str] = {}
    for start in range(0, len(order), batch):
        chosen = order[start : start + batch]
        texts = _write(model, [rows[number] for number in chosen], max_tokens, stop, at_once)
        answers.update(zip(chosen.tolist(), texts, strict=True))
        watch("writing answers", len(answers), len(rows))
    return [Written(answers[number], len(prompt) > room) for number, prompt in enumerate(prompts)]


def _write(
    model: LanguageModel, rows: Sequence[Numbers], max_tokens: int, stop: Sequence[str], at_once: bool
) -> list[str]:
    torch = require("torch", "train")
    transformers = require("transformers", "train")
    tokenizer = model.tokenizer
    longest = max(map(len, rows))
    inputs = torch.full((len(rows), longest), tokenizer.pad)
    mask = torch.zeros_like(inputs)
    for place, row in enumerate(rows):
        inputs[place, longest - len(row) :] = torch.from_numpy(row)
        mask[place, longest - len(row) :] = 1
    ends, given, settings = list(end_tokens(model.body, tokenizer)), longest, {}
    if model.kind == "encoder-decoder":
        sentinel, start = rows[0][-1], model.body.config.decoder_start_token_id
        first = tokenizer.pad if start is None else start
        settings["decoder_input_ids"] = torch.tensor([[first, int(sentinel)]] * len(rows)).to(model.device)
        ends, given = [*ends, tokenizer.sentinels[1]], 2

    def stopped(so_far: Any, scores: Any, **_: Any) -> Any:
        texts = tokenizer.reference.decode_batch(so_far[:, given:].tolist(), skip_special_tokens=True)
        return torch.tensor([_cut(text, stop, at_once) is not None for text in texts], device=so_far.device)

    with model.measuring():
        written = model.model.generate(
            input_ids=inputs.to(model.device),
            attention_mask=mask.to(model.device),
            generation_config=transformers.GenerationConfig(
                do_sample=False,
                max_new_tokens=max_tokens,
                pad_token_id=tokenizer.pad,
                eos_token_id=ends,
                bos_token_id=tokenizer.begin,
                use_cache=True,
            ),
            stopping_criteria=[stopped] if stop else None,
            **settings,
        )
    answers = written[:, given:].tolist()
    for answer in answers:  # a row that ended before the others goes on with padding
        at = [answer.index(end) for end in ends if end in answer]
        del answer[min(at, default=len(answer)) :]
    texts = tokenizer.reference.decode_batch(answers, skip_special_tokens=True)
    return [text if (cut := _cut(text, stop, at_once)) is None else text[:cut] for text in texts]


def _cut(text: str, stop: Sequence[str], at_once: bool) -> int | None:
    """Index of the first stop."""
    begun = 0 if at_once else len(text) - len(text.lstrip())
    places = [place for ending in stop if (place := text.find(ending, begun)) >= 0]
    return min(places, default=None)
