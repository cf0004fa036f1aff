"""The exact fit against a slow one, what sites and priors do, and that training makes the files that ship."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from corpuskit.errors import UsageError
from corpuskit.toxicity import train
from corpuskit.toxicity.making import examples as read
from corpuskit.toxicity.making.card import card
from corpuskit.toxicity.making.examples import KOREAN
from corpuskit.toxicity.making.fitting import FLOOR, SITE_VARIANCE, STRENGTH, fit_optimum
from corpuskit.toxicity.making.training import CONTRAST, HELD_OUT, SHIPPED, fit_model, korean_comments, prior_shift
from corpuskit.toxicity.model import ABUSE_SHARE, DATA, load

BITS = 5
PEOPLE = read.examples(
    ["너 바보야?", "좋은 하루 보내세요", "고맙습니다"] * 60, KOREAN, {"toxicity": [1, 0, 0] * 60}
).of_site(1)


def problem(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(dense float[rows, 32], targets, importance, lead, sites) at random."""
    generator = np.random.default_rng(seed)
    dense = generator.random((rows, 1 << BITS)) * (generator.random((rows, 1 << BITS)) < 0.3)
    dense[:, 0] += 0.1  # no row is empty
    targets = generator.random(rows)
    importance = generator.random(rows) + 0.5
    return dense, targets, importance, generator.normal(0, 1, rows), generator.integers(0, 3, rows)


