"""What an audit decided, carried out: stretches found again by digest, copies capped, spans rewritten."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from corpuskit.document import document_id, documents
from corpuskit.engine.ledger import find
from corpuskit.engine.located import parse
from corpuskit.errors import UsageError
from corpuskit.kernels.ngrams import find_equal
from corpuskit.memorization.corpus.windows import Windows
from corpuskit.memorization.remedies.decisions import decide, whole_words, write_decisions
from corpuskit.memorization.remedies.repeated import repeated_passages
from corpuskit.memorization.remedies.stage import Remedies, read_decisions
from corpuskit.memorization.remedies.stretches import ANCHOR, find_stretches, stretch_of, text_digest
from corpuskit.recipe.execute import run_recipe
from corpuskit.recipe.load import check
from corpuskit.tokens import open_shards, train_tokenizer, write_shards

NOTICE = "모든 글의 저작권은 글쓴이에게 있으며 허락 없이 옮길 수 없습니다. No part of this page may be copied."
NO_CUTS = pa.list_(pa.struct([("start", pa.int64()), ("end", pa.int64())]))
BODIES = [
    f"이야기 {n}. The {word} stood by the river and nobody knew why it had come so far from {where}."
    for n, (word, where) in enumerate(
        [
            ("heron", "서울"),
            ("wagon", "the sea"),
            ("piano", "부산"),
            ("engine", "home"),
            ("sailor", "Oslo"),
            ("fox", "광주"),
        ]
    )
]


@settings(deadline=None)
@given(
    st.lists(st.text("ab 가", max_size=60), max_size=6),
    st.integers(0, 5),
    st.integers(0, 20),
    st.integers(6, 40),
)
def test_a_stretch_is_found_wherever_its_text_stands(texts: list[str], row: int, start: int, length: int) -> None:
    wanted = [text[start : start + length] for text in texts[row : row + 1]]
    named = sorted({one for text in wanted if (one := stretch_of(text)) is not None})
    found = {(one.row, one.start, one.end) for one in find_stretches(pa.array(texts, pa.large_string()), named)}
    slow = {
        (number, place, place + len(text))
        for text in wanted
        if len(text.encode()) >= ANCHOR
        for number, other in enumerate(texts)
        for place in range(len(other))
        if other.startswith(text, place)
    }
    assert found == slow


def test_short_stretches_have_no_name_and_nulls_hold_nothing() -> None:
    assert stretch_of("fifteen letters") is None
    one = stretch_of("sixteen letters!")
    assert one is not None
    (found,) = find_stretches(pa.array([None, "가: sixteen letters!"], pa.large_string()), [one])
    assert (found.row, found.start, found.end) == (1, 3, 19)


@settings(deadline=None)
@given(st.lists(st.integers(0, 2), max_size=50), st.lists(st.integers(0, 2), min_size=2, max_size=2))
def test_equal_sequences_are_found_where_they_are(tokens: list[int], wanted: list[int]) -> None:
    bounds = np.array(sorted({0, len(tokens) // 2, len(tokens)}), np.int64)
    places, at = find_equal(np.array(tokens, np.int64), bounds, np.array([wanted, wanted], np.int64))
    slow = [p for a, b in pairwise(bounds.tolist()) for p in range(a, b - 1) if tokens[p : p + 2] == wanted]
    assert places.tolist() == slow + slow
    assert at.tolist() == [0, len(slow), 2 * len(slow)]


def rows_of(texts: list[str]) -> list[dict[str, Any]]:
    return [
        {"id": f"{n:032x}", "text": text, "url": f"http://x/{n}", "source": "web", "language": "en"}
        for n, text in enumerate(texts)
    ]


def test_a_window_grows_to_the_passage_that_stands_too_often(tmp_path: Path) -> None:
    texts = [f"{body} {NOTICE}" for body in BODIES[:4]] + [f"{NOTICE} {BODIES[4]}", BODIES[5]]
    pq.write_table(pa.Table.from_batches([documents(rows_of(texts))]), tmp_path / "corpus.parquet")
    write_shards(
        [tmp_path / "corpus.parquet"],
        train_tokenizer(texts, 300),
        tmp_path / "tokens",
        sequence_length=32,
        hold_out=0.0,
    )
    shards = open_shards(tmp_path / "tokens")
    (shard,) = shards.shards
    row = shard.rows_with_id(f"{1:032x}")[0]
    document = shard.document(row)
    whole = shards.tokenizer.decode(document)
    middle = next(
        place
        for place in range(len(document))
        if len(shards.tokenizer.decode(document[:place])) >= whole.index("저작권")
    )
    window = Windows(
        np.array([document[middle : middle + 8]], np.int64), np.array([0]), np.array([row]), np.array([middle])
    )
    for cap, expected in ((4, NOTICE), (3, f"{NOTICE}"), (9, None)):
        ((start, end),) = repeated_passages(shards, window, cap).tolist()
        if expected is None:
            assert (start, end) == (middle, middle + 8), "it stands there no more often than it may"
        else:
            grown = shards.tokenizer.decode(document[start:end])
            assert expected.strip() in grown
            assert grown.strip(" .") in f"far from . {NOTICE} ", "and no further than the copies agree"


@pytest.mark.parametrize(
    ("text", "span", "kept"),
    [
        ("one two three", (1, 9), "two "),
        ("one two three", (0, 13), "one two three"),
        ("one two three", (4, 7), "two"),
        ("onetwothree", (3, 6), "two"),
        ("가나다라 마바", (1, 3), "나다"),
        ("one two", (1, 5), " "),
    ],
)
def test_a_cut_leaves_whole_words(text: str, span: tuple[int, int], kept: str) -> None:
    found = whole_words(text, *span)
    assert (text[found[0] : found[1]] if found else " ").strip() == kept.strip()


def hit(number: int, text: str, stretch: str, **changes: Any) -> dict[str, Any]:
    start = text.index(stretch)
    place = {"start": start, "end": start + len(stretch), "suffix": stretch, "text": text}
    about = {
        "id": "",
        "url": f"http://x/{number}",
        "source": "web",
        "extracted": True,
        "attributable": True,
        "copies": 1,
    }
    return about | place | changes


@pytest.fixture
def recipe(tmp_path: Path) -> Any:
    """Runs a recipe over texts, with decisions made from hits on some of them; gives the run's folder."""

    def run(texts: list[str], hits: dict[int, dict[str, Any]], cap: int = 2, name: str = "first") -> Path:
        path = tmp_path / f"{name}.jsonl"
        lines = [json.dumps({"id": f"n{n}", "text": text}, ensure_ascii=False) for n, text in enumerate(texts)]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        plain = f"name: {name}\nsources: [{{jsonl: {{paths: ['{path}']}}}}]\n"
        quiet = Console(quiet=True)
        run_recipe(check(parse(plain, name)), folder=tmp_path / "before", workers=1, console=quiet, overwrite=True)
        ids = {}
        for shard in (tmp_path / "before/corpus").glob("*.parquet"):
            ids |= {row["text"]: row["id"] for row in pq.read_table(shard).to_pylist()}
        found = [one | {"id": ids[texts[number]]} for number, one in hits.items()]
        write_decisions(tmp_path / "decisions.parquet", decide(found, cap))
        again = f"{plain}decisions: {tmp_path}/decisions.parquet\n"
        return Path(
            run_recipe(
                check(parse(again, name)), folder=tmp_path / "after", workers=1, console=quiet, overwrite=True
            ).folder
        )

    return run


