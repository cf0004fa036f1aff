"""Secrets: keys by the rules of their issuers, values assigned to a word for a secret, webhooks, private keys.

The rules are those of gitleaks (`data/gitleaks_rules.json`, MIT licence), which are kept in step with their source by
`benchmarks/privacy_secret_rules.py`; `token` has the forms that they lack.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from corpuskit.privacy.finding import Candidate

_RULES = Path(__file__).resolve().parents[1] / "data" / "gitleaks_rules.json"
_BEFORE, _AFTER = 80, 700
"""Code points around a rule's keyword that its pattern is looked for in."""
_OPENING = re.compile(r"^(?:\(\?i:|\\b|\(\?:|\(|\(\?-i:)+")


class Rule(NamedTuple):
    pattern: re.Pattern[str]
    entropy: float
    """Bits a character that the secret must have at least."""
    group: int
    begins: bool
    """Whether the pattern begins with the keyword."""


@lru_cache(maxsize=1)
def rules() -> dict[str, tuple[Rule, ...]]:
    """The rules by keyword, in lower case."""
    table: dict[str, list[Rule]] = {}
    for item in json.loads(_RULES.read_text(encoding="utf-8"))["rules"]:
        pattern = re.compile(item["pattern"], re.ASCII)
        literal = _OPENING.sub("", item["pattern"]).replace("\\", "").lower()
        for keyword in item["keywords"]:
            begins = literal.startswith(keyword)
            rule = Rule(pattern, float(item["entropy"]), int(item.get("group", 0)), begins)
            table.setdefault(keyword, []).append(rule)
    return {keyword: tuple(found) for keyword, found in table.items()}


def known(text: str, start: int, end: int) -> list[Candidate]:
    """The keys of issuers whose rules have the keyword `text[start:end]`."""
    found: list[Candidate] = []
    last = min(len(text), end + _AFTER)
    for rule in rules().get(text[start:end].lower(), ()):
        if rule.begins:
            match = rule.pattern.match(text, start, last)
        else:
            match = rule.pattern.search(text, max(0, start - _BEFORE), last)
        if match is None or not match.start() <= start < match.end():
            continue
        group = rule.group or next((number for number in range(1, (match.lastindex or 0) + 1) if match[number]), 0)
        value = match[group]
        if len(value) >= 8 and entropy(value) >= rule.entropy and _is_mixed(value):
            found.append(Candidate(*match.span(group), "secret", 0.95))
    return found


def _is_mixed(value: str) -> bool:
    """Whether a value has digits, or letters in both cases without the regularity of words."""
    if any(character.isdigit() for character in value):
        return True
    return value != value.lower() and value != value.upper() and entropy(value) >= 3.5


def entropy(value: str) -> float:
    """Shannon entropy of the characters of a value, in bits a character."""
    counts = Counter(value)
    return -sum(count / len(value) * math.log2(count / len(value)) for count in counts.values())


_ASSIGNED = re.compile(
    r"(?:password|passcode|passphrase|passwd|pwd|_pass|pass(?=[=:])|pw|account_?key|shared_?access_?\w{0,10}"
    r"|credentials?"
    r"|secret(?:[_ -]?key)?|(?:access[_ -]?)?token|api[_ -]?key|x-api-key|access[_ -]?key|client_key|encryption_key"
    r"|private_key|auth_key|secret_key|비밀번호|비번|패스워드|암호)(?:[_.-]?[A-Za-z0-9]{1,16}){0,2}"
    r"[\"'`]?(?:\s{0,2}(?::=|=>|=|:|：)\s{0,2}|는 |은 "
    r"| is )[\"'`]?(?P<value>[^\s\"'`,;<>()\[\]{}]{4,200})(?P<after>.?)",
    re.IGNORECASE,
)
_TAGGED = re.compile(
    r"(?:password|passwd|pwd|secret\w{0,12}|token|api_?key|\w{0,8}credential)>\s?(?P<value>[^\s<>]{4,200})\s?</",
    re.IGNORECASE,
)
_KEY_VALUE = re.compile(
    r"(?:password|passwd|pwd|secret|token|api[_-]?key|access_?key)\w{0,12}[\"'](?:\s?,\s?|\s+)(?:value\s?=\s?)?[\"']"
    r"(?P<value>[^\s\"'<>]{4,200})[\"']",
    re.IGNORECASE,
)
_BEARER = re.compile(r"bearer\s{1,3}(?P<value>[A-Za-z0-9._~+/-]{16,2000}=*)", re.IGNORECASE)
_AUTHORIZATION = re.compile(
    r"(?:authorization[\"'`]?\s{0,2}[:=]\s{0,2}[\"'`]?(?:basic|token|apikey|kakaoak|digest)|kakaoak)\s{1,3}"
    r"(?P<value>[A-Za-z0-9._~+/-]{12,2000}=*)",
    re.IGNORECASE,
)
_USER = re.compile(r"(?:-u|--user)[ =][\"']?[^\s:\"'/]{1,64}:(?P<value>[^\s\"'@]{4,128})")
_COMMAND = re.compile(r"(?:curl|http|wget|httpie)\b")
_COMMAND_LINE = re.compile(
    r"(?:mysql|mysqldump|mariadb|sshpass)\b[^\n;|]{0,80}? -p ?(?P<value>(?=[^\s]{0,60}[0-9])[^\s-][^\s]{5,64})"
)
_KEY = re.compile(
    r"\"key\"\s?:\s?\"(?P<value>[0-9a-f]{32,64}|(?=[^\"]{0,60}[0-9])(?=[^\"]{0,60}[A-Z])[A-Za-z0-9_-]{24,80})\""
)
_COMMAND_REACH = 200
_WEBHOOK = re.compile(
    r"hooks\.slack\.com/(?P<slack>(?:services|workflows|triggers)/T?[A-Za-z0-9_]{6,20}/[A-Za-z0-9_/]{16,80})"
    r"|api/webhooks/(?P<discord>[0-9]{16,20}/[A-Za-z0-9_-]{40,90})"
    r"|hooks\.zapier\.com/hooks/catch/(?P<zapier>[0-9]{4,12}/[A-Za-z0-9]{5,20})"
    r"|(?:webhook|outlook)\.office(?:365)?\.com/(?P<teams>webhook(?:b2)?/[A-Za-z0-9@/-]{60,300})"
    r"|chat\.googleapis\.com/v1/spaces/(?P<google>[A-Za-z0-9_-]{6,20}/messages\?key=[A-Za-z0-9_=&%-]{20,300})"
    r"|maker\.ifttt\.com/trigger/[A-Za-z0-9_-]{1,64}/(?:json/)?with/key/(?P<ifttt>[A-Za-z0-9_-]{16,64})"
    r"|hooks\.[a-z0-9.-]{3,60}/(?P<other>[A-Za-z0-9_/-]{24,120})",
    re.IGNORECASE,
)
_SIGNED = re.compile(
    r"[&?]?(?:sig|signature|sharedaccesssignature)=(?P<value>[A-Za-z0-9%+/=_-]{20,200})", re.IGNORECASE
)
_NOT_A_VALUE = re.compile(
    r"[$%{<*/.]|[xX*.•●-]{4,}$|https?:|(?:[A-Za-z_]\w*\.)+[A-Za-z_]\w*$|[a-z]+[A-Z][A-Za-z]*[0-9]?$"
    r"|[0-9]+(?:자|글자|개|번|회|분|일|년|개월|characters|chars|tokens?)|invented-secret-"
)
_PARTICLES = re.compile(r"(?:입니다|이에요|예요|이야|에요|이고|입니당|요|임)[.!?]*$|[.!?]+$")
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----", re.IGNORECASE)
_PRIVATE_KEY_END = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----", re.IGNORECASE)
_KEY_LENGTH = 20_000
_HASH = re.compile(r"[0-9a-f]{16}")
_WORD_FOR_PIN = ("비밀번호", "비번", "패스워드")


