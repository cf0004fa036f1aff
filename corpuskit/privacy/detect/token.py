"""Long unbroken words: access tokens and keys of known forms, addresses on public ledgers, IBANs.

The forms of tokens are those that their issuers publish for secret scanning and that the rules in `secret` lack, and
any prefix with enough random characters after it (RFC 7519 for JWT). Ledger addresses and IBANs carry check digits.
"""

from __future__ import annotations

import re

from corpuskit.privacy.detect import checks
from corpuskit.privacy.detect.run import IN_ADDRESS
from corpuskit.privacy.detect.secret import entropy
from corpuskit.privacy.detect.words import words
from corpuskit.privacy.finding import Candidate

_LOOK_BACK = 24
_TOKEN = re.compile(
    r"(?<![A-Za-z0-9_])(?:"
    r"(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}(?![0-9A-Za-z])"
    r"|gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{60,255}|glpat-[A-Za-z0-9_-]{20,64}"
    r"|xox[abeoprs]-[A-Za-z0-9-]{10,250}"
    r"|(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,250}|sk-(?:ant-|proj-|svcacct-)?[A-Za-z0-9_-]{20,250}"
    r"|AIza[0-9A-Za-z_-]{35}(?![0-9A-Za-z_-])|ya29\.[0-9A-Za-z_-]{20,250}|GOCSPX-[0-9A-Za-z_-]{28}"
    r"|SG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16,64}"
    r"|npm_[A-Za-z0-9]{36}|hf_[A-Za-z0-9]{30,64}|pypi-AgE[A-Za-z0-9_-]{50,250}|dop_v1_[a-f0-9]{64}"
    r"|shp(?:at|ss|ca|pa)_[a-fA-F0-9]{32}"
    r"|xapp-[0-9]-[A-Z0-9]{8,12}-[0-9]{10,14}-[a-z0-9]{20,80}|(?:SK|AC)[0-9a-f]{32}(?![0-9A-Za-z])"
    r"|key-[0-9a-f]{32}(?![0-9A-Za-z])|EAA[A-Za-z0-9]{40,300}|sq0(?:atp|csp)-[A-Za-z0-9_-]{20,50}"
    r"|(?:gsk|r8|ntn|lin_api|figd|glsa|dckr_pat|ATATT3|rubygems|sntrys|nvapi-|pplx-|tvly-|xkeysib-|PMAK-|NRAK-)"
    r"[_-]?[A-Za-z0-9_-]{20,250}|dapi[0-9a-f]{32}(?![0-9A-Za-z])"
    r"|[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40}(?![A-Za-z0-9_-])"
    r"|eyJ[A-Za-z0-9_-]{10,2000}\.eyJ[A-Za-z0-9_-]{10,4000}\.[A-Za-z0-9_-]{10,1000}"
    r"|[0-9]{8,10}:AA[A-Za-z0-9_-]{33}(?![A-Za-z0-9_-])|LTAI[A-Za-z0-9]{16,24}(?![0-9A-Za-z])|AKID[A-Za-z0-9]{32}"
    r"|[0-9a-f]{32}-us[0-9]{1,2}(?![0-9A-Za-z])|1/[0-9]{14,18}:[0-9a-f]{32}|pat[A-Za-z0-9]{14}\.[a-f0-9]{64}"
    r"|[sp]k\.eyJ[A-Za-z0-9_-]{30,120}\.[A-Za-z0-9_-]{16,40}|[A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}"
    r"|(?:sdk|mob|pat-[a-z]{2}[0-9])-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|CCIPAT_[A-Za-z0-9]{16,30}_[0-9a-f]{40}"
    r"|AAAA[A-Za-z0-9_-]{7}:APA91b[A-Za-z0-9_-]{60,200}|a[ks]-[A-Za-z0-9]{22}(?![0-9A-Za-z])"
    r"|[a-z][a-z0-9]{1,9}_(?:[a-z]{1,6}_)?[0-9a-f]{32,64}(?:_[0-9a-f]{8,12})?(?![0-9A-Za-z])"
    r"|whsec_[A-Za-z0-9+/=]{24,100}|xai-[A-Za-z0-9]{40,120}|hvs\.[A-Za-z0-9_-]{24,120}"
    r"|gl(?:pat|ptt|rt|dt|ft|imt|agent|oas|soat|cbt|ffct)-[A-Za-z0-9_-]{20,100}"
    r"|AGE-SECRET-KEY-1[A-Z0-9]{58}|sl\.[A-Za-z0-9_-]{60,300}|1//0[A-Za-z0-9_-]{30,200}|PRIVATE-[A-Za-z0-9-]{20,60}"
    r")"
)
_BEGINNING = re.compile(
    r"(?<![A-Za-z0-9_])(?=(?:A[KSBC][IC]A|gh[pousr]_|github_pat|glpat-|xox|[srp]k[_-]|AIza|ya29\."
    r"|GOCSPX|SG\.|npm_|hf_|pypi-|dop_|shp"
    r"|eyJ|[0-9]{8,10}:AA|xapp-|(?:SK|AC)[0-9a-f]{4}|key-[0-9a-f]{4}|EAA|sq0|gsk_|r8_|ntn_|lin_api|figd|glsa_|dckr_"
    r"|ATATT3|rubygems|sntrys|nvapi|pplx-|tvly-|xkeysib|PMAK-|NRAK-|dapi[0-9a-f]|LTAI|AKID|whsec_|xai-|hvs\."
    r"|gl(?:pat|ptt|rt|dt|ft|imt|agent|oas|soat|cbt|ffct)-"
    r"|[0-9a-f]{32}-us[0-9]|1/[0-9]{14,18}:|pat[A-Za-z0-9]{14}\.|[sp]k\.eyJ|[A-Za-z0-9_~.]{3}[0-9]Q~|sdk-|mob-"
    r"|pat-[a-z]{2}"
    r"|CCIPAT_|AAAA[A-Za-z0-9_-]{7}:|a[ks]-|[a-z][a-z0-9]{1,9}_(?:[a-z]{1,6}_)?[0-9a-f]{32}"
    r"|AGE-SECRET|sl\.|1//0|PRIVATE-|[MNO][A-Za-z0-9_-]{23,27}(?![A-Za-z0-9_-])))"
)
_PREFIXED = re.compile(
    r"(?P<prefix>[A-Za-z][A-Za-z0-9]{1,11}[-_](?:[A-Za-z0-9]{1,10}[-_]){0,3})(?P<body>[A-Za-z0-9]{24,200})(?![A-Za-z0-9])"
)
"""A word for the issuer and a long random body: `abc_live_9fK2...`."""
_NO_ISSUER = re.compile(
    r"(?:sha[0-9]{0,3}|md5|base64|blob|img|image|photo|video|file|doc|page|post|id|uuid|hash|commit|rev|cache"
    r"|chunk|asset|main"
    r"|vendor|app|css|js|font|icon|thumb|test|build|dist|ref|data|part|node|item|key|etag|w|v[0-9]+)[-_]",
    re.IGNORECASE,
)
_LEDGER = re.compile(
    r"(?<![A-Za-z0-9])(?:(?P<base58>[13LMDXT][1-9A-HJ-NP-Za-km-z]{25,34})"
    r"|(?P<bech32>(?:bc|tb|ltc)1[02-9ac-hj-np-z]{20,71}|(?:BC|TB|LTC)1[02-9AC-HJ-NP-Z]{20,71})"
    r"|(?P<ethereum>0x[0-9a-fA-F]{40})|(?P<ripple>r[1-9A-HJ-NP-Za-km-z]{24,34})"
    r"|(?P<monero>[48][1-9A-HJ-NP-Za-km-z]{94}(?:[1-9A-HJ-NP-Za-km-z]{11})?)"
    r"|(?P<cardano>addr1[02-9ac-hj-np-z]{50,110})|(?P<solana>[1-9A-HJ-NP-Za-km-z]{43,44}))(?![A-Za-z0-9])"
)
_IBAN = re.compile(
    r"[A-Z]{2}[0-9]{2}(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,3})?"
    r"|[a-z]{2}[0-9]{2}(?:[ -]?[a-z0-9]{4}){2,7}(?:[ -]?[a-z0-9]{1,3})?"
)
_IBAN_LENGTHS = {entry[:2]: int(entry[2:]) for entry in words("iban_lengths")}
"""Characters of an IBAN by country: the IBAN registry of SWIFT (ISO 13616)."""