def sparse(dense: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    starts = np.append(0, np.cumsum((dense > 0).sum(axis=1))).astype(np.int64)
    return starts, np.nonzero(dense)[1].astype(np.int32), dense[dense > 0].astype(np.float32)


def test_the_optimum_is_that_of_a_slow_search() -> None:
    optimize = pytest.importorskip("scipy.optimize")
    dense, targets, importance, lead, sites = problem(200, 4)
    positive = 1 + (importance * targets) @ dense
    negative = 1 + (importance * (1 - targets)) @ dense
    ratio = np.abs(np.log(positive / positive.sum() / (negative / negative.sum())))
    frequency = (dense > 0).sum(axis=0)
    rarity = np.log((1 + len(dense)) / (1 + frequency)) + 1
    rarity = rarity**2 / ((rarity**2 * frequency).sum() / frequency.sum())
    variance = np.append(STRENGTH * ((ratio + FLOOR) * rarity) ** 2, np.full(3, SITE_VARIANCE))
    design = np.hstack([dense, np.eye(3)[sites]])

    def objective(point: np.ndarray) -> float:
        score = design @ point + lead
        return float(
            (importance * (np.logaddexp(0, score) - targets * score)).sum() + 0.5 * (point**2 / variance).sum()
        )

    slow = optimize.minimize(objective, np.zeros(design.shape[1]), method="BFGS", options={"gtol": 1e-6}).x
    kinds = np.float32
    found = fit_optimum(
        sparse(dense), targets[:, None].astype(kinds), importance.astype(kinds), lead.astype(kinds), sites, BITS
    )
    np.testing.assert_allclose(found[:, 0], slow[: 1 << BITS], atol=0.01)


def test_how_abusive_a_site_is_is_not_learned_as_the_meaning_of_its_words() -> None:
    generator = np.random.default_rng(0)
    rows = 4000
    sites = generator.integers(0, 2, rows)
    dense = np.zeros((rows, 1 << BITS))
    dense[np.arange(rows), 1 + sites] = 1.0  # a word that only one site uses
    dense[:, 0] = 0.2
    targets = (generator.random(rows) < np.where(sites == 1, 0.8, 0.2)).astype(np.float32)[:, None]
    ones, nothing = np.ones(rows, np.float32), np.zeros(rows, np.float32)
    apart = fit_optimum(sparse(dense), targets, ones, nothing, sites.astype(np.int64), BITS)
    together = fit_optimum(sparse(dense), targets, ones, nothing, np.zeros(rows, np.int64), BITS)
    gap = abs(apart[2, 0] - apart[1, 0])
    assert gap < 0.75 * abs(together[2, 0] - together[1, 0])


def test_a_label_that_a_row_does_not_say_teaches_nothing() -> None:
    dense, targets, importance, lead, sites = problem(80, 2)
    two = np.stack([targets, targets], 1).astype(np.float32)
    two[40:, 1] = np.nan
    kinds = np.float32
    found = fit_optimum(sparse(dense), two, importance.astype(kinds), lead.astype(kinds), sites, BITS)
    weight = np.where(np.arange(80) < 40, importance, 0).astype(kinds)
    alone = fit_optimum(sparse(dense), targets[:, None].astype(kinds), weight, lead.astype(kinds), sites, BITS)
    np.testing.assert_allclose(found[:, 1], alone[:, 0], atol=1e-6)


def test_the_prior_shift_moves_the_odds() -> None:
    assert prior_shift(np.array([1, 0, np.nan], np.float32)) == pytest.approx(np.log(ABUSE_SHARE / (1 - ABUSE_SHARE)))
    assert prior_shift(np.array([ABUSE_SHARE], np.float32)) == pytest.approx(0, abs=1e-6)


def test_the_same_examples_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        found = PEOPLE + read.contrast("ko", KOREAN)
        fit_model(found, KOREAN, {"language": "ko"}, exact=True).save(tmp_path / f"{name}.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    assert (load(tmp_path / "a.npz").shortest, load(tmp_path / "a.npz").syllables) == (2, 3)


def test_made_sentences_teach_and_do_not_calibrate() -> None:
    made = read.contrast("ko", KOREAN).of_site(CONTRAST)
    held = (np.arange(len(PEOPLE.texts), len(PEOPLE.texts) + len(made.texts)) % HELD_OUT == 0)[:, None]
    wrong = replace(made, targets=np.where(held, 1 - made.targets, made.targets))
    right, other = (fit_model(PEOPLE + sentences, KOREAN, {}, exact=True) for sentences in (made, wrong))
    np.testing.assert_array_equal(right.weights, other.weights)
    assert (right.slope.tolist(), right.offset.tolist()) == (other.slope.tolist(), other.offset.tolist())


def test_the_cards_are_of_the_files_that_ship() -> None:
    for name, sort in SHIPPED.items():
        text = (DATA / name).with_suffix(".md").read_text(encoding="utf-8")
        assert text == card(DATA / name)
        assert hashlib.sha256((DATA / name).read_bytes()).hexdigest() in text
        assert sort.licence in text
        assert all(line in text for line in sort.provenance)
        assert "## Limits" in text


def test_english_without_its_packages_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="packages"):
        train(tmp_path, None, tmp_path, ["en"])


@pytest.mark.real
def test_training_makes_the_file_that_ships(shared_data: Path) -> None:
    """Another processor's exponential function may round otherwise, and move a weight by one of its 255 steps."""
    made, shipped = SHIPPED["korean.npz"].fit_linear(shared_data, None), load(DATA / "korean.npz").without_second()
    steps = np.abs(made.weights.astype(int) - shipped.weights.astype(int))
    assert steps.max() <= 1
    assert (steps > 0).mean() < 0.001
    np.testing.assert_allclose(made.offset, shipped.offset, atol=1e-3)
    assert made.about.items() <= shipped.about.items()


@pytest.mark.real
def test_mere_offence_is_less_sure_to_be_abuse_than_hatred(shared_data: Path) -> None:
    values, counts = np.unique(read.beep(shared_data, KOREAN).targets, return_counts=True)
    np.testing.assert_allclose(values, [0, 0.2, 0.75, 1])
    assert (counts > 200).all()


@pytest.mark.real
def test_each_site_is_numbered(shared_data: Path) -> None:
    found = korean_comments(shared_data, ["curse", "kmhas"], KOREAN)
    assert set(found.sites) == {1, 2}
    assert (found.sites[:5000] == 1).all()
    assert found.take(np.arange(3)).sites.tolist() == [1, 1, 1]
