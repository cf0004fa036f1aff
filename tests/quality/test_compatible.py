"""The measurements as other tools make them equal what the tools' own code says (benchmarks/quality_peers.py)."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from corpuskit.compatible import PEERS
from corpuskit.document import documents
from corpuskit.quality import clean_lines_as, measure, measure_as
from corpuskit.quality.stage import C4Lines, Quality

GOLDEN = json.loads((Path(__file__).parents[1] / "data/quality-peers.json").read_text())
NEEDS = {"datatrove": "spacy", "dclm": "uniseg"}


@pytest.mark.parametrize("peer", PEERS)
def test_values_are_those_of_the_peer_itself(peer: Any) -> None:
    if peer in NEEDS:
        pytest.importorskip(NEEDS[peer])
    rows = measure_as(peer, GOLDEN["texts"], "en").to_pylist()
    compared = 0
    for text, row, expected in zip(GOLDEN["texts"], rows, GOLDEN[peer], strict=True):
        for name, value in expected.items():
            group, _, field = name.partition(".")
            found = row[group][field]
            assert found is not None, (text[:40], name)
            assert found == pytest.approx(value, abs=1e-7), (text[:40], name)
            compared += 1
    assert compared > 150


def test_lines_are_cut_as_the_peer_cuts_them_and_the_spans_say_what_went() -> None:
    texts, spans = clean_lines_as("datatrove", [*GOLDEN["texts"], None, ""])
    assert texts.to_pylist() == [*GOLDEN["datatrove_lines"], None, ""]
    assert {change.type for found in spans for change in found} >= {"line.javascript", "reference_mark", "white_space"}
    for text, found in zip(GOLDEN["texts"], spans, strict=False):
        assert all(a.end <= b.start for a, b in pairwise(found))
        assert all(text[change.start : change.end].strip() for change in found if change.type != "white_space")


def test_the_stage_cuts_lines_as_the_peer() -> None:
    text = "  It stays.\r\nSo does this line.[2]\n\nMenu\nThe end of it.  "
    batch = documents([{"id": "a", "text": f"{text}\n It stays too."}])
    ours, theirs = (C4Lines(compatible_with=peer).measure(batch) for peer in (None, "datatrove"))
    assert theirs.column("text")[0].as_py() == "So does this line.\nThe end of it.\nIt stays too."
    assert ours.column("text")[0].as_py() == "So does this line.\n\nThe end of it.  \n It stays too."


@pytest.mark.parametrize("peer", PEERS)
def test_nulls_empty_texts_and_any_characters_measure(peer: Any) -> None:
    if peer in NEEDS:
        pytest.importorskip(NEEDS[peer])
    rows = measure_as(peer, [None, "", " \n", "\x00", "#", "한국어", "…"]).to_pylist()
    assert rows[0] is None
    assert measure_as(peer, ["a"]).type == measure(["a"]).type


def test_the_same_text_has_another_value_in_each_tool() -> None:
    text = GOLDEN["texts"][2]  # ten words twice in 110
    ours = measure([text], "en")[0].as_py()["gopher"]["duplicate_5_gram"]
    dolma, nemo = (measure_as(peer, [text])[0].as_py()["gopher"]["duplicate_5_gram"] for peer in ("dolma", "nemo"))
    assert len({round(value, 6) for value in (ours, dolma, nemo)}) == 3


def test_a_stage_measures_as_its_peer_does_with_the_published_limits() -> None:
    stage = Quality(rules=("gopher.min_words",), compatible_with="dolma")
    assert stage.rules()[0].by_language == {}
    batch = stage.measure(documents([{"id": "a", "text": "a -- b"}]))
    assert batch.column("quality")[0].as_py()["gopher"]["words"] == 3


def test_importing_the_package_imports_no_peer() -> None:
    assert PEERS == ("datatrove", "dolma", "dclm", "nemo")
