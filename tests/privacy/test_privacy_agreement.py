"""What presidio finds in a scrubbed corpus: nothing with `agree`, and without it only what is no personal data."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from corpuskit.privacy import find, scrub

presidio = pytest.importorskip("presidio_analyzer")

TYPES = {
    *("EMAIL_ADDRESS", "PHONE_NUMBER", "CREDIT_CARD", "IP_ADDRESS", "IBAN_CODE", "CRYPTO", "US_SSN", "US_ITIN"),
    *("KR_RRN", "KR_FRN", "KR_BRN", "KR_PASSPORT", "KR_DRIVER_LICENSE"),
}
DEFAULT_SCORE = 0.4


def engine(language: str) -> Any:
    """presidio's AnalyzerEngine with its pattern recognizers of a language, the Korean ones switched on."""
    from presidio_analyzer import predefined_recognizers as predefined
    from presidio_analyzer.nlp_engine import NoOpNlpEngine

    logging.getLogger("presidio-analyzer").setLevel(logging.ERROR)
    registry = presidio.RecognizerRegistry(supported_languages=[language])
    if language == "en":
        registry.load_predefined_recognizers(languages=["en"])
        registry.recognizers = [item for item in registry.recognizers if "Spacy" not in item.name]
    else:
        for name in ("KrRrn", "KrFrn", "KrBrn", "KrPassport", "KrDriverLicense", "Email", "CreditCard", "Ip", "Iban"):
            registry.add_recognizer(getattr(predefined, f"{name}Recognizer")(supported_language="ko"))
        registry.add_recognizer(predefined.PhoneRecognizer(supported_language="ko", supported_regions=["KR", "US"]))
    model = NoOpNlpEngine(models=[{"lang_code": language, "model_name": "no_op"}])
    model.load()
    return presidio.AnalyzerEngine(registry=registry, nlp_engine=model, supported_languages=[language])


@pytest.fixture(scope="module")
def engines() -> dict[str, Any]:
    return {language: engine(language) for language in ("ko", "en")}


def hits(analyzer: Any, text: str, language: str) -> Iterator[tuple[str, float, str]]:
    for item in analyzer.analyze(text, language, score_threshold=DEFAULT_SCORE):
        if item.entity_type in TYPES:
            yield item.entity_type, item.score, text[max(0, item.start - 60) : item.end]


@pytest.mark.parametrize("language", ["ko", "en"])
def test_nothing_is_left_of_invented_values(engines: dict[str, Any], labelled: ModuleType, language: str) -> None:
    lines = {language: "\n".join((labelled.TUNED[language], labelled.HELD_OUT[language]))}
    texts = [example.text for example in labelled.examples(lines, 6, seed=21)]
    before = sum(1 for text in texts for _ in hits(engines[language], text, language))
    assert before > 100
    left = [hit for text in scrub(texts, language) for hit in hits(engines[language], text, language)]
    assert left == []


def corpora(shared_data: Path) -> Iterator[tuple[str, str]]:
    for path in sorted((shared_data / "duplicates/petitions").iterdir()):
        for line in path.read_text(encoding="utf-8").splitlines()[::6]:
            yield "ko", json.loads(line)["content"]
    news = (shared_data / "duplicates/mccormick/articles_1000.train").read_text(encoding="utf-8").splitlines()
    for line in news[::3]:
        yield "en", line.partition(" ")[2]
    for path in sorted(shared_data.glob("extraction/wcxb/ground-truth/*"))[::3]:
        yield "en", json.loads(path.read_text(encoding="utf-8"))["ground_truth"].get("main_content") or ""


def test_a_corpus_scrubbed_in_agreement_has_nothing_left(engines: dict[str, Any], samples: Path) -> None:
    texts = list(corpora(samples))
    for language in ("ko", "en"):
        scrubbed = scrub([text for spoken, text in texts if spoken == language], language, agree=True)
        assert [hit for text in scrubbed for hit in hits(engines[language], text, language)] == []


def test_without_agreement_what_is_left_is_no_personal_data(engines: dict[str, Any], samples: Path) -> None:
    """Left are phone numbers at presidio's lowest score (dates, decimals) and undivided numbers in web addresses."""
    for language in ("ko", "en"):
        texts = [text for spoken, text in corpora(samples) if spoken == language]
        for text in scrub(texts, language, private_addresses=True):
            for kind, score, around in hits(engines[language], text, language):
                in_address = around.rpartition("/")[2].rpartition("=")[2].isdigit()
                reserved = around.endswith(("@example.com", "@example.org", "@example.net"))
                assert (kind == "PHONE_NUMBER" and score <= DEFAULT_SCORE) or in_address or reserved, (kind, around)


def test_agreement_goes_on_until_nothing_is_left() -> None:
    text = "2.267763789.2122871960.1676620306 and 221513386149"
    assert find([text], "en") == [[]]
    found = find([text], "en", agree=True)[0]
    assert {item.type for item in found} == {"phone"}
    assert all(text[item.start : item.end] == item.text for item in found)
    assert find(["221513386149"], "ko", agree=True)[0][0].type == "drivers_licence"
    assert find([text], "en", agree=True, types=["email"]) == [[]]
