"""One step of PPO against the same step written out: experience, updates, rewards and limits."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from corpuskit.errors import UsageError
from corpuskit.training import read_metrics
from corpuskit.training.instruct import PpoConfig, ppo, reinforce, user
from corpuskit.training.instruct.actors import Actors
from corpuskit.training.instruct.answering import Answered
from corpuskit.training.instruct.surrogate import clipped_objective, masked_mean, whitened
from corpuskit.training.machine import Machine

PROMPT, ANSWER, VOCABULARY = 4, 5, 24
LENGTHS = [5, 1, 3, 4, 2, 5]
CONFIG = PpoConfig(
    batch=6,
    minibatch=2,
    epochs=2,
    kl=0.3,
    gamma=0.9,
    lam=0.8,
    clip=0.02,
    value_clip=0.03,
    value_weight=0.7,
    entropy_weight=0.2,
    gradient_clip=0.4,
    temperature=0.8,
    precision="float32",
)


def answers() -> Answered:
    random = torch.Generator().manual_seed(5)
    ids = torch.randint(1, VOCABULARY, (len(LENGTHS), PROMPT + ANSWER), generator=random)
    mask = torch.ones_like(ids)
    mask[0, :2] = 0  # a shorter prompt, padded on the left
    for row, length in enumerate(LENGTHS):
        mask[row, PROMPT + length :] = 0
    return Answered(ids * mask, mask, PROMPT, torch.tensor([length < ANSWER for length in LENGTHS]))


@pytest.fixture
def actors() -> Actors:
    """A policy that has moved away from the reference, and a value model that knows something."""
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=32,
    )
    model = transformers.LlamaForCausalLM(config)
    made = Actors(model, None, CONFIG.temperature, 0, Machine("cpu", 0, 1, False))
    with torch.no_grad():
        for parameter in made.policy_parameters:
            parameter += 0.3 * torch.randn_like(parameter)
        made.head.weight.normal_()
        made.head.bias.fill_(0.1)
    return made


def outputs(model: Any, answered: Answered) -> tuple[torch.Tensor, torch.Tensor]:
    """(log probabilities of the answers' tokens, entropies), from the model's own logits."""
    positions = (answered.mask.cumsum(1) - 1).clamp(min=0)
    logits = model(input_ids=answered.ids, attention_mask=answered.mask, position_ids=positions).logits
    every = torch.log_softmax(logits[:, PROMPT - 1 : -1] / CONFIG.temperature, -1)
    return every.gather(-1, answered.answers[..., None])[..., 0], -(every.exp() * every).sum(-1)


def values(actors: Actors, answered: Answered) -> torch.Tensor:
    positions = (answered.mask.cumsum(1) - 1).clamp(min=0)
    states = actors.critic(input_ids=answered.ids, attention_mask=answered.mask, position_ids=positions)
    return actors.head(states.last_hidden_state[:, PROMPT - 1 : -1])[..., 0]


SCORES = np.array([1.0, -2.0, 0.5, 3.0, 0.0, -1.0], np.float32)


def experience(actors: Actors) -> tuple[ppo.Experience, dict[str, float]]:
    return ppo.experienced(actors, answers(), SCORES, CONFIG)


def test_the_experience_of_a_step_is_what_the_formulas_say(actors: Actors) -> None:
    found, line = experience(actors)
    answered = answers()
    with torch.no_grad():
        old, entropy = outputs(actors.policy, answered)
        reference, _ = outputs(actors.reference, answered)
        judged = values(actors, answered)
    mask = answered.answer_mask.float()
    advantages, returns = np.zeros((6, ANSWER)), np.zeros((6, ANSWER))
    for row, length in enumerate(LENGTHS):
        rewards = -CONFIG.kl * (old - reference)[row, :length].double().numpy()
        rewards[-1] += SCORES[row]
        later, following = 0.0, 0.0
        for place in reversed(range(length)):
            now = float(judged[row, place])
            later = rewards[place] + CONFIG.gamma * following - now + CONFIG.gamma * CONFIG.lam * later
            following = now
            advantages[row, place], returns[row, place] = later, later + now
    inside = advantages[mask.numpy() == 1]
    whitened = (advantages - inside.mean()) / inside.std() * mask.numpy()
    assert torch.equal(found.mask, mask)
    np.testing.assert_allclose(found.advantages, whitened, atol=1e-4)
    np.testing.assert_allclose(found.returns, returns, atol=1e-4)
    torch.testing.assert_close(found.old * mask, old * mask, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(found.values * mask, judged * mask, atol=1e-5, rtol=1e-5)
    divergence = ((old - reference) * mask).sum(1).mean()
    assert abs(float(divergence)) > 0.1
    assert line == pytest.approx(
        {
            "kl": float(divergence),
            "entropy": float((entropy * mask).sum() / mask.sum()),
            "length": sum(LENGTHS) / 6,
        },
        rel=1e-5,
    )


def test_the_price_of_divergence_changes_what_is_learned(actors: Actors) -> None:
    free, _ = ppo.experienced(actors, answers(), SCORES, CONFIG.model_copy(update={"kl": 0.0}))
    held, _ = experience(actors)
    assert not torch.allclose(free.returns, held.returns, atol=1e-3)


def test_the_updates_of_a_step_are_those_of_the_written_out_loss(actors: Actors) -> None:
    found, _ = experience(actors)
    mirror = copy.deepcopy(actors)
    optimizer = torch.optim.SGD([*actors.policy_parameters, *actors.value_parameters], lr=0.5)
    line = ppo.learn(actors, found, [optimizer], torch.Generator().manual_seed(3), CONFIG)

    order, seen = torch.Generator().manual_seed(3), []
    parameters = [*mirror.policy.parameters(), *mirror.critic.parameters(), *mirror.head.parameters()]
    for _ in range(CONFIG.epochs):
        for rows in torch.randperm(6, generator=order).split(CONFIG.minibatch):
            answered = answers()
            part = Answered(answered.ids[rows], answered.mask[rows], PROMPT, answered.ended[rows])
            new, entropy = outputs(mirror.policy, part)
            judged = values(mirror, part)
            terms: list[list[torch.Tensor]] = [[], [], [], []]
            for row, number in enumerate(rows.tolist()):
                for place in range(LENGTHS[number]):
                    ratio = (new[row, place] - found.old[number, place]).exp()
                    gain = found.advantages[number, place]
                    clipped = ratio.clamp(1 - CONFIG.clip, 1 + CONFIG.clip)
                    terms[0].append(-torch.min(ratio * gain, clipped * gain))
                    before, goal = found.values[number, place], found.returns[number, place]
                    near = before + (judged[row, place] - before).clamp(-CONFIG.value_clip, CONFIG.value_clip)
                    terms[1].append(torch.max((judged[row, place] - goal) ** 2, (near - goal) ** 2) / 2)
                    terms[2].append(entropy[row, place])
                    terms[3].append(((ratio - 1).abs() > CONFIG.clip).float())
            loss, value_loss, bonus, beyond = (torch.stack(term).mean() for term in terms)
            (loss - CONFIG.entropy_weight * bonus + CONFIG.value_weight * value_loss).backward()
            norm = torch.nn.utils.clip_grad_norm_(parameters, CONFIG.gradient_clip)
            with torch.no_grad():
                for parameter in parameters:
                    if parameter.grad is not None:
                        parameter -= 0.5 * parameter.grad
                        parameter.grad = None
            seen.append([float(term.detach()) for term in (loss, value_loss, beyond, norm)])
    loss, value_loss, beyond, norm = np.mean(seen, axis=0)
    assert 0 < beyond < 1
    expected = {
        "loss": loss + CONFIG.value_weight * value_loss,
        "policy_loss": loss,
        "value_loss": value_loss,
        "clip_fraction": beyond,
        "gradient_norm": norm,
    }
    assert line == pytest.approx(expected, rel=1e-3, abs=1e-4)
    for ours, theirs in zip(actors.policy.parameters(), mirror.policy.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-3)
    for ours, theirs in zip(actors.head.parameters(), mirror.head.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-3)


def test_the_formulas_at_their_ends() -> None:
    one = torch.ones(1, 1)
    assert float(masked_mean(3 * one, one)) == 3.0
    assert float(masked_mean(3 * one, 0 * one)) == 0.0
    assert torch.equal(whitened(torch.full((1, 3), 2.0), torch.ones(1, 3)), torch.zeros(1, 3))
    _, beyond = clipped_objective(0 * one, 0 * one, one, one, 0.0)
    assert float(beyond) == 0.0


ASKED = [user(text) for text in ("Hi?", "개를 씻나요?", "What is it?", "Who lives in Busan?", "Why?")]


def length(prompts: Sequence[Any], answers: Sequence[str]) -> Any:
    return np.array([float(len(text)) for text in answers])


def one(prompts: Sequence[Any], answers: Sequence[str]) -> Any:
    return np.ones(len(answers))


SMALL: dict[str, Any] = {
    "steps": 2,
    "batch": 4,
    "minibatch": 2,
    "answer_tokens": 4,
    "precision": "float32",
    "samples": 0,
    "kl_limit": 1000,
    "length_limit": 100,
}


def run(base: Path, folder: Path, **changes: Any) -> list[dict[str, Any]]:
    rewards = {"length": (length, 0.25), "one": (one, 2.0)}
    reinforce(base, rewards, folder, PpoConfig(**SMALL | changes), prompts=ASKED)
    return read_metrics(folder)


def test_the_score_of_an_answer_is_the_weighted_sum_less_the_price_of_no_end(base: Path, tmp_path: Path) -> None:
    lines = run(base, tmp_path / "a", missing_end=3.0)
    assert len(lines) == 2
    for line in lines:
        assert line["reward_one"] == 1.0
        expected = 0.25 * line["reward_length"] + 2.0 - 3.0 * (1 - line["ended"])
        assert line["score"] == pytest.approx(expected, abs=1e-5)
        assert line["ended"] < 1
    assert (lines[0]["reward_length"], lines[0]["length"]) != (lines[1]["reward_length"], lines[1]["length"])


def test_steps_draw_other_numbers_and_a_run_draws_the_same_again(base: Path, tmp_path: Path) -> None:
    """With one prompt and a learning rate of nearly 0, steps differ by their draws alone."""
    settings = {"learning_rate": 1e-12, "steps": 3, "batch": 4}
    config = PpoConfig(**SMALL | settings)
    rewards = {"length": (length, 1.0)}
    scores = []
    for name in ("a", "b"):
        reinforce(base, rewards, tmp_path / name, config, prompts=ASKED[:1])
        scores.append([line["entropy"] for line in read_metrics(tmp_path / name)])
    assert scores[0] == scores[1]
    assert len(set(scores[0])) == 3


def test_a_step_beyond_a_limit_is_not_learned_from(base: Path, tmp_path: Path) -> None:
    lines = run(base, tmp_path / "a", kl_limit=1e-9, steps=8, learning_rate=0.01)
    assert 0 < len(lines) < 8


@pytest.mark.parametrize(
    ("kl", "tokens", "reason"),
    [
        (30.0, 30.0, None),
        (30.1, 10.0, "kl: answers diverge by 30.1 nats from the model at the start, and kl_limit is 30"),
        (0.0, 30.1, "length: answers have 30 tokens, 3.0 times as many as at the start, and length_limit is 3"),
    ],
)
def test_limits(kl: float, tokens: float, reason: str | None) -> None:
    assert ppo._limit({"kl": kl, "length": tokens}, 10.0, PpoConfig()) == reason


@pytest.mark.parametrize("given", [np.ones(2), np.ones((3, 1)), np.array([1.0, np.inf, 0.0])])
def test_a_reward_gives_one_finite_number_an_answer(given: Any) -> None:
    with pytest.raises(UsageError, match="must give one finite number an answer; for 3 answers") as caught:
        ppo._scores("mine", lambda prompts, answers: given, [()] * 3, ["a", "b", "c"])
    assert f"with {int((~np.isfinite(given)).sum())} that are not finite" in str(caught.value)
    fine = ppo._scores("mine", lambda prompts, answers: [1, 2, 3], [()] * 3, ["a", "b", "c"])
    assert fine.dtype == np.float64
    assert fine.tolist() == [1.0, 2.0, 3.0]
