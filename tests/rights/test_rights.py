"""What signals mean, and which documents the stage drops."""

from __future__ import annotations

import pyarrow as pa
import pytest

from corpuskit.rights import read_signals
from corpuskit.rights.stage import Rights


@pytest.mark.parametrize(
    "signal",
    [
        "noai",
        "NOAI",
        "noindex; noai",
        "tdm-reservation: 1",
        "content-signal: search=yes, ai-train=no",
        "content-usage: train-ai=n",
        "content-usage: ai=n",
        "robots.txt: forbids gptbot, ccbot",
        "tdmrep.json: reserves /*",
        "ai.txt: Disallow: /",
        "rsl: prohibits training",
        "disallowaitraining: /",
        "tdm-reservation: 0; noai",
    ],
)
def test_what_reserves_training(signal: str) -> None:
    reading = read_signals(signal)
    assert reading.reserved is not None
    assert reading.reserved in signal
    assert reading.granted is None


@pytest.mark.parametrize(
    "signal",
    [
        None,
        "",
        "noindex",
        "noimageai",
        "tdm-policy: https://a.org/policy",
        "content-signal: search=yes",
        "otherbot: noai",
    ],
)
def test_what_does_not(signal: str | None) -> None:
    assert read_signals(signal).reserved is None


def test_what_allows_it_in_so_many_words() -> None:
    assert read_signals("content-signal: ai-train=yes").granted == "content-signal: ai-train=yes"
    assert read_signals("tdm-reservation: 0").granted == "tdm-reservation: 0"
    assert read_signals("content-signal: ai-train=yes; noai").granted is None


def batch(*rows: tuple[str | None, str | None]) -> pa.RecordBatch:
    return pa.record_batch(
        {
            "rights": pa.array([signal for signal, _ in rows], pa.string()),
            "license": pa.array([license_ for _, license_ in rows], pa.string()),
        }
    )


def broken(stage: Rights, measured: pa.RecordBatch) -> list[list[str]]:
    rules = stage.rules()
    return [[rule.name for rule in rules if rule.breaks(measured)[row].as_py()] for row in range(measured.num_rows)]


def test_the_stage_drops_what_reserves_training_by_default() -> None:
    stage = Rights()
    measured = stage.measure(batch(("noai", None), ("noindex; noarchive", None), (None, None), ("noai", "CC-BY-4.0")))
    assert broken(stage, measured) == [["rights.training"], [], [], ["rights.training"]]
    assert measured.column("rights_signals").field("evidence").to_pylist() == [
        "noai",
        "noindex; noarchive",
        None,
        "noai",
    ]


def test_other_reservations_and_licences_decide_where_the_recipe_says_so() -> None:
    stage = Rights(obey=("noindex", "noarchive", "paywall"), licenses=("CC0-1.0",))
    measured = stage.measure(
        batch(
            ("none", "CC0-1.0"), ("paywall: isAccessibleForFree is false", "CC0-1.0"), ("noai", "CC0-1.0"), (None, None)
        )
    )
    assert broken(stage, measured) == [
        ["rights.noindex", "rights.noarchive"],
        ["rights.paywall"],
        [],
        ["rights.license"],
    ]
    assert broken(Rights(obey=()), measured) == [[], [], [], []]
