"""Versions are honest: a stage, source or job that makes another result of the same sample has another version.

Each result on the sample in tests/data/golden is pinned, under the versions of constraints.txt, to the version that its
class states. Where it has changed, raise the `version` and pin it again: `pytest tests/golden --pin`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from golden_jobs import JOB_CASES, job_results
from golden_results import (
    CONSTRAINTS,
    PINS,
    SAMPLE,
    configured,
    different_libraries,
    pin_of,
    sample_documents,
    sample_pages,
    source_result,
    stage_result,
)

from corpuskit.document import set_column
from corpuskit.engine.features import features
from corpuskit.errors import MissingExtra

STAGE_CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "extract": ("extract", {}),
    "language": ("language", {"keep": ["en", "ko"], "min_score": 0.3}),
    "exact_duplicates": ("exact_duplicates", {}),
    "exact_duplicates by url": ("exact_duplicates", {"by": "url"}),
    "near_duplicates": ("near_duplicates", {}),
    "near_duplicates, contained": ("near_duplicates", {"verify": "containment", "prefer": "longest"}),
    "passages": ("passages", {"min_documents": 3, "min_length": 60}),
    "passages, lines": ("passages", {"unit": "line", "min_length": 20}),
    "korean_cleanup": ("korean_cleanup", {}),
    "c4_lines": ("c4_lines", {}),
    "quality": ("quality", {"rules": ["gopher", "c4", "mc4", "fineweb", "korean"]}),
    "quality, morphemes": ("quality", {"analyser": "kiwi"}),
    "quality as dclm": ("quality", {"compatible_with": "dclm"}),
    "personal_data": ("personal_data", {}),
    "personal_data, masked": ("personal_data", {"mode": "mask", "min_score": 0.3}),
    "toxicity": ("toxicity", {}),
    "toxicity, passages": ("toxicity", {"action": "passage"}),
    "contamination": ("contamination", {"benchmarks": [str(SAMPLE / "benchmark.jsonl")]}),
    "filter": ("filter", {"where": "length(text) > 200", "drop_matching": {"text": "ferry"}, "sample": 0.7}),
    "remedies": ("remedies", {"path": "decisions.parquet"}),
    "rights": ("rights", {"obey": ["training", "noindex", "noarchive", "paywall"], "licenses": ["CC0-1.0"]}),
}

SOURCE_CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "jsonl": ("jsonl", {"paths": str(SAMPLE / "documents.jsonl")}),
    "jsonl, columns": ("jsonl", {"paths": str(SAMPLE / "pages.jsonl"), "columns": {"text": "content"}}),
    "text": ("text", {"paths": str(SAMPLE / "texts.txt"), "split_on": "\n====\n"}),
    "parquet": ("parquet", {"paths": "rows.parquet"}),
    "warc": ("warc", {"paths": "pages.warc.gz"}),
    "crawl": ("crawl", {"contact": "golden@example.org", "start": ["https://example.org/a"]}),
    "datasets": ("datasets", {"path": "dataset"}),
    "task_texts": ("task_texts", {"documents": 60, "seed": 3}),
}


@pytest.fixture
def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the sample in the formats that are made when they are needed."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def check_pin(name: str, pin: dict[str, Any], pins: dict[str, Any], request: pytest.FixtureRequest) -> None:
    """Compare with what is pinned, or pin it where `--pin` asks for it."""
    if request.config.getoption("--pin"):
        pins[name] = pin
        return
    assert name in pins, f"{name} is not pinned yet: pytest tests/golden --pin"
    pinned = pins[name]
    known, given = pinned["defaults"], pin["defaults"]
    changed = [setting for setting, value in known.items() if setting in given and given[setting] != value]
    assert not changed or pin["version"] > pinned["version"], (
        f"{name}: another default of {', '.join(changed)} changes the result of recipes that do not set it: "
        "raise the version, then pin it again (pytest tests/golden --pin)"
    )
    if pin["digest"] == pinned["digest"] and pin["version"] == pinned["version"]:
        return
    others = different_libraries(pinned["libraries"])
    if others and pin["version"] == pinned["version"]:
        named = ", ".join(f"{library} {here} (pinned with {there})" for library, (there, here) in others.items())
        pytest.skip(f"{name}: another result, with other libraries than constraints.txt: {named}")
    assert pin["version"] != pinned["version"], (
        f"{name}: another result under the same version {pin['version']}: raise the version of its class, "
        "then pin it again (pytest tests/golden --pin)"
    )
    pytest.fail(
        f"{name}: version {pin['version']}, pinned {pinned['version']}: pin it again (pytest tests/golden --pin)"
    )


@pytest.mark.parametrize("case", STAGE_CASES)
def test_a_stage_gives_the_result_of_its_version(
    case: str, prepared: Path, pins: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    key, settings = STAGE_CASES[case]
    batch = sample_pages() if key == "extract" else sample_documents()
    if key == "rights":
        signals = ["noai", "noindex; noarchive", "content-signal: ai-train=yes", "paywall: not for free", None]
        column = pa.array([signals[row % len(signals)] for row in range(batch.num_rows)], pa.string())
        batch = set_column(batch, "rights", column)
    if key == "remedies":
        write_decisions(prepared / "decisions.parquet", batch)
    stage = configured(key, settings, "stages")
    try:
        result = stage_result(stage, batch, prepared / "work")
    except MissingExtra as missing:
        pytest.skip(str(missing))
    check_pin(f"stage {case}", pin_of(type(stage), result, stage.libraries()), pins, request)


@pytest.mark.parametrize("case", SOURCE_CASES)
def test_a_source_reads_the_documents_of_its_version(
    case: str, prepared: Path, pins: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    key, settings = SOURCE_CASES[case]
    try:
        MAKE.get(key, lambda folder: None)(prepared)
        source = configured(key, settings, "sources")
        result = source_result(source, prepared)
    except MissingExtra as missing:
        pytest.skip(str(missing))
    check_pin(f"source {case}", pin_of(type(source), result, source.libraries()), pins, request)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Job -> its pin, from one small run with every key that makes jobs."""
    try:
        return job_results(tmp_path_factory.mktemp("jobs"))
    except MissingExtra as missing:
        pytest.skip(str(missing))


