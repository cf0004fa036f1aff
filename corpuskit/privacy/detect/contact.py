"""E-mail addresses, and URLs with a password.

The local part follows RFC 5322's dot-atom without the characters that ordinary text puts beside an address. Letters of
another script glued to an address (`메일은hong@naver.com입니다`) are words, no part of it, unless the whole local part
is in that script. The last label of a host must be a top-level domain.
"""

from __future__ import annotations

import re
from functools import lru_cache

from corpuskit.errors import require
from corpuskit.privacy.detect import handle
from corpuskit.privacy.finding import Candidate

_LOCAL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._%+-'*"
_REACH = 64
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,62}\.)+[A-Za-z][A-Za-z0-9-]{0,30}")
_LABELS = re.compile(r"[^\W_](?:[\w-]{0,62}\.){1,8}[^\W\d_][\w-]{1,30}")
_CREDENTIALS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s/@:<>\"']{0,100}:[^\s/@<>\"']{1,200}$")
_AFTER_HOST = re.compile(r"(?::[0-9]{1,5})?(?:/[^\s<>\"']{0,500})?")
_SPACED_LOCAL = re.compile(
    r"(?:메일|e-?mail|contact|연락)[^A-Za-z0-9]{0,6}(?P<local>[A-Za-z0-9._+-]{1,40}) $", re.IGNORECASE
)
_PROVIDERS = re.compile(
    r" ?(?:네이버|지메일|구글|다음|한메일|네이트|카카오|핫메일|야후|naver|gmail|daum|hanmail|nate|kakao"
    r"|hotmail|yahoo|outlook)"
    r"(?: ?(?:닷|점|\.|dot) ?(?:컴|콤|넷|com|net))(?![A-Za-z])",
    re.IGNORECASE,
)
_SPELT_HOST = re.compile(
    r" ?[A-Za-z0-9][A-Za-z0-9-]{0,40}(?: ?(?:\.|[\[({<] ?(?:dot|\.|점|닷) ?[\])}>]| dot "
    r"| ?[점닷] ?) ?[A-Za-z][A-Za-z0-9-]{0,30}){1,4}(?![A-Za-z0-9])",
    re.IGNORECASE,
)
DOT = re.compile(r" ?(?:[\[({<] ?(?:dot|\.|점|닷) ?[\])}>]| dot |\.|점|닷) ?", re.IGNORECASE)
SPELT_SIGN = re.compile(r" ?(?:[\[({<] ?(?:at|@|골뱅이|앳) ?[\])}>]|골뱅이|앳|_at_) ?", re.IGNORECASE)
_BRACKETED_DOT = re.compile(
    r"[A-Za-z0-9-]{1,40}(?:\.[A-Za-z0-9-]{1,40}){0,3} ?[\[({<] ?(?:dot|\.|점|닷) ?[\])}>]", re.IGNORECASE
)
_LOOSE_HOST = re.compile(
    r" ?(?:naver|gmail|daum|hanmail|nate|kakao|hotmail|yahoo|outlook|icloud)"
    r"(?: ?[.,] ?| )(?:com|net|co\.kr|co\.uk)(?![A-Za-z0-9])",
    re.IGNORECASE,
)
"""A provider's host, written loosely: ` naver.com`, `naver,com`, `naver. com`."""
_LOOSE_LOCAL = re.compile(r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9][A-Za-z0-9._%+-]{1,40} ?$")
_LAST_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._%+-]{0,63} ?$")
_SPELT_AT_DOT = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9][A-Za-z0-9._%+-]{1,63} at [A-Za-z0-9][A-Za-z0-9-]{1,40}(?= dot )",
    re.IGNORECASE,
)


@lru_cache(maxsize=1)
def top_level_domains() -> frozenset[str]:
    """Every top-level domain, in lower case, by the list that tldextract carries (no network)."""
    tldextract = require("tldextract", "privacy")
    suffixes = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None).tlds
    return frozenset(suffix.rpartition(".")[2] for suffix in suffixes) - {"zip", "mov"}  # rather names of files


def _host_end(text: str, start: int) -> int:
    """Where the host that begins at `start` ends; `start` where there is none."""
    if text[start : start + 1].isascii():
        match = _HOST.match(text, start)
        if match is None or not _known(match[0].split(".")):
            match = _LABELS.match(text, start) or match
    else:
        match = _LABELS.match(text, start)
    if match is None:
        return start
    labels = match[0].split(".")
    while len(labels) > 1 and not _known(labels):
        last = labels.pop()
        ends = (last[:length] for length in range(len(last) - 1, 1, -1)) if not last.isascii() else ()
        domain = next((end for end in ends if end in top_level_domains()), None)  # 한국으로: a particle behind 한국
        if domain is not None:
            labels.append(domain)
    return start + len(".".join(labels)) if len(labels) > 1 else start


