"""Names in texts of both languages, and which of them stand beside a contact."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from corpuskit.language import identify
from corpuskit.privacy.finding import NAMES, Candidate
from corpuskit.privacy.names.english import english_names
from corpuskit.privacy.names.korean import korean_names
from corpuskit.privacy.names.people import korean_people

REACH = 100
"""A name is near a contact when at most this many code points lie between them."""


def find_names(
    texts: Sequence[str | None], languages: Sequence[str | None], model: str | Path | None
) -> list[list[Candidate]]:
    """Names in the texts that are in Korean or English; other languages have none. A language of None is identified.

    `model` is a Korean model that `train` wrote; without one only people are found in Korean, by rules.
    """
    found: list[list[Candidate]] = [[] for _ in texts]
    by_language: dict[str, list[int]] = {"ko": [], "en": []}
    for number, (text, language) in enumerate(zip(texts, _known(texts, languages), strict=True)):
        if text and language in by_language:
            by_language[language].append(number)
    # Lone surrogates are no UTF-8, which both models want; one character for one keeps the offsets.
    wanted = {code: [_encodable(texts[number]) for number in numbers] for code, numbers in by_language.items()}
    if wanted["ko"]:
        named = korean_people(wanted["ko"]) if model is None else korean_names(wanted["ko"], model)
        for number, row in zip(by_language["ko"], named, strict=True):
            found[number] = row
    if wanted["en"]:
        for number, row in zip(by_language["en"], english_names(wanted["en"]), strict=True):
            found[number] = row
    return found


def _known(texts: Sequence[str | None], languages: Sequence[str | None]) -> list[str | None]:
    """The languages, those that are None identified by their text."""
    known = list(languages)
    unknown = [
        number for number, (text, code) in enumerate(zip(texts, languages, strict=True)) if text and code is None
    ]
    if unknown:
        codes = identify([_encodable(texts[number]) for number in unknown]).field("language").to_pylist()
        for number, code in zip(unknown, codes, strict=True):
            known[number] = code
    return known


def _encodable(text: str | None) -> str:
    return (text or "").encode("utf-8", "replace").decode("utf-8")


def near_contact(names: Sequence[Candidate], others: Sequence[Candidate]) -> list[Candidate]:
    """The people among `names` with a structured finding of `others` at most REACH code points away."""
    contacts = sorted((item.start, item.end) for item in others if item.type not in NAMES)
    kept, first = [], 0
    for name in sorted(item for item in names if item.type == "person"):
        while first < len(contacts) and contacts[first][1] + REACH < name.start:
            first += 1
        if first < len(contacts) and contacts[first][0] <= name.end + REACH:
            kept.append(name)
    return kept
