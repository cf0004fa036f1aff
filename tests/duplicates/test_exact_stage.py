"""Exact duplicates by text and by address."""

from __future__ import annotations

from pathlib import Path

import pytest
from duplicates_stage_run import batch_of, measured, run_stage

from corpuskit.duplicates import canonical_url
from corpuskit.duplicates.exact import text_digests
from corpuskit.duplicates.stage import ExactDuplicates
from corpuskit.inputs import as_texts

ROWS = [
    {"text": "One  text.\n", "url": "https://Example.org/a/?utm_source=x&b=2&a=1#top", "source": "blog"},
    {"text": " One text.", "url": "http://example.org:80/a?a=1&b=2", "source": "news"},
    {"text": "One text!", "url": "http://example.org/a?a=1&b=3", "source": "news"},
    {"text": None, "url": None, "source": "news"},
    {"text": None, "url": None, "source": "news"},
    {"text": "", "url": "not a url", "source": "news"},
]


def duplicates(stage: ExactDuplicates, folder: Path) -> list[bool | None]:
    return [row and row["duplicate"] for row in measured(stage, run_stage(stage, folder, [batch_of(ROWS)]))]


def test_by_text_white_space_alone_does_not_matter(tmp_path: Path) -> None:
    assert duplicates(ExactDuplicates(), tmp_path) == [False, True, False, None, None, False]


def test_by_url_spelling_does_not_matter(tmp_path: Path) -> None:
    assert duplicates(ExactDuplicates(by="url"), tmp_path) == [False, True, False, None, None, False]


def test_the_preferred_source_stays_and_is_named(tmp_path: Path) -> None:
    stage = ExactDuplicates(prefer=("news", "blog"))
    batch = batch_of(ROWS)
    rows = measured(stage, run_stage(stage, tmp_path, [batch]))
    assert rows[0] == {
        "duplicate": True,
        "cluster": batch.column("id")[1].as_py(),
        "cluster_size": 2,
        "twin": batch.column("id")[1].as_py(),
        "twin_url": ROWS[1]["url"],
    }
    assert rows[1] is not None
    assert not rows[1]["duplicate"]
    assert rows[1]["twin"] is None


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("HTTPS://EXAMPLE.com:443/%7Euser/", "http://example.com/~user"),
        ("http://example.com/?fbclid=1", "http://example.com"),
        ("http://example.com/a%2fb/%ed%95%9c", "http://example.com/a%2Fb/%ED%95%9C"),
        ("http://한국.kr/글?q=나", "http://xn--3e0b707e.kr/%EA%B8%80?q=%EB%82%98"),
        ("http://[bad", "http://[bad"),
        ("http://example.com:port/", "http://example.com:port/"),
        ("mailto:a@b.c", "mailto:a@b.c"),
    ],
)
def test_canonical_addresses(url: str, canonical: str) -> None:
    assert canonical_url(url) == canonical


def test_digests_are_those_of_the_squeezed_text() -> None:
    texts = [" a \t b\u3000c\n", "a b c", "a bc", "", "   ", "가\u00a0나", "가 나", "가 나"]
    digests = [tuple(row) for row in text_digests(as_texts(texts)).tolist()]
    assert digests[0] == digests[1] != digests[2]
    assert digests[3] == digests[4]
    assert digests[5] == digests[6] == digests[7]
