"""Scoring against a slow version, fitting against what is known of logistic regression, and the model files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit.errors import CorpuskitError, UsageError
from corpuskit.kernels.arrow import text_buffers
from corpuskit.toxicity import LABELS, assess, score
from corpuskit.toxicity.features import COLUMNS, score_windows, vectors
from corpuskit.toxicity.making import examples as read
from corpuskit.toxicity.making.examples import ENGLISH, KOREAN, KOREAN_SHARE_ALIKE
from corpuskit.toxicity.making.fitting import platt, raw_scores
from corpuskit.toxicity.making.training import windows
from corpuskit.toxicity.model import DATA, Model, load, shipped
from corpuskit.toxicity.scoring import RULED, reduce_windows

WORDS = [
    "kind",
    "idiot",
    "the",
    "b1tch",
    "시발",
    "고양이",
    "새끼",
    "f u c k",
    "ㅅㅂ",
    "don't",
    "a",
    "😀",
    "well-read",
    "!",
]
WEIGHTS = np.random.default_rng(5).integers(-127, 128, (1 << 12, COLUMNS)).astype(np.int8)


@given(
    st.lists(st.sampled_from([*WORDS, ".", "\n"]), max_size=90),
    st.integers(5, 40),
    st.sampled_from([(3, 0), (2, 3)]),
)
@settings(max_examples=100, deadline=None)
def test_windows_score_as_their_sparse_vectors(parts: list[str], most: int, orders: tuple[int, int]) -> None:
    text = " ".join(parts)
    data, offsets = text_buffers(["cat", text])
    windows = score_windows(data, offsets, np.array([False, True]), WEIGHTS, most, *orders)
    assert (windows.document == 1).all()
    pieces = [text[start:end] for start, end in windows.characters.tolist()]
    stored = [bytes(data[start:end]).decode() for start, end in windows.bytes.tolist()]
    assert all(piece in around for piece, around in zip(pieces, stored, strict=True))
    if pieces:
        slow = raw_scores(*vectors(*text_buffers(pieces), 12, *orders), WEIGHTS.astype(np.float32))
        np.testing.assert_allclose(windows.raw, slow, rtol=2e-3, atol=0.05)


def test_many_words_in_one_call_score_as_each_alone() -> None:
    generator = np.random.default_rng(1)
    texts = ["".join(chr(97 + letter) for letter in generator.integers(0, 26, 7)) for _ in range(40_000)]
    data, offsets = text_buffers(texts)
    together = score_windows(data, offsets, np.ones(len(texts), np.bool_), WEIGHTS, 40)
    assert together.document.tolist() == list(range(len(texts)))
    for place in generator.integers(0, len(texts), 50):
        alone = score_windows(*text_buffers([texts[place]]), np.ones(1, np.bool_), WEIGHTS, 40)
        np.testing.assert_array_equal(alone.raw[0], together.raw[place])


@given(
    st.lists(st.lists(st.floats(0, 1, width=32), max_size=60), max_size=5),
    st.floats(0, 0.99),
    st.sampled_from([0.5, 1.0]),
)
@settings(max_examples=100, deadline=None)
def test_windows_become_scores_as_they_are_defined(texts: list[list[float]], isolated: float, limit: float) -> None:
    document = np.repeat(np.arange(len(texts)), [len(text) for text in texts]).astype(np.int64)
    spans = np.column_stack([np.arange(len(document)), np.arange(len(document)) + 1]).astype(np.int64)
    values = np.full((len(document), len(LABELS)), np.nan, np.float32)
    values[:, 0] = values[:, LABELS.index("threat")] = [value for text in texts for value in text]
    values[:, LABELS.index("threat")] /= 2
    scores = reduce_windows(len(texts), document, spans, values, {"toxicity": limit, "threat": 0.2}, isolated)
    for number, text in enumerate(texts):
        own = spans[document == number]
        if not text:
            assert np.isnan(scores.labels[number]).all()
            assert np.isnan(scores.sustained[number]).all()
            assert scores.windows[number].tolist() == [-1, -1]
            continue
        assert scores.labels[number, 0] == np.float32(max(text))
        assert np.isnan(scores.labels[number, LABELS.index("politics")])
        assert text[own[:, 0].tolist().index(scores.windows[number, 0])] == max(text)
        reached = [value for value in text if sum(other >= value for other in text) > isolated * len(text)]
        assert scores.sustained[number, 0] == np.float32(max(reached))
        assert np.isnan(scores.sustained[number, RULED.index("identity_attack")])
    expected = [
        (int(place), "toxicity" if value > limit else "threat")
        for place, value in enumerate(values[:, 0])
        if value > limit or np.float32(value) / 2 > 0.2
    ]
    assert list(zip(*scores.passages.select(["start", "label"]).to_pydict().values(), strict=True)) == expected


@given(st.floats(0.3, 3), st.floats(-2, 2))
@settings(max_examples=20, deadline=None)
def test_calibration_recovers_the_curve_that_made_the_data(slope: float, offset: float) -> None:
    generator = np.random.default_rng(7)
    scores = generator.normal(0, 2, 20_000)
    targets = 1 / (1 + np.exp(-(slope * scores + offset)))
    found = platt(np.append(scores, 99.0), np.append(targets, np.nan), np.ones(20_001))
    np.testing.assert_allclose(found, (slope, offset), atol=0.01)


def test_a_model_file_holds_what_was_saved_and_equal_models_are_equal_bytes(tmp_path: Path) -> None:
    about = {"language": "en", "licence": "한글"}
    weights = np.zeros((1 << 8, COLUMNS), np.int8)
    weights[:, :2] = 5
    model = Model(("toxicity", "insult"), weights, np.array([1.0, 2.0]), np.array([0.0, -1.0]), about, 2, 3)
    model.save(tmp_path / "a.npz")
    model.save(tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    back = load(tmp_path / "a.npz")
    assert back.labels == model.labels
    assert back.about == about
    assert (back.shortest, back.syllables) == (2, 3)
    np.testing.assert_array_equal(back.weights, weights)
    np.testing.assert_allclose(back.logits(np.ones((1, COLUMNS), np.float32)), [[1.0, 1.0]])


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04 broken"])
def test_a_file_that_is_no_model_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(CorpuskitError, match=r"x\.npz: not a toxicity model"):
        load(tmp_path / "x.npz")
    with pytest.raises(CorpuskitError, match="absent"):
        load(tmp_path / "absent.npz")


def test_an_archive_with_objects_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", weights=np.array([{"a": 1}], object), format=np.int64(1), labels=np.array(["a"]))
    with pytest.raises(CorpuskitError, match="not a toxicity model"):
        load(tmp_path / "x.npz")


def test_the_files_that_ship_are_small_and_say_what_they_are() -> None:
    for name, labels, licence in (
        ("english.npz", ENGLISH, "Apache-2.0"),
        ("korean.npz", KOREAN, "Apache-2.0"),
        ("share-alike/korean.npz", KOREAN_SHARE_ALIKE, "CC-BY-SA-4.0"),
    ):
        assert (DATA / name).stat().st_size < 10_000_000
        model = load(DATA / name)
        assert model.labels == labels
        assert model.about["licence"] == licence
    assert "CC-BY-SA-4.0" in (DATA / "share-alike/LICENSE").read_text()
    assert shipped("ko").labels == KOREAN_SHARE_ALIKE


def test_language_decides_which_labels_there_are() -> None:
    texts = ["Good morning to you.", "좋은 아침입니다.", "Bonjour à tous.", "안녕 hello"]
    table = score(texts, ["en", "ko", "fr", None]).to_pylist()
    assert table[0]["insult"] is not None
    assert table[0]["politics"] is None
    assert table[1]["politics"] is not None
    assert table[1]["insult"] is None
    assert table[1]["threat"] is not None
    assert set(table[2].values()) == {None}
    assert table[3]["politics"] is not None
    assert score([], None).num_rows == 0
    with pytest.raises(UsageError, match="no toxicity model reads the language 'fr'"):
        score(texts, "fr")
    with pytest.raises(UsageError, match="4 texts and 1 languages"):
        score(texts, ["en"])


def test_every_passage_over_the_limit_is_told_in_order() -> None:
    calm = "The council talked about the budget for the new library until late in the evening. "
    text = calm * 3 + "Shut up, you fucking idiot. " + calm * 5 + "Fuck off, you stupid bitch. " + calm * 3
    found = assess([calm, text], limits={"toxicity": 0.8}).passages.to_pylist()
    assert [row["document"] for row in found] == [1] * len(found)
    joined = " ".join(text[row["start"] : row["end"]] for row in found)
    assert "idiot" in joined
    assert "bitch" in joined
    assert found == sorted(found, key=lambda row: row["start"])


def test_contrast_sentences_are_expanded_and_labelled() -> None:
    for name, labels in (("en", ENGLISH), ("ko", KOREAN_SHARE_ALIKE), ("ko-tone", KOREAN_SHARE_ALIKE)):
        found = read.contrast(name, labels)
        assert len(set(found.texts)) > 2000
        assert not any(bracket in text for text in found.texts for bracket in "{}[]|")
        assert 0.1 < found.targets[:, 0].mean() < 0.7
        assert (found.targets[:, 1:].max(axis=1) <= found.targets[:, 0]).all()


def test_data_that_is_not_there_is_named(tmp_path: Path) -> None:
    for reader in (read.davidson, lambda data: read.beep(data, KOREAN), lambda data: read.petitions(data, ["2019-04"])):
        with pytest.raises(UsageError, match="not there"):
            reader(tmp_path)


def held_over(texts: list[str], language: str) -> float:
    """The share of texts that the stage drops at its default limit."""
    return float((np.nan_to_num(assess(texts, language).sustained[:, 0]) > 0.8).mean())


def test_clean_korean_prose_stays(samples: Path) -> None:
    texts = read.petitions(samples, ("2019-06", "2019-07"))
    assert held_over(texts, "ko") < 0.005
    assert len(windows(texts[:5])) > 5


def test_clean_english_news_stays(samples: Path) -> None:
    lines = (samples / "duplicates/mccormick/articles_1000.train").read_text("utf-8").splitlines()
    texts = [line.partition(" ")[2] for line in lines]
    assert held_over(texts, "en") < 0.005
