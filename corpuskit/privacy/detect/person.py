"""Names of persons by the field they are in: `성명: 홍길동`, `예금주 홍길동`, `From: Jane Doe <...>`, `"name": "..."`.

No model reads the text. A word that can only name a person's field (예금주, patient) lets any name pass; one that
names things as well (name, 이름) asks for a Korean surname, or for a first name and a family name.
"""

from __future__ import annotations

import re

from corpuskit.privacy.detect.words import words
from corpuskit.privacy.finding import Candidate

_SURNAMES = "".join(sorted(name for name in words("korean_surnames") if len(name) == 1))
_TWO = "|".join(sorted(name for name in words("korean_surnames") if len(name) == 2))
_LONG_SURNAMES = frozenset(name for name in words("korean_surnames") if len(name) == 2)
_NOT_NAMES = words("korean_not_people") | words("korean_provinces") | words("korean_districts")
_KOREAN = rf"(?:(?:{_TWO})[가-힣]{{1,3}}|[{_SURNAMES}](?: ?[가-힣]){{2}}|[{_SURNAMES}][가-힣]{{1,3}})"
_CAPITAL = r"[A-ZÀ-ÖØ-Þ](?:[a-zß-öø-ÿ]+|\.)(?:['’-][A-ZÀ-ÖØ-Þ]?[a-zß-öø-ÿ]+)?"
_LATIN = (
    rf"(?:(?:Mr|Mrs|Ms|Dr|Prof)\.? )?(?:{_CAPITAL} (?:(?:{_CAPITAL}|de|van|von|der|la|bin|al|Mc[A-Z][a-z]+"
    rf"|O['’][A-Z][a-z]+) )"
    rf"{{0,2}}(?:Mc|Mac|O['’])?{_CAPITAL}|[A-Z]{{2,15}} [A-Z]{{2,15}})"
)
_ONE_LATIN = _CAPITAL
_SIGN_GAP = (
    r"[\"'*)\]]{0,3}(?:[ \t]?(?:=>|:=|[:=：|>])[ \t]{0,2}"
    r"|(?:</?(?:td|th|dt|dd|b|strong|span|name)>){1,3})[\"'(\[*]{0,2}"
)
_STRONG = (
    r"성명|성함|예금주|수취인|수령인|신청인|신청자|계약자|가입자|주문자|구매자|고객명|환자명|회원명|피보험자"
    r"|생도명|학생명|직원명"
    r"|입금자|송금인|발신인|수신인|받는 ?(?:사람|분)|보내는 ?(?:사람|분)|보낸 ?(?:사람|이)"
)
"""Korean words for fields that hold nothing but a person's name."""
_WEAK = r"작성자|보호자|대표자|담당자|대표|이름|환자"
_REMARK = r"(?: ?\([^()\n]{1,12}\))?"
_KOREAN_FIELD = re.compile(
    rf"(?:(?P<strong>{_STRONG})|{_WEAK})명?{_REMARK}(?P<sign>{_SIGN_GAP}|\(|[ \t]{{1,2}}|(?P<topic>은|는|이|가) )"
    rf"(?P<name>{_KOREAN})(?=(?P<after>.{{0,4}}))"
)
_SAID = re.compile(r"입니다|이고|이며|이라|이에요|예요|님|씨|[.,)\n]")
"""What follows a name that a sentence gives: `이름은 홍길동입니다`."""
_ADDRESSED = re.compile(r" ?(?:귀하|귀중|님|씨)")
_PARTICLE = re.compile(r"님|씨|귀하|귀중|입니다|이며|이고|이라|[은는이가을를의과와에도](?![가-힣])|[^가-힣]|$")
_KOREAN_LATIN = re.compile(rf"(?:{_STRONG}|{_WEAK})명?{_REMARK}{_SIGN_GAP}(?P<name>{_LATIN})(?![A-Za-z])")
_ENGLISH_FIELD = re.compile(
    rf"(?:(?:(?:full|first|last|given|family|middle|sur|fore|maiden|legal|display|contact|customer|client"
    rf"|patient|employee"
    rf"|user|account|card|student|member|owner|author|applicant|holder|recipient|sender|payee|emergency)[ _]?)*name"
    rf"|customer|patient|author|employee|contact(?: person)?|recipient|sender|applicant|payee"
    rf"|(?:card|account)?[ _]?holder|owner|from|to|cc|attn|signed)s?(?: ?\([^()\n]{{1,12}}\))?{_SIGN_GAP}"
    rf"(?P<name>{_LATIN}|{_KOREAN}(?=[^가-힣]|$)|{_ONE_LATIN})(?![A-Za-z@_-]|[.][A-Za-z])",
    re.IGNORECASE,
)
_IS = re.compile(
    rf"(?i:(?:my|his|her|full|patient|patient's|customer's) name is|name was) (?P<name>{_LATIN}"
    rf"|{_ONE_LATIN})(?![A-Za-z@_-])"
)
_ONE_WORD_FIELD = re.compile(
    r"(?:first|last|given|family|middle|sur|fore|maiden|customer|patient|employee|contact|card[ _]?holder|payee)",
    re.IGNORECASE,
)
_NOT_A_NAME = frozenset(
    [
        "the",
        "this",
        "that",
        "new",
        "old",
        "all",
        "none",
        "null",
        "true",
        "false",
        "test",
        "user",
        "name",
        "default",
        "unknown",
        "admin",
        "system",
        "app",
        "api",
        "server",
        "client",
        "service",
        "data",
        "model",
        "home",
        "page",
        "file",
        "type",
        "class",
        "string",
        "value",
        "number",
        "id",
        "support",
        "team",
        "info",
        "news",
        "contact",
        "us",
        "sales",
        "help",
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "inc",
        "ltd",
        "llc",
        "corp",
        "company",
        "university",
        "institute",
        "department",
        "office",
        "bank",
        "street",
        "road",
        "avenue",
        "center",
        "centre",
        "group",
        "press",
        "times",
        "journal",
        "google",
        "microsoft",
        "apple",
        "amazon",
        "facebook",
        "united",
        "states",
        "north",
        "south",
        "east",
        "west",
        "city",
        "town",
        "county",
    ]
)


