"""A learned quality score separates what it was shown, says how sure it is, and is a plain file of numbers."""

from __future__ import annotations

import itertools
import json
import random
from pathlib import Path

import numpy as np
import pytest

from corpuskit.errors import CorpuskitError, UsageError
from corpuskit.kernels.arrow import text_buffers
from corpuskit.kernels.unicode import code_points
from corpuskit.quality import load_model, train, train_files
from corpuskit.quality.features import BITS, features, mean_weights, mean_weights_of

NOUNS = ["river", "mill", "town", "boat", "child", "stone", "field", "winter", "letter", "garden"]
VERBS = ["kept", "crossed", "remembered", "built", "left", "watched", "found", "carried"]


def sentence(generator: random.Random) -> str:
    a, b, c = (generator.choice(NOUNS) for _ in range(3))
    return f"The {a} by the {b} {generator.choice(VERBS)} what the {c} had lost."


def spam(generator: random.Random) -> str:
    return f"BUY {generator.choice(NOUNS)} {generator.randrange(999)} % OFF!!! click {generator.choice(NOUNS)} now"


@pytest.fixture(scope="module")
def examples() -> tuple[list[str], list[str]]:
    generator = random.Random(11)
    good = [" ".join(sentence(generator) for _ in range(4)) for _ in range(150)]
    bad = [" ".join(spam(generator) for _ in range(4)) for _ in range(100)]
    noise = [" ".join(generator.choice([sentence, spam])(generator) for _ in range(4)) for _ in range(100)]
    return good + noise[:50], bad + noise[50:]


def test_good_texts_score_above_bad_ones_and_the_report_says_how_often(examples: tuple[list[str], list[str]]) -> None:
    model = train(*examples)
    generator = random.Random(12)
    good, bad = sentence(generator), spam(generator)
    scores = model.score([good, bad, None, ""])
    assert scores[0] > 0.7 > 0.3 > scores[1]
    assert np.isnan(scores[2])
    assert 0 < scores[3] < 1
    report = model.report
    assert 0.8 < report.auc < 1  # the noise cannot be told apart
    assert report.calibration_error < 0.12
    assert list(report.deciles) == sorted(report.deciles)


def test_a_score_is_a_probability(examples: tuple[list[str], list[str]]) -> None:
    generator = random.Random(13)
    fresh = [generator.random() < 0.5 for _ in range(400)]
    mixed = [" ".join(generator.choice([sentence, spam])(generator) for _ in range(4)) for _ in fresh]
    labels = np.array(
        [text.count("BUY") < 2 or (text.count("BUY") == 2 and flip) for text, flip in zip(mixed, fresh, strict=True)]
    )
    model = train(
        [t for t, label in zip(mixed, labels, strict=True) if label],
        [t for t, label in zip(mixed, labels, strict=True) if not label],
    )
    assert model.report.calibration_error < 0.1


def test_the_same_examples_make_the_same_model(examples: tuple[list[str], list[str]]) -> None:
    first, second = train(*examples), train(*examples)
    assert np.array_equal(first.weights, second.weights)
    assert (first.bias, first.slope, first.intercept) == (second.bias, second.slope, second.intercept)


def test_a_saved_model_scores_the_same_and_holds_no_objects(
    examples: tuple[list[str], list[str]], tmp_path: Path
) -> None:
    model = train(*examples)
    model.save(tmp_path / "score.npz")
    loaded = load_model(tmp_path / "score.npz")
    assert np.array_equal(loaded.score(examples[0]), model.score(examples[0]))
    assert loaded.report == model.report
    with np.load(tmp_path / "score.npz", allow_pickle=False) as stored:
        assert all(stored[name].dtype != object for name in stored)
    text = (tmp_path / "score.md").read_text()
    assert f"{model.report.auc:.4f}" in text
    assert "| 90 % |" in text


