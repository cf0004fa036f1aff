"""Benchmark items planted in texts are found, word for word or edited; clean prose is left alone."""

from __future__ import annotations

import csv
import json
import random
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit.contamination import Benchmarks, check, load, prepare
from corpuskit.contamination.stage import Contamination
from corpuskit.contamination.units import split_units
from corpuskit.document import documents
from corpuskit.errors import CorpuskitError, UsageError
from corpuskit.kernels.unicode import code_points

QUESTION = (
    "A farmer plants 14 rows of lettuce with 9 heads in each row. Rabbits eat a third of them, and she sells the rest "
    "for $2 a head at the market on Saturday. How much money does the farmer make?"
)
ANSWER = "She plants 14 * 9 = <<14*9=126>>126 heads. Two thirds, or 84, are left, so she makes 84 * 2 = $168 there."
KOREAN = "숙소 주인이 공항까지 마중을 나와 주셔서 늦은 밤인데도 편하게 도착할 수 있었습니다."
CLEAN = "The council met on Tuesday to discuss the new road, and nobody in the room could agree on the cost of it. "


@pytest.fixture
def benchmark(tmp_path: Path) -> Path:
    path = tmp_path / "sums.jsonl"
    path.write_text(
        json.dumps({"question": QUESTION, "answer": ANSWER}) + "\n" + json.dumps({"question": KOREAN, "label": "yes"})
    )
    return path


def test_a_planted_question_is_found_with_its_place(benchmark: Path) -> None:
    text = f"{CLEAN}{QUESTION} {CLEAN}"
    (found,) = check([text], [benchmark]).to_pylist()
    assert found["overlap"] == found["question_overlap"] == 1.0
    assert found["answer_overlap"] == 0.0
    assert (found["benchmark"], found["item"], found["part"]) == ("sums.jsonl", "0", "question")
    assert text[found["start"] : found["end"]] == QUESTION.rstrip("?")
    assert found["passage"] == QUESTION[:200].rstrip("?")


def test_questions_and_answers_are_told_apart(benchmark: Path) -> None:
    with_notes, without, both = check(
        [ANSWER, ANSWER.replace("<<14*9=126>>", ""), f"{QUESTION}\n{ANSWER}"], [benchmark]
    ).to_pylist()
    for found in (with_notes, without):
        assert found["answer_overlap"] == 1.0
        assert found["question_overlap"] == 0.0
        assert found["part"] == "answer"
    assert both["question_overlap"] == both["answer_overlap"] == 1.0
    assert both["items"] == 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("lettuce", "cabbage"),
        ("14 rows", "fourteen long rows"),
        ("Rabbits eat a third of them, and", "Rabbits eat a third and"),
        (" of lettuce with 9 heads", " of lettuce, with 9 HEADS"),
        ("farmer", "gardener"),
    ],
)
def test_an_edited_question_is_found(benchmark: Path, old: str, new: str) -> None:
    edited = QUESTION.replace(old, new)
    assert edited != QUESTION
    (found,) = check([CLEAN + edited + CLEAN], [benchmark]).to_pylist()
    assert found["overlap"] > 0.7


@pytest.mark.parametrize(
    ("old", "new"), [("주인이", "주인께서"), ("마중을 나와", "마중 나와"), (" ", ""), ("밤인데도", "밤인데도,")]
)
def test_korean_is_found_whatever_its_particles_and_spaces(benchmark: Path, old: str, new: str) -> None:
    (found,) = check(["어제 일이 있었다. " + KOREAN.replace(old, new) + " 그래서 좋았다."], [benchmark]).to_pylist()
    assert found["overlap"] > 0.7
    assert found["passage"].endswith("있었습니다")


def test_clean_text_and_a_common_phrase_are_no_hit(benchmark: Path) -> None:
    texts = [CLEAN * 20, "How much money does the farmer make?", "늦은 밤인데도 사람이 많았다.", "", None]
    rows = check(texts, [benchmark]).to_pylist()
    assert [row and row["overlap"] for row in rows] == [0.0, 0.0, 0.0, 0.0, None]
    assert rows[0]["benchmark"] is None


def test_parts_shorter_than_a_match_must_occur_whole(tmp_path: Path) -> None:
    path = tmp_path / "short.txt"
    path.write_text("Which river runs through the city of Seoul?\nyes\n")
    prepared = prepare([path])
    assert prepared.too_short == 1
    whole, most = check(
        ["Ask which river runs through the city of Seoul.", "Which river runs through the city of Busan?"], prepared
    ).to_pylist()
    assert whole["overlap"] == 1.0
    assert most["overlap"] == 0.0


