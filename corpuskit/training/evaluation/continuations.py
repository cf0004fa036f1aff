"""What a continuation costs a model after a prefix: the score of a choice.

Text is cut into tokens whole, prefix and continuation together, as a model sees it in training; the continuation is
what follows the tokens that the prefix alone and all continuations begin with alike. So a token that spans the border
(a Korean noun with its particle) is scored, for every choice from the same place.

- decoder: the tokens of the continuation, each given all before it;
- encoder: each with its place hidden, and the places of later tokens of its word, given everything else (the
  pseudo-log-likelihood of Kauf and Ivanova 2023, arXiv:2305.10588, "PLL-word-l2r", over the continuation);
- encoder-decoder: the text of a gap after the prefix.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from corpuskit.engine.progress import Watch, silent
from corpuskit.errors import UsageError
from corpuskit.tokens.windows import IGNORED, Numbers
from corpuskit.training.evaluation.language_model import LanguageModel
from corpuskit.training.evaluation.shared_prefix import Tree, tree_costs
from corpuskit.training.objectives import MaskedWords, Spans


@dataclass(frozen=True)
class Continuation:
    """Tokens to score, and those before them (unframed)."""

    prefix: Numbers
    tokens: Numbers
    framed: bool = True
    """Whether the prefix still needs the token that begins a document."""


@dataclass(frozen=True)
class Scored:
    nats: npt.NDArray[np.float64]
    """float64[tokens]: what each token of the continuation costs."""
    greedy: bool
    """Whether each is the model's first choice."""
    cut: bool
    """Whether the prefix lost its beginning because the model reads no more."""


def encode(model: LanguageModel, texts: Sequence[str]) -> list[Numbers]:
    """Token ids of texts in NFC, unframed."""
    ids, bounds = model.tokenizer.encode([unicodedata.normalize("NFC", text) for text in texts])
    return [ids[start:stop].astype(np.int64) for start, stop in pairwise(bounds)]


def split(prefix: Numbers, wholes: Sequence[Numbers]) -> list[Continuation]:
    """Continuations from the tokens of the prefix alone and those of prefix and continuation together."""
    shared = max(0, min(len(prefix), *(len(whole) - 1 for whole in wholes)))
    for whole in wholes:
        differs = np.flatnonzero(prefix[:shared] != whole[:shared])
        shared = int(differs[0]) if len(differs) else shared
    return [Continuation(whole[:shared], whole[shared:]) for whole in wholes]


def score(
    model: LanguageModel,
    continuations: Sequence[Continuation],
    *,
    what: str = "choices",
    watch: Watch = silent,
) -> list[Scored]:
    """Costs of continuations, in their order. A prefix that does not fit loses its beginning.

    Raises UsageError for a continuation that alone is longer than the model reads.
    """
    rows = [_fitted(model, continuation) for continuation in continuations]
    if model.kind == "decoder" and not model.whole:
        return _by_prefix(model, rows, what, watch)
    build = {"decoder": _causal, "encoder": _masked, "encoder-decoder": _gap}[model.kind]
    pieces = [(number, piece) for number, row in enumerate(rows) for piece in build(model, row)]
    order = sorted(range(len(pieces)), key=lambda number: len(pieces[number][1].inputs), reverse=True)
    nats: list[list[npt.NDArray[np.float64]]] = [[] for _ in continuations]
    greedy = np.ones(len(continuations), np.bool_)
    done = 0
    while done < len(order):
        width = len(pieces[order[done]][1].inputs)
        chosen = order[done : done + model.rows_at_once(width)]
        costs = model.costs(_batch(model, [pieces[number][1] for number in chosen]))
        assert costs.first is not None
        bounds = np.searchsorted(costs.rows, np.arange(len(chosen) + 1))
        for number, start, stop in zip(chosen, bounds, bounds[1:], strict=False):
            owner = pieces[number][0]
            nats[owner].append(costs.nats[start:stop])
            greedy[owner] &= costs.first[start:stop].all()
        done += len(chosen)
        watch(f"scoring {what}", done, len(order))
    return [
        Scored(np.concatenate(values), bool(first), row.cut)
        for values, first, row in zip(nats, greedy, rows, strict=True)
    ]


@dataclass(frozen=True)
class _Row:
    prefix: Numbers
    tokens: Numbers
    cut: bool


def _by_prefix(model: LanguageModel, rows: Sequence[_Row], what: str, watch: Watch) -> list[Scored]:
    groups: dict[bytes, list[int]] = {}
    for number, row in enumerate(rows):
        groups.setdefault(row.prefix.tobytes(), []).append(number)
    trees = [
        (numbers, Tree(rows[numbers[0]].prefix, tuple(rows[number].tokens for number in numbers)))
        for numbers in groups.values()
    ]
    trees.sort(key=lambda entry: -entry[1].length)
    scores: dict[int, Scored] = {}
    done = 0
    while done < len(trees):
        part = trees[done : done + model.rows_at_once(trees[done][1].length)]
        nats, greedy = tree_costs(model, [tree for _, tree in part])
        for (numbers, _), costs, firsts in zip(part, nats, greedy, strict=True):
            for number, cost, first in zip(numbers, costs, firsts, strict=True):
                scores[number] = Scored(cost, first, rows[number].cut)
        done += len(part)
        watch(f"scoring {what}", done, len(trees))
    return [scores[number] for number in range(len(rows))]