def test_training_from_files(examples: tuple[list[str], list[str]], tmp_path: Path) -> None:
    for name, texts in zip(("good", "bad"), examples, strict=True):
        (tmp_path / f"{name}.jsonl").write_text("\n".join(json.dumps({"text": text}) for text in texts))
    report = train_files(tmp_path / "good.jsonl", tmp_path / "bad.jsonl", tmp_path / "model.npz")
    assert report.good == len(set(examples[0]))
    assert load_model(tmp_path / "model.npz").report == report


def test_what_cannot_be_trained_or_loaded_is_said(tmp_path: Path) -> None:
    texts = [f"text number {n}" for n in range(30)]
    with pytest.raises(UsageError, match="3 distinct bad examples"):
        train(texts, ["a", "b", "c", "c", " "])
    with pytest.raises(UsageError, match="good and bad at once"):
        train(texts, texts)
    with pytest.raises(UsageError, match=r"absent\.jsonl"):
        train_files(tmp_path / "absent.jsonl", tmp_path / "absent.jsonl", tmp_path / "m.npz")
    (tmp_path / "a.jsonl").write_text('{"text": "a"}\n{"txt": "b"}\n')
    with pytest.raises(UsageError, match="line 2: no string under 'text'"):
        train_files(tmp_path / "a.jsonl", tmp_path / "a.jsonl", tmp_path / "m.npz")
    with pytest.raises(UsageError, match=r"ends in \.npz"):
        train_files(tmp_path / "a.jsonl", tmp_path / "a.jsonl", tmp_path / "m.bin")
    np.savez(tmp_path / "objects.npz", weights=np.array([{"a": 1}], object))
    for content in (b"", b"not a model", (tmp_path / "objects.npz").read_bytes()):
        (tmp_path / "bad.npz").write_bytes(content)
        with pytest.raises(CorpuskitError, match="not a quality model"):
            load_model(tmp_path / "bad.npz")


def test_features_are_words_pairs_and_runs_of_four_characters() -> None:
    found, bounds = features(*text_buffers(["ab  cd", "AB cd", "ab cd ef", ""]), code_points())
    assert np.diff(bounds).tolist() == [2 * 2 + 5, 2 * 2 + 5, 3 * 2 + 8, 0]
    rows = [found[a:b].tolist() for a, b in itertools.pairwise(bounds)]
    assert rows[0] == rows[1]  # case and the width of white space do not matter
    assert set(rows[0]) < set(rows[2])
    assert 0 <= found.min() <= found.max() < 1 << BITS


@pytest.mark.parametrize("piece", [1, 7, 40])
def test_a_text_read_in_pieces_has_the_same_features_and_score(
    piece: int, examples: tuple[list[str], list[str]]
) -> None:
    texts = [*examples[0][:20], "", "  a  ", "네 글자와  더, 中文字 mixed  words\n\n" * 9, "x" * 500]
    data, offsets = text_buffers(texts)
    found, bounds = features(data, offsets, code_points())
    pieces, same = features(data, offsets, code_points(), piece)
    assert bounds.tolist() == same.tolist()
    for first, last in itertools.pairwise(bounds.tolist()):
        assert sorted(pieces[first:last].tolist()) == sorted(found[first:last].tolist())
    weights = np.random.default_rng(1).normal(size=1 << BITS).astype(np.float32)
    whole = mean_weights(data, offsets, code_points(), weights, 0.5)
    assert np.allclose(mean_weights(data, offsets, code_points(), weights, 0.5, piece), whole, rtol=1e-9)


def test_both_ways_to_a_score_agree() -> None:
    texts = ["some text here", "", "한국어 문장이다", "more"]
    weights = np.random.default_rng(1).normal(size=1 << BITS).astype(np.float32)
    found, bounds = features(*text_buffers(texts), code_points())
    direct = mean_weights(*text_buffers(texts), code_points(), weights, 0.25)
    assert direct == pytest.approx(mean_weights_of(found, bounds, np.arange(4), weights, 0.25))
    by_hand = [0.25 + (weights[found[a:b]].mean() if b > a else 0) for a, b in itertools.pairwise(bounds)]
    assert direct == pytest.approx(by_hand, abs=1e-5)
