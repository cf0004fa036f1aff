"""Secrets told by the words before them: `password = "..."`, `비밀번호는 ...`, `Bearer ...`, and private keys."""

from __future__ import annotations

import re

from corpuskit.privacy.finding import Candidate

_ASSIGNED = re.compile(
    r"(?:password|passcode|passwd|pwd|pw|account_?key|credentials?"
    r"|secret(?:[_ -]?key)?|(?:access[_ -]?)?token|api[_ -]?key|access_key|비밀번호"
    r"|비번|패스워드|암호)"
    r"[\"'`]?(?:\s{0,2}(?::=|=>|=|:|：)\s{0,2}|는 |은 "
    r"| is )[\"'`]?(?P<value>[^\s\"'`,;<>()\[\]{}]{4,100})(?P<after>.?)",
    re.IGNORECASE,
)
_BEARER = re.compile(r"bearer\s{1,3}(?P<value>[A-Za-z0-9._~+/-]{16,2000}=*)", re.IGNORECASE)
_AUTHORIZATION = re.compile(
    r"(?:authorization[\"'`]?\s{0,2}[:=]\s{0,2}[\"'`]?(?:basic|token|apikey|kakaoak|digest)|kakaoak)\s{1,3}"
    r"(?P<value>[A-Za-z0-9._~+/-]{16,2000}=*)",
    re.IGNORECASE,
)
_WEBHOOK = re.compile(
    r"hooks\.slack\.com/(?P<value>(?:services|workflows)/T[A-Za-z0-9_]{6,20}/[A-Za-z0-9_/]{16,80})", re.IGNORECASE
)
_NOT_A_VALUE = re.compile(
    r"[$%{<*/.]|[xX*.•●-]{4,}$|https?:|(?:[A-Za-z_]\w*\.)+[A-Za-z_]\w*$|[a-z]+[A-Z][A-Za-z]*[0-9]?$"
    r"|[0-9]+(?:자|글자|개|번|회|분|일|년|개월|characters|chars|tokens?)"
)
_PARTICLES = re.compile(r"(?:입니다|이에요|예요|이야|에요|이고|입니당|요|임)[.!?]*$|[.!?]+$")
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----", re.IGNORECASE)
_PRIVATE_KEY_END = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----", re.IGNORECASE)
_KEY_LENGTH = 20_000


def assigned(text: str, start: int, end: int) -> list[Candidate]:
    """A value that follows a word for a secret."""
    match = _WEBHOOK.match(text, start)
    if match is not None:
        return [Candidate(*match.span("value"), "secret", 0.9)]
    match = _BEARER.match(text, start) or _AUTHORIZATION.match(text, start)
    if match is not None:
        value = match["value"]
        if any(c.isdigit() for c in value) and any(c.isalpha() for c in value):
            return [Candidate(*match.span("value"), "secret", 0.85)]
        return []
    match = _ASSIGNED.match(text, start)
    if match is None or match["after"] == "(":
        return []
    value = _PARTICLES.sub("", match["value"])
    if _NOT_A_VALUE.match(value) or not _looks_random(value, text[start:end]):
        return []
    begin = match.start("value")
    return [Candidate(begin, begin + len(value), "secret", 0.7)]


def _looks_random(value: str, word: str) -> bool:
    digits = sum(c.isdigit() and c.isascii() for c in value)
    letters = sum(c.isalpha() and c.isascii() for c in value)
    if digits + letters < 0.6 * len(value):
        return False
    if not letters:  # a number is a secret only after a word that means nothing else
        return len(value) >= 4 and digits == len(value) and word in ("비밀번호", "비번", "패스워드")
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
