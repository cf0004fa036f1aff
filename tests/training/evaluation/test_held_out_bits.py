"""Held-out bits equal a slow reading of one document at a time, whatever the batches, windows and model classes."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import corpuskit.training.evaluation.language_model as language_model
from corpuskit.errors import CorpuskitError, UsageError
from corpuskit.tokens import Shards, open_shards, sample_texts, train_tokenizer, write_shards
from corpuskit.training.checkpoint import save_model
from corpuskit.training.evaluation import HeldOutBits, LanguageModel, held_out_bits, open_model, summarize

RandomModel = Callable[..., LanguageModel]


@pytest.fixture(scope="module")
def held_out(shards: Shards) -> Shards:
    return open_shards(shards.folder, "held_out")


def by_document(result: HeldOutBits) -> dict[str, tuple[float, int]]:
    rows = result.documents.to_pylist()
    return {row["id"]: (row["nats"], row["tokens"]) for row in rows}


@pytest.mark.parametrize("style", ["llama", "qwen3"])
def test_a_decoder_pays_what_it_pays_for_each_document_read_alone(
    random_model: RandomModel, held_out: Shards, style: str
) -> None:
    subject = random_model(held_out, context=512, style=style)
    result = held_out_bits(subject, held_out)
    assert result.what == "next token"
    found = by_document(result)
    assert len(found) == held_out.counts.documents
    total_bits = total_bytes = 0.0
    for shard, row in held_out.documents():
        ids = torch.from_numpy(shard.document(row).astype(np.int64))[None]
        with torch.no_grad():
            logs = torch.log_softmax(subject.model(ids).logits[0, :-1].double(), -1)
        nats = -logs.gather(1, ids[0, 1:, None])[:, 0]
        mine = found[shard.describe(row)["id"] or ""]
        assert mine[1] == len(nats)
        assert mine[0] == pytest.approx(float(nats.sum()), rel=1e-5)
        total_bits += float(nats[:-1].sum()) / math.log(2)  # the closing token is no text
        total_bytes += float(shard.text_bytes[row])
    assert result.all.bytes == total_bytes
    assert result.all.bits_per_byte == pytest.approx(total_bits / total_bytes, rel=1e-5)
    assert result.all.perplexity == pytest.approx(math.exp(result.all.loss))


def test_a_document_longer_than_the_context_is_counted_once_with_the_context_that_overlap_leaves(
    random_model: RandomModel,
    held_out: Shards,
) -> None:
    context, step = 48, 24
    subject = random_model(held_out, context=context)
    found = by_document(held_out_bits(subject, held_out, overlap=0.5))
    bare = by_document(held_out_bits(subject, held_out, overlap=0.0))
    long = 0
    for shard, row in held_out.documents():
        ids = torch.from_numpy(shard.document(row).astype(np.int64))
        name = shard.describe(row)["id"] or ""
        nats, counted, start = 0.0, 1, 0  # `counted`: first token that has not been
        while counted < len(ids):
            window = ids[start : start + context + 1]
            with torch.no_grad():
                logs = torch.log_softmax(subject.model(window[None, :-1]).logits[0].double(), -1)
            each = -logs.gather(1, window[1:, None])[:, 0]
            nats += float(each[counted - start - 1 :].sum())
            counted, start = start + len(window), start + step
        assert found[name] == (pytest.approx(nats, rel=1e-5), len(ids) - 1)
        assert bare[name][1] == len(ids) - 1
        long += len(ids) > context + 1
    assert long > 5
    assert sum(nats for nats, _ in bare.values()) != sum(nats for nats, _ in found.values())


@pytest.mark.parametrize("kind", ["decoder", "encoder", "encoder-decoder"])
def test_batches_and_the_way_of_running_do_not_matter(
    random_model: RandomModel, held_out: Shards, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = random_model(held_out, kind=kind, **({} if kind != "encoder" else {"style": "bert"}))
    expected = by_document(held_out_bits(subject, held_out))
    monkeypatch.setattr(language_model, "BATCH_TOKENS", 100)
    small = by_document(held_out_bits(subject, held_out))
    monkeypatch.setattr(language_model, "FAMILIES", {})  # the whole model, its own masks and all logits
    assert subject.whole
    whole = by_document(held_out_bits(subject, held_out))
    for name, (nats, tokens) in expected.items():
        for way in (small, whole):
            assert way[name] == (pytest.approx(nats, rel=1e-4, abs=1e-4), tokens)


def test_an_encoder_is_asked_for_hidden_words_that_depend_on_the_document_alone(
    random_model: RandomModel, held_out: Shards
) -> None:
    subject = random_model(held_out, kind="encoder", style="modernbert")
    result = held_out_bits(subject, held_out)
    assert result.what == "masked words"
    share = result.all.bytes / held_out.counts.text_bytes
    assert 0.08 < share < 0.25
    part = held_out_bits(subject, held_out, tokens=400)
    assert 0 < part.all.documents < result.all.documents
    everything = by_document(result)
    for name, (nats, tokens) in by_document(part).items():
        assert everything[name] == (pytest.approx(nats, rel=1e-4, abs=1e-4), tokens)


def test_groups_add_up_and_errors_are_those_of_documents(random_model: RandomModel, held_out: Shards) -> None:
    result = held_out_bits(random_model(held_out), held_out)
    assert set(result.by_source) == set(result.by_language) == {"en", "ko"}
    assert sum(group.tokens for group in result.by_source.values()) == result.all.tokens
    table = result.documents
    bits = table.column("text_nats").to_numpy() / math.log(2)
    size = table.column("text_bytes").to_numpy()
    random = np.random.default_rng(0)
    draws = [random.integers(0, len(bits), len(bits)) for _ in range(4000)]
    bootstrap = np.std([bits[draw].sum() / size[draw].sum() for draw in draws])
    assert result.all.bits_per_byte_error == pytest.approx(bootstrap, rel=0.1)
    assert summarize(table, result.what).json() == result.json()


def test_a_model_on_disk_reads_what_it_was_trained_with_and_nothing_else(
    random_model: RandomModel, held_out: Shards, shards: Shards, tmp_path: Path
) -> None:
    subject = random_model(held_out, kind="encoder-decoder")
    save_model(subject.model, subject.tokenizer, tmp_path / "model")
    opened = open_model(tmp_path / "model")
    assert (opened.kind, opened.context) == ("encoder-decoder", 48)
    from_disk = held_out_bits(tmp_path / "model", shards.folder)
    assert from_disk.what == "hidden spans"
    assert from_disk.json() == held_out_bits(subject, held_out).json()
    corpus = [shards.folder.parent / "corpus.parquet"]
    other = train_tokenizer(sample_texts(corpus, 1 << 20), 290)
    write_shards(corpus, other, tmp_path / "tokens", sequence_length=48, hold_out=0.1)
    with pytest.raises(CorpuskitError, match="another tokenizer"):
        held_out_bits(subject, tmp_path / "tokens")
    write_shards(corpus, shards.tokenizer, tmp_path / "all", sequence_length=48, hold_out=0)
    with pytest.raises(UsageError, match="holds out no text"):
        held_out_bits(subject, tmp_path / "all")
    with pytest.raises(UsageError, match=r"no config\.json"):
        held_out_bits(tmp_path / "absent", shards.folder)


def test_bytes_of_a_tokenizer_without_bytes_are_each_documents_own(
    random_model: RandomModel, shards: Shards, tmp_path: Path
) -> None:
    corpus = [shards.folder.parent / "corpus.parquet"]
    unigram = train_tokenizer(sample_texts(corpus, 1 << 20), 300, "unigram")
    write_shards(corpus, unigram, tmp_path / "tokens", sequence_length=48, hold_out=0.1)
    opened = open_shards(tmp_path / "tokens", "held_out")
    result = held_out_bits(random_model(opened, context=512), opened)
    sizes = {shard.describe(row)["id"]: shard.text_bytes[row] for shard, row in opened.documents()}
    for row in result.documents.to_pylist():
        assert row["text_bytes"] == pytest.approx(sizes[row["id"]])
