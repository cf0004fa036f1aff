"""The probe suite is the same everywhere, and its items say what they are meant to say."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections import Counter
from collections.abc import Callable

import pytest

from corpuskit.errors import UsageError
from corpuskit.tokens import Shards
from corpuskit.training.evaluation import EvaluationTask, LanguageModel, evaluate, probe_tasks

DIGEST = "1ace34e7252a114e"
"""Of all items: figures of two versions of the suite cannot be compared, so a change of it has to be meant."""


@pytest.fixture(scope="module")
def suite() -> dict[str, EvaluationTask]:
    return {task.name: task for task in probe_tasks()}


def test_the_suite_is_the_one_that_figures_were_published_for(suite: dict[str, EvaluationTask]) -> None:
    items = [[name, item.input, item.outputs, item.right] for name, task in suite.items() for item in task.items]
    assert len(items) > 600
    assert hashlib.blake2b(json.dumps(items).encode(), digest_size=8).hexdigest() == DIGEST


def test_no_item_is_asked_twice_and_texts_are_nfc(suite: dict[str, EvaluationTask]) -> None:
    for task in suite.values():
        asked = Counter((item.input, frozenset(item.outputs)) for item in task.items)
        assert max(asked.values()) == 1, asked.most_common(1)
        for item in task.items:
            for text in (item.input, *item.outputs):
                assert unicodedata.normalize("NFC", text) == text


def test_always_choosing_the_same_way_is_no_better_than_chance(suite: dict[str, EvaluationTask]) -> None:
    """A model that knows one form of a pair alone, whatever stands before it, gets about half of them."""
    for name in ("en-agreement", "en-determiners", "ko-honorifics", "ko-tense"):
        share = sum(item.right for item in suite[name].items) / len(suite[name].items)
        assert share == pytest.approx(0.5, abs=0.01)
    by_particle = Counter((item.part, item.right) for item in suite["ko-particles"].items)
    for part in {part for part, _ in by_particle}:
        assert min(by_particle[part, 0], by_particle[part, 1]) >= 4


def test_particles_follow_the_last_syllable(suite: dict[str, EvaluationTask]) -> None:
    for item in suite["ko-particles"].items:
        last = unicodedata.normalize("NFD", item.input[-1])
        final = last[2:]
        vowel = not final or (item.part == "으로/로" and final == "\u11af")
        assert item.right == int(vowel), item


def test_sums_copies_and_sequences_are_right(suite: dict[str, EvaluationTask]) -> None:
    for item in suite["arithmetic"].items:
        left, operator, right, _ = item.input.split()
        value = int(left) + int(right) if operator == "+" else int(left) - int(right)
        assert [output.strip() for output in item.outputs].count(str(value)) == 1
        assert item.outputs[item.right].strip() == str(value)
    for item in suite["copying"].items:
        first, second = (part.split() for part in item.input.split("."))
        assert first[: len(second)] == second
        assert item.outputs[item.right].strip() == first[len(second)]
    for item in suite["sequences"].items:
        if item.part in ("numbers", "even numbers"):
            last, before = (int(word.strip()) for word in item.input.rstrip(",").split(",")[:-3:-1])
            assert int(item.outputs[item.right]) == 2 * last - before


def test_tasks_are_chosen_by_language_and_by_name(suite: dict[str, EvaluationTask]) -> None:
    korean = {task.name for task in probe_tasks("ko")}
    assert {"ko-facts", "copying"} <= korean
    assert not any(name.startswith("en-") for name in korean)
    assert [task.name for task in probe_tasks(names=["ko-facts"])] == ["ko-facts"]
    with pytest.raises(UsageError, match="did you mean 'ko-facts'"):
        probe_tasks(names=["ko-fact"])


@pytest.mark.parametrize("kind", ["decoder", "encoder", "encoder-decoder"])
def test_a_model_that_knows_nothing_scores_about_chance(
    random_model: Callable[..., LanguageModel], shards: Shards, kind: str
) -> None:
    model = random_model(shards, context=96, kind=kind)
    result = evaluate(model, probe_tasks(names=["copying", "arithmetic"]), limit=48)
    for task in result.tasks:
        assert task.accuracy.error is not None
        assert abs(task.accuracy.value - task.chance) < 4 * max(task.accuracy.error, 0.05)
