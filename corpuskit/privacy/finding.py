"""What personal data is called here: the types, and a finding in a text."""

from __future__ import annotations

from bisect import bisect
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True)
class Kind:
    """A type of personal data."""

    about: str
    presidio: str
    """What presidio's recognizers call the same thing; '' where they know no such type."""


KINDS: dict[str, Kind] = {
    "email": Kind("E-mail address, also written with (at), 골뱅이 or (dot)", "EMAIL_ADDRESS"),
    "phone": Kind("Phone number: international, Korean mobile and landline, North American, British", "PHONE_NUMBER"),
    "resident_registration": Kind("Korean resident registration number, citizens' and foreigners'", "KR_RRN"),
    "business_registration": Kind("Korean business registration number", "KR_BRN"),
    "cn_id": Kind("Chinese identity number", ""),
    "in_aadhaar": Kind("Indian Aadhaar number beside a word that says so", "IN_AADHAAR"),
    "br_cpf": Kind("Brazilian CPF number", ""),
    "uk_nino": Kind("British national insurance number", "UK_NINO"),
    "uk_nhs": Kind("British NHS number beside a word that says so", "UK_NHS"),
    "patient_number": Kind("Number of a patient or a medical record, beside a word that says so", ""),
    "customs_code": Kind("Korean personal customs clearance code (개인통관고유부호)", ""),
    "imei": Kind("Number of a mobile device", ""),
    "mac": Kind("Hardware address of a network card", "MAC_ADDRESS"),
    "number_plate": Kind("Number plate: Korean; British and American beside a word that says so", ""),
    "passport": Kind("Passport number beside a word that says so", "KR_PASSPORT"),
    "drivers_licence": Kind("Korean driver's licence number", "KR_DRIVER_LICENSE"),
    "bank_account": Kind("Bank account number beside a word that says so", "US_BANK_NUMBER"),
    "card": Kind("Payment card number with a valid check digit", "CREDIT_CARD"),
    "ip": Kind("Internet address, IPv4 or IPv6; public ones unless asked otherwise", "IP_ADDRESS"),
    "url_credentials": Kind("URL with a user name and a password", "URL"),
    "iban": Kind("International bank account number with a valid check", "IBAN_CODE"),
    "crypto_address": Kind("Address on a public ledger (Bitcoin and kin, Ethereum)", "CRYPTO"),
    "us_ssn": Kind("United States social security number", "US_SSN"),
    "us_itin": Kind("United States individual taxpayer number", "US_ITIN"),
    "secret": Kind("Password, access token, private key or API key", ""),
    "address": Kind("Postal address: Korean road and lot form, American and British street form", ""),
    "birth_date": Kind("Date of birth: a date beside a word that says so", "DATE_TIME"),
    "handle": Kind("A person's name on a platform: @someone, 카톡 아이디, a profile's URL", ""),
    "person": Kind("A person's name in a field that says so (성명:, From:); with `names`, by a model too", "PERSON"),
    "place": Kind("A place's name, by a trained model", "LOCATION"),
    "organization": Kind("An organisation's name, by a trained model", "ORGANIZATION"),
}
"""Every type by its name. Recognizers of a user's own add their entity in lower case."""

NAMES = ("person", "place", "organization")
"""The types that a model finds, when asked for."""

STRUCTURED = tuple(name for name in KINDS if name not in ("place", "organization"))
"""The types that are found by form, without a model. A person is found so in a field that says so."""


class Finding(NamedTuple):
    """Personal data in a text: `text == whole[start:end]`, offsets in code points of the caller's own string."""

    start: int
    end: int
    type: str
    score: float
    """0 to 1: how sure the form, its check digits and the words around it make us."""
    text: str


class Candidate(NamedTuple):
    """What a detector proposes; overlaps are not yet settled."""

    start: int
    end: int
    type: str
    score: float


def settle(candidates: list[Candidate]) -> list[Candidate]:
    """Candidates without overlaps, by position: the surer wins, then the longer, then the earlier."""
    if len(candidates) < 2:
        return candidates
    settled: list[Candidate] = []
    touching: list[Candidate] = []
    reach = 0
    for candidate in sorted(set(candidates)):
        if touching and candidate.start >= reach:
            settled += _settle_touching(touching)
            touching = []
        touching.append(candidate)
        reach = max(reach, candidate.end)
    return settled + _settle_touching(touching)


def _settle_touching(candidates: list[Candidate]) -> list[Candidate]:
    """The same for candidates that form one chain of overlaps."""
    if len(candidates) == 1:
        return candidates
    kept: list[Candidate] = []
    for candidate in sorted(candidates, key=lambda c: (-c.score, c.start - c.end, c.start, c.type)):
        place = bisect(kept, candidate)
        before_is_free = place == 0 or kept[place - 1].end <= candidate.start
        if before_is_free and (place == len(kept) or candidate.end <= kept[place].start):
            kept.insert(place, candidate)
    return kept
