"""Postal addresses: Korean road and lot form (도로명주소법 시행령), American and British street form.

A Korean address needs a city, county or district of the official list before its road or its village, or a word such
as 주소: 로 and 가 are also particles, and `위로 3` is no road.
"""

from __future__ import annotations

import re

from corpuskit.privacy.detect.words import words
from corpuskit.privacy.finding import Candidate

_PROVINCES = "|".join(sorted(words("korean_provinces"), key=len, reverse=True))
_DISTRICTS = "|".join(sorted(words("korean_districts"), key=len, reverse=True))

_REGION_BEFORE = re.compile(
    rf"(?:\(?우?\)? ?\(?[0-9]{{5}}\)? )?(?<![가-힣])(?:(?:{_PROVINCES}) ?)?(?:(?:{_DISTRICTS}) "
    rf"?){{0,2}}(?:[가-힣0-9]{{1,8}}[읍면] ?)?$"
)
_REGION_ENDS = frozenset(
    {name[-1] for name in (*words("korean_provinces"), *words("korean_districts"))} | set("읍면)0123456789")
)
"""The last characters of what `_REGION_BEFORE` matches, but for a space."""
_SIGNS = frozenset(character for character in _REGION_ENDS if "가" <= character <= "힣") | frozenset(
    "주거배사소찾살본택sS"
)
"""One of these is in every region's name, and in every word for an address."""
_PLACE = re.compile(
    r"(?:(?<![가-힣A-Za-z0-9])(?P<road>[가-힣A-Za-z0-9·.]{1,14}(?:로|길)(?: ?[0-9]{1,4}(?:번|가|나|다)?길)?)"
    r"|(?<![가-힣])(?P<lot>[가-힣]{1,6}[0-9]{0,4}[동리가읍면])) ?(?:산 ?|지하 ?)?$"
)
_DOORS = r"[0-9A-Z]{1,4}동(?![가-힣])|[0-9]{1,2}층(?![가-힣])|[0-9]{2,5}호(?![가-힣])"
_DETAILS = re.compile(
    r"[0-9]{1,4}(?:-[0-9]{1,4})?(?![0-9]|[-.,][0-9])(?!번?길)(?P<unit>번지|호(?!선))?"
    r"(?: ?\([가-힣0-9A-Za-z,· ]{2,40}\))?"
    r"(?:,? ?[가-힣A-Za-z0-9]{1,14}(?: (?="
    + _DOORS
    + r")|(?:아파트|빌라|빌딩|타워|오피스텔|맨션|주택|연립|상가|센터|하이츠|캐슬"
    r"|자이|래미안|푸르지오|힐스테이트|더샵|스퀘어|파크|프라자|플라자|단지)))?"
    r"(?:,? ?[0-9A-Za-z가-하]{1,4}동(?![가-힣]))?(?:,? ?(?:지하 ?)?[0-9]{1,3}층(?!이상|이하|짜리))?(?:,? "
    r"?[0-9]{1,5}호(?!선))?"
    r"(?: ?\([가-힣0-9A-Za-z,· ]{2,40}\))?"
)
_COUNTED = re.compile(
    r" ?(?:개|명|대(?!로)|번(?!지)|시간|년|월|일|분|초|원|만|억|천|조|백|퍼|가지|차|등|위|배|점|회|세|살"
    r"|인|장|건|주|편|톤|종|곳|여|단|마리|부|권"
    r"|짝|줄|층 이상|살|째|도|호선|차선|킬로|미터|중|시(?![가-힣])|%|％"
    r"|(?:km|kg|cm|mm|m|g|l|L|t|ha|MB|GB)(?![A-Za-z]))|[a-zA-Z]"
)
_ADDRESS_WORD = re.compile(r"주소|거주|배송|사는 ?곳|소재지|찾아오오시는|살고|본사|택배|address", re.IGNORECASE)
_NOT_A_ROAD = re.compile(r"(?:으로|[시군구도]로|대로)$")