def detect(text: str, start: int, end: int) -> list[Candidate]:
    """A token or a ledger address that begins in or just before the word `text[start:end]`."""
    found: list[Candidate] = []
    for beginning in _BEGINNING.finditer(text, max(0, start - _LOOK_BACK), end):
        match = _TOKEN.match(text, beginning.start())
        if (
            match is not None
            and match.end() > start
            and _is_random(match[0])
            and not _NO_ISSUER.match(match[0].removeprefix("key-"))
        ):
            found.append(Candidate(*match.span(), "secret", 0.95))
    match = _PREFIXED.match(text, start) if not found else None
    in_address = text[start - 1 : start] in ("=", "/", "&") and IN_ADDRESS.search(text, max(0, start - 300), start)
    if (
        match is not None
        and not in_address
        and _is_random_body(match["body"])
        and not _NO_ISSUER.match(match["prefix"])
    ):
        found.append(Candidate(*match.span(), "secret", 0.65))
    match = _LEDGER.match(text, start)
    if match is not None and _is_ledger_address(match, text, start):
        found.append(Candidate(*match.span(), "crypto_address", 0.95))
    return found


def _is_random(value: str) -> bool:
    """Whether a token has what words lack: digits among letters, and no run of lower-case words."""
    if _IDENTIFIER.fullmatch(value) and not _RANDOM_PART.search(value):
        return False
    # 'sk-' and its like also begin hyphenated words and CSS classes; those have no digits among capitals.
    return any(c.isdigit() for c in value) or (
        any(c.isupper() for c in value[4:]) and any(c.islower() for c in value[4:])
    )