@pytest.mark.parametrize("case", JOB_CASES)
def test_a_job_gives_the_result_of_its_version(
    case: str, made: dict[str, dict[str, Any]], pins: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    pin = dict(made[case])
    losses = pin.pop("losses", [])
    name = f"job {case}"
    if request.config.getoption("--pin"):
        pins[name] = pin | {"losses": losses}
        return
    check_pin(name, pin, pins, request)
    if not different_libraries(pins[name]["libraries"]):
        assert losses == pytest.approx(pins[name]["losses"], rel=0.02, abs=0.002), (
            f"{name}: other losses under the same version"
        )


def test_everything_that_a_recipe_may_name_is_pinned() -> None:
    assert {key for key, _ in STAGE_CASES.values()} == set(features().stages())
    assert {key for key, _ in SOURCE_CASES.values()} == set(features().sources())


def test_every_job_of_a_recipe_is_pinned(made: dict[str, dict[str, Any]]) -> None:
    assert set(made) == set(JOB_CASES)


def test_what_is_pinned_was_made_with_the_constraints(pins: dict[str, Any], request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--pin"):
        pytest.skip("pinning")
    lines = (line.split("==") for line in CONSTRAINTS.read_text("utf-8").splitlines() if "==" in line)
    known = {name.lower().replace("_", "-"): version.partition("+")[0] for name, version in lines}
    for name, pin in pins.items():
        for library, version in pin["libraries"].items():
            expected = known.get(library.lower().replace("_", "-"))
            assert expected == version, (
                f"{name} was pinned with {library} {version}, and constraints.txt has {expected}"
            )


@pytest.fixture(scope="session")
def pins(request: pytest.FixtureRequest) -> Any:
    known = json.loads(PINS.read_text("utf-8")) if PINS.exists() else {}
    yield known
    if request.config.getoption("--pin"):
        PINS.write_text(json.dumps(dict(sorted(known.items())), indent=1, ensure_ascii=False) + "\n", "utf-8")


# --- the sample in other formats ---


def write_decisions(path: Path, batch: pa.RecordBatch) -> None:
    from corpuskit.memorization.remedies.decisions import SCHEMA
    from corpuskit.memorization.remedies.stretches import text_digest

    rows = []
    for number, action in ((0, "drop"), (16, "trim_span"), (7, "scrub")):
        text = batch.column("text")[number].as_py()
        row: dict[str, Any] = dict.fromkeys(SCHEMA.names)
        row |= {"id": batch.column("id")[number].as_py(), "action": action, "reason": "for the sample", "score": 0.5}
        row |= {"windows": 2, "copies": 0, "spans": [{"start": 5, "end": 40}], "text_digest": text_digest(text)}
        rows.append(row | {"stretches": []})
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), path)


def make_parquet(folder: Path) -> None:
    rows = [json.loads(line) for line in (SAMPLE / "documents.jsonl").read_text("utf-8").splitlines()]
    pq.write_table(pa.Table.from_pylist(rows), folder / "rows.parquet", row_group_size=10)


def make_warc(folder: Path) -> list[tuple[str, int, int]]:
    """pages.warc.gz; (URL, offset, length) of each page."""
    import io

    from corpuskit.errors import require

    writer_of = require("warcio.warcwriter", "crawl").WARCWriter
    headers = require("warcio.statusandheaders", "crawl").StatusAndHeaders
    places = []
    rows = [json.loads(line) for line in (SAMPLE / "pages.jsonl").read_text("utf-8").splitlines()]
    with (folder / "pages.warc.gz").open("wb") as stream:
        writer = writer_of(stream, gzip=True)
        for number, row in enumerate(rows):
            http = headers("200 OK", [("Content-Type", row["media_type"])], protocol="HTTP/1.1")
            given = {
                "WARC-Date": "2026-03-01T10:00:00Z",
                "WARC-Record-ID": f"<urn:uuid:00000000-0000-4000-8000-{number:012}>",
            }
            record = writer.create_warc_record(
                row["url"], "response", payload=io.BytesIO(row["content"].encode()), http_headers=http,
                warc_headers_dict=given,
            )  # fmt: skip
            start = stream.tell()
            writer.write_record(record)
            places.append((row["url"], start, stream.tell() - start))
    return places


def make_crawl(folder: Path) -> None:
    from corpuskit.sources.crawl.index import PAGES, IndexedPage

    places = make_warc(folder)
    pages = [
        IndexedPage(url, "pages.warc.gz", start, length, "2026-03-01", "from the feed", ["content-signal: ai-train=no"])
        for url, start, length in places
    ]
    (folder / PAGES).write_text("".join(json.dumps(vars(page)) + "\n" for page in pages), "utf-8")


def make_dataset(folder: Path) -> None:
    from corpuskit.errors import require

    rows = [json.loads(line) for line in (SAMPLE / "documents.jsonl").read_text("utf-8").splitlines()]
    columns = {name: [row.get(name) for row in rows] for name in ("text", "url", "title")}
    require("datasets", "train").Dataset.from_dict(columns).save_to_disk(str(folder / "dataset"))


MAKE: dict[str, Any] = {"parquet": make_parquet, "warc": make_warc, "crawl": make_crawl, "datasets": make_dataset}