_WORD = r"(?:[A-Z][A-Za-z'’.-]{0,20}|[0-9]{1,3}(?:st|nd|rd|th)) "
_STRONG = r"Street|Avenue|Ave|Boulevard|Blvd|Road|Rd|Lane|Ln|St"
_WEAK = (
    r"Drive|Dr|Court|Ct|Place|Pl|Square|Sq|Terrace|Ter|Parkway|Pkwy|Highway|Hwy|Way|Circle|Cir|Close"
    r"|Crescent|Gardens|Grove|Mews|Hill|Row|Walk"
)
_STREET = re.compile(
    rf"(?P<number>[0-9]{{1,6}})[A-Za-z]? (?:(?:[NSEW]|NE|NW|SE"
    rf"|SW)\.? )?(?:{_WORD}){{1,4}}?(?:(?P<strong>{_STRONG})"
    rf"|(?P<weak>{_WEAK}))(?![A-Za-z])\.?(?: [NSEW](?![A-Za-z])\.?)?"
)
_UNIT = re.compile(
    r",?\s(?:(?:(?:Apt|Apartment|Suite|Ste|Unit|Floor|Fl|Room|Rm|Flat)\.? ?#?|#)[A-Za-z0-9-]{1,6}(?![A-Za-z0-9])"
    r"|[0-9]{1,3}(?:st|nd|rd|th) (?:Floor|Fl)\.?)"
)
_FLAT_BEFORE = re.compile(r"(?:Flat|Apt|Apartment|Unit|Suite|Studio)\.? [A-Za-z0-9]{1,5},? $")
_ANY_STREET = re.compile(r"[0-9]{1,6}[A-Za-z]? (?:[A-Z][A-Za-z'’.-]{0,20} ){1,3}?[A-Za-z][a-z]{1,12}(?=[,.\s])")
"""A name with any last word, told to be a street by the town and ZIP code or postcode after it."""
_DOOR = re.compile(
    r"(?P<complex>[가-힣A-Za-z0-9]{0,12}(?:아파트|빌라|오피스텔|맨션|자이|래미안|푸르지오|힐스테이트|더샵|캐슬"
    r"|하이츠|주공|아이파크"
    r"|편한세상|단지)) ?(?:제 ?)?[0-9]{1,4}동 (?:제 ?)?$"
)
_DOOR_NUMBER = re.compile(r"[0-9]{3,4}호(?!선|실? ?(?:교실|강의실))")
_STATES = (
    "AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM "
    "NY NC ND OH OK OR PA "
    "PR RI SC SD TN TX UT VT VA WA WV WI WY AA AE AP AS FM GU MH MP PW VI"
).replace(" ", "|")
_CITY = re.compile(
    rf",?\s(?:[A-Z][A-Za-z.'’-]{{1,20}},?\s){{1,4}}?(?:(?:{_STATES})(?![A-Za-z])"
    rf"|[A-Z][a-z]{{3,12}}(?: [A-Z][a-z]{{3,12}})?)\.?,?\s[0-9]{{5}}(?:-[0-9]{{4}})?(?![0-9])"
)
_BRITISH = re.compile(
    r"(?:,?\s[A-Z][A-Za-z.'’-]{1,20}){0,5},?\s[A-Z]{1,2}[0-9][0-9A-Z]?\s?[0-9][A-Z]{2}(?![A-Za-z0-9])"
)
_LIVES = re.compile(
    r"address|lives? (?:at|on)|live at|living at|reside|resid|located at|ship to|mail to|deliver"
    r"|home at|moved to|write to",
    re.IGNORECASE,
)
_YEAR_BEFORE = re.compile(r"(?:(?i:in|since|by|of|from|the|until|during|late|early|mid|and)|[A-Z][a-z]{2,8}) $")
_BOX = re.compile(r"(?:p\.?\s?o\.?\s?box|사서함)\s{1,2}(?:제 ?)?[0-9]{1,6}(?:호)?", re.IGNORECASE)
_FLAT = re.compile(r"(?:Flat|Studio) [0-9]{1,3}[A-Za-z]?(?=,?\s[A-Z])")
_MILITARY = re.compile(r"[AFD]PO A[AEP] [0-9]{5}(?:-[0-9]{4})?(?![0-9])")
_POSTCODE = re.compile(
    r"(?i:post ?code|postal code)(?: (?:is|was|of|for)(?= ))?[ :=#-]{1,3}"
    r"(?P<code>[A-Z]{1,2}[0-9][0-9A-Z]? ?[0-9][A-Z]{2}|[a-z]{1,2}[0-9][0-9a-z]? ?[0-9][a-z]{2})(?![A-Za-z0-9])"
)
_UNIT_BEFORE = re.compile(
    r"(?:(?:PSC|CMR|Unit|HC) [0-9]{1,5},? Box [0-9]{1,5}|US(?:S|NS|NV|CGC) [A-Z][A-Za-z. ]{1,30}),?\s{1,2}$"
)
_REACH = 60
_PLACE_REACH = 26