def corpus(folder: Path) -> list[dict[str, Any]]:
    return [row for shard in sorted((folder / "corpus").glob("*.parquet")) for row in pq.read_table(shard).to_pylist()]


def test_copies_beyond_the_cap_go_everywhere_even_where_nothing_was_tested(recipe: Any) -> None:
    texts = [f"{body}\n{NOTICE}" for body in BODIES]
    folder = recipe(texts, {4: hit(4, texts[4], NOTICE, copies=6)}, cap=2)
    kept = [row["text"] for row in corpus(folder)]
    assert [NOTICE in text for text in kept] == [True, True, False, False, False, False]
    assert [text.strip() for text in kept[2:]] == BODIES[2:]
    asked = [row["remedies"] for row in corpus(folder)]
    assert [one["action"] for one in asked] == [None, None, "cap_copies", "cap_copies", "cap_copies", "cap_copies"]
    assert asked[3]["removed"] == len(NOTICE)
    (change,) = find(folder, corpus(folder)[3]["id"]).changes
    assert change["stage"] == "remedies"
    assert [(one["type"], one["replacement"]) for one in change["changes"]] == [("memorized.copy", "")]


def test_a_document_that_is_a_copy_and_nothing_else_is_dropped_with_its_reason(recipe: Any) -> None:
    texts = [NOTICE + " " * n for n in range(4)] + BODIES
    folder = recipe(texts, {0: hit(0, texts[0], NOTICE, copies=4)}, cap=1)
    assert sum(NOTICE in row["text"] for row in corpus(folder)) == 1
    assert len(corpus(folder)) == 1 + len(BODIES)
    ledger = [row for path in (folder / "ledger/dropped").glob("*.parquet") for row in pq.read_table(path).to_pylist()]
    assert {row["rule"] for row in ledger} == {"remedies.drop"}
    assert len(ledger) == 3
    assert "as often as they may" in json.loads(ledger[0]["decisions"][0]["evidence"])["remedies.reason"]


