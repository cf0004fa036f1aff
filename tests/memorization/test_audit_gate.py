"""A gate passes or fails on a named figure, and never passes because the figure is missing."""

from __future__ import annotations

import pytest

from corpuskit.errors import CorpuskitError, UsageError
from corpuskit.memorization import Difference, check, differences
from corpuskit.memorization.gate import setting_differences

SUMMARY = {
    "extraction": {"train": {"rate": 0.01, "high": 0.02}},
    "by_copies": [{"copies": 1, "rate": 0.0}, {"copies": 8, "rate": 0.5}],
    "law": None,
    "hits": [{"copies": 3}],
}


@pytest.mark.parametrize(
    ("condition", "value"),
    [
        ("extraction.train.high > 0.001", 0.02),
        ("extraction.train.high>2e-2", None),
        ("extraction.train.high >= 0.02", 0.02),
        ("by_copies.8.rate < 0.4", None),
        ("by_copies.1.rate <= 0", 0.0),
    ],
)
def test_conditions(condition: str, value: float | None) -> None:
    assert check(SUMMARY, condition) == value


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("extraction.train.hihg > 1", "no figure 'extraction.train.hihg'.*extraction.train.high"),
        ("law.log2_copies.value > 1", "no figure"),
        ("extraction.train.high", "is not a condition"),
        ("extraction.train.high > 1e", "is not a condition"),
    ],
)
def test_a_gate_that_cannot_be_checked_is_an_error(condition: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check(SUMMARY, condition)


def test_what_differs_between_two_audits() -> None:
    after = {**SUMMARY, "extraction": {"train": {"rate": 0.0, "high": 0.02}}, "by_copies": [{"copies": 1, "rate": 0.0}]}
    assert differences(SUMMARY, after) == [
        Difference("by_copies.8.copies", 8, None),
        Difference("by_copies.8.rate", 0.5, None),
        Difference("extraction.train.rate", 0.01, 0.0),
    ]
    assert differences(SUMMARY, SUMMARY) == []


@pytest.mark.parametrize("figure", ["extraction.train.high", "extraction.train.by_suffix.8.extracted"])
def test_a_figure_that_rests_on_no_window_does_not_pass(figure: str) -> None:
    train = {"windows": 0, "high": 0.0, "by_suffix": [{"suffix": 8, "extracted": 0}]}
    with pytest.raises(CorpuskitError, match=r"nothing was tested for extraction\.train"):
        check({"extraction": {"train": train}}, f"{figure} > 0.5")


def test_what_differs_in_the_settings_is_said_but_for_the_model() -> None:
    settings = {"prefix": 32, "suffix": 32, "batch": 64, "model": "a", "texts": "x"}
    assert setting_differences({"settings": settings}, {"settings": settings | {"model": "b", "batch": 8}}) == []
    other = {"settings": settings | {"prefix": 16, "texts": "y"}}
    assert setting_differences({"settings": settings}, other) == ["prefix: 32 and 16", "training texts: other ones"]
    assert "does not state" in setting_differences(other, {})[0]
    assert differences({"settings": settings}, other) == [], "settings are no figures"
