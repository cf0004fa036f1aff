"""Recognizers of presidio, run here.

presidio-analyzer (Microsoft, MIT) defines the classes that people write recognizers with. None of its engine is used.
`agree` runs presidio's own pattern recognizers too, for those who must show that presidio finds nothing in a corpus.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from corpuskit.errors import UsageError, require
from corpuskit.privacy.finding import Candidate, settle


@lru_cache(maxsize=32)
def load(path: str) -> Any:
    """An instance of the recognizer class that a dotted path names.

    Raises UsageError where the path names no class of presidio's EntityRecognizer.
    """
    base = require("presidio_analyzer", "privacy").EntityRecognizer
    module, _, name = path.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise UsageError(f"recognizer '{path}' cannot be imported: {error}") from error
    if not (isinstance(found, type) and issubclass(found, base)):
        raise UsageError(f"recognizer '{path}' is no class of presidio_analyzer.EntityRecognizer")
    return found()


def analyze(recognizers: Sequence[Any], text: str, language: str | None) -> list[Candidate]:
    """What presidio recognizers find in a text, under their entities' names in lower case.

    A recognizer runs on texts in its own language, and on texts whose language is not known.
    """
    found: list[Candidate] = []
    for recognizer in recognizers:
        if language is not None and recognizer.supported_language != language:
            continue
        results = recognizer.analyze(text, recognizer.supported_entities, None) or ()
        found += [
            Candidate(result.start, result.end, result.entity_type.lower(), float(result.score))
            for result in results
            if 0 <= result.start < result.end <= len(text)
        ]
    return found


AGREED_SCORE = 0.4
"""presidio's recognizers give a phone number this score, and a value with a valid check digit 1."""
AGREED_TYPES = {
    "EMAIL_ADDRESS": "email",
    "PHONE_NUMBER": "phone",
    "CREDIT_CARD": "card",
    "IP_ADDRESS": "ip",
    "IBAN_CODE": "iban",
    "CRYPTO": "crypto_address",
    "US_SSN": "us_ssn",
    "US_ITIN": "us_itin",
    "KR_RRN": "resident_registration",
    "KR_FRN": "resident_registration",
    "KR_BRN": "business_registration",
    "KR_PASSPORT": "passport",
    "KR_DRIVER_LICENSE": "drivers_licence",
}
"""Types that presidio's pattern recognizers and corpuskit both know, by presidio's name."""


@lru_cache(maxsize=2)
def _predefined(korean: bool) -> list[Any]:
    """presidio's pattern recognizers of the agreed types, with all its Korean ones for Korean."""
    known = require("presidio_analyzer.predefined_recognizers", "privacy")
    logging.getLogger("presidio-analyzer").setLevel(logging.ERROR)  # it warns of each recognizer without context words
    names = ["Email", "CreditCard", "Ip", "Iban", "Crypto"]
    names += ["KrRrn", "KrFrn", "KrBrn", "KrPassport", "KrDriverLicense"] if korean else ["UsSsn", "UsItin"]
    language = "ko" if korean else "en"
    made = [getattr(known, f"{name}Recognizer")(supported_language=language) for name in names]
    regions = ("KR", "US", "GB") if korean else known.PhoneRecognizer.DEFAULT_SUPPORTED_REGIONS
    return [*made, known.PhoneRecognizer(supported_language=language, supported_regions=regions)]


def agree(text: str, language: str | None, known: Sequence[Candidate] = ()) -> list[Candidate]:
    """What presidio's pattern recognizers find beside the `known`, with AGREED_SCORE and over, in corpuskit's types.

    Looked for until nothing is left: what stands around a value that goes may look like another one. Dates, decimals
    and article numbers that have the form of a phone number or a licence are among it.
    """
    added: list[Candidate] = []
    rest = _without(text, known)
    while more := settle(_agreed(rest, language)):
        added += more
        rest = _without(rest, more)
    return added


def _without(text: str, found: Sequence[Candidate]) -> str:
    """The text with what was found replaced by as many characters that are no value."""
    pieces: list[str] = []
    position = 0
    for item in sorted(found):
        pieces += (text[position : item.start], "<" + "X" * (item.end - item.start - 1))
        position = item.end
    return "".join([*pieces, text[position:]])


def _agreed(text: str, language: str | None) -> list[Candidate]:
    found: list[Candidate] = []
    for recognizer in _predefined(language == "ko"):
        found += [
            Candidate(result.start, result.end, AGREED_TYPES[result.entity_type], float(result.score))
            for result in recognizer.analyze(text, recognizer.supported_entities, None) or ()
            if result.score >= AGREED_SCORE and result.entity_type in AGREED_TYPES
        ]
    return found
