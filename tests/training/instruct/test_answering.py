"""Batched answers are those that each prompt gets alone, and their probabilities those of a plain forward pass."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from corpuskit.errors import UsageError
from corpuskit.tokens.tokenizer import Tokenizer
from corpuskit.training.instruct import Chat, LoraPolicy, answer_texts, load_policy, user
from corpuskit.training.instruct.actors import Actors
from corpuskit.training.instruct.answering import answer
from corpuskit.training.machine import Machine

ASKED = [
    "What is 3 plus 4?",
    "개를 어떻게 씻나요?",
    "Hi",
    "Mina lives in Busan and works as a nurse. Where does she live?",
]
MACHINE = Machine("cpu", 0, 1, bfloat16=False)


@pytest.fixture
def prompts(tokenizer: Tokenizer) -> list[Any]:
    return Chat(tokenizer).prompts([user(text) for text in ASKED])


def test_greedy_answers_are_those_of_generate(tokenizer: Tokenizer, base: Path, prompts: list[Any]) -> None:
    model, _ = load_policy(base)
    found = answer(model, prompts, tokenizer, 12, 0.0, 0)
    for row, prompt in enumerate(prompts):
        alone = model.generate(
            input_ids=torch.from_numpy(prompt)[None],
            attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
            max_new_tokens=12,
            do_sample=False,
            eos_token_id=tokenizer.end,
            pad_token_id=tokenizer.pad,
        )[0, len(prompt) :]
        assert found.answers[row, : found.lengths[row]].tolist() == alone.tolist()


def test_rows_that_end_are_let_go_and_change_no_other(tokenizer: Tokenizer, base: Path, prompts: list[Any]) -> None:
    model, _ = load_policy(base)
    with torch.no_grad():  # make the end likely, so that rows end at different places
        model.get_output_embeddings().weight[tokenizer.end] += 0.3 * torch.randn(
            64, generator=torch.Generator().manual_seed(1)
        )
    many = prompts * 8
    found = answer(model, many, tokenizer, 24, 1.0, 7)
    lengths = found.lengths
    assert len(set(lengths.tolist())) > 3
    for row, length in enumerate(lengths):
        written = found.answers[row].tolist()
        assert tokenizer.end not in written[: length - 1]
        assert written[length - 1] == tokenizer.end or length == 24
        assert set(written[length:]) <= {tokenizer.pad}
        assert found.answer_mask[row].sum() == length
    again = answer(model, many, tokenizer, 24, 1.0, 7)
    assert torch.equal(found.ids, again.ids)
    assert not torch.equal(
        found.answers, answer(model, many, tokenizer, 24, 1.0, 8).answers[:, : found.answers.shape[1]]
    )


def test_draws_follow_the_model_s_distribution(tokenizer: Tokenizer, base: Path, prompts: list[Any]) -> None:
    model, _ = load_policy(base)
    found = answer(model, [prompts[2]] * 4000, tokenizer, 1, 1.0, 3)
    drawn = np.bincount(found.answers[:, 0].numpy(), minlength=model.config.vocab_size) / 4000
    with torch.no_grad():
        expected = model(torch.from_numpy(prompts[2])[None]).logits[0, -1].softmax(-1).numpy()
    assert np.abs(drawn - expected).sum() / 2 < 0.2  # total variation; another distribution over 512 tokens has ~1
    top = expected.argsort()[-20:]
    assert drawn[top].sum() == pytest.approx(expected[top].sum(), abs=0.03)


@pytest.mark.parametrize("lora", [None, LoraPolicy(rank=2)])
def test_probabilities_of_answers_are_those_of_a_forward_pass(
    tokenizer: Tokenizer, base: Path, prompts: list[Any], lora: LoraPolicy | None
) -> None:
    model, _ = load_policy(base)
    plain, _ = load_policy(base)
    actors = Actors(model, lora, 1.0, 0, MACHINE)
    found = answer(actors.answering(), prompts, tokenizer, 10, 1.0, 1)
    with torch.no_grad():
        logs, _ = actors.policy_outputs(found)
        some = found.rows(torch.tensor([2, 0]))
        fewer, _ = actors.policy_outputs(some)
    for row, prompt in enumerate(prompts):
        written = found.answers[row, : found.lengths[row]]
        whole = torch.cat([torch.from_numpy(prompt), written])[None]
        with torch.no_grad():
            every = plain(whole).logits[0, len(prompt) - 1 : -1].log_softmax(-1)
        expected = every.gather(1, written[:, None])[:, 0]
        torch.testing.assert_close(logs[row, : len(written)], expected, atol=1e-4, rtol=1e-4)
    for place, row in enumerate((2, 0)):
        size = found.lengths[row]
        torch.testing.assert_close(fewer[place, :size], logs[row, :size], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(actors.reference_log_probabilities(found), logs, atol=1e-5, rtol=1e-5)


def test_an_adapter_shares_its_weights_with_the_reference(tokenizer: Tokenizer, base: Path, prompts: list[Any]) -> None:
    model, _ = load_policy(base)
    actors = Actors(model, LoraPolicy(rank=2), 1.0, 0, MACHINE)
    found = answer(actors.answering(), prompts, tokenizer, 6, 1.0, 1)
    reference = actors.reference_log_probabilities(found)
    values = actors.values(found).detach()
    optimizer = torch.optim.SGD([*actors.policy_parameters, *actors.value_parameters], 1.0)
    actors.policy_outputs(found)[0].sum().backward()
    (actors.values(found) - 1).square().sum().backward()
    optimizer.step()
    actors.policy_outputs(found)[0].sum().backward()  # the second adapter matrix moves once the first has
    optimizer.step()
    changed, _ = actors.policy_outputs(found)
    assert not torch.allclose(changed, reference, atol=1e-3)
    assert not torch.allclose(actors.values(found), values, atol=1e-3)
    torch.testing.assert_close(actors.reference_log_probabilities(found), reference)
    held = [one for name, one in actors.policy.named_parameters() if "lora_" not in name]
    plain, _ = load_policy(base)
    assert sum(one.numel() for one in held) == sum(one.numel() for one in plain.parameters())  # once, not three times
    for mine, theirs in zip(held, plain.parameters(), strict=True):
        assert torch.equal(mine, theirs)


def test_answers_to_texts_come_back_in_order(tokenizer: Tokenizer, base: Path) -> None:
    model, _ = load_policy(base)
    one_by_one = [answer_texts(model, [user(text)], tokenizer, tokens=8)[0] for text in ASKED]
    assert answer_texts(model, [user(text) for text in ASKED], tokenizer, tokens=8, batch=3) == one_by_one


def test_a_prompt_that_leaves_no_room_is_refused(tokenizer: Tokenizer, base: Path) -> None:
    model, _ = load_policy(base)
    with pytest.raises(UsageError, match=r"do not fit into the 192 that the model reads"):
        answer_texts(model, [user("word " * 200)], tokenizer)
