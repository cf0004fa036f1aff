"""A finished run's folder, as the engine leaves it, with hostile documents among the dropped ones."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

HOSTILE_TITLE = '<script>alert("title")</script>'
HOSTILE_TEXT = "</blockquote><script>alert(1)</script><img src=x onerror=alert(2)> \u202etxet desrever\x00 과자"
HOSTILE_URL = "javascript:alert(document.domain)"

DECISIONS = pa.list_(pa.struct([(name, pa.string()) for name in ("stage", "rule", "value", "limit", "evidence")]))
TYPES = pa.struct(
    [("findings", pa.int64()), ("types", pa.list_(pa.struct([("type", pa.string()), ("count", pa.int64())])))]
)
CHANGES = pa.list_(
    pa.struct([("start", pa.int64()), ("end", pa.int64()), ("type", pa.string()), ("replacement", pa.string())])
)


def _stage(
    name: str, into: int, out: int, size: tuple[int, int], seconds: float, dropped: dict[str, int]
) -> dict[str, Any]:
    return {
        "stage": name,
        "documents_in": into,
        "documents_out": out,
        "bytes_in": size[0],
        "bytes_out": size[1],
        "seconds": seconds,
        "dropped": dropped,
        "changed": 4 if name == "personal_data" else 0,
        "silent": ["contamination.<overlap>"] if name == "contamination" else [],
    }


def summary() -> dict[str, Any]:
    return {
        "name": "demo",
        "version": "0.1.0",
        "started": "2026-11-24T20:00:00Z",
        "finished": "2026-11-24T20:04:12Z",
        "recipe": {"name": "demo"},
        "recipe_text": "name: demo\nsources:\n  - crawl: {start: ['http://127.0.0.1/<x>']}\n",
        "sources": [
            {"name": name, "kind": "news", "documents": 50, "bytes": 9000} for name in ("news", "blog", "forum")
        ],
        "stages": [
            _stage("extract", 212, 211, (2_400_000, 741_000), 9.4, {"extract.empty": 1}),
            _stage("language", 211, 209, (741_000, 739_500), 0.4, {"language.wanted": 2}),
            _stage("exact_duplicates", 209, 205, (739_500, 720_400), 0.2, {"exact_duplicates.duplicate": 4}),
            _stage(
                "quality",
                205,
                181,
                (720_400, 676_000),
                1.8,
                {"gopher.words": 11, "gopher.top_2_gram": 7, "c4.sentences": 6},
            ),
            _stage("near_duplicates", 181, 176, (676_000, 661_000), 0.9, {"near_duplicates.duplicate": 5}),
            _stage("personal_data", 176, 176, (661_000, 660_700), 1.1, {}),
            _stage("toxicity", 176, 172, (660_700, 655_900), 2.2, {"toxicity.score": 4}),
            _stage("contamination", 172, 171, (655_900, 654_300), 0.3, {"contamination.overlap": 1}),
        ],
        "quarantined": 2,
        "totals": {
            "documents_in": 212,
            "documents_out": 171,
            "bytes_in": 2_400_000,
            "bytes_out": 654_300,
            "seconds": 252.3,
        },
        "languages": {"en": {"documents": 132, "bytes": 541_000}, "ko": {"documents": 39, "bytes": 113_300}},
        "by_source": {
            "news": {"documents_in": 48, "documents_out": 41, "bytes_out": 142_000},
            "blog": {"documents_in": 44, "documents_out": 38, "bytes_out": 131_000},
            "forum": {"documents_in": 41, "documents_out": 30, "bytes_out": 92_000},
            "reference": {"documents_in": 79, "documents_out": 62, "bytes_out": 289_300},
        },
    }


def _dropped(number: int, stage: str, rule: str, value: str, limit: str, **more: Any) -> dict[str, Any]:
    evidence = json.dumps(more.pop("evidence", {}), ensure_ascii=False)
    return {
        "id": f"{number:032x}",
        "url": f"http://127.0.0.1:8000/blog/{number}.html",
        "title": f"Page {number}",
        "source": "blog",
        "language": "en",
        "stage": stage,
        "rule": rule,
        "value": value,
        "limit": limit,
        "excerpt": f"The text of page {number}.",
        "decisions": [{"stage": stage, "rule": rule, "value": value, "limit": limit, "evidence": evidence}],
        "personal_data": None,
    } | more


def _write(path: Path, rows: list[dict[str, Any]], schema: pa.Schema) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema), path)


def _jsonl(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


@pytest.fixture
def bare_run(tmp_path: Path) -> Path:
    """A run without a ledger, training or audit."""
    folder = tmp_path / "bare"
    folder.mkdir()
    told = summary() | {"quarantined": 0}
    (folder / "run.json").write_text(json.dumps(told), "utf-8")
    return folder


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "run.json").write_text(json.dumps(summary()), "utf-8")
    strings = [
        (name, pa.string()) for name in ("id", "url", "title", "source", "language", "stage", "rule", "value", "limit")
    ]
    schema = pa.schema([*strings, ("excerpt", pa.large_string()), ("decisions", DECISIONS), ("personal_data", TYPES)])
    quality = [_dropped(number, "quality", "gopher.words", str(number), ">= 50.0") for number in range(20, 9, -1)]
    twin = {"near_duplicates.kept": "0123456789abcdef", "near_duplicates.similarity": 0.91}
    hostile = _dropped(
        1,
        "toxicity",
        "toxicity.score",
        "0.97",
        "<= 0.8",
        title=HOSTILE_TITLE,
        excerpt=HOSTILE_TEXT,
        url=HOSTILE_URL,
        evidence={"toxicity.window": "<b onmouseover=alert(3)>" + "x" * 500},
        personal_data={"findings": 1, "types": [{"type": "email", "count": 1}]},
    )
    near = _dropped(2, "near_duplicates", "near_duplicates.duplicate", "true", "is false", evidence=twin)
    _write(folder / "ledger/dropped/00-first.parquet", [*quality[:6], hostile], schema)
    _write(folder / "ledger/dropped/02-second.parquet", [*quality[6:], near], schema)
    corpus = [
        {
            "id": f"{100 + number:032x}",
            "source": source,
            "personal_data": {
                "findings": sum(types.values()),
                "types": [{"type": t, "count": c} for t, c in types.items()],
            },
        }
        for number, (source, types) in enumerate(
            [("blog", {"email": 3, "phone": 1}), ("forum", {"email": 2}), ("news", {})]
        )
    ]
    _write(
        folder / "corpus/00000.parquet",
        corpus,
        pa.schema([("id", pa.string()), ("source", pa.string()), ("personal_data", TYPES)]),
    )

    def change(document: int, source: str, stage: str, types: list[str]) -> dict[str, Any]:
        spans = [
            {"start": 9 * place, "end": 9 * place + 5, "type": type_, "replacement": "<X>"}
            for place, type_ in enumerate(types)
        ]
        return {"id": f"{document:032x}", "url": None, "source": source, "stage": stage, "changes": spans}

    _write(
        folder / "ledger/changes/00-first.parquet",
        [
            change(100, "blog", "personal_data", ["email", "email", "email", "phone"]),
            change(101, "forum", "personal_data", ["email"]),
            change(1, "blog", "personal_data", ["email"]),
            change(102, "news", "quality", ["line.no_terminal_punctuation"]),
        ],
        pa.schema(
            [
                ("id", pa.string()),
                ("url", pa.string()),
                ("source", pa.string()),
                ("stage", pa.string()),
                ("changes", CHANGES),
            ]
        ),
    )
    _jsonl(
        folder / "ledger/quarantine/00-first.jsonl",
        [
            {"reason": "<i>broken</i> gzip", "path": "crawl/a.warc.gz", "offset": 411, "url": None, "step": "read"},
            {
                "reason": "parser ran out of time",
                "path": None,
                "offset": None,
                "url": "http://127.0.0.1:8000/x",
                "step": "extract",
            },
        ],
    )
    outcomes = ["fetched"] * 120 + ["robots"] * 3 + ["error"] * 2 + ["redirected"] * 2
    _jsonl(
        folder / "sources/news/crawl-log.jsonl",
        [{"url": f"http://127.0.0.1/{n}", "outcome": o} for n, o in enumerate(outcomes)],
    )
    steps = [
        {
            "step": step,
            "tokens": 4096 * step,
            "loss": 2.4 + 5 * math.exp(-step / 120) + 0.12 * math.sin(step * 1.7),
            "learning_rate": 1e-3,
            "gradient_norm": 1.0,
            "tokens_per_second": 21_000.0,
        }
        | ({"validation_loss": 2.9 + 4.6 * math.exp(-step / 110), "bits_per_byte": 1.4} if step % 50 == 0 else {})
        for step in range(1, 801)
    ]
    _jsonl(folder / "models/base/metrics.jsonl", steps)
    with (folder / "models/base/metrics.jsonl").open("a") as file:
        file.write('{"step": 801, "los')
    canaries = [
        {
            "id": f"canary-{copies}-{place}",
            "copies": copies,
            "exposure": min(13.3, 1.2 + 2.4 * math.log2(copies + 1) + place * 0.7),
            "max_exposure": 13.29,
            "rank": 1 if copies >= 16 else 500,
        }
        for copies in (1, 4, 16)
        for place in range(6)
    ]
    audit = {
        "extraction": {
            "prefix": 32,
            "suffix": 32,
            "train": {"windows": 1200, "extracted": 41, "rate": 41 / 1200, "low": 0.0246, "high": 0.0461},
            "held_out": {"windows": 300, "extracted": 1, "rate": 1 / 300, "low": 0.0001, "high": 0.0184},
        },
        "canaries": canaries,
        "hits": [
            {
                "id": "f" * 32,
                "url": "http://127.0.0.1:8000/reference/with.html",
                "source": "reference",
                "position": 4096,
                "text": "the execution of the with statement <proceeds> as follows",
                "copies": 3,
            },
            {"id": "e" * 32, "url": HOSTILE_URL, "source": "blog", "position": 12, "text": HOSTILE_TEXT, "copies": 1},
        ],
    }
    (folder / "audits").mkdir()
    (folder / "audits/summary.json").write_text(json.dumps(audit), "utf-8")
    return folder
