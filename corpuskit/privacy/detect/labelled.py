"""Values whose form alone says nothing, beside the word that names them: NINO, patient numbers, plates, addresses.

National insurance numbers: HMRC's NIM39110. European addresses are read up to their postcode and town.
"""

from __future__ import annotations

import re

from corpuskit.privacy.detect import plate
from corpuskit.privacy.finding import Candidate

_GAP = (
    r"[\"')\]]{0,2}(?:\s?(?:=>|:=|[:=#])\s?|\s(?:is|was|no\.?|number)\s|은 |는 |이 |가 |[ \t]|</?[a-z]{1,12}>){1,3}"
    r"[\"'(\[]{0,2}"
)
_NINO = re.compile(
    r"(?:national[ _]insurance(?:[ _](?:number|no\.?))?|nino|ni (?:number|no\.?)|n\.i\. n\w+\.?)"
    + _GAP
    + r"(?P<value>(?!BG|GB|KN|NK|NT|TN"
    r"|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z][ -]?(?:[0-9]{2}[ -]?){3}[A-D]?)(?![0-9A-Za-z])",
    re.IGNORECASE,
)
_NINO_ALONE = re.compile(
    r"(?<![0-9A-Za-z])(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z](?P<gap>[ -]?)[0-9]{2}(?P=gap)[0-9]{2}"
    r"(?P=gap)[0-9]{2}(?P=gap)[A-D](?![0-9A-Za-z])"
)
_PATIENT = re.compile(
    r"(?:mrn|medical[ _]record(?:[ _](?:number|no\.?))?|patient(?:[ _](?:id|number|no\.?))"
    r"|chart (?:number|no\.?)|환자 ?(?:등록)? ?번호|차트 ?번호|병록 ?번호)"
    + _GAP
    + r"(?P<value>[A-Z]{0,4}[-#]?[0-9]{4,12}(?:-[0-9]{1,4})?)(?![0-9A-Za-z])",
    re.IGNORECASE,
)
_POSTCODE = (
    r"(?:(?:D|F|A|B|CH|L|DK|SE|PL|CZ|FI|NL|I|E|P)-)?"
    r"(?:[0-9]{4,5}(?:-[0-9]{3})?|[0-9]{3} [0-9]{2}|[0-9]{2}-[0-9]{3}|[0-9]{4} ?[A-Z]{2})"
)
_TOWN = r"[A-ZÀ-ÞŁŚŻŠČŘŽĎŤŇ][\wÀ-ž'’.-]{1,24}(?: (?:am|an der|sur|de|del|la|[A-ZÀ-Þ][\wÀ-ž'’.-]{1,24})){0,3}"
_EUROPEAN = re.compile(
    r"(?:address|adresse|anschrift|direcci[oó]n|indirizzo|adres|morada|endereço|wohnhaft(?: in)?)"
    + r"[\"')]{0,2}(?:\s?[:=]\s?|\s(?:is|lautet|est|es|è)\s|\s)[\"']?"
    + rf"(?P<value>[^\n\"<>:;]{{4,60}}?[, ]\s?{_POSTCODE}[ ,]{{1,2}}{_TOWN}(?:, [A-ZÀ-Þ][\wÀ-ž]{{2,20}})?)",
    re.IGNORECASE,
)
_HAS_NUMBER = re.compile(r"[0-9]")


def detect(text: str, start: int, end: int) -> list[Candidate]:
    """What the word at `text[start:end]` names, after it."""
    for pattern, type, score in ((_NINO, "uk_nino", 0.95), (_PATIENT, "patient_number", 0.85)):
        match = pattern.match(text, start)
        if match is not None:
            return [Candidate(*match.span("value"), type, score)]
    match = _EUROPEAN.match(text, start)
    if match is not None and _begins_with_capital(match["value"]):
        return [Candidate(*match.span("value"), "address", 0.7)]
    return plate.labelled(text, start)


def _begins_with_capital(value: str) -> bool:
    words = re.findall(r"[^\W\d_]+", value)
    return bool(words) and any(word[0].isupper() for word in words[:3]) and len(_HAS_NUMBER.findall(value)) >= 5


def insurance(text: str, start: int) -> list[Candidate]:
    """A national insurance number told by its form, two letters, six digits and a letter, from its first letter."""
    match = _NINO_ALONE.match(text, start)
    return [Candidate(*match.span(), "uk_nino", 0.7)] if match is not None else []
