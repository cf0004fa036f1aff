"""presidio's recognizers run in corpuskit, corpuskit's findings in presidio, and presidio finds nothing left."""

from __future__ import annotations

import logging
import sys
from types import ModuleType

import pytest

from corpuskit.errors import UsageError
from corpuskit.privacy import find, scrub
from corpuskit.privacy.presidio import load
from corpuskit.privacy.recognizer import recognizer

presidio = pytest.importorskip("presidio_analyzer")


class BadgeRecognizer(presidio.PatternRecognizer):  # type: ignore[misc]
    def __init__(self) -> None:
        pattern = presidio.Pattern("badge", r"BADGE-\d{4}", 0.8)
        super().__init__("STAFF_BADGE", patterns=[pattern], supported_language="en")


@pytest.fixture(autouse=True)
def module(monkeypatch: pytest.MonkeyPatch) -> None:
    own = ModuleType("own_recognizers")
    own.BadgeRecognizer = BadgeRecognizer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "own_recognizers", own)
    load.cache_clear()


def test_a_users_recognizer_plugs_in() -> None:
    badge = load("own_recognizers.BadgeRecognizer")
    assert find(["see BADGE-1234 now"], "en", recognizers=[badge])[0][0][:4] == (4, 14, "staff_badge", 0.8)
    assert find(["see BADGE-1234 now"], "ko", recognizers=[badge]) == [[]]
    assert scrub(["BADGE-1234"], "en", recognizers=[badge]) == ["<STAFF_BADGE>"]


@pytest.mark.parametrize("path", ["own_recognizers.Missing", "nowhere.Thing", "json.JSONDecoder", "plain"])
def test_a_path_that_names_no_recognizer_is_an_error(path: str) -> None:
    with pytest.raises(UsageError, match="recognizer"):
        load(path)


def test_our_findings_run_in_a_presidio_engine() -> None:
    from presidio_analyzer.nlp_engine import NoOpNlpEngine

    engine = NoOpNlpEngine(models=[{"lang_code": "ko", "model_name": "no_op"}])
    engine.load()
    registry = presidio.RecognizerRegistry(supported_languages=["ko"])
    registry.add_recognizer(recognizer("ko"))
    analyzer = presidio.AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=["ko"])
    text = "메일은 hong@naver.com입니다"
    found = analyzer.analyze(text, "ko")
    assert [(item.entity_type, text[item.start : item.end]) for item in found] == [("EMAIL_ADDRESS", "hong@naver.com")]


def test_presidio_finds_no_structured_value_in_scrubbed_text() -> None:
    from presidio_analyzer import predefined_recognizers as predefined

    logging.getLogger("presidio-analyzer").setLevel(logging.ERROR)
    text = (
        "hong@naver.com, 김철수@naver.com, 4539 1488 0343 6467, 8.8.8.8, DE89370400440532013000, 536-22-1234, "
        "912-70-1234, 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa, 900101-1234567, call 415-555-2671"
    )
    names = "Email CreditCard Ip Iban Crypto UsSsn UsItin Phone KrRrn KrBrn".split()  # noqa: SIM905
    clean = scrub([text], "en")[0]
    for name in names:
        peer = getattr(predefined, f"{name}Recognizer")()
        before = {item.entity_type for item in peer.analyze(text, peer.supported_entities, None) if item.score >= 0.4}
        assert before or name == "KrBrn"
        assert [item for item in peer.analyze(clean, peer.supported_entities, None) if item.score >= 0.4] == []
