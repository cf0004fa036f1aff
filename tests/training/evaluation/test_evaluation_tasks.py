"""Tasks are read with errors that say where; prompts hold description, examples and input in that order."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpuskit.errors import UsageError
from corpuskit.training.evaluation import Template, exact_match, load_tasks, make_task, normalise
from corpuskit.training.evaluation.prompts import choose_examples

YAML = """\
- name: capitals
  language: en
  description: Name the capital.
  input: "Country: {country}\\nCapital:"
  items:
    - {country: Korea, choices: [Seoul, Busan], answer: Seoul}
    - {country: France, choices: [Lyon, Paris], answer: 1}
    - {country: Italy, choices: [Rome, Milan], answer: Rome}
- name: sums
  kind: generation
  input: "{a} + {b} ="
  cluster: a
  items: sums.jsonl
"""


def write(folder: Path, text: str = YAML, sums: str = '{"a": 1, "b": 2, "answer": ["3", "three"]}\n') -> Path:
    (folder / "sums.jsonl").write_text(sums, encoding="utf-8")
    (folder / "tasks.yaml").write_text(text, encoding="utf-8")
    return folder / "tasks.yaml"


def test_a_prompt_holds_description_examples_and_input_in_that_order(tmp_path: Path) -> None:
    capitals, sums = load_tasks(write(tmp_path))
    prompt = capitals.prompt(0, shots=2, seed=0)
    first, second = (given.split("\n")[0].removeprefix("Country: ") for given, _ in prompt.examples)
    assert {first, second} == {"France", "Italy"}
    capital = {"France": "Paris", "Italy": "Rome"}
    assert prompt.text == (
        f"Name the capital.\n\nCountry: {first}\nCapital: {capital[first]}\n\n"
        f"Country: {second}\nCapital: {capital[second]}\n\nCountry: Korea\nCapital:"
    )
    assert [turn["role"] for turn in prompt.messages] == ["system", *["user", "assistant"] * 2, "user"]
    assert prompt.messages[2]["content"] == capital[first]
    assert [item.right for item in capitals.items] == [0, 1, 0]
    assert capitals.chance == 0.5
    assert sums.items[0].answers == ("3", "three")
    assert sums.items[0].cluster == "1"
    assert sums.prompt(0, 0, 0).text == "1 + 2 ="


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("{country}\\n", "{contry}\\n", r"tasks\.yaml line 4: input asks for \{contry\}.*line 6: item 0.*'country'"),
        ("answer: Seoul", "answer: Soul", r"tasks\.yaml line 6: item 0: the answer 'Soul' is none.*'Seoul'"),
        ("answer: 1}", "answer: 2}", r"tasks\.yaml line 7: item 1: answer 2 is no number of 2 choices"),
        ("answer: Seoul", "anser: Seoul", r"tasks\.yaml line .*: answer asks for \{answer\}.*line 6: item 0"),
        ("[Lyon, Paris]", "[Paris, Paris]", r"tasks\.yaml line 7: item 1: two choices are the same"),
        ("[Lyon, Paris]", "[Paris]", r"tasks\.yaml line 7: item 1: a multiple choice needs a list of two"),
        ("  description", "  descripton", r"tasks\.yaml line 3: .*unknown key; did you mean 'description'"),
        ("{country}\\n", "{country!r}\\n", r"tasks\.yaml line 4: input: '\{country\}' is no plain place"),
        ("{country}\\n", "{country\\n", r"tasks\.yaml line 4: input: .*write \{\{ and \}\}"),
        ("sums.jsonl", "absent.jsonl", r"tasks\.yaml line 13: .*absent\.jsonl cannot be read"),
        ("cluster: a", "cluster: c", r"line 12: cluster asks for \{c\}, which .*sums\.jsonl line 1 does not have"),
        ("kind: generation", "kind: generative", r"tasks\.yaml line 10: kind"),
    ],
)
def test_a_mistake_in_a_task_names_file_line_and_field(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in YAML
    with pytest.raises(UsageError, match=says):
        load_tasks(write(tmp_path, YAML.replace(old, new, 1)))


def test_a_mistake_in_the_items_file_names_its_line(tmp_path: Path) -> None:
    for sums, says in (
        ('{"a": 1, "b": 2, "answer": "3"}\n\n{"a": 1}', r"input asks for \{b\}, which .*sums\.jsonl line 3"),
        ('{"a": 1,', r"sums\.jsonl line 1: not JSON"),
        ("[1]", r"sums\.jsonl line 1: an item is an object"),
        ("", "no items"),
        ('{"a": 1, "b": 2, "answer": " "}', r"sums\.jsonl line 1: the answer is empty"),
    ):
        with pytest.raises(UsageError, match=says):
            load_tasks(write(tmp_path, sums=sums))


def test_braces_that_are_text_stay() -> None:
    template = Template('{{"name": "{name}"}}', "here")
    assert template.fill({"name": "{x}"}, "item") == '{"name": "{x}"}'
    assert template.only is None
    assert Template("{name}", "here").value({"name": [1]}, "item") == [1]


@given(
    size=st.integers(5, 20),
    place=st.integers(0, 4),
    shots=st.integers(0, 4),
    seed=st.integers(0, 50),
)
def test_examples_are_fixed_nested_and_never_the_item(size: int, place: int, shots: int, seed: int) -> None:
    pool = [(f"q{number}", f"a{number}") for number in range(size)]
    drawn = choose_examples(pool, pool[place][0], place, shots, seed, "task")
    assert len(set(drawn)) == shots
    assert pool[place] not in drawn
    assert drawn == choose_examples(pool, pool[place][0], place, shots, seed, "task")
    more = choose_examples(pool, pool[place][0], place, min(shots + 1, size - 1), seed, "task")
    assert more[len(more) - shots :] == drawn


def test_examples_that_ask_the_same_are_not_drawn_and_too_few_are_an_error() -> None:
    pool = [("q", "a"), ("q", "b"), ("r", "c")]
    assert choose_examples(pool, "q", 0, 1, 0, "task") == (("r", "c"),)
    with pytest.raises(UsageError, match="2 examples are asked for, and there are 1"):
        choose_examples(pool, "q", 0, 2, 0, "task")
    assert {choose_examples([("a", "1"), ("b", "2"), ("c", "3")], "x", None, 1, s, "t") for s in range(20)} == {
        (("a", "1"),),
        (("b", "2"),),
        (("c", "3"),),
    }


def test_examples_of_their_own_are_used() -> None:
    task = make_task(
        [{"q": "1+1", "answer": "2"}],
        examples=[{"q": "2+2", "answer": "4"}],
        name="sums",
        kind="generation",
        input="{q}=",
        output="{answer}",
        separator="\n",
    )
    assert task.prompt(0, 1, 0).text == "2+2=4\n1+1="
    with pytest.raises(UsageError, match="task sums: kind"):
        make_task([], name="sums", kind="essay", input="")


@pytest.mark.parametrize(
    ("written", "accepted", "right"),
    [
        (" Seoul.\n", "seoul", True),
        ("“서울”", "서울", True),
        ("서울은", "서울", False),
        ("1,234,567 ", ["7", "1234567"], True),
        ("1,23", "123", False),
        ("ＫＢＳ", "kbs", True),
        ("the  cat", "the cat", True),
        ("the cat", "cat", False),
        ("", "x", False),
    ],
)
def test_what_counts_as_right(written: str, accepted: str | list[str], right: bool) -> None:
    assert exact_match(written, accepted) is right


@given(st.text("aBé가힣Ａ１,.!? \n'\"「」1234567890"))
def test_normalising_twice_changes_nothing(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)