def korean(text: str, start: int, end: int) -> list[Candidate]:
    """A Korean address whose building or lot number begins at `start`."""
    door = _DOOR_NUMBER.match(text, start) if text[max(0, start - 2) : start] == "동 " else None
    if door is not None:
        complex = _DOOR.search(text, max(0, start - 30), start)
        if complex is not None:
            return [Candidate(complex.start(), door.end(), "address", 0.7)]
    before = text[max(0, start - _REACH) : start]
    if _SIGNS.isdisjoint(before):
        return []
    line = before[before.rfind("\n") + 1 :]
    place = _PLACE.search(line, max(0, len(line) - _PLACE_REACH))
    if place is None:
        return []
    if place["road"] and _NOT_A_ROAD.search(place["road"]) and not place["road"].endswith(("대로", "구로")):
        return []
    ended = place.start() - line.startswith(" ", place.start() - 1)
    may_end = line[ended - 1 : ended] in _REGION_ENDS and ended > 0
    region = _REGION_BEFORE.search(line, 0, place.start()) if may_end else None
    found = line[region.start() : place.start()] if region is not None else ""
    words = found.split()
    if not words and not place["road"]:
        return []
    has_region = any(not word.strip("()우").isdigit() and word[-1] not in "읍면" for word in words)
    said = _ADDRESS_WORD.search(line, max(0, place.start() - 20), place.start()) is not None
    if not words and not said:
        return []
    details = _DETAILS.match(text, start)
    if details is None:
        return []
    long_form = details["unit"] is not None or len(details[0]) > 5 or details[0].endswith((")", "호", "층"))
    if has_region:
        score = 0.9 if place["road"] or "-" in details[0] or long_form else 0.7
    elif words and (long_form or "-" in details[0] or said):
        score = 0.75
    elif said and place["road"] and len(place["road"]) > 2:
        score = 0.7
    else:
        return []
    if not long_form and _COUNTED.match(text, details.end()):
        return []
    return [Candidate(start - len(line) + place.start() - len(found), details.end(), "address", score)]


def street(text: str, start: int, end: int) -> list[Candidate]:
    """An American or British address whose house number is `text[start:end]`."""
    if text[start - 1 : start] in (".", ",", "$", "#", "-", "/", ":", "£", "€", "₩", "'") and start:
        return []
    match = _STREET.match(text, start)
    flat = _FLAT_BEFORE.search(text, max(0, start - 18), start)
    begin = flat.start() if flat is not None else start
    if match is None:
        return _any_street(text, start, begin)
    close = match.end()
    unit = _UNIT.match(text, close)
    close = unit.end() if unit else close
    town = _CITY.match(text, close) or _BRITISH.match(text, close)
    if town is not None:
        return [Candidate(begin, town.end(), "address", 0.95)]
    said = _LIVES.search(text, max(0, start - 30), start) is not None
    if unit is None and not said:
        if flat is None and (found := _any_street(text, start, begin)):
            return found
        if match["weak"] or (_is_year(match["number"]) and _YEAR_BEFORE.search(text[max(0, start - 12) : start])):
            return []
        return [Candidate(begin, close, "address", 0.55)]
    return [Candidate(begin, close, "address", 0.85)]


def _any_street(text: str, start: int, begin: int) -> list[Candidate]:
    """An address whose street has a word of its own (`1 Infinite Loop`), by the town after it."""
    match = _ANY_STREET.match(text, start)
    if match is None:
        return []
    unit = _UNIT.match(text, match.end())
    close = unit.end() if unit is not None else match.end()
    town = _CITY.match(text, close) or _BRITISH.match(text, close)
    return [Candidate(begin, town.end(), "address", 0.8)] if town is not None else []


def _is_year(number: str) -> bool:
    return len(number) == 4 and number[:2] in ("18", "19", "20")


def box(text: str, start: int, end: int) -> list[Candidate]:
    """A post-office box, or another address that a word in front gives away."""
    match = _BOX.match(text, start)
    if match is None:
        return _flat(text, start) or _military(text, start) or _postcode(text, start)
    town = _CITY.match(text, match.end())
    return [Candidate(start, town.end() if town else match.end(), "address", 0.75)]


def _flat(text: str, start: int) -> list[Candidate]:
    """A British address that begins with a flat and ends with a postcode."""
    match = _FLAT.match(text, start)
    town = _BRITISH.match(text, match.end()) if match is not None else None
    return [Candidate(start, town.end(), "address", 0.85)] if town is not None else []


def _postcode(text: str, start: int) -> list[Candidate]:
    """A British postcode beside the word: some fifteen doors share one."""
    match = _POSTCODE.match(text, start)
    return [Candidate(*match.span("code"), "address", 0.7)] if match is not None else []


def _military(text: str, start: int) -> list[Candidate]:
    """An American military or diplomatic address, by its post office: `APO AP 96204`."""
    match = _MILITARY.match(text, start)
    if match is None:
        return []
    before = _UNIT_BEFORE.search(text, max(0, start - 44), start)
    return [Candidate(before.start() if before is not None else start, match.end(), "address", 0.8)]
