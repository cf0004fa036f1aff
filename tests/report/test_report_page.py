"""The report as a page: what it says, what it leaves out, and that nothing in a document can act in it."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from lxml import html as lxml_html

from corpuskit import report
from corpuskit.drawing.run import read
from corpuskit.errors import UsageError
from corpuskit.privacy.report import read_risks
from corpuskit.report.cleaning import read_samples


def _page(folder: Path) -> tuple[str, lxml_html.HtmlElement]:
    output = folder / "report.html"
    report.write(folder, output)
    source = output.read_text("utf-8")
    return source, lxml_html.document_fromstring(source)


def _text(element: lxml_html.HtmlElement) -> str:
    return " ".join(element.text_content().split())


def test_every_section_of_a_full_run_is_there_and_listed(run_folder: Path) -> None:
    _, page = _page(run_folder)
    names = [section.get("id") for section in page.iter("section")]
    assert names == [
        "funnel", "dropped", "shares", "personal-data", "changes", "loss", "memorization", "timings", "crawl",
        "quarantine", "recipe",
    ]  # fmt: skip
    assert [link.get("href") for link in page.xpath("//body/nav//a")] == [f"#{name}" for name in names]


def test_missing_parts_leave_their_sections_out(bare_run: Path) -> None:
    _, page = _page(bare_run)
    names = {section.get("id") for section in page.iter("section")}
    assert names == {"funnel", "dropped", "shares", "timings", "recipe"}
    assert "language model" not in _text(page.find(".//header"))


def test_what_another_recipe_left_in_the_folder_is_not_shown(run_folder: Path) -> None:
    summary = json.loads((run_folder / "run.json").read_text())
    (run_folder / "run.json").write_text(json.dumps(summary | {"outputs": {"pretraining": "models/base"}}))
    _, page = _page(run_folder)
    names = {section.get("id") for section in page.iter("section")}
    assert "loss" in names
    assert "memorization" not in names
    assert "completed verbatim" not in _text(page.find(".//header"))


def test_a_run_in_which_nothing_survived_still_has_a_report(bare_run: Path) -> None:
    told = json.loads((bare_run / "run.json").read_text())
    told |= {"languages": {}, "by_source": {}, "stages": [], "sources": []}
    told["totals"] = dict.fromkeys(told["totals"], 0)
    (bare_run / "run.json").write_text(json.dumps(told))
    _, page = _page(bare_run)
    assert "0 documents" in _text(page.find(".//header"))


def test_a_folder_without_a_finished_run_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"run\.json"):
        report.write(tmp_path, tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()


def test_the_headline_figures_are_those_of_the_run(run_folder: Path) -> None:
    _, page = _page(run_folder)
    header = _text(page.find(".//header"))
    assert "212 documents from news, blog and forum became a corpus of 171 in English and Korean." in header
    for figure in ("80.7 %", "654 kB", "4 min 12 s", "41 of 1,200 windows", "3.3 M"):
        assert figure in header


def test_hostile_documents_are_shown_and_do_nothing(run_folder: Path) -> None:
    source, page = _page(run_folder)
    assert not list(page.iter("script"))
    assert not list(page.iter("img", "iframe", "object", "form", "input", "base"))
    assert not [name for element in page.iter() for name in element.attrib if name.startswith("on")]
    for link in page.iter("a"):
        assert re.match(r"(https?://|#)", link.get("href"))
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in source
    assert "javascript:alert(document.domain)" in _text(page)
    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", source)
    overridden = [bdi for bdi in page.iter("bdi") if "\u202e" in (bdi.text or "")]
    assert overridden
    assert source.count("\u202e") == len(overridden)


def test_the_page_needs_no_network_and_forbids_it(run_folder: Path) -> None:
    source, page = _page(run_folder)
    policy = page.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"]
    assert not page.xpath("//link | //@src | //@srcset")
    assert "@import" not in source
    assert "url(" not in source


def test_each_rule_has_three_samples_the_same_every_time(run_folder: Path, tmp_path: Path) -> None:
    ids = [int(row["id"], 16) for row in read_samples(run_folder)["quality", "gopher.words"]]
    assert ids == [10, 11, 12]
    first, _ = _page(run_folder)
    again = tmp_path / "copy"
    shutil.copytree(run_folder, again)
    assert _page(again)[0] == first


def test_samples_state_value_limit_and_evidence(run_folder: Path) -> None:
    _, page = _page(run_folder)
    text = _text(page.get_element_by_id("dropped"))
    assert "10, where the rule asks for at least 50.0 · blog · en" in text
    assert "near_duplicates.kept: 0123456789abcdef" in text
    assert "near_duplicates.similarity: 0.91" in text
    assert "x" * 300 not in text  # evidence is cut to what can be read
    assert "No document broke contamination.<overlap> (172 documents)" in text


def test_risk_counts_what_was_found_and_what_the_corpus_still_holds(run_folder: Path) -> None:
    risks = {(risk.type, risk.source): (risk.found, risk.left) for risk in read_risks(read(run_folder))}
    assert risks == {("email", "blog"): (4, 0), ("email", "forum"): (2, 1), ("phone", "blog"): (1, 0)}


def test_metrics_of_a_killed_writer_are_read_up_to_its_last_whole_line(run_folder: Path) -> None:
    metrics = read(run_folder).read_steps("models/base/metrics.jsonl")
    assert [row["step"] for row in metrics] == list(range(1, 801))
    path = run_folder / "models/base/metrics.jsonl"
    path.write_text('{"step": 1, "loss": NaN}\n{"step": 2, "loss": 3.5}\n{"step": 2, "loss": 3.0}\nnull\n')
    _, page = _page(run_folder)
    assert "Training loss from 3.000 to 3.000" in _text(page.get_element_by_id("loss"))


def test_every_drawing_is_described_and_has_a_table_or_list_beside_it(run_folder: Path) -> None:
    _, page = _page(run_folder)
    drawings = page.xpath("//*[local-name()='svg'][@role='img']")
    assert len(drawings) >= 9
    known = set(page.xpath("//@id"))
    for drawing in drawings:
        title, about = drawing.get("aria-labelledby").split()
        assert {title, about} <= known
        assert all(_text(page.get_element_by_id(name)) for name in (title, about))
    assert len(page.xpath("//@id")) == len(known)
    for section in ("funnel", "shares", "personal-data", "loss", "memorization", "timings"):
        assert page.get_element_by_id(section).xpath(".//table")


def test_quarantined_records_are_counted_by_reason_with_their_place(run_folder: Path) -> None:
    _, page = _page(run_folder)
    text = _text(page.get_element_by_id("quarantine"))
    assert "2 records could not be read" in text
    assert "<i>broken</i> gzip" in text
    assert "crawl/a.warc.gz" in text
