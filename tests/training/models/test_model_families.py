"""Every family's loss over packed windows is transformers' own loss of each document alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_models import DECODERS, FAMILIES

from corpuskit.errors import UsageError
from corpuskit.tokens.tokenizer import load_tokenizer
from corpuskit.tokens.windows import IGNORED, Batch
from corpuskit.training.instruct import SftConfig, demonstrations, finetune_on_demonstrations
from corpuskit.training.instruct.actors import Actors
from corpuskit.training.instruct.answering import answer
from corpuskit.training.instruct.policy import load_policy
from corpuskit.training.loss import summed_cross_entropy, token_losses
from corpuskit.training.machine import Machine
from corpuskit.training.models import FAMILIES as KNOWN
from corpuskit.training.models import check_vocabulary, family_of, load_model, output_head
from corpuskit.training.objectives import MaskedWords, NextToken, Spans

Make = Callable[[str], Path]
LENGTHS = (23, 9, 40)


def window(draw: np.random.Generator, high: int = 380) -> tuple[Batch, list[Any]]:
    """(one window of three documents, their tokens)."""
    documents = [draw.integers(5, high, length) for length in LENGTHS]
    tokens = np.concatenate(documents)[None]
    positions = np.concatenate([np.arange(length) for length in LENGTHS])[None]
    targets = np.full(tokens.shape, IGNORED, np.int64)
    start = 0
    for document in documents:
        targets[0, start : start + len(document) - 1] = document[1:]
        start += len(document)
    return Batch(tokens, targets, positions), documents


def packed_loss(model: Any, objective: Any, arrays: dict[str, Any]) -> float:
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    with torch.no_grad():
        states, targets = objective.hidden(model, tensors)
        total = float(token_losses(states, output_head(model), targets)[0].sum())
        assert float(summed_cross_entropy(states, output_head(model), targets)) == pytest.approx(total, rel=1e-5)
    return total / int((targets != IGNORED).sum())


def test_the_twelve_families_are_tested() -> None:
    assert sorted(KNOWN) == FAMILIES


@pytest.mark.parametrize("name", DECODERS)
def test_a_decoder_loses_what_transformers_says(name: str, family: Make) -> None:
    model = load_model(family(name)).eval()
    batch, documents = window(np.random.default_rng(1))
    total = 0.0
    for document in documents:
        ids = torch.from_numpy(document)[None]
        with torch.no_grad():
            total += float(model(input_ids=ids, labels=ids).loss) * (len(document) - 1)
    ours = packed_loss(model, NextToken(), NextToken().arrays(batch, np.array([0])))
    assert ours == pytest.approx(total / (sum(LENGTHS) - len(LENGTHS)), abs=1e-4)


@pytest.mark.parametrize("name", ["bert", "modernbert"])
def test_an_encoder_loses_what_transformers_says(name: str, family: Make) -> None:
    model, tokenizer = load_model(family(name)).eval(), load_tokenizer(family(name))
    assert tokenizer.mask == tokenizer.id_of("[MASK]")
    objective = MaskedWords(tokenizer, 0)
    batch, documents = window(np.random.default_rng(2))
    arrays = objective.arrays(batch, np.array([3]))
    total, count, start = 0.0, 0, 0
    for document in documents:
        part = slice(start, start + len(document))
        labels = torch.from_numpy(np.where(arrays["targets"][0, part] == IGNORED, -100, arrays["targets"][0, part]))
        hidden = int((labels != -100).sum())
        if hidden:
            with torch.no_grad():
                inputs = torch.from_numpy(arrays["inputs"][:, part])
                total += float(model(input_ids=inputs, labels=labels[None]).loss) * hidden
        count += hidden
        start += len(document)
    assert count > 5
    assert packed_loss(model, objective, arrays) == pytest.approx(total / count, abs=1e-4)


def test_t5_loses_what_transformers_says_and_learns_to_stop(family: Make) -> None:
    model, tokenizer = load_model(family("t5")).eval(), load_tokenizer(family("t5"))
    assert tokenizer.sentinels[:2] == (tokenizer.id_of("<extra_id_0>"), tokenizer.id_of("<extra_id_1>"))
    objective = Spans(tokenizer, 0)
    batch, documents = window(np.random.default_rng(4))
    arrays = objective.arrays(batch, np.array([5]))
    total, count = 0.0, 0
    for number in range(1, len(documents) + 1):
        here, there = (arrays[name][0] == number for name in ("documents", "decoder_documents"))
        labels = arrays["targets"][0][there]
        if not len(labels):  # no span fell into this document
            continue
        # padding of the window's last document, and what a span hides of the next document, is not learned
        labels = labels[: int(np.flatnonzero(labels != IGNORED)[-1]) + 1]
        assert labels[0] == tokenizer.sentinels[0]
        assert labels[-1] == tokenizer.end
        assert labels[-2] in tokenizer.sentinels
        if (labels == IGNORED).any():
            labels = np.where(labels == IGNORED, -100, labels)
        inputs = torch.from_numpy(arrays["inputs"][0][here])[None]
        decoder = torch.from_numpy(arrays["decoder_inputs"][0][there][: len(labels)])[None]
        assert int(decoder[0, 0]) == tokenizer.pad
        with torch.no_grad():
            out = model(input_ids=inputs, decoder_input_ids=decoder, labels=torch.from_numpy(labels)[None])
        learned = int((labels != -100).sum())
        total, count = total + float(out.loss) * learned, count + learned
    assert count > 8
    assert packed_loss(model, objective, arrays) == pytest.approx(total / count, abs=1e-4)


@pytest.mark.parametrize("name", DECODERS)
def test_ppo_works_with_the_log_probabilities_of_the_model_that_answers(name: str, family: Make) -> None:
    model, tokenizer = load_policy(family(name))
    actors = Actors(model, None, 1.0, 0, Machine("cpu", 0, 1, False))
    draw = np.random.default_rng(6)
    answered = answer(actors.answering(), [draw.integers(5, 380, n) for n in (20, 31)], tokenizer, 5, 1.0, 0)
    positions = (answered.mask.cumsum(1) - 1).clamp(min=0)
    with torch.no_grad():
        ours, _ = actors.policy_outputs(answered)
        logits = actors.answering()(
            input_ids=answered.ids, attention_mask=answered.mask, position_ids=positions
        ).logits[:, answered.prompt_columns - 1 : -1]
        theirs = logits.float().log_softmax(-1).gather(-1, answered.answers[..., None])[..., 0]
    assert float(((ours - theirs) * answered.answer_mask).abs().max()) < 1e-4


@pytest.mark.parametrize("name", ["gemma2", "granite", "llama"])
def test_the_gradient_of_the_loss_is_autograds(name: str, family: Make) -> None:
    model = load_model(family(name))
    head = output_head(model)
    torch.manual_seed(0)
    states = torch.randn(70, 32, requires_grad=True)
    targets = torch.randint(0, 400, (70,))
    targets[::7] = IGNORED
    ours = torch.autograd.grad(summed_cross_entropy(states, head, targets), [states, head.weight])
    plain = torch.nn.functional.cross_entropy(head.logits(states), targets, ignore_index=IGNORED, reduction="sum")
    for mine, other in zip(ours, torch.autograd.grad(plain, [states, head.weight]), strict=True):
        torch.testing.assert_close(mine, other, atol=1e-4, rtol=1e-4)


def test_another_family_is_refused_by_name(family: Make) -> None:
    config = load_model(family("llama")).config
    config.model_type = "mamba"
    with pytest.raises(UsageError, match=r"'mamba'.*Granite"):
        family_of(config)


def test_more_tokens_than_embeddings_are_refused(family: Make, tmp_path: Path) -> None:
    tokenizer = load_tokenizer(family("llama")).extended([f"<|x{n}|>" for n in range(30)])
    with pytest.raises(UsageError, match=r"430 tokens, up to '<\|x29\|>'.*embeddings for 416"):
        check_vocabulary(load_model(family("llama")), tokenizer, "here")


@pytest.mark.parametrize("name", DECODERS)
def test_tuning_keeps_template_tokenizer_and_configuration(name: str, family: Make, tmp_path: Path) -> None:
    learned = demonstrations([("Name a colour.", "Blue."), ("How many legs has a cat?", "Four.")])
    finetune_on_demonstrations(family(name), tmp_path, SftConfig(epochs=1, batch=1), demonstrations=learned)
    for file in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        if (family(name) / file).is_file():
            before, after = ((folder / file).read_text() for folder in (family(name), tmp_path))
            if name in ("gpt2", "gpt_neox") and file == "tokenizer_config.json":  # these have no template, and get ours
                after = json.dumps({k: v for k, v in json.loads(after).items() if k != "chat_template"})
                before = json.dumps(json.loads(before))
            assert after == before, file
    configs = [json.loads((folder / "config.json").read_text()) for folder in (family(name), tmp_path)]
    assert configs[0] == configs[1]
