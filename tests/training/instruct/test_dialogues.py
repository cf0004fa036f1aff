"""Conversations and preferences of every common layout are read; a mistake is reported with its place."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpuskit.errors import UsageError
from corpuskit.training.instruct import Message, Reader, read_demonstrations, read_preferences, read_prompts
from corpuskit.training.instruct.dialogues import read_texts


def lines(folder: Path, *records: Any) -> Path:
    file = folder / "data.jsonl"
    file.write_text(
        "".join((one if isinstance(one, str) else json.dumps(one, ensure_ascii=False)) + "\n" for one in records),
        encoding="utf-8",
    )
    return file


def test_a_pair_and_a_conversation_are_demonstrations(tmp_path: Path) -> None:
    turns = [
        {"role": "system", "content": "짧게 답하세요."},
        {"role": "user", "content": "안녕하세요?"},
        {"role": "assistant", "content": "네."},
    ]
    pair, conversation = read_demonstrations(
        lines(tmp_path, {"prompt": "Hi?", "answer": "Yes.", "task": "talk"}, "", {"messages": turns})
    )
    assert pair.prompt == (Message("user", "Hi?"),)
    assert (pair.answer, pair.about) == ("Yes.", {"task": "talk"})
    assert [turn.role for turn in conversation.messages] == ["system", "user", "assistant"]
    assert conversation.answer == "네."


def test_prompts_come_from_any_kind_of_record_and_once_each(tmp_path: Path) -> None:
    file = lines(
        tmp_path,
        {"prompt": "a", "answer": "b"},
        {"prompt": "a", "chosen": "b", "rejected": "c"},
        {"prompt": [{"role": "user", "content": "d"}]},
    )
    assert [one[-1].content for one in read_prompts(file)] == ["a", "d"]


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ("{", "line 2: not JSON"),
        ("[1]", "line 2: expected an object"),
        ({"prompt": "a"}, "line 2: field 'answer' is missing; found 'prompt'"),
        ({"prompt": "a", "answer": " "}, "line 2, field 'answer': is empty"),
        ({"prompt": "a", "answer": 7}, "line 2, field 'answer': expected text, found int"),
        ({"messages": []}, "line 2, field 'messages': expected a list"),
        ({"messages": [{"role": "asistant", "content": "a"}]}, "messages'[0].role: no role 'asistant'; did you mean"),
        ({"messages": [{"role": "user", "content": "a"}]}, "ends with no assistant turn"),
    ],
)
def test_what_is_no_demonstration_is_named_with_its_line_and_field(tmp_path: Path, record: Any, said: str) -> None:
    file = lines(tmp_path, {"prompt": "a", "answer": "b"}, record)
    with pytest.raises(UsageError) as raised:
        read_demonstrations(file)
    assert said in str(raised.value)
    assert str(file) in str(raised.value)


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({"prompt": "a", "chosen": "b", "rejected": "b"}, "'chosen' and 'rejected' are equal"),
        ({"prompt": "a", "chosen": "b"}, "field 'rejected' is missing"),
        ({"prompt": "a", "chosen": "", "rejected": "b"}, "field 'chosen': is empty"),
        ({"prompt": {}, "chosen": "a", "rejected": "b"}, "field 'prompt': expected text, found dict"),
    ],
)
def test_what_is_no_preference_is_named(tmp_path: Path, record: Any, said: str) -> None:
    with pytest.raises(UsageError, match="line 1"):
        read_preferences(lines(tmp_path, record))
    with pytest.raises(UsageError) as raised:
        read_preferences(lines(tmp_path, record))
    assert said in str(raised.value)


def test_files_that_hold_nothing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is empty"):
        read_demonstrations(lines(tmp_path))
    with pytest.raises(UsageError, match="no file at"):
        read_demonstrations(tmp_path / "absent.jsonl")
    (tmp_path / "latin.jsonl").write_bytes('{"prompt": "caf\xe9"}'.encode("latin-1"))
    with pytest.raises(UsageError, match="line 1: not UTF-8"):
        read_demonstrations(tmp_path / "latin.jsonl")


ASKED = {"role": "user", "content": "Name a colour."}
BLUE = {"role": "assistant", "content": "Blue."}
LAYOUTS: list[dict[str, Any]] = [
    {"messages": [ASKED, BLUE]},
    {"messages": json.dumps([ASKED, BLUE])},
    {"messages": [{"role": "system", "content": ""}, ASKED, BLUE]},
    {"messages": [{"role": "user", "content": [{"type": "text", "text": "Name a colour."}]}, BLUE]},
    {"conversations": [{"from": "human", "value": "Name a colour."}, {"from": "gpt", "value": "Blue."}]},
    {"prompt": "Name a colour.", "answer": "Blue."},
    {"prompt": "Name a colour.", "completion": "Blue."},
    {"prompt": [ASKED], "completion": [BLUE]},
    {"prompt": "Name a colour.", "response": "Blue."},
    {"question": "Name a colour.", "output": "Blue."},
    {"instruction": "Name a colour.", "input": "", "output": "Blue."},
    {"instruction": "Name a colour.", "output": "Blue.", "url": "https://example.org/q/1"},
    {"type": "text", "prompt": "Name a colour.", "answer": "Blue."},
]


@pytest.mark.parametrize("record", LAYOUTS)
def test_every_layout_is_one_conversation(record: dict[str, Any], tmp_path: Path) -> None:
    (found,) = read_demonstrations(lines(tmp_path, record))
    assert found.messages == (Message("user", "Name a colour."), Message("assistant", "Blue."))


def test_alpaca_inputs_systems_histories_and_tools_are_kept(tmp_path: Path) -> None:
    calls = [{"type": "function", "function": {"name": "weather", "arguments": "{}"}}]
    alpaca, history, tools = read_demonstrations(
        lines(
            tmp_path,
            {"instruction": "Translate.", "input": "boat", "output": "배", "system": "Be brief."},
            {"instruction": "And now?", "output": "Six.", "history": [["Three and two?", "Five."]]},
            {
                "messages": [
                    {"role": "user", "content": "Weather?"},
                    {"role": "assistant", "content": None, "tool_calls": calls},
                    {"role": "tool", "content": "sunny"},
                    {"role": "assistant", "content": "Sunny."},
                ]
            },
        )
    )
    assert [turn.content for turn in alpaca.messages] == ["Be brief.", "Translate.\n\nboat", "배"]
    assert [turn.content for turn in history.messages] == ["Three and two?", "Five.", "And now?", "Six."]
    assert [turn.role for turn in tools.messages] == ["user", "assistant", "tool", "assistant"]
    assert tools.messages[1].as_dict()["tool_calls"] == calls


PREFERENCES: list[dict[str, Any]] = [
    {"prompt": "Name a colour.", "chosen": "Blue.", "rejected": "Four."},
    {"prompt": [ASKED], "chosen": [BLUE], "rejected": [BLUE | {"content": "Four."}]},
    {"chosen": [ASKED, BLUE], "rejected": [ASKED, BLUE | {"content": "Four."}]},
    {"prompt": "Name a colour.", "chosen": [ASKED, BLUE], "rejected": [ASKED, BLUE | {"content": "Four."}]},
    {
        "chosen": "\n\nHuman: Name a colour.\n\nAssistant: Blue.",
        "rejected": "\n\nHuman: Name a colour.\n\nAssistant: Four.",
    },
]


@pytest.mark.parametrize("record", PREFERENCES)
def test_every_layout_is_one_preference(record: dict[str, Any], tmp_path: Path) -> None:
    (found,) = read_preferences(lines(tmp_path, record))
    assert (found.prompt, found.chosen, found.rejected) == ((Message("user", "Name a colour."),), "Blue.", "Four.")


def test_files_of_every_kind_hold_the_same_records(tmp_path: Path) -> None:
    records = [{"prompt": f"number {n}?\u2028", "answer": f'"{n}",\nand more'} for n in range(3)]
    (tmp_path / "a.json").write_text(json.dumps(records, indent=1), encoding="utf-8-sig")
    (tmp_path / "b.json").write_text(json.dumps({"data": records}, indent=1), encoding="utf-8")
    (tmp_path / "c.jsonl").write_text("\ufeff" + "\n".join(map(json.dumps, records)), encoding="utf-8")
    with gzip.open(tmp_path / "d.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write("\n".join(map(json.dumps, records)))
    with (tmp_path / "e.csv").open("w", newline="", encoding="utf-8-sig") as table:
        writer = csv.DictWriter(table, ["prompt", "answer"])
        writer.writeheader()
        writer.writerows(records)
    pq.write_table(pa.Table.from_pylist(records), tmp_path / "f.parquet")
    expected = [(record["prompt"], record["answer"]) for record in records]
    for file_ in sorted(tmp_path.iterdir()):
        found = [(one.prompt[0].content, one.answer) for one in read_demonstrations(file_)]
        assert found == expected, file_.name


def test_a_data_set_by_its_name_is_read_row_by_row(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text(json.dumps({"question": "a", "response": "b"}) + "\n")
    (found,) = read_demonstrations(f"hub:{tmp_path}:train")
    assert found.answer == "b"
    with pytest.raises(UsageError, match=r"hub:.*cannot be read"):
        read_demonstrations(f"hub:{tmp_path}:absent")


def test_fields_can_be_named(tmp_path: Path) -> None:
    file = lines(tmp_path, {"q": "a", "a": "b", "topic": "x"})
    with pytest.raises(UsageError, match=r"found 'q', 'a', 'topic'; to say which field is which, give fields"):
        read_demonstrations(file)
    (found,) = read_demonstrations(file, Reader({"prompt": "q", "answer": "a"}))
    assert (found.prompt[0].content, found.answer, found.about) == ("a", "b", {"topic": "x"})
    with pytest.raises(UsageError, match="field 'question' is missing"):
        read_demonstrations(file, Reader({"prompt": "question", "answer": "a"}))


def test_a_few_bad_records_are_left_out_and_listed(tmp_path: Path) -> None:
    records: list[Any] = [{"prompt": f"q{n}", "answer": f"a{n}"} for n in range(40)]
    records[7], records[20] = {"prompt": "q7", "answer": ""}, "{cut"
    file, reader = lines(tmp_path, *records), Reader()
    assert len(read_demonstrations(file, reader)) == 38
    reader.write_ledger(tmp_path)
    listed = [json.loads(line) for line in (tmp_path / "bad_records.jsonl").read_text().splitlines()]
    assert [bad["where"] for bad in listed] == [f"{file}, line 8", f"{file}, line 21"]
    assert "field 'answer': is empty" in listed[0]["reason"]
    assert json.loads(listed[0]["record"]) == records[7]
    with pytest.raises(UsageError, match="line 8, field 'answer': is empty"):
        read_demonstrations(file, Reader(bad_records="fail"))


def test_a_file_of_another_layout_is_an_error_not_many_bad_records(tmp_path: Path) -> None:
    records = [{"prompt": "q", "answer": "a"}] * 17 + [{"title": "no conversation"}] * 3
    with pytest.raises(UsageError, match=r"line 18: field 'answer' is missing.*3 of 20 records cannot be read"):
        read_demonstrations(lines(tmp_path, *records))


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (
            {"messages": [ASKED, {"role": "assistant", "content": [{"type": "image_url"}]}]},
            "a part of type 'image_url'",
        ),
        ({"messages": [BLUE, ASKED]}, "ends with no assistant turn"),
        ({"messages": [ASKED, {"role": "assistant"}]}, "field 'content' is missing; found 'role'"),
        ({"prompt": "a", "completion": 5}, "field 'completion': expected text, found int"),
    ],
)
def test_what_only_looks_like_a_conversation_is_named(record: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as raised:
        read_demonstrations(lines(tmp_path, record))
    assert said in str(raised.value)


def test_texts_are_texts_or_conversations(tmp_path: Path) -> None:
    file = lines(tmp_path, {"text": "one\u2028two"}, {"type": "text", "prompt": "a", "answer": "b"})
    assert read_texts(file) == ["one\u2028two", "a\nb"]