def test_a_form_that_all_items_share_is_no_evidence(tmp_path: Path) -> None:
    path = tmp_path / "form.txt"
    form = "Read the passage below and choose the right answer from the four that are given after it"
    path.write_text("\n".join(f"{form}: item{i} w{i}a w{i}b w{i}c w{i}d w{i}e w{i}f w{i}g" for i in range(100)))
    (found,) = check([form], [path]).to_pylist()
    assert found["overlap"] == 0.0


def test_every_format_gives_the_same_parts(tmp_path: Path) -> None:
    rows = [{"question": QUESTION, "answer": ANSWER}, {"question": KOREAN, "answer": ""}]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "a.json").write_text(json.dumps({"version": 1, "data": rows}))
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    for suffix, delimiter in (("csv", ","), ("tsv", "\t")):
        with (tmp_path / f"a.{suffix}").open("w", newline="") as stream:
            writer = csv.DictWriter(stream, ["question", "answer"], delimiter=delimiter)
            writer.writeheader()
            writer.writerows(rows)
    texts = [[part[1:] for part in load([tmp_path / f"a.{s}"])] for s in ("jsonl", "json", "parquet", "csv", "tsv")]
    assert all(parts == texts[0] for parts in texts)
    assert len(texts[0]) == 4  # two questions, an answer, and that without its notes


def test_nested_texts_are_parts(tmp_path: Path) -> None:
    path = tmp_path / "nested.json"
    path.write_text(json.dumps([{"id": "q7", "choices": [{"text": QUESTION}], "solution": {"steps": [ANSWER]}}]))
    parts = load([path])
    assert ("q7", "choices.0.text", "question") in [part[1:4] for part in parts]
    assert ("q7", "solution.steps.0", "answer") in [part[1:4] for part in parts]


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"absent\.jsonl"):
        prepare([tmp_path / "absent.jsonl"])
    (tmp_path / "a.xyz").write_text("")
    with pytest.raises(UsageError, match=r"\.jsonl, \.json"):
        prepare([tmp_path / "a.xyz"])
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(CorpuskitError, match=r"bad\.json"):
        prepare([tmp_path / "bad.json"])
    (tmp_path / "empty.jsonl").write_text("")
    with pytest.raises(UsageError, match="holds no item"):
        prepare([tmp_path / "empty.jsonl"])


def test_the_stage_drops_with_the_item_as_evidence(benchmark: Path) -> None:
    stage = Contamination(benchmarks=(str(benchmark),))
    batch = stage.measure(documents([{"id": "a", "text": CLEAN + QUESTION}, {"id": "b", "text": CLEAN}, {"id": "c"}]))
    (rule,) = stage.rules()
    assert rule.name == "contamination.overlap"
    assert rule.breaks(batch).to_pylist() == [True, False, False]
    assert stage.inputs() == [benchmark]


# --- the compiled loops against slow ones ---


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="aB1é-' \n한국漢カㅋ.", max_size=50))
def test_units_are_single_characters_or_runs_of_letters(text: str) -> None:
    expected, inside = [], False
    for character in text:
        if character in "한국漢カㅋ":
            expected.append(character)
            inside = False
        elif character.isalnum():
            if inside:
                expected[-1] += character
            else:
                expected.append(character)
            inside = True
        else:
            inside = False
    data = np.frombuffer(text.encode() or b" ", np.uint8)
    room = len(data) // 2 + 2
    hashes, starts, ends = np.empty(room, np.uint64), np.empty(room, np.uint32), np.empty(room, np.uint32)
    count, single = split_units(data, 0, len(text.encode()), code_points(), hashes, starts, ends)
    assert [data[starts[i] : ends[i]].tobytes().decode() for i in range(count)] == expected
    assert single == sum(unit in "한국漢カㅋ" for unit in expected)
    same = {unit.lower(): int(value) for unit, value in zip(expected, hashes[:count], strict=True)}
    assert len(set(same.values())) == len(same)
    assert all(same[unit.lower()] == int(value) for unit, value in zip(expected, hashes[:count], strict=True))


