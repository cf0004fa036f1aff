"""Demonstrations and preferences are read as they stand, and what is wrong with them is said with its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from corpuskit.errors import UsageError
from corpuskit.training.instruct import Message, read_demonstrations, read_preferences, read_prompts


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
