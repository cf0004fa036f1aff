"""Deciding a run again with other limits, against a corpus and a ledger written by hand."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from toys import Length, SameText, Vowels

from corpuskit.engine.rule import Rule
from corpuskit.engine.stage import Stage
from corpuskit.engine.what_if import SAMPLES, WhatIf, changed_rules, rules_of, what_if
from corpuskit.errors import UsageError


class Languages(Length):
    """A rule over words beside one over numbers."""

    def rules(self) -> list[Rule]:
        return [Rule("languages.keep", "language", "in", ("en", "ko"))]


STAGES: list[Stage] = [Length(minimum=5), Languages(), SameText(), Vowels(maximum=3)]


def row(number: int, characters: int | None, **more: Any) -> dict[str, Any]:
    return {
        "id": f"{number:032x}",
        "url": f"http://a/{number}",
        "title": f"page {number}",
        "text": "not read",
        "source": more.get("source", "web"),
        "language": more.get("language", "en"),
        "length": None if characters is None else {"characters": characters},
        "same_text": {"duplicate": more.get("duplicate", False), "twin": None},
        "vowels": None if more.get("vowels") is None else {"a": more["vowels"]},
    }


def write(folder: Path, kept: list[dict[str, Any]], dropped: list[dict[str, Any]]) -> Path:
    schema = pa.schema(
        [
            ("id", pa.string()),
            ("url", pa.string()),
            ("title", pa.string()),
            ("text", pa.string()),
            ("source", pa.string()),
            ("language", pa.string()),
            ("length", pa.struct([("characters", pa.int64())])),
            ("same_text", pa.struct([("duplicate", pa.bool_()), ("twin", pa.string())])),
            ("vowels", pa.struct([("a", pa.int64())])),
        ]
    )
    for name, rows in (("corpus", kept), ("ledger/dropped", dropped)):
        (folder / name).mkdir(parents=True)
        pq.write_table(pa.Table.from_pylist(rows, schema), folder / name / "part-00000.parquet")
    return folder


@pytest.fixture
def run(tmp_path: Path) -> Path:
    kept = [row(1, 10, vowels=1), row(2, 20, vowels=2, source="files"), row(3, 30, vowels=3)]
    dropped = [row(4, 3), row(5, 4, source="files"), row(6, 40, vowels=9), row(7, 8, duplicate=True)]
    return write(tmp_path, kept, dropped)


def test_the_same_limits_change_nothing(run: Path) -> None:
    found = what_if(run, STAGES, {})
    assert found.documents == 7
    expected = Counter({"kept": 3, "length.characters": 2, "vowels.a": 1, "same_text.duplicate": 1})
    assert found.before == found.after == expected
    assert found.samples == {}


def test_a_stricter_limit_drops_and_a_looser_one_leaves_open_what_later_stages_would_decide(run: Path) -> None:
    strict = what_if(run, STAGES, {"length.characters": 20})
    assert strict.after == Counter({"length.characters": 4, "kept": 2, "vowels.a": 1})
    (sample,) = strict.samples["kept → length.characters"]
    assert sample == {"id": f"{1:032x}", "url": "http://a/1", "title": "page 1", "value": 10}
    (duplicate,) = strict.samples["same_text.duplicate → length.characters"]
    assert (duplicate["url"], duplicate["value"]) == ("http://a/7", 8)
    loose = what_if(run, STAGES, {"length.characters": 4})
    assert loose.after == Counter(
        {"kept": 3, "length.characters": 1, "open": 1, "vowels.a": 1, "same_text.duplicate": 1}
    )
    (sample,) = loose.samples["length.characters → open"]
    assert (sample["url"], sample["value"]) == ("http://a/5", 4)


def test_sources_are_counted_apart(run: Path) -> None:
    found = what_if(run, STAGES, {"length.characters": 4, "vowels.a": 2})
    assert found.by_source == {
        "web": Counter({"kept before": 2, "kept after": 1, "open after": 0}),
        "files": Counter({"kept before": 1, "kept after": 1, "open after": 1}),
    }


def test_the_first_broken_rule_counts(tmp_path: Path) -> None:
    run = write(tmp_path, [row(1, 10, vowels=3, language="de")], [row(2, 2, duplicate=True, vowels=9)])
    assert what_if(run, STAGES, {}).before == Counter({"languages.keep": 1, "length.characters": 1})
    found = what_if(run, STAGES, {"length.characters": 2, "languages.keep": "de,en"})
    assert found.after == Counter({"kept": 1, "same_text.duplicate": 1})
    found = what_if(run, STAGES, {"length.characters": 2, "languages.keep": ["de", "en"], "same_text.duplicate": True})
    assert found.after == Counter({"vowels.a": 1, "same_text.duplicate": 1})


def test_a_document_dropped_by_a_rule_that_is_gone_says_so(tmp_path: Path) -> None:
    run = write(tmp_path, [], [row(1, 10, vowels=1)])
    found = what_if(run, STAGES, {})
    assert found.before == Counter({"another rule": 1})
    assert found.after == Counter({"open": 1})
    (sample,) = found.samples["another rule → open"]
    assert sample["value"] is None


def test_a_few_samples_of_each_change_are_kept(tmp_path: Path) -> None:
    run = write(tmp_path, [row(number, 10) for number in range(SAMPLES + 2)], [])
    found = what_if(run, STAGES, {"length.characters": 11})
    assert [sample["url"] for sample in found.samples["kept → length.characters"]] == [
        f"http://a/{number}" for number in range(SAMPLES)
    ]
    assert SAMPLES == 3


def test_a_stage_whose_measurement_is_not_there_decides_nothing(tmp_path: Path) -> None:
    run = write(tmp_path, [row(1, 10)], [row(2, 3)])
    table = pq.read_table(run / "corpus/part-00000.parquet").drop_columns(["vowels"])
    pq.write_table(table, run / "corpus/part-00000.parquet")
    assert what_if(run, STAGES, {"vowels.a": 0}).after == Counter({"kept": 1, "length.characters": 1})


def test_new_limits_take_the_place_of_old_ones_and_keep_the_order() -> None:
    rules = rules_of([Length(minimum=5, minimum_korean=2), Languages(), SameText()])
    assert [rule.name for rule in rules] == ["length.characters", "languages.keep", "same_text.duplicate"]
    changed = changed_rules(rules, {"languages.keep": "ja,ko", "length.characters": 7, "same_text.duplicate": True})
    assert [(rule.name, rule.limit, dict(rule.by_language)) for rule in changed] == [
        ("length.characters", 7.0, {}),
        ("languages.keep", ("ja", "ko"), {}),
        ("same_text.duplicate", True, {}),
    ]
    assert changed_rules(rules, {"languages.keep": ["en", 3]})[1].limit == ("en", "3")
    assert isinstance(changed_rules(rules, {"length.characters": 7})[0].limit, float)
    assert rules[0].limit == 5.0


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"length.charakters": 5}, r"no rule 'length.charakters'.*length.characters"),
        ({"length.characters": "many"}, "'length.characters' takes a number, not 'many'"),
        ({"length.characters": True}, "'length.characters' takes a number, not True"),
        ({"same_text.duplicate": 1}, "'same_text.duplicate' takes true or false, not 1"),
    ],
)
def test_limits_that_a_rule_cannot_have_are_refused(limits: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        changed_rules(rules_of(STAGES), limits)


def test_nothing_decided_is_nothing_counted() -> None:
    empty = WhatIf()
    assert (empty.documents, empty.before, empty.after, empty.by_source, empty.samples) == (0, {}, {}, {}, {})
