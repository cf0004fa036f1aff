"""The sandbox survives what it runs, and the stage quarantines what the sandbox could not read."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from corpuskit.document import document_id, documents
from corpuskit.engine.stage import ERROR
from corpuskit.errors import CorpuskitError
from corpuskit.extract import Sandbox, Unreadable, extract
from corpuskit.extract.stage import MEASUREMENT, ExtractStage


@pytest.fixture
def misbehaving(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    with Sandbox(seconds=1.0, function="misbehaving_parser:parse") as sandbox:
        yield sandbox


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (b"hang", "did not finish within 1 s"),
        (b"crash", "crashed \\(signal 11\\)"),
        (b"exit", "crashed \\(exit code 3\\)"),
        (b"memory", "needs more memory"),
        (b"raise", "a parser's own error"),
    ],
)
def test_a_page_that_breaks_the_parser_costs_itself_alone(page: bytes, reason: str, misbehaving: Sandbox) -> None:
    assert misbehaving.extract(b"before").text == "before"
    started = time.monotonic()
    with pytest.raises(Unreadable, match=reason):
        misbehaving.extract(page)
    assert time.monotonic() - started < 5
    assert misbehaving.extract("뒤에".encode()).text == "뒤에"


def test_the_child_is_kept_while_pages_behave_and_what_they_print_is_no_answer(misbehaving: Sandbox) -> None:
    workers = {misbehaving.extract(page).charset for page in (b"one", b"print", b"two" * 1_000_000)}
    assert len(workers) == 1
    assert int(workers.pop()) != os.getpid()


def test_a_closed_sandbox_leaves_no_process_behind(misbehaving: Sandbox) -> None:
    worker = int(misbehaving.extract(b"x").charset)
    misbehaving.close()
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)


def test_a_worker_that_cannot_start_says_how_to_look() -> None:
    with Sandbox(function="no_such_module:parse") as sandbox, pytest.raises(CorpuskitError, match="did not start"):
        sandbox.extract(b"x")


@pytest.mark.parametrize(
    "page",
    [
        b"<html><body>" + b"<div>" * 100_000 + b"deep" + b"</div>" * 100_000,
        b"<html><body>" + b"<p>a sentence</p>" * 1_000_000,
        b"<html><body>" + b"<table><tr><td>" * 100_000,
        b"<html><body><p>" + b"&amp" * 2_000_000,
        b"<html><frameset><frame src=a><frame src=b></frameset></html>",
        b"<script>" * 100_000,
        b"<html><body>" + b"<script type='application/ld+json'>" + b"[" * 200_000,
    ],
    ids=["deep", "siblings", "tables", "entities", "frames", "scripts", "json"],
)
def test_a_page_of_a_bad_day_gives_a_text_or_a_reason_and_the_worker_lives(page: bytes) -> None:
    with Sandbox(seconds=60.0) as sandbox:
        assert sandbox.extract(b"<p>first</p>", media_type="text/html").text == "first"
        worker = sandbox._child
        assert isinstance(sandbox.extract(page, media_type="text/html").text, str)
        assert sandbox.extract(b"<p>next</p>", media_type="text/html").text == "next"
        assert sandbox._child is worker


def batch(rows: list[dict]) -> pa.RecordBatch:
    return documents([{"id": document_id(None, str(n).encode()), "kind": "news", **row} for n, row in enumerate(rows)])


def test_the_stage_fills_documents_and_quarantines_what_it_cannot_read() -> None:
    page = (
        "<html><head><title>첫눈</title><meta name=robots content=noai></head><body><p>서울에 첫눈이 내렸다.</p></body>"
    )
    stage = ExtractStage(max_page_bytes=5000)
    before = batch(
        [
            {
                "content": page.encode("cp949"),
                "media_type": "text/html",
                "rights": "noindex",
                "url": "https://a.example/",
            },
            {"text": "이미 글이다", "content": b"<p>other</p>"},
            {},
            {"content": b"%PDF-1.7 \x00\x01\x02", "media_type": "text/html"},
            {"content": b"<p>" + b"x" * 6000},
            {"content": b"<html><body><script>1</script></body></html>", "title": "kept"},
        ]
    )
    after = stage.measure(before)
    assert after.column("text").to_pylist() == ["서울에 첫눈이 내렸다.", "이미 글이다", None, None, None, ""]
    assert after.column("title").to_pylist() == ["첫눈", None, None, None, None, "kept"]
    assert after.column("rights")[0].as_py() == "noindex; noai"
    assert after.column("content").null_count == after.column("media_type").null_count == 6
    assert after.column("id").equals(before.column("id"))
    assert after.column("extract").type == MEASUREMENT
    assert after.column("extract")[0].as_py()["charset"] == "cp949"
    assert after.column("extract")[1].as_py()["engine"] == "given"
    reasons = after.column(ERROR).to_pylist()
    assert [reason is not None for reason in reasons] == [False, False, True, True, True, False]
    assert "neither" in reasons[2]
    assert "PDF" in reasons[3]
    assert "max_page_bytes" in reasons[4]
    (rule,) = stage.rules()
    assert rule.breaks(after).to_pylist() == [False, False, False, False, False, True]


def test_the_sandbox_gives_what_the_function_gives(samples: Path) -> None:
    import gzip

    with Sandbox() as sandbox:
        for path in sorted((samples / "extraction/wcxb/html").glob("*.gz"))[::60]:
            page = gzip.decompress(path.read_bytes())
            for format in ("text", "markdown"):
                assert sandbox.extract(page, format=format) == extract(page, format=format)  # type: ignore[arg-type]
