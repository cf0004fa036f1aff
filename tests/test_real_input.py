"""The main job on real pages: blogs, news and forums served on this machine, archives, petitions and Korean prose."""

from __future__ import annotations

import gzip
import http.server
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import yaml
from rich.console import Console

from corpuskit.engine.located import parse
from corpuskit.recipe.execute import RunResult, run_recipe
from corpuskit.recipe.load import check

pytestmark = pytest.mark.timeout(900)


@dataclass(frozen=True)
class Web:
    """Each site of the collection at an address of its own (127.0.0.0/8), its pages under their own paths."""

    starts: list[str]
    threads: list[str]


class _Handler(http.server.BaseHTTPRequestHandler):
    pages: dict[str, bytes]

    def do_GET(self) -> None:
        host = self.headers["Host"].split(":")[0]
        body = self.pages.get(host + self.path)
        self.send_response(200 if body is not None else 404)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def web(shared_data: Path) -> Iterator[Web]:
    pages: dict[str, bytes] = {}
    addresses: dict[str, str] = {}
    starts, threads = [], []
    server = http.server.ThreadingHTTPServer(("0.0.0.0", 0), _Handler)
    found = []
    for path in sorted(shared_data.glob("extraction/wcxb/html/*.html.gz")):
        truth = shared_data / "extraction/wcxb/ground-truth" / path.name.replace(".html.gz", ".json")
        value = json.loads(truth.read_text(encoding="utf-8"))
        found.append((path, value["url"], value["_internal"]["page_type"]["primary"]))
    news = sorted(shared_data.glob("extraction/fundus/*/*.html.gz"))
    found += [(path, f"https://{path.stem.split('_')[0]}.{path.parent.name}/{path.stem}", "article") for path in news]
    for number, (path, url, kind) in enumerate(found):
        site = urlsplit(url).netloc
        address = addresses.setdefault(site, f"127.0.{1 + len(addresses) // 250}.{1 + len(addresses) % 250}")
        page = f"/{number}.html"
        pages[address + page] = gzip.decompress(path.read_bytes())
        (threads if kind == "forum" else starts).append(f"http://{address}:{server.server_port}{page}")
    _Handler.pages = pages
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Web(starts, threads)
    server.shutdown()
    server.server_close()


def execute(recipe: dict[str, Any], folder: Path) -> RunResult:
    text = yaml.safe_dump(recipe, sort_keys=False, allow_unicode=True)
    return run_recipe(check(parse(text, "real"), text), folder=folder, workers=2, console=Console(quiet=True))


CLEANING: list[Any] = [
    {"extract": {"engine": "fast"}},
    {"language": {"keep": ["en", "ko"], "min_score": 0.5}},
    "exact_duplicates",
    "korean_cleanup",
    {"quality": {"rules": ["gopher", "fineweb", "korean"]}},
    {"near_duplicates": {"threshold": 0.8}},
    {"toxicity": {"max_score": 0.8}},
    "personal_data",
]


@pytest.mark.real
@pytest.mark.slow
def test_real_pages_become_shards_and_a_trained_model(web: Web, shared_data: Path, tmp_path: Path) -> None:
    crawl = {"contact": "test@example.org", "depth": 0, "delay": 0.0, "allow_private": True}
    recipe = {
        "name": "real",
        "sources": [
            {"crawl": {"name": "pages", "kind": "news", "start": web.starts, **crawl}},
            {"crawl": {"name": "forums", "kind": "community", "start": web.threads, **crawl}},
            {"warc": {"name": "archives", "paths": str(shared_data / "warc/dolma/*.warc.gz")}},
            {
                "jsonl": {
                    "name": "petitions",
                    "paths": str(shared_data / "duplicates/petitions/petitions_2019-04"),
                    "columns": {"text": "content", "published": "begin"},
                }
            },
            {"text": {"name": "prose", "paths": str(shared_data / "prose/react-ko/content/blog/*/*/*/*.md")}},
        ],
        "stages": [*CLEANING, {"contamination": {"benchmarks": [str(shared_data / "contamination/gsm8k/test.jsonl")]}}],
        "tokens": {"tokenizer": {"train": "bpe", "vocabulary": 2000}, "sequence_length": 128},
        "train": {"model": {"kind": "decoder", "layers": 2, "width": 64, "heads": 2}, "budget": {"steps": 20}},
        "audit": {"windows": 50, "canaries": None},
    }
    result = execute(recipe, tmp_path / "run")
    summary = result.summary
    by_source = summary["by_source"]
    assert by_source["pages"]["documents_in"] > 0.9 * len(web.starts)
    assert by_source["forums"]["documents_in"] > 0.9 * len(web.threads)
    for source, least in (("pages", 0.4), ("forums", 0.2), ("petitions", 0.8), ("prose", 0.1)):
        assert by_source[source]["documents_out"] > least * by_source[source]["documents_in"], source
    assert {"en", "ko"} <= set(summary["languages"])
    files = sorted((tmp_path / "run/corpus").glob("*.parquet"))
    rows = sum(pq.read_metadata(path).num_rows for path in files)
    assert rows == summary["totals"]["documents_out"]
    for path in files:
        assert not pc.any(pc.is_null(pq.read_table(path, columns=["text"]).column("text"))).as_py()
    assert summary["jobs"]["pretraining"]["finished"]
    assert (tmp_path / "run/models/base/model.safetensors").exists()
    assert (tmp_path / "run/report.html").stat().st_size > 20_000


def test_every_archive_goes_through(samples: Path, tmp_path: Path) -> None:
    paths = [str(path) for path in sorted(samples.glob("warc/*/*")) if path.is_file()]
    recipe = {
        "name": "archives",
        "sources": [{"warc": {"paths": paths}}],
        "stages": [{"extract": {"engine": "fast"}}, "language", "exact_duplicates"],
    }
    result = execute(recipe, tmp_path / "run")
    assert result.summary["totals"]["documents_out"] > 10
    quarantined = list((tmp_path / "run/ledger/quarantine").glob("*.jsonl"))
    reasons = [json.loads(line)["reason"] for path in quarantined for line in path.read_text().splitlines()]
    assert len(reasons) == result.summary["quarantined"] > 0


def test_every_encoding_goes_through(samples: Path, tmp_path: Path) -> None:
    files = [str(path) for path in sorted(samples.glob("charset/*/*")) if path.is_file()]
    result = execute(
        {
            "name": "charsets",
            "sources": [{"text": {"paths": files}}],
            "stages": ["language", "quality", "personal_data"],
        },
        tmp_path / "run",
    )
    assert result.summary["totals"]["documents_in"] + result.summary["quarantined"] >= 0.9 * len(files)