def detect(text: str, start: int, end: int) -> list[Candidate]:
    """The person's name in the field that the word at `text[start:end]` names."""
    ahead = text[start - 1 : start]
    if ahead.isascii() and ahead.isalpha() and not (text[start].isupper() and ahead.islower()):
        begin = _field_begin(text, start)
    else:
        begin = start
    match = _KOREAN_FIELD.match(text, start)
    if match is not None and (length := _korean_length(match)):
        return [Candidate(match.start("name"), match.start("name") + length, "person", 0.8)]
    match = _KOREAN_LATIN.match(text, start)
    if match is not None:
        return [Candidate(*match.span("name"), "person", 0.8)]
    match = _ENGLISH_FIELD.match(text, begin)
    if match is not None and _is_person(text, match):
        return [Candidate(*match.span("name"), "person", 0.75)]
    match = (
        _IS.match(text, max(0, start - 8)) or _IS.match(text, max(0, start - 3)) or _IS.match(text, max(0, start - 4))
    )
    if match is not None and _is_person(text, match):
        return [Candidate(*match.span("name"), "person", 0.75)]
    return []


def _field_begin(text: str, start: int) -> int:
    """Where the word begins that a keyword is the end of: `firstName`, `last_name`, `surname`."""
    match = re.search(r"[A-Za-z_]{1,16}$", text[max(0, start - 16) : start])
    return start - len(match[0]) if match is not None else start


_FIRST = frozenset(
    "가강건겨경고관광교구국군권규균근금기길나남노누다단달담대덕도동두라란래려련령로루리린마만명모무문미민바반방백범별병보복본봉부비빈빛사"
    "산삼상새샛서석선설섬성세소솔송수숙순슬승시신실아안애양언에여연열엽영예오옥온완용우운웅원월위유육윤율으은을음의이익인일임자장재전정제"
    "조종주준중지진찬창채천철청초춘충치태택판평필하학한해향헌혁현형혜호홍화환황회효훈휘휴흥희"
)
_LAST = frozenset(
    "강건겸경곤관광교구국권규균근금기길나남녀노다단달담덕도동득라란람래련령로록룡류름리린림만명모무묵문미민배백범별병복봉북분비빈빛사산삼"
    "상새샘서석선섭성세소솔송수숙순슬승식신실심아안애양언연엽영예오옥온완용욱우운웅원월위유윤율은음의이익인일임자작잔장재전정제조종주준중지"
    "진찬창채천철청초춘출충치칠태택판평표필하학한함해행향헌혁현협형혜호홍화환황회효훈휘희"
)
"""Syllables of given names, in the first and the last place; particles and the ends of common nouns are left out."""


def _korean_length(match: re.Match[str]) -> int:
    """How many characters of the words after a Korean field's name are a person's name; 0 where none are."""
    name = match["name"]
    for length in range(len(name), 1, -1):
        end = match["after"] if length == len(name) else name[length:] + match["after"]
        if not _PARTICLE.match(end):
            continue
        whole = name[:length].replace(" ", "")
        surname = 2 if whole[:2] in _LONG_SURNAMES and len(whole) > 2 else 1
        given = whole[surname:]
        likely = len(given) in (1, 2) and given[-1] in _LAST and given[0] in (_FIRST if len(given) == 2 else _LAST)
        if whole in _NOT_NAMES or not likely:
            continue
        three = len(given) == 2
        signed = not match["sign"].isspace() and match["topic"] is None
        if signed and (three or match["strong"]):
            return length
        if match["topic"] is not None:
            return length if three and _SAID.match(end) else 0
        if three and (match["strong"] or _ADDRESSED.match(end)):
            return length
    return 0


def _is_person(text: str, match: re.Match[str]) -> bool:
    name = match["name"]
    if "가" <= name[0] <= "힣":
        given = name.replace(" ", "")[1:]
        return len(given) == 2 and given[0] in _FIRST and given[1] in _LAST and name not in _NOT_NAMES
    if not name[0].isupper():
        return False
    parts = [part.strip(".,").lower() for part in name.split()]
    if any(part in _NOT_A_NAME for part in parts):
        return False
    if not all(part[0].isupper() or part in ("de", "van", "von", "der", "la", "bin", "al") for part in name.split()):
        return False
    if len(parts) >= 2:
        return True
    return len(name) >= 2 and _ONE_WORD_FIELD.match(match[0]) is not None
