"""People's names on platforms: `@someone`, `카톡 아이디: someone`, and the URL of a profile."""

from __future__ import annotations

import re

from corpuskit.privacy.detect.words import words
from corpuskit.privacy.finding import Candidate

_HANDLE = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.]{1,28}[A-Za-z0-9_])(?![A-Za-z0-9_/(\-@.*]|\.[A-Za-z0-9_])")
_HOSTS = ("com", "net", "org", "kr", "co", "io", "jp", "edu", "gov", "de", "uk")
_HANDLE_WORDS = re.compile(
    r"트위터|인스타|카톡|카카오톡|텔레그램|유튜브|페이스북|스레드|틱톡|팔로우|계정|디엠|아이디|문의|연락"
    r"|(?<![a-z])(?:twitter|instagram|insta|tiktok|telegram|threads|mastodon|youtube|follow|contact|dm"
    r"|via|hat tip|h/t|rt|tweet(?:ed|s)?|account|github|thanks|by)(?![a-z])",
    re.IGNORECASE,
)
_NOT_A_PERSON = words("not_handles")
_PROFILE = re.compile(
    r"(?:(?:instagram|twitter|facebook|fb|twitch|pinterest)\.com/|twitch\.tv/|(?<=//)x\.com/|www\.x\.com/"
    r"|//x\.com/|t\.me/"
    r"|(?:tiktok|threads|youtube|medium)\.(?:com|net)/@|youtube\.com/(?:c|user)/|line\.me/(?:ti/p/~?|R/ti/p/)"
    r"|brunch\.co\.kr/@|velog\.io/@|bsky\.app/profile/|reddit\.com/u(?:ser)?/|linkedin\.com/in/|pf\.kakao\.com/"
    r"|github\.com/|blog\.naver\.com/)(?!profile\.php)"
    r"(?P<name>[A-Za-z0-9_](?:[A-Za-z0-9_.-]{1,60}[A-Za-z0-9_])?)(?![A-Za-z0-9_])(?P<more>/[A-Za-z0-9_.-]*)?",
    re.IGNORECASE,
)
_NUMBERED = re.compile(
    r"profile\.php\?id=(?P<name>[0-9]{5,20})|open\.kakao\.com/(?P<room>(?:o|me)/[A-Za-z0-9_-]{3,40})", re.IGNORECASE
)
_PAGE = re.compile(r"\.(?:php|nhn|naver|html?|aspx?|do|js|json|png|jpg|svg)$")
_MANY_THINGS = ("github.com/", "blog.naver.com/", "facebook.com/", "fb.com/")
"""Hosts whose path names projects, posts and pages as often as persons."""
_NO_PROFILE = words("not_profiles")
_NAMED = re.compile(
    r"(?:카카오톡|카톡|텔레그램|텔레|인스타그램|인스타|트위터|디스코드|디코|위챗|아이디|telegram|kakaotalk|kakao"
    r"|라인(?= ?id)|instagram|insta|(?<![a-z])ig|twitter|discord|skype|snapchat|wechat|(?<![a-z])line(?= id))"
    r" ?(?:아이디|계정|id|handle|username|user name|account)?(?:는|은|:|：|=| -|\)"
    r"| is)? ?:? ?(?P<name>@?[A-Za-z0-9_](?:[A-Za-z0-9_.-]{2,28}[A-Za-z0-9_])(?:#[0-9]{4})?)"
    r"(?![A-Za-z0-9_.@-]{0,64}[A-Za-z0-9_@])",
    re.IGNORECASE,
)
_TOLD = re.compile(r"(?:카톡|카카오톡|텔레|텔레그램|디코|디스코드|위챗|인스타) ?@?$| is ?$", re.IGNORECASE)
"""`카톡 gildong99`, `my Discord is jane#1234`: announced without a word for a name."""


def at(text: str, start: int, end: int, head: str) -> list[Candidate]:
    """A name after the '@' at `text[start:end]`, which no address has; `head` is the text before it."""
    match = _HANDLE.match(text, end)
    if match is None or head[-1:] in ("/", "`", "'", '"', "=", "{", "\\", "@", "-", "|", "$", "&", "*", ">"):
        return []
    name = match[0]
    if name.lower() in _NOT_A_PERSON or name[0].isdigit() or name.rpartition(".")[2] in _HOSTS:
        return []
    line = head[head.rfind("\n") + 1 :]
    if _HANDLE_WORDS.search(line[-40:]) or _HANDLE_WORDS.match(text[match.end() : match.end() + 12].lstrip()):
        return [Candidate(start, match.end(), "handle", 0.85)]
    # A line that begins with '@name' is a decorator or an annotation more often than a person.
    if not line.strip():
        return []
    return [Candidate(start, match.end(), "handle", 0.55)]


def named(text: str, start: int, end: int) -> list[Candidate]:
    """A name on a platform after a word that announces it, or in a profile's URL."""
    profile = _PROFILE.match(text, start)
    if profile is not None:
        name = profile["name"].strip(".").lower()
        owned = profile["more"] in (None, "/") or not text[start : start + 16].lower().startswith(_MANY_THINGS)
        if name in _NO_PROFILE or _PAGE.search(name) or len(name) < 3 or name.isdigit() or not owned:
            return []
        return [Candidate(profile.start("name"), profile.start("name") + len(name), "handle", 0.8)]
    numbered = _NUMBERED.match(text, start)
    if numbered is not None:
        return [Candidate(*numbered.span(numbered.lastgroup or 0), "handle", 0.8)]
    match = _NAMED.match(text, start)
    if match is None:
        return []
    announced = text[start : match.start("name")]
    name = match["name"]
    specific = any(character.isdigit() or character in "_.@#" for character in name)
    says_name = re.search(r"아이디|계정|id|handle|username|account|[:：=]", announced, re.IGNORECASE)
    if not says_name and specific and _TOLD.search(announced) and any(c.isalpha() for c in name):
        return [Candidate(match.start("name"), match.end("name"), "handle", 0.6)]
    if not says_name or (not specific and not re.search(r"[:：=는은]", announced)):
        return []
    if announced.startswith("아이디") and not specific:
        return []
    return [Candidate(match.start("name"), match.end("name"), "handle", 0.75)]
