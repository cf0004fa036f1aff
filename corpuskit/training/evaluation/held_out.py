"""What held-out text costs a model in bits, by source and by language, with standard errors over documents.

Bits per byte do not depend on the tokenizer: two models with other vocabularies can be compared by them.

    bits per byte = sum of -log2 p(token) over the tokens of the text / UTF-8 bytes of those tokens
    perplexity    = exp(mean of -ln p(token) over all predicted tokens, the closing one among them)

What p means depends on the model. A **decoder** gives the exact probability of the text: each document is read alone,
from its beginning token; one that is longer than the context is read in windows that overlap (by half, by default), and
each token is counted once, in the first window that reaches it. An **encoder** is asked for the words that its training
objective hides (15 % of words, always the same ones), an **encoder-decoder** for the spans that its own hides (15 % of
tokens); their figures compare with others of the same kind alone.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpuskit.engine.progress import Watch, silent
from corpuskit.errors import CorpuskitError, UsageError
from corpuskit.statistics import Estimate, ratio
from corpuskit.tokens.shards import Shards, open_shards
from corpuskit.tokens.windows import IGNORED, Numbers, Pieces, fill
from corpuskit.training.evaluation.language_model import LanguageModel, check_tokenizer, open_model
from corpuskit.training.masking import special_ids
from corpuskit.training.metrics import bytes_of_tokens, is_byte_level

WIDTHS = 32
"""Rows are padded to a multiple of this many tokens, so that what is hidden of a document depends on it alone."""
WHAT = {"decoder": "next token", "encoder": "masked words", "encoder-decoder": "hidden spans"}

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Bits:
    """What some documents cost."""

    documents: int
    tokens: int
    """Predicted tokens."""
    bytes: float
    """UTF-8 bytes of the predicted tokens that are text."""
    bits_per_byte: float
    bits_per_byte_error: float | None
    """Standard error over documents; None for a single one."""
    loss: float
    """Nats a predicted token."""
    loss_error: float | None

    @property
    def perplexity(self) -> float:
        return math.exp(self.loss)

    def json(self) -> dict[str, Any]:
        return {**asdict(self), "perplexity": self.perplexity}


@dataclass(frozen=True)
class HeldOutBits:
    what: str
    """What was predicted: 'next token', 'masked words' or 'hidden spans'."""
    all: Bits
    by_source: dict[str, Bits]
    by_language: dict[str, Bits]
    documents: pa.Table
    """Row by document: id, source, language; nats, tokens; text_nats and text_bytes of the tokens that are text."""

    def json(self) -> dict[str, Any]:
        groups = {"by_source": self.by_source, "by_language": self.by_language}
        return {
            "what": self.what,
            "all": self.all.json(),
            **{key: {name: bits.json() for name, bits in group.items()} for key, group in groups.items()},
        }


def held_out_bits(
    model: str | Path | LanguageModel,
    shards: str | Path | Shards,
    *,
    adapter: str | Path | None = None,
    tokens: int | None = None,
    overlap: float = 0.5,
    watch: Watch = silent,
) -> HeldOutBits:
    """What a model pays for the held-out split of a folder of token shards (or for the split that is given opened).

    `tokens`: read whole documents, in the order of a hash of their ids, until they have this many tokens; the same
    documents for every model. `overlap`: share of a window that is context already counted, for a decoder and documents
    longer than it reads; 0 is fastest and costs the tokens at each window's start their context.

    Raises UsageError where nothing is held out, CorpuskitError for shards of another tokenizer.
    """
    if not 0 <= overlap < 1:
        raise UsageError(f"overlap {overlap}: give a share from 0 to below 1")
    opened = shards if isinstance(shards, Shards) else open_shards(shards, "held_out", verify=False)
    subject = model if isinstance(model, LanguageModel) else open_model(model, adapter)
    check_tokenizer(subject, opened.tokenizer, opened.folder)
    documents = _documents(opened, tokens)
    if not documents.num_rows:
        raise UsageError(f"{opened.folder} holds out no text: write the shards with hold_out above 0")
    totals = _totals(subject, opened, documents, overlap, watch)
    table = documents.select(["id", "source", "language"])
    for name, column in zip(("nats", "tokens", "text_nats", "text_bytes"), totals.T, strict=True):
        table = table.append_column(name, pa.array(column))
    return summarize(table, WHAT[subject.kind])


def summarize(table: pa.Table, what: str) -> HeldOutBits:
    """The figures of a table with a row for each document (`HeldOutBits.documents`); tables of parts may be joined."""
    by_source, by_language = (
        {name: _bits(part) for name, part in _groups(table, column)} for column in ("source", "language")
    )
    return HeldOutBits(what, _bits(table), by_source, by_language, table)


def _groups(table: pa.Table, column: str) -> list[tuple[str, pa.Table]]:
    values = np.asarray(table.column(column).to_pylist(), object)
    names = sorted({str(value) for value in values})
    parts = [(name, table.filter(pa.array(values.astype(str) == name))) for name in names]
    return [(name, part) for name, part in parts if sum(part.column("tokens").to_pylist()) > 0]


def _bits(table: pa.Table) -> Bits:
    nats, tokens, text_nats, text_bytes = (
        table.column(name).to_numpy() for name in ("nats", "tokens", "text_nats", "text_bytes")
    )
    ids = table.column("id").to_pylist()
    if not tokens.sum():
        raise CorpuskitError("no token of the held-out text was predicted: its documents are too short")
    loss = ratio(nats, tokens, ids)
    none = Estimate(0.0, None, 0)
    bits = ratio(text_nats / math.log(2), text_bytes, ids) if text_bytes.sum() else none
    return Bits(
        len(set(ids)), int(tokens.sum()), float(text_bytes.sum()), bits.value, bits.error, loss.value, loss.error
    )


def _documents(shards: Shards, tokens: int | None) -> pa.Table:
    """id, source, language, text_bytes, shard, start, length and key of the documents that are read."""
    parts = []
    for number, shard in enumerate(shards.shards):
        columns = {name: shard.table.column(name) for name in ("id", "source", "language", "text_bytes")}
        columns["shard"] = pa.array(np.full(len(shard), number, np.int64))
        columns["start"] = pa.array(shard.offsets[:-1])
        columns["length"] = pa.array(np.diff(shard.offsets))
        parts.append(pa.table(columns))
    if not parts:
        return pa.table({"id": pa.array([], pa.string())})
    table = pa.concat_tables(parts)
    keys = [_key(name) for name in table.column("id").to_pylist()]
    table = table.append_column("key", pa.array(keys, pa.int64()))
    if tokens is not None:
        order = np.argsort(np.asarray(keys), kind="stable")
        read = np.cumsum(table.column("length").to_numpy()[order])
        table = table.take(pa.array(order[: int(np.searchsorted(read, tokens)) + 1]))
    return table


def _key(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little") >> 2


@dataclass(frozen=True)
class _Rows:
    """Pieces of documents, each to be a row: int64[rows] each."""

    document: Numbers
    start: Numbers
    length: Numbers
    counted: Numbers
    """First place in the row whose target counts."""
    sample: Numbers
    """Number that decides what is hidden."""


def _rows(documents: pa.Table, context: int, overlap: float, causal: bool) -> _Rows:
    length, begin, key = (documents.column(name).to_numpy() for name in ("length", "start", "key"))
    step = context if not causal else max(1, round(context * (1 - overlap)))
    # the last token of a document is predicted and reads nothing, so a causal window has one token less to read
    read = length - 1 if causal else length
    count = np.maximum(1, 1 + -(-(read - context) // step))
    document = np.repeat(np.arange(len(length)), count)
    within = np.arange(len(document)) - np.repeat(np.cumsum(count) - count, count)
    offset = within * step
    return _Rows(
        document,
        begin[document] + offset,
        np.minimum(read[document] - offset, context),
        np.where(within > 0, context - step, 0),
        key[document] + within,
    )


def _totals(model: LanguageModel, shards: Shards, documents: pa.Table, overlap: float, watch: Watch) -> Floats:
    """float64[documents, 4]: nats, predicted tokens, nats of those that are text, bytes of those."""
    causal = model.kind == "decoder"
    rows = _rows(documents, min(model.context, 1 << 16), overlap, causal)
    widths = np.minimum(-(-rows.length // WIDTHS) * WIDTHS, max(model.context, 1))
    of_token, per_document = _bytes(model, shards, documents)
    totals = np.zeros((documents.num_rows, 4))
    order = np.flatnonzero(rows.length > 0)
    order = order[np.argsort(widths[order], kind="stable")]
    done = 0
    while done < len(order):
        width = int(widths[order[done]])
        same = int(np.searchsorted(widths[order], width, side="right"))
        chosen = order[done : min(same, done + model.rows_at_once(width))]
        arrays = _arrays(model, shards, documents, rows, chosen, width)
        costs = model.costs(arrays)
        document = rows.document[chosen][costs.rows]
        size = of_token[np.minimum(costs.tokens, len(of_token) - 1)]
        text = size > 0
        size = np.where(text, per_document[document], 0.0) if per_document is not None else size
        values = (costs.nats, np.ones(len(size)), costs.nats * text, size)
        for column, value in enumerate(values):
            totals[:, column] += np.bincount(document, weights=value, minlength=len(totals))
        done += len(chosen)
        watch("reading held-out text", done, len(order))
    return totals


def _bytes(model: LanguageModel, shards: Shards, documents: pa.Table) -> tuple[Floats, Floats | None]:
    """(bytes of each token, 0 for special ones; bytes a token of each document, where tokens have none of their own).

    The last of the first is for ids that the shards' tokenizer does not have: masks and sentinels.
    """
    if is_byte_level(shards.tokenizer):
        return bytes_of_tokens(shards), None
    special = special_ids(shards.tokenizer, shards.tokenizer.vocabulary)
    framing = 1 if shards.tokenizer.begin is None else 2
    text_tokens = np.maximum(documents.column("length").to_numpy() - framing, 1)
    per_document = documents.column("text_bytes").to_numpy() / text_tokens
    return np.append(~special, False).astype(np.float64), per_document


def _arrays(
    model: LanguageModel, shards: Shards, documents: pa.Table, rows: _Rows, chosen: Numbers, width: int
) -> dict[str, Numbers]:
    shard = documents.column("shard").to_numpy()[rows.document[chosen]]
    place = np.arange(len(chosen))
    pieces = Pieces(place, np.zeros_like(place), shard, rows.start[chosen], rows.length[chosen])
    batch = fill(shards, pieces, len(chosen), width, model.tokenizer.pad)
    arrays = model.objective.arrays(batch, rows.sample[chosen])
    if model.kind == "decoder":
        arrays["targets"] = np.where(np.arange(width) < rows.counted[chosen][:, None], IGNORED, arrays["targets"])
        # padding follows the document, where a causal model does not look: one run of positions needs no mask
        arrays["positions"] = np.tile(np.arange(width), (len(chosen), 1))
    return arrays