@dataclass(frozen=True)
class _Piece:
    """A row of a batch: int64[n] each."""

    inputs: Numbers
    targets: Numbers
    decoder_inputs: Numbers | None = None


def _fitted(model: LanguageModel, given: Continuation) -> _Row:
    begin = [model.tokenizer.begin] if given.framed and model.tokenizer.begin is not None else []
    # a decoder reads all but the last token; an encoder reads the closing one too; a gap is one token more
    room = {"decoder": model.context + 1, "encoder": model.context - 1, "encoder-decoder": model.context - 1}[
        model.kind
    ]
    own = 0 if model.kind == "encoder-decoder" else len(given.tokens)
    if len(given.tokens) + len(begin) > room:
        raise UsageError(
            f"a continuation of {len(given.tokens):,} tokens does not fit a model that reads {model.context:,}"
        )
    keep = room - own - len(begin)
    prefix = given.prefix[max(0, len(given.prefix) - keep) :]
    cut = len(prefix) < len(given.prefix)
    prefix = np.concatenate([np.asarray(begin, np.int64), prefix])
    if model.kind == "decoder" and not len(prefix):
        prefix = np.array([model.tokenizer.end])  # the token before a document in training
    return _Row(prefix, given.tokens, cut)


def _causal(model: LanguageModel, row: _Row) -> list[_Piece]:
    tokens = np.concatenate([row.prefix, row.tokens])
    targets = np.full(len(tokens) - 1, IGNORED, np.int64)
    targets[len(row.prefix) - 1 :] = row.tokens
    return [_Piece(tokens[:-1], targets)]


def _masked(model: LanguageModel, row: _Row) -> list[_Piece]:
    objective = model.objective
    assert isinstance(objective, MaskedWords)
    tokens = np.concatenate([row.prefix, row.tokens, [model.tokenizer.end]])
    first, last = len(row.prefix), len(tokens) - 1
    begins = objective.starts[tokens] | objective.special[tokens]
    begins[first] = True
    pieces = []
    for place in range(first, last):
        inputs, targets = tokens.copy(), np.full(len(tokens), IGNORED, np.int64)
        following = np.flatnonzero(begins[place + 1 : last])
        stop = place + 1 + int(following[0]) if len(following) else last
        inputs[place:stop] = objective.mask
        targets[place] = tokens[place]
        pieces.append(_Piece(inputs, targets))
    return pieces


def _gap(model: LanguageModel, row: _Row) -> list[_Piece]:
    objective = model.objective
    assert isinstance(objective, Spans)
    inputs = np.concatenate([row.prefix, [objective.sentinels[0]]])
    start = model.body.config.decoder_start_token_id
    before = np.array([model.tokenizer.pad if start is None else start, objective.sentinels[0]])
    decoder = np.concatenate([before, row.tokens[:-1]])
    targets = np.concatenate([[IGNORED], row.tokens])
    return [_Piece(inputs, targets, decoder)]


def _batch(model: LanguageModel, pieces: Sequence[_Piece]) -> dict[str, Numbers]:
    """The arrays of a batch, as the model's objective makes them."""
    pad = model.tokenizer.pad
    inputs, inside = _padded([piece.inputs for piece in pieces], pad)
    targets, _ = _padded([piece.targets for piece in pieces], IGNORED)
    if model.kind == "encoder-decoder":
        decoder, _ = _padded([piece.decoder_inputs for piece in pieces if piece.decoder_inputs is not None], pad)
        # padding behind the decoder's tokens is of the same document: causal attention never looks at it, and a
        # document without a token in the encoder would leave it nothing to attend to
        return {
            "inputs": inputs,
            "documents": inside.astype(np.int64),
            "decoder_inputs": decoder,
            "decoder_documents": np.ones_like(decoder),
            "targets": targets,
        }
    positions = np.tile(np.arange(inputs.shape[1]), (len(inputs), 1))
    if model.kind == "encoder":
        positions = np.where(inside, positions, 0)
    return {"inputs": inputs, "positions": positions, "targets": targets}


def _padded(rows: Sequence[Numbers], value: int) -> tuple[Numbers, npt.NDArray[np.bool_]]:
    """(int64[rows, longest] filled up with a value, where the rows' own values are)."""
    lengths = np.array([len(row) for row in rows])
    inside = np.arange(lengths.max()) < lengths[:, None]
    out = np.full(inside.shape, value, np.int64)
    out[inside] = np.concatenate(rows)
    return out, inside