_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z]*[0-9]{0,2}(?:[-_.][A-Za-z]*[0-9]{0,2})+")
"""Words and numbers with signs between, `r8_quantization_aware_training_2`."""
_RANDOM_PART = re.compile(
    r"[0-9][A-Za-z]{1,3}[0-9]|[a-z][0-9][A-Z]|[A-Z][0-9][a-z]|[A-Z][a-z][A-Z][a-z]|[a-z][A-Z]{1,2}[a-z][A-Z]"
)


def _is_random_body(body: str) -> bool:
    digits = sum(c.isdigit() for c in body)
    mixed = any(c.isupper() for c in body) and any(c.islower() for c in body)
    return mixed and digits >= 3 and len(set(body)) >= 14 and entropy(body) >= 4.0


_LEDGER_WORD = re.compile(r"sol(?:ana)?|phantom|wallet|지갑|address|주소", re.IGNORECASE)


def _is_ledger_address(match: re.Match[str], text: str, start: int) -> bool:
    if match["base58"]:
        return checks.base58(match["base58"])
    if match["bech32"]:
        return checks.bech32(match["bech32"])
    if match["ripple"]:
        return checks.ripple(match["ripple"])
    if match["monero"]:
        return match["monero"][1] in "0123456789AB" and entropy(match["monero"]) > 4.5
    if match["cardano"]:
        return checks.bech32(match["cardano"])
    if match["solana"]:  # 32 bytes without a check: a word must say so
        said = _LEDGER_WORD.search(text, max(0, start - 30), start) is not None
        return said and checks.base58_length(match["solana"]) == 32 and any(c.isdigit() for c in match["solana"])
    return len(set(match[0].lower())) > 6


def iban(text: str, start: int, end: int) -> list[Candidate]:
    """An IBAN, grouped or not, in capitals or in small letters."""
    length = _IBAN_LENGTHS.get(text[start : start + 2].upper())
    match = _IBAN.match(text, start) if length else None
    if match is None or length is None:
        return []
    position, taken = start, 0
    while taken < length and position < match.end():
        taken += text[position] not in " -"
        position += 1
    value = text[start:position].replace(" ", "").replace("-", "")
    follows = text[position : position + 1]
    if len(value) != length or (follows.isascii() and follows.isalnum()) or not checks.iban(value):
        return []
    return [Candidate(start, position, "iban", 0.98)]
