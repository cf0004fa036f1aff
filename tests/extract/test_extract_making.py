"""Making the model: labels, pages of our own, training on a few of them, and trees that answer as LightGBM does."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from corpuskit.errors import CorpuskitError
from corpuskit.extract import forest, learned
from corpuskit.extract.blocks import blocks
from corpuskit.extract.making.labels import labels, word_f1
from corpuskit.extract.making.themes import made_pages, read_prose
from corpuskit.extract.making.train import made_examples, read_gold, train
from corpuskit.extract.parse import parse

DOCUMENTS = [
    [
        f"{place} 항구의 {number}번째 배가 아홉 시에 떠난다고 위원회가 밝혔다. 사람들은 배를 기다렸다."
        for number in range(12)
    ]
    for place in ("가온", "나래", "다솜", "라온")
]


def test_a_block_belongs_if_its_words_are_in_the_truth_in_their_order() -> None:
    page = [
        "Home",
        "Reply",
        "The ferry leaves at nine.",
        "Reply",
        "It was late again today.",
        "The ferry leaves at nine.",
    ]
    truth = "The ferry leaves at nine. Reply It was late again today."
    belongs, words = labels(page, truth)
    assert belongs.tolist() == [False, False, True, True, True, False]
    assert words.tolist() == [1, 1, 5, 1, 5, 5]


def test_word_f1_counts_words_as_often_as_they_come() -> None:
    assert word_f1("a b b", "a b") == pytest.approx(0.8)
    assert word_f1("", "") == 1
    assert word_f1("x", "") == 0


def test_pages_of_our_own_are_the_same_for_a_seed_and_hold_their_truth() -> None:
    pages = list(made_pages(DOCUMENTS, 40, 7))
    assert [page.html for page in pages] == [page.html for page in made_pages(DOCUMENTS, 40, 7)]
    assert len({page.theme for page in pages}) >= 6
    for page in pages:
        shown = "".join(blocks(parse(page.html.encode())).text().split())
        missing = [line for line in page.text.split("\n") if "".join(line.split()) not in shown]
        assert len(missing) <= 0.2 * len(page.text.split("\n")), (page.theme, missing)  # a table's row is two cells


def test_prose_is_read_without_code_and_markup(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(
        "---\ntitle: x\n---\n# 제목\n\n이 문단은 스무 글자보다 조금 더 긴 문단입니다.\n\n```\ncode\n```\n", "utf-8"
    )
    (tmp_path / "b.jsonl").write_text(json.dumps({"content": "이 문단은 스무 글자보다 조금 더 긴 문단입니다."}) + "\n")
    assert read_prose(sorted(tmp_path.iterdir())) == [["이 문단은 스무 글자보다 조금 더 긴 문단입니다."]] * 2


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("lightgbm")
    root = tmp_path_factory.mktemp("model")
    pages, gold = root / "pages", root / "gold.jsonl"
    pages.mkdir()
    with gold.open("w") as lines:
        for number, made in enumerate(made_pages(DOCUMENTS, 48, 3)):
            (pages / f"{number}.html").write_text(made.html, "utf-8")
            url = f"http://site{number}.example/"
            lines.write(json.dumps({"file": str(number), "url": url, "type": made.type, "text": made.text}) + "\n")
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setattr(
        "corpuskit.extract.making.train._TREES", {"page_type": 4, "first": 12, "second": 12, "quality": 12}
    )
    examples = read_gold(pages, gold)
    assert len(examples) == 48
    scores = train([*examples, *made_examples([], examples, 8)], root / "model.npz", lambda line: None)
    monkeypatch.undo()
    assert scores["chosen"]["all"] > 0.6
    return root / "model.npz"


def test_a_model_is_trained_and_read_back(trained: Path) -> None:
    model = learned.load(trained)
    chosen, everything = 0.0, 0.0
    for made in made_pages(DOCUMENTS, 20, 99):
        page = blocks(parse(made.html.encode()))
        choice = learned.choose(page, model=model)
        assert choice.page_type in learned.TYPES
        chosen += word_f1(choice.text, made.text)
        everything += word_f1(page.text(), made.text)
    assert chosen > everything


def test_a_model_that_is_cut_off_says_so(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.npz").write_bytes(trained.read_bytes()[:-200])
    for path in (tmp_path / "cut.npz", tmp_path / "none.npz"):
        with pytest.raises(CorpuskitError, match="no extraction model that can be read"):
            learned.load(path)


def test_trees_answer_as_lightgbm_does() -> None:
    lightgbm = pytest.importorskip("lightgbm")
    chosen = np.random.default_rng(3)
    rows = chosen.integers(-5, 6, (600, 8)).astype(np.float32) + chosen.random((600, 8), np.float32).round(1)
    truth = (rows[:, 0] + rows[:, 1] * rows[:, 2] > 1).astype(float) + (rows[:, 3] > 2)
    settings = {"objective": "multiclass", "num_class": 3, "verbose": -1, "num_threads": 1, "min_data_in_leaf": 3}
    booster = lightgbm.train(settings, lightgbm.Dataset(rows, truth), 20)
    ours = forest.softmax(forest.from_lightgbm(booster).scores(rows))
    assert np.abs(ours - booster.predict(rows)).max() < 1e-5


def test_the_model_that_ships_is_small() -> None:
    assert learned.MODEL.stat().st_size < 3_000_000
    learned.shipped()
