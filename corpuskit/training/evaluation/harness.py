"""A model of ours as a model of lm-evaluation-harness, for the standard tasks (https://github.com/EleutherAI/lm-eval).

    import lm_eval
    from corpuskit.training.evaluation import harness_model
    lm_eval.simple_evaluate(model=harness_model("runs/news/models/base"), tasks=["lambada_openai"])

Scores are those of `corpuskit.training.evaluation.continuations`: an encoder and an encoder-decoder can be asked
multiple choice too, each in its own way. Where a token spans the border between context and continuation, it is scored
as part of the continuation, alike for all choices of an item.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from corpuskit.errors import UsageError, require
from corpuskit.tokens.windows import Numbers
from corpuskit.training.evaluation.continuations import Continuation, encode, score, split
from corpuskit.training.evaluation.generation import write_answers
from corpuskit.training.evaluation.language_model import LanguageModel, open_model

MAX_TOKENS = 256
"""Tokens of an answer where a task does not say."""


def harness_model(model: str | Path | LanguageModel, adapter: str | Path | None = None) -> Any:
    """An `lm_eval.api.model.LM` around a model's folder (with an adapter's over it), or an opened model.

    Raises MissingExtra where lm_eval is not installed.
    """
    base = require("lm_eval.api.model", "lm-eval").LM
    subject = model if isinstance(model, LanguageModel) else open_model(model, adapter)

    class Harness(base):  # type: ignore[misc, valid-type]
        """Answers the harness's three kinds of requests."""

        def loglikelihood(self, requests: Sequence[Any], **_: Any) -> list[tuple[float, bool]]:
            return log_likelihoods(subject, [request.args for request in requests])

        def loglikelihood_rolling(self, requests: Sequence[Any], **_: Any) -> list[float]:
            return whole_log_likelihoods(subject, [request.args[0] for request in requests])

        def generate_until(self, requests: Sequence[Any], **_: Any) -> list[str]:
            return answers(subject, [request.args for request in requests])

    return Harness()


def log_likelihoods(model: LanguageModel, pairs: Sequence[tuple[str, str]]) -> list[tuple[float, bool]]:
    """(log-likelihood in nats, whether greedy decoding writes it) of each (context, continuation)."""
    # spaces at a context's end belong to the word that follows
    moved = [(context.rstrip(" "), context[len(context.rstrip(" ")) :] + after) for context, after in pairs]
    by_context: dict[str, list[int]] = {}
    for number, (context, _) in enumerate(moved):
        by_context.setdefault(context, []).append(number)
    prefixes = encode(model, list(by_context))
    wholes = encode(model, [context + after for context, after in moved])
    continuations: dict[int, Continuation] = {}
    for prefix, numbers in zip(prefixes, by_context.values(), strict=True):
        continuations.update(zip(numbers, split(prefix, [wholes[number] for number in numbers]), strict=True))
    scored = score(model, [continuations[number] for number in range(len(pairs))])
    return [(-float(scored_pair.nats.sum()), scored_pair.greedy) for scored_pair in scored]


def whole_log_likelihoods(model: LanguageModel, texts: Sequence[str]) -> list[float]:
    """Log-likelihood in nats of each text from its beginning, every token once with as much context as fits."""
    if model.kind != "decoder":
        raise UsageError(f"{model.name} is an {model.kind}: it gives no likelihood of a whole text")
    pieces = [(number, piece) for number, ids in enumerate(encode(model, texts)) for piece in _windows(model, ids)]
    scored = score(model, [piece for _, piece in pieces], what="texts")
    totals = np.zeros(len(texts))
    np.subtract.at(totals, [number for number, _ in pieces], [piece_score.nats.sum() for piece_score in scored])
    return [float(total) for total in totals]


def _windows(model: LanguageModel, ids: Numbers) -> list[Continuation]:
    """The text in windows of the context; the last one reaches back as far as it can."""
    context = model.context
    windows = [Continuation(ids[:0], ids[:context])] if len(ids) else []
    for start in range(context, len(ids), context):
        stop = min(start + context, len(ids))
        windows.append(Continuation(ids[max(0, stop - context - 1) : start], ids[start:stop], framed=False))
    return windows


def answers(model: LanguageModel, requests: Sequence[tuple[str, dict[str, Any]]]) -> list[str]:
    """What the model writes after each context, greedily, until one of the request's stops."""
    groups: dict[tuple[tuple[str, ...], int], list[int]] = {}
    for number, (_, settings) in enumerate(requests):
        if settings.get("do_sample") and settings.get("temperature", 1.0) > 0:
            raise UsageError("answers are written greedily; this task samples them (do_sample)")
        until = settings.get("until") or []
        stops = (until,) if isinstance(until, str) else tuple(until)
        most = int(settings.get("max_gen_toks", settings.get("max_tokens", MAX_TOKENS)))
        groups.setdefault((stops, min(most, model.context - 1)), []).append(number)
    texts: dict[int, str] = {}
    for (stops, most), numbers in groups.items():
        prompts = encode(model, [requests[number][0] for number in numbers])
        written = write_answers(model, prompts, max_tokens=most, stop=stops, at_once=True)
        texts.update(zip(numbers, (answer.text for answer in written), strict=True))
    return [texts[number] for number in range(len(requests))]