def test_each_action_is_carried_out(recipe: Any) -> None:
    phone = "연락처는 010-1234-5678 또는 kim@example.org 이고 가격은 1999년에 5,000 원이었다."
    texts = [*BODIES, phone]
    folder = recipe(
        texts,
        {
            0: hit(0, BODIES[0], "stood by the river", attributable=False),
            1: hit(1, BODIES[1], "stood by the river"),
            6: hit(6, phone, "010-1234-5678 또는 kim@example.org"),
        },
    )
    kept = {row["url"] or row["text"]: row for row in corpus(folder)}
    by_action = {row["remedies"]["action"]: row for row in kept.values()}
    assert by_action["trim_span"]["text"] == BODIES[0].replace("stood by the river", "")
    assert by_action["goldfish"]["text"] == BODIES[1]
    assert by_action["scrub"]["text"] == "연락처는 <NUMBER> 또는 <EMAIL> 이고 가격은 1999년에 5,000 원이었다."
    assert len(kept) == len(texts)


def test_a_document_that_comes_out_at_most_places_is_dropped(tmp_path: Path) -> None:
    both = [
        hit(0, BODIES[0], "heron stood"),
        hit(0, BODIES[0], "nobody knew"),
        hit(0, BODIES[0], "come so", extracted=False),
    ]
    write_decisions(tmp_path / "d.parquet", decide([one | {"id": "a"} for one in both], 8))
    stage = Remedies(path=tmp_path / "d.parquet")
    batch = documents([{"id": "a", "text": BODIES[0]}, {"id": "b", "text": BODIES[1]}])
    cuts = pa.RecordBatch.from_pydict({"cuts": pa.nulls(2, NO_CUTS)})
    measured = stage.apply(batch, cuts).column("remedies").to_pylist()
    assert [one["drop"] for one in measured] == [True, False]
    assert "2 of 3 tested windows" in measured[0]["reason"]
    left = Remedies(path=tmp_path / "d.parquet", only=("goldfish",)).apply(batch, cuts)
    assert left.column("remedies").to_pylist()[0]["drop"] is False


def test_spans_of_another_text_are_not_cut(tmp_path: Path) -> None:
    decision = decide([hit(0, BODIES[0], "heron stood", attributable=False) | {"id": "a"}], 8)
    assert decision.column("text_digest").to_pylist() == [text_digest(BODIES[0])]
    write_decisions(tmp_path / "d.parquet", decision)
    batch = documents([{"id": "a", "text": BODIES[0].upper()}])
    cuts = pa.RecordBatch.from_pydict({"cuts": pa.nulls(1, NO_CUTS)})
    after = Remedies(path=tmp_path / "d.parquet").apply(batch, cuts)
    assert after.column("text").to_pylist() == [BODIES[0].upper()]
    (measured,) = after.column("remedies").to_pylist()
    assert measured["action"] == "keep"
    assert "another text" in measured["reason"]


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"missing\.parquet"):
        read_decisions(tmp_path / "missing.parquet")
    pq.write_table(pa.table({"id": ["a"], "action": ["drop"]}), tmp_path / "old.parquet")
    with pytest.raises(UsageError, match=r"lacks .*stretches"):
        read_decisions(tmp_path / "old.parquet")
    table = decide([hit(0, BODIES[0], "heron stood") | {"id": "a"}], 8)
    wrong = table.set_column(table.column_names.index("action"), "action", pa.array(["erase"]))
    write_decisions(tmp_path / "wrong.parquet", wrong)
    with pytest.raises(UsageError, match="'erase'"):
        read_decisions(tmp_path / "wrong.parquet")


def test_the_files_hold_no_text(tmp_path: Path) -> None:
    secret = "the wire transfer code of the harbour office is 4417 9902 1184"
    text = f"{BODIES[0]} {secret}"
    write_decisions(tmp_path / "d.parquet", decide([hit(0, text, secret, copies=99) | {"id": "a"}], 8))
    data = json.dumps(pq.read_table(tmp_path / "d.parquet").to_pylist())
    assert "4417" not in data
    assert "harbour" not in data
    assert document_id(None, text.encode()) not in data
