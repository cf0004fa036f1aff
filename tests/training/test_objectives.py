"""What is learned: losses equal the plain formula, documents never see each other, masks are the same each time."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import corpuskit.training.loss
from corpuskit.tokens import Shards, TokenOrder
from corpuskit.tokens.windows import IGNORED, Batch
from corpuskit.training.config import ModelConfig, TrainConfig
from corpuskit.training.loss import summed_cross_entropy, token_losses
from corpuskit.training.masking import GOLDFISH_CONTEXT, corrupt_spans, goldfish_targets, span_counts, word_starts
from corpuskit.training.models import OutputHead, build_model, model_tokenizer
from corpuskit.training.objectives import MaskedWords, Spans, objective_of

MODELS = [("decoder", "llama"), ("decoder", "qwen3"), ("encoder", "bert"), ("encoder", "modernbert")]


@pytest.mark.parametrize("chunk", [40 * 64, 40 * 700, 1 << 22])
@pytest.mark.parametrize("biased", [False, True])
def test_the_loss_and_its_gradients_are_the_plain_ones(
    chunk: int, biased: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corpuskit.training.loss, "CHUNK", chunk)
    torch.manual_seed(0)
    hidden, weight, bias = torch.randn(2500, 16), torch.randn(40, 16), torch.randn(40)
    targets = torch.randint(0, 40, (2500,))
    targets[::7] = IGNORED
    results = []
    for ours in (True, False):
        leaves = [leaf.clone().requires_grad_() for leaf in (hidden, weight, bias)]
        added = leaves[2] if biased else None
        if not ours:
            logits = torch.nn.functional.linear(leaves[0], leaves[1], added)
            loss = torch.nn.functional.cross_entropy(logits, targets, ignore_index=IGNORED, reduction="sum")
        else:
            loss = summed_cross_entropy(leaves[0], OutputHead(leaves[1], added), targets)
        (loss / 100).backward()
        results.append([loss.detach(), *(leaf.grad for leaf in leaves if leaf.grad is not None)])
    assert len(results[0]) == len(results[1]) == (4 if biased else 3)
    for mine, plain in zip(*results, strict=True):
        torch.testing.assert_close(mine, plain, rtol=2e-5, atol=2e-5)
    each = token_losses(hidden, OutputHead(weight, bias if biased else None), targets)[0]
    torch.testing.assert_close(each.sum(), results[1][0], rtol=1e-5, atol=1e-3)
    assert (each[::7] == 0).all()


def test_a_loss_over_bfloat16_states_is_summed_exactly() -> None:
    torch.manual_seed(0)
    hidden, weight = torch.randn(3000, 32).bfloat16(), torch.randn(500, 32)
    targets = torch.randint(0, 500, (3000,))
    logits = torch.nn.functional.linear(hidden, weight.bfloat16()).float()
    plain = torch.nn.functional.cross_entropy(logits, targets, reduction="sum")
    torch.testing.assert_close(summed_cross_entropy(hidden, OutputHead(weight), targets), plain, rtol=1e-5, atol=1e-2)


@pytest.mark.parametrize(("kind", "style"), MODELS)
def test_packed_documents_are_computed_as_if_alone(shards: Shards, kind: str, style: str) -> None:
    config = TrainConfig.model_validate({"model": {"kind": kind, "style": style, "layers": 2, "width": 32, "heads": 2}})
    tokenizer = model_tokenizer(config.model, shards.tokenizer)
    model = build_model(config.model, tokenizer, 48, seed=1).eval()
    objective = objective_of(config, tokenizer)
    order = TokenOrder(shards, batch=4)
    samples = order.samples_at(2)
    batch = order.batch_of(samples)
    assert (batch.positions == 0).sum() > 4
    arrays = objective.arrays(batch, samples)
    with torch.no_grad():
        packed, goals = objective.hidden(model, {name: torch.from_numpy(array) for name, array in arrays.items()})
        alone, alone_goals = [], []
        for row in range(4):
            edges = [*np.flatnonzero(batch.positions[row] == 0), 48]
            for start, end in pairwise(edges):
                part = {name: torch.from_numpy(array[row : row + 1, start:end]) for name, array in arrays.items()}
                states, targets = objective.hidden(model, part)
                alone.append(states)
                alone_goals.append(targets)
    assert torch.equal(goals, torch.cat(alone_goals))
    torch.testing.assert_close(packed, torch.cat(alone), rtol=1e-5, atol=1e-5)


def test_an_encoder_decoder_sees_one_document_at_a_time(shards: Shards) -> None:
    config = TrainConfig(model=ModelConfig(kind="encoder-decoder", layers=2, width=32, heads=2))
    tokenizer = model_tokenizer(config.model, shards.tokenizer)
    model = build_model(config.model, tokenizer, 48, seed=1).eval()
    objective = objective_of(config, tokenizer)
    order = TokenOrder(shards, batch=4)
    samples = order.samples_at(2)
    arrays = objective.arrays(order.batch_of(samples), samples)
    tensors = {name: torch.from_numpy(array.copy()) for name, array in arrays.items()}
    changed = {name: tensor.clone() for name, tensor in tensors.items()}
    row, other = 0, int(arrays["documents"][0, -1])
    where = tensors["documents"][row] == other
    changed["inputs"][row][where] = 7
    with torch.no_grad():
        before, _ = objective.hidden(model, tensors)
        after, _ = objective.hidden(model, changed)
    same = (tensors["decoder_documents"] != other) | (torch.arange(4)[:, None] != row)
    assert not same.all()
    torch.testing.assert_close(before[same.flatten()], after[same.flatten()], rtol=0, atol=1e-6)
    assert (before[~same.flatten()] - after[~same.flatten()]).abs().max() > 1e-4


def test_goldfish_leaves_the_same_tokens_out_of_every_copy() -> None:
    random = np.random.default_rng(0)
    passage = random.integers(0, 500, 400)
    inputs = np.stack([np.r_[random.integers(0, 500, 100), passage], np.r_[passage, random.integers(0, 500, 100)]])
    targets = np.roll(inputs, -1, 1)
    positions = np.tile(np.arange(500), (2, 1))
    kept = goldfish_targets(inputs, targets, positions, 4) != IGNORED
    first, second = kept[0, 100:], kept[1, :400]
    context = GOLDFISH_CONTEXT
    assert np.array_equal(first[context:399], second[context:399])
    assert 0.7 < kept.mean() < 0.82
    assert kept[:, : context - 1].all()
    swapped = inputs.copy()
    swapped[:, 200:400] = swapped[:, 200:400][:, ::-1]
    assert not np.array_equal(goldfish_targets(swapped, targets, positions, 4) != IGNORED, kept)


def test_goldfish_reads_no_other_document() -> None:
    inputs = np.random.default_rng(1).integers(0, 500, (1, 60))
    targets, positions = np.roll(inputs, -1, 1), np.r_[np.arange(30), np.arange(30)][None]
    other = inputs.copy()
    other[0, :30] += 1
    left = goldfish_targets(inputs, targets, positions, 2)[0, 30:]
    right = goldfish_targets(other, np.where(positions < 0, 0, targets), positions, 2)[0, 30:]
    assert np.array_equal(left, right)
    assert (left[: GOLDFISH_CONTEXT - 1] != IGNORED).all()
    assert (left == IGNORED).any()


def test_whole_words_are_masked_in_the_usual_shares(shards: Shards) -> None:
    tokenizer = model_tokenizer(ModelConfig(kind="encoder"), shards.tokenizer)
    objective = MaskedWords(tokenizer, seed=1)
    order = TokenOrder(shards, batch=400)
    samples = order.samples_at(1)
    batch = order.batch_of(samples)
    arrays = objective.arrays(batch, samples)
    chosen = arrays["targets"] != IGNORED
    text = ~objective.special[batch.inputs]
    assert np.array_equal(arrays["targets"][chosen], batch.inputs[chosen])
    assert np.array_equal(arrays["inputs"][~chosen], batch.inputs[~chosen])
    assert not chosen[~text].any()
    assert 0.13 < chosen[text].mean() < 0.17
    masked = arrays["inputs"][chosen]
    assert 0.77 < (masked == objective.mask).mean() < 0.83
    assert 0.08 < (masked == arrays["targets"][chosen]).mean() < 0.13
    inside = ~objective.starts[batch.inputs][:, 1:] & text[:, 1:] & text[:, :-1]
    assert np.array_equal(chosen[:, 1:][inside], chosen[:, :-1][inside])
    assert np.array_equal(objective.arrays(batch, samples)["inputs"], arrays["inputs"])
    assert not np.array_equal(objective.arrays(batch, samples + 400)["inputs"], arrays["inputs"])


def test_words_begin_at_spaces_and_punctuation(shards: Shards) -> None:
    starts = word_starts(shards.tokenizer)
    ids = {token: shards.tokenizer.id_of(token) for token in ("Ġ", ".", "r")}
    assert starts[ids["Ġ"]]
    assert starts[ids["."]]
    assert not starts[ids["r"]]


@settings(max_examples=60, deadline=None)
@given(st.integers(8, 120), st.integers(0, 2**40), st.integers(0, 5))
def test_spans_put_back_give_the_text(length: int, sample: int, seed: int) -> None:
    noise, spans = span_counts(length, 0.15, 3.0)
    inputs = np.random.default_rng(sample).integers(0, 900, (1, length))
    documents = np.ones_like(inputs)
    padding = np.zeros_like(inputs, bool)
    encoder, _, decoder, targets, _ = corrupt_spans(
        inputs, documents, padding, np.array([sample]), seed, 0.15, 3.0, np.arange(1000, 1100), 998, 999
    )
    spans = min(spans, 99)
    filled = targets[0][: noise + spans + 2]
    assert (targets[0][len(filled) :] == IGNORED).all()
    assert filled[-2:].tolist() == [1000 + spans, 999]  # closed by one more sentinel and the end
    pieces: dict[int, list[int]] = {}
    for token in filled[:-2].tolist():
        if token >= 1000:
            pieces[token] = []
        else:
            pieces[max(pieces)].append(token)
    back: list[int] = []
    for token in encoder[0].tolist():
        back += pieces[token] if token >= 1000 else [token]
    assert back == inputs[0].tolist()
    assert sum(map(len, pieces.values())) == noise
    assert all(pieces.values())
    assert decoder[0, 0] == 998
    assert np.array_equal(decoder[0, 1 : len(filled)], filled[:-1])


def test_padding_and_the_next_document_are_not_learned(shards: Shards) -> None:
    tokenizer = model_tokenizer(ModelConfig(kind="encoder-decoder"), shards.tokenizer)
    objective = Spans(tokenizer, seed=0)
    pad = shards.manifest.tokenizer.pad
    inputs = np.r_[np.arange(20, 60), np.full(8, pad)][None]
    targets = np.r_[np.arange(21, 60), [IGNORED] * 9][None]
    positions = np.r_[np.arange(20), np.arange(20), np.zeros(8, int)][None]
    for sample in range(40):
        arrays = objective.arrays(Batch(inputs, targets, positions), np.array([sample]))
        learned = arrays["targets"][arrays["targets"] != IGNORED]
        assert pad not in learned
        for token, document in zip(arrays["targets"][0], arrays["decoder_documents"][0], strict=True):
            if token != IGNORED and token < min(objective.sentinels) and token != objective.end:
                assert document == (1 if token < 40 else 2)


@pytest.mark.skipif(not hasattr(torch.nn.functional, "linear_cross_entropy"), reason="torch before 2.13 has none")
@pytest.mark.parametrize("biased", [False, True])
def test_the_loss_is_the_one_of_torchs_own_chunked_function(biased: bool) -> None:
    torch.manual_seed(0)
    hidden, weight, bias = torch.randn(700, 16), torch.randn(90, 16), torch.randn(90)
    targets = torch.randint(0, 90, (700,))
    targets[::5] = IGNORED
    results = []
    for function in (summed_cross_entropy, torch.nn.functional.linear_cross_entropy):
        leaves = [leaf.clone().requires_grad_() for leaf in (hidden, weight, bias)]
        added = leaves[2] if biased else None
        if function is summed_cross_entropy:
            loss = function(leaves[0], OutputHead(leaves[1], added), targets)
        else:
            options = torch.nn.LinearCrossEntropyOptions()
            loss = function(leaves[0], leaves[1], targets, linear_bias=added, reduction="sum", options=options)
        (loss / 100).backward()
        results.append([loss.detach(), *(leaf.grad for leaf in leaves if leaf.grad is not None)])
    for mine, theirs in zip(*results, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=2e-5, atol=2e-5)


def test_a_compiled_model_trains_as_the_plain_one(
    shards: Shards, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Traced, forward and backward, but not turned into machine code: that takes a compiler two minutes here."""
    from corpuskit.training import pretrain, read_metrics

    traced = torch.nn.Module.compile
    monkeypatch.setattr(torch.nn.Module, "compile", lambda self, **how: traced(self, backend="aot_eager", **how))

    model = {"layers": 1, "width": 32, "heads": 2}
    plain = {"model": model, "precision": "float32", "budget": {"steps": 3}, "batch": 4, "optimizer": "adamw"}
    for compiled in (False, True):
        asked = TrainConfig.model_validate(plain | {"compile": compiled, "watch": {"samples_every": 0}})
        pretrain(shards.folder, tmp_path / str(compiled), asked)
    losses = [[line["loss"] for line in read_metrics(tmp_path / str(compiled))] for compiled in (False, True)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