def _known(labels: list[str]) -> bool:
    return labels[-1].lower() in top_level_domains() and not labels[-2].endswith("-")


def at_sign(text: str, start: int, end: int) -> list[Candidate]:
    """What stands around an '@': an address, a URL's password, or a name on a platform."""
    head = text[max(0, start - 320) : start]
    if "://" in head:
        match = _CREDENTIALS.search(head)
        if match is not None:
            host = re.match(r"[A-Za-z0-9.-]{1,253}", text[end : end + 253])
            if host is not None:
                tail = _AFTER_HOST.match(text, end + host.end())
                assert tail is not None
                return [Candidate(start - len(head) + match.start(), tail.end(), "url_credentials", 0.95)]
    head = head[-_REACH:]
    spaced = _SPACED_LOCAL.search(head) if text[end : end + 1] == " " else None
    if spaced is not None and (close := _host_end(text, end + 1)) > end + 1:
        return [Candidate(start - len(head) + spaced.start("local"), close, "email", 0.8)]
    local = _local_part(head)
    if local.endswith("."):
        return []
    if local == "git":  # git@host:path names a repository
        return []
    if local:
        close = _host_end(text, end)
        if close > end:
            return [Candidate(start - len(local), close, "email", 0.95)]
        if _BRACKETED_DOT.match(text, end) and (close := _spelt_host_end(text, end)) > end:
            return [Candidate(start - len(local), close, "email", 0.9)]
        return _loose(text, start, end, head)
    if loose := _loose(text, start, end, head):
        return loose
    if head and not head[-1].isascii() and head[-1].isalpha():  # a local part of another script
        word = re.search(r"[\w.+-]{1,64}$", head)
        close = _host_end(text, end)
        if word is not None and close > end:
            return [Candidate(start - len(word[0]), close, "email", 0.8)]
    return handle.at(text, start, end, head)


_LATIN_LETTERS = "\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff"
_ACCENTED = re.compile(rf"[A-Za-z0-9._%+'{_LATIN_LETTERS}-]+$")


def _local_part(head: str) -> str:
    """The local part at the end of the text before an '@': ASCII, or Latin letters with accents (RFC 6531)."""
    match = _ACCENTED.search(head)
    plain = head[len(head.rstrip(_LOCAL)) :]
    local = match[0] if match is not None and len(match[0]) > len(plain) else plain
    return local.lstrip(".-'%+*")


def _loose(text: str, start: int, end: int, head: str) -> list[Candidate]:
    """An address at a well-known provider with spaces or a comma in it."""
    host = _LOOSE_HOST.match(text, end)
    local = _LOOSE_LOCAL.search(head) if host is not None else None
    if host is None or local is None:
        return []
    return [Candidate(start - len(head) + local.start(), host.end(), "email", 0.75)]


def spelt_at(text: str, start: int, end: int) -> list[Candidate]:
    """An address with its '@' or its dots in words: `kim (at) example (dot) com`, `hong골뱅이naver.com`."""
    if text[start:end].lower() == " dot ":
        for match in _SPELT_AT_DOT.finditer(text, max(0, start - 120), end):
            if match.end() == start:
                host_start = match[0].lower().rindex(" at ") + 4 + match.start()
                close = _spelt_host_end(text, host_start)
                if close > host_start:
                    return [Candidate(match.start(), close, "email", 0.85)]
        return []
    if text[start - 1 : start] in ("(", "[", "{", "<") and start:  # (골뱅이)
        start -= 1
    before = text[max(0, start - _REACH - 1) : start]
    local = _LAST_WORD.search(before)
    sign = SPELT_SIGN.match(text, start)
    if local is None or sign is None:
        return []
    close = _spelt_host_end(text, sign.end())
    if close == sign.end() or (sign[0] == "_at_" and not _LOOSE_HOST.match(text, sign.end())):
        return []
    return [Candidate(start - len(local[0]), close, "email", 0.9)]


def _spelt_host_end(text: str, start: int) -> int:
    provider = _PROVIDERS.match(text, start)
    if provider is not None:
        return provider.end()
    host = _SPELT_HOST.match(text, start)
    if host is None:
        return start
    end = host.end()
    while end > start:
        labels = DOT.split(text[start:end].strip())
        if len(labels) < 2:
            return start
        if labels[-1].lower() in top_level_domains():
            return end
        end = start + text[start:end].rindex(labels[-1])
        end = start + len(_trailing_dot(text[start:end]))
    return start


def _trailing_dot(value: str) -> str:
    last = None
    for match in DOT.finditer(value):
        last = match
    return value[: last.start()] if last is not None else ""