@pytest.fixture(scope="module")
def letters(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], Benchmarks]:
    generator = random.Random(5)
    items = [" ".join(generator.choices("abcdefghijklmnopqrst", k=generator.randint(6, 40))) for _ in range(30)]
    path = tmp_path_factory.mktemp("letters") / "letters.txt"
    path.write_text("\n".join(items))
    return items, prepare([path])


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_an_item_is_found_in_any_text(letters: tuple[list[str], Benchmarks], data: st.DataObject) -> None:
    items, prepared = letters
    item = data.draw(st.sampled_from(items))
    before = data.draw(st.lists(st.sampled_from("abcxyz"), max_size=30))
    after = data.draw(st.lists(st.sampled_from("abcxyz"), max_size=30))
    (found,) = check([" ".join([*before, item, *after])], prepared).to_pylist()
    assert found["overlap"] == 1.0


@pytest.mark.parametrize("unit", ["word ", "한", "a b c d e f g ", "the farmer make "])
def test_cost_grows_with_the_length_alone(benchmark: Path, unit: str, tmp_path: Path) -> None:
    repeated = tmp_path / "repeated.txt"
    repeated.write_text("\n".join(unit * size for size in range(20, 60)))
    prepared = prepare([benchmark, repeated])

    def seconds(size: int) -> float:
        text = pa.array([unit * (size // len(unit.encode()))], pa.large_string())
        start = time.process_time()
        check(text, prepared)
        return time.process_time() - start

    seconds(1000)
    assert seconds(4_000_000) < 12 * seconds(500_000) + 0.3


# --- whole benchmarks in whole corpora ---


@pytest.fixture(scope="module")
def real(samples: Path) -> Benchmarks:
    klue = sorted((samples / "contamination/klue").rglob("*.json"))
    return prepare([samples / "contamination/gsm8k/test.jsonl", *klue])


def test_gsm8k_is_found_word_for_word_and_edited(samples: Path, real: Benchmarks) -> None:
    articles = (samples / "duplicates/mccormick/articles_1000.train").read_text().splitlines()
    rows = [json.loads(line) for line in (samples / "contamination/gsm8k/test.jsonl").read_text().splitlines()]
    generator = random.Random(3)

    def edited(text: str) -> str:
        words = text.split()
        for _ in range(2):
            words[generator.randrange(len(words))] = "changed"
        return " ".join(words)

    def share(texts: list[str], field: str) -> float:
        found = check([f"{articles[i % len(articles)]} {text}" for i, text in enumerate(texts)], real).field(field)
        return float(np.mean(found.to_numpy(zero_copy_only=False) > 0.2))

    assert share([row["question"] for row in rows], "question_overlap") == 1.0
    assert share([row["answer"] for row in rows], "answer_overlap") >= 0.999
    assert share([edited(row["question"]) for row in rows], "question_overlap") >= 0.99


def test_klue_is_found_word_for_word_and_with_another_particle(samples: Path, real: Benchmarks) -> None:
    month = (samples / "duplicates/petitions/petitions_2019-04").read_text().splitlines()
    petitions = [json.loads(line)["content"] for line in month]
    files = sorted((samples / "contamination/klue").rglob("*.json"))
    items = [item.get("premise") or item["sentence1"] for file in files for item in json.loads(file.read_text())]
    generator = random.Random(3)

    def edited(text: str) -> str:
        words = text.split()
        place = generator.randrange(len(words))
        words[place] = words[place][:-1] + ("는" if not words[place].endswith("는") else "가")
        return " ".join(words)

    def share(texts: list[str]) -> float:
        found = check([f"{petitions[i % len(petitions)]} {text}" for i, text in enumerate(texts)], real)
        return float(np.mean(found.field("overlap").to_numpy(zero_copy_only=False) > 0.2))

    assert share(items) >= 0.995
    assert share([edited(item) for item in items]) >= 0.95


def test_clean_prose_has_no_hit(samples: Path, real: Benchmarks) -> None:
    articles = (samples / "duplicates/mccormick/articles_1000.train").read_text().splitlines()
    months = sorted((samples / "duplicates/petitions").iterdir())
    petitions = [json.loads(line)["content"] for month in months for line in month.read_text().splitlines()]
    prose = [path.read_text() for path in sorted((samples / "prose").rglob("*.md"))]
    for texts in (articles, petitions, prose):
        assert not np.any(check(texts, real).field("overlap").to_numpy() > 0)
