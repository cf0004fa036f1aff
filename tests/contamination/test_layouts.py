"""Benchmarks in the layouts that their publishers use, counted to the item; what is no secret is not looked for."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
from pathlib import Path
from typing import Any

import pytest

from corpuskit.contamination import check, load, prepare
from corpuskit.contamination.stage import Contamination
from corpuskit.document import documents
from corpuskit.engine.stage import CHANGES
from corpuskit.errors import UsageError

QUESTION = "If a lighthouse keeper climbs {n} steps each evening and rests after every eleventh, how often in week {n}?"
ANSWER = "She rests {n} times on each of the seven evenings, which makes a good many rests in the whole week."


def q(number: int) -> str:
    return QUESTION.format(n=f"ninety{number}")


def a(number: int) -> str:
    return ANSWER.format(n=f"eight{number}")


RANGE = range(4)
LAYOUTS: dict[str, Any] = {
    "gsm8k.jsonl": [{"question": q(n), "answer": a(n) + f" <<{n}+1={n + 1}>>#### 5"} for n in RANGE],
    "bigbench.json": {
        "canary": "made up",
        "name": "lighthouse",
        "description": "short puzzles about a lighthouse and its keeper, made by hand for this test",
        "keywords": ["arithmetic", "reading"],
        "examples": [{"input": q(n), "target_scores": {a(n): 1, "no": 0}} for n in RANGE],
    },
    "squad.json": {
        "version": "1.1",
        "tags": [],
        "data": [
            {
                "title": "Lighthouse",
                "paragraphs": [
                    {
                        "context": "A passage that was public before, of many words that anybody may have read. " * 3,
                        "qas": [{"id": f"s{n}", "question": q(n), "answers": [{"text": a(n), "answer_start": 1}]}],
                    }
                    for n in RANGE
                ],
            }
        ],
    },
    "humaneval.jsonl": [
        {"task_id": f"T/{n}", "prompt": q(n), "canonical_solution": a(n), "test": "assert the(keeper) == rests " * 4}
        for n in RANGE
    ],
    "mbpp.jsonl": [
        {"task_id": n, "text": q(n), "code": a(n), "test_list": ["assert a long test is not one " * 3]} for n in RANGE
    ],
    "arc.jsonl": [
        {"id": f"a{n}", "question": {"stem": q(n), "choices": [{"text": a(n), "label": "A"}]}, "answerKey": "A"}
        for n in RANGE
    ],
    "hellaswag.jsonl": [{"ctx": q(n), "endings": [a(n), "short"], "label": 1, "activity_label": "x"} for n in RANGE],
    "math.jsonl": [{"problem": q(n), "level": "Level 5", "solution": a(n)} for n in RANGE],
    "mmlu_pro.json": [{"question_id": n, "question": q(n), "options": [a(n), "b"], "category": "x"} for n in RANGE],
    "truthful.jsonl": [{"question": q(n), "best_answer": a(n), "incorrect_answers": ["never"]} for n in RANGE],
    "gpqa.jsonl": [{"Question": q(n), "Correct Answer": a(n), "Incorrect Answer 1": "no"} for n in RANGE],
    "nli.json": [{"guid": f"n{n}", "premise": q(n), "hypothesis": a(n), "gold_label": "neutral"} for n in RANGE],
    "lm_eval.jsonl": [
        {"doc_id": n, "doc": {"question": q(n)}, "target": a(n), "resps": [["x"]], "arguments": [["a prompt " * 9]]}
        for n in RANGE
    ],
    "chat.jsonl": [
        {
            "messages": [
                {"role": "system", "content": "You are a careful keeper of the lighthouse who answers in a sentence."},
                {"role": "user", "content": q(n)},
                {"role": "assistant", "content": a(n)},
            ]
        }
        for n in RANGE
    ],
    "alpaca.json": [
        {"instruction": "Answer the question below in one sentence.", "input": q(n), "output": a(n)} for n in RANGE
    ],
}


def write(folder: Path, name: str, content: Any) -> Path:
    path = folder / name
    lines = content if name.endswith(".jsonl") else [content]
    path.write_text("\n".join(json.dumps(line) for line in lines))
    return path


@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts_are_counted_to_the_item(name: str, tmp_path: Path) -> None:
    prepared = prepare([write(tmp_path, name, LAYOUTS[name])])
    (row,) = prepared.items().to_pylist()
    assert (row["items"], row["searched_items"]) == (4, 4)
    questions = {part.text for part in prepared.parts if part.role == "question"}
    answers = {part.text for part in prepared.parts if part.role == "answer"}
    assert {q(n) for n in RANGE} <= questions
    everything = questions | answers
    assert {a(n) for n in RANGE} <= {text.split(" <<")[0].split("####")[0].strip() for text in everything}
    assert not any("public before" in text or "assert" in text or "puzzles" in text for text in everything)
    (found,) = check([f"We like this riddle. {q(2)} It is old."], prepared).to_pylist()
    assert (found["overlap"], found["benchmark"]) == (1.0, name)


@pytest.mark.parametrize("header", ["", "question,A,B,C,D,answer\n"])
def test_a_table_with_and_without_a_header(header: str, tmp_path: Path) -> None:
    rows = "".join(f'"{q(n)}","{a(n)}",b,c,d,A\n' for n in RANGE)
    (tmp_path / "mmlu.csv").write_text(header + rows)
    prepared = prepare([tmp_path / "mmlu.csv"])
    assert prepared.items().to_pylist()[0]["items"] == 4
    assert [part.field for part in prepared.parts if part.text == q(0)] == ["question"]


@pytest.mark.parametrize(("ending", "compress"), [("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress)])
def test_compressed_files(ending: str, compress: Any, tmp_path: Path) -> None:
    plain = write(tmp_path, "gsm8k.jsonl", LAYOUTS["gsm8k.jsonl"])
    packed = tmp_path / f"packed.jsonl.{ending}"
    packed.write_bytes(compress(plain.read_bytes()))
    assert [part[1:] for part in load([packed])] == [part[1:] for part in load([plain])]


def test_metadata_and_what_many_items_share_are_no_secrets(tmp_path: Path) -> None:
    licence = "Creative Commons Attribution-ShareAlike 4.0 International License"
    instruction = "Choose the best answer from the options that are given below."
    rows = [{"question": q(n), "license": licence, "instruction": instruction, "answer": str(n)} for n in range(40)]
    prepared = prepare([write(tmp_path, "items.jsonl", rows)])
    assert [
        row["overlap"] for row in check([f"Text is under the {licence}.", f"So: {instruction}"], prepared).to_pylist()
    ] == [0, 0]
    (row,) = prepared.items().to_pylist()
    assert (row["shared"], row["metadata"], row["searched_items"]) == (40, "license", 40)


def test_what_only_counts_is_no_secret_and_a_file_of_nothing_else_fails(tmp_path: Path) -> None:
    rows = [{"question": "1, 2, 3, 4, 5, 6, 7, 8, 9, 10"}, {"question": "January February March April May June July"}]
    path = write(tmp_path, "counting.jsonl", rows)
    assert check(["1 2 3 4 5 6 7 8 9 10 11 12"], [path]).to_pylist()[0]["overlap"] == 0
    stage = Contamination(benchmarks=(str(path),))
    with pytest.raises(UsageError, match=r"nothing of counting\.jsonl can be looked for: of its 2 items"):
        stage.measure(documents([{"id": "a", "text": "x"}]))


def test_files_of_one_name_are_told_apart(tmp_path: Path) -> None:
    for folder, number in (("one", 1), ("two", 2)):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder, "test.jsonl", [{"question": q(number)}])
    prepared = prepare([tmp_path / "one/test.jsonl", tmp_path / "two/test.jsonl"])
    assert check([q(2)], prepared).to_pylist()[0]["benchmark"] == "two/test.jsonl"


def test_an_unknown_layout_shows_its_keys_and_takes_fields(tmp_path: Path) -> None:
    path = write(tmp_path, "own.jsonl", [{"zadanie": q(n), "rozwiazanie": {"tekst": a(n)}} for n in RANGE])
    with pytest.raises(UsageError, match="zadanie, rozwiazanie"):
        prepare([path])
    prepared = prepare([path], fields={"zadanie": "question", "rozwiazanie": "answer"})
    assert {part.role for part in prepared.parts} == {"question", "answer"}
    with pytest.raises(UsageError, match=r"layout of .* is not known; its keys are one, two"):
        prepare([write(tmp_path, "odd.json", {"one": [{"x": 1}], "two": [{"y": 2}]})])


@pytest.mark.parametrize("action", ["drop", "cut", "tag"])
def test_a_document_is_dropped_cut_or_tagged(action: Any, tmp_path: Path) -> None:
    path = write(tmp_path, "gsm8k.jsonl", LAYOUTS["gsm8k.jsonl"])
    stage = Contamination(benchmarks=(str(path),), action=action)
    text = f"We like this riddle. {q(1)} It is old, and nobody remembers who asked it first."
    batch = stage.measure(documents([{"id": "a", "text": text}, {"id": "b", "text": "Nothing of it."}, {"id": "c"}]))
    assert [rule.breaks(batch).to_pylist() for rule in stage.rules()] == (
        [[True, False, False]] if action == "drop" else []
    )
    assert batch.column("contamination")[0].as_py()["overlap"] == 1
    if action != "cut":
        assert batch.column("text")[0].as_py() == text
        return
    assert batch.column("text").to_pylist() == [text.replace(q(1).rstrip("?"), ""), "Nothing of it.", None]
    assert [len(row) for row in batch.column(CHANGES).to_pylist()] == [1, 0, 0]