def assigned(text: str, start: int, end: int) -> list[Candidate]:
    """A value that follows a word for a secret, or the secret part of a webhook's URL."""
    match = _BEARER.match(text, start) or _AUTHORIZATION.match(text, start)
    if match is not None:
        value = match["value"]
        if any(c.isdigit() for c in value) and any(c.isalpha() for c in value):
            return [Candidate(*match.span("value"), "secret", 0.85)]
        return []
    if text.startswith(("-u ", "--user"), start):
        match = _USER.match(text, start)
        command = match is not None and _COMMAND.search(text, max(0, start - _COMMAND_REACH), start)
        return [Candidate(*match.span("value"), "secret", 0.85)] if match is not None and command else []
    match = _SIGNED.match(text, start)
    if match is not None and entropy(match["value"]) >= 3.5:
        return [Candidate(*match.span("value"), "secret", 0.8)]
    match = _COMMAND_LINE.match(text, start) or _KEY.match(text, start)
    if match is not None:
        return [Candidate(*match.span("value"), "secret", 0.8)]
    match = _ASSIGNED.match(text, start)
    tagged = match is None
    if match is None:
        match = _TAGGED.match(text, start) or _KEY_VALUE.match(text, start)
        if match is None:
            return []
    elif match["after"] == "(" or (match["after"] == ">" and _HASH.fullmatch(match["value"])):
        return []
    value = match["value"] if tagged else _PARTICLES.sub("", match["value"])
    if (not tagged and _NOT_A_VALUE.match(value)) or not _looks_random(value, text[start:end]):
        return []
    begin = match.start("value")
    return [Candidate(begin, begin + len(value), "secret", 0.7)]


def webhook(text: str, start: int, end: int) -> list[Candidate]:
    """The secret part of a webhook's URL, which lets anybody post in its owner's name."""
    match = _WEBHOOK.match(text, start)
    if match is None or match.lastgroup is None or not any(c.isdigit() for c in match[match.lastgroup]):
        return []
    return [Candidate(*match.span(match.lastgroup), "secret", 0.9)]


def _looks_random(value: str, word: str) -> bool:
    digits = sum(c.isdigit() and c.isascii() for c in value)
    letters = sum(c.isalpha() and c.isascii() for c in value)
    if digits + letters < 0.6 * len(value):
        return False
    if not letters:  # a number is a secret only after a word that means nothing else
        return len(value) >= 4 and digits == len(value) and word in _WORD_FOR_PIN
    if digits == 0:
        symbols = len(value) - letters
        mixed = value != value.lower() and value != value.upper() and value != value.capitalize()
        return len(value) >= 8 and symbols > 0 and mixed and "." not in value and "-" not in value and "/" not in value
    return len(value) >= 6 and len(set(value)) >= 5


def private_key(text: str, start: int, end: int) -> list[Candidate]:
    """A PEM or PGP private key, from its first line to its last."""
    begin = _PRIVATE_KEY.match(text, start)
    if begin is None:
        return []
    close = _PRIVATE_KEY_END.search(text, begin.end(), begin.end() + _KEY_LENGTH)
    return [Candidate(start, close.end() if close else begin.end(), "secret", 0.99)]
