"""Postal addresses: Korean road and lot form (도로명주소법 시행령), American and British street form.

A Korean address needs a city, county or district of the official list before its road or its village, or a word such
as 주소: 로 and 가 are also particles, and `위로 3` is no road.
"""

from __future__ import annotations

import re

from corpuskit.privacy.finding import Candidate

_PROVINCES = (
    "서울특별시|서울시|서울|부산광역시|부산시|부산|대구광역시|대구시|대구|인천광역시|인천시|인천|광주광역시|광주시|광주|대전광역시|대전시|대전"
    "|울산광역시|울산시|울산|세종특별자치시|세종시|세종|경기도|경기|강원특별자치도|강원도|강원|충청북도|충북|충청남도|충남|전북특별자치도|전라북도|전북"
    "|전라남도|전남|경상북도|경북|경상남도|경남|제주특별자치도|제주도|제주"
)
_DISTRICTS = (
    "종로구 중구 용산구 성동구 광진구 동대문구 중랑구 성북구 강북구 도봉구 노원구 은평구 서대문구 마포구 양천구 강서구 구로구 금천구 영등포구 동작구 관악구 "
    "서초구 강남구 송파구 강동구 서구 동구 영도구 부산진구 동래구 남구 북구 해운대구 사하구 금정구 연제구 수영구 사상구 기장군 수성구 달서구 달성군 군위군 "
    "미추홀구 연수구 남동구 부평구 계양구 강화군 옹진군 광산구 유성구 대덕구 울주군 수원시 성남시 의정부시 안양시 부천시 광명시 평택시 동두천시 안산시 고양시 "
    "과천시 구리시 남양주시 오산시 시흥시 군포시 의왕시 하남시 용인시 파주시 이천시 안성시 김포시 화성시 양주시 포천시 여주시 연천군 가평군 양평군 장안구 권선구 "
    "팔달구 영통구 수정구 중원구 분당구 만안구 동안구 상록구 단원구 덕양구 일산동구 일산서구 처인구 기흥구 수지구 원미구 소사구 오정구 춘천시 원주시 강릉시 동해시 "
    "태백시 속초시 삼척시 홍천군 횡성군 영월군 평창군 정선군 철원군 화천군 양구군 인제군 고성군 양양군 청주시 충주시 제천시 보은군 옥천군 영동군 증평군 진천군 "
    "괴산군 음성군 단양군 상당구 서원구 흥덕구 청원구 천안시 공주시 보령시 아산시 서산시 논산시 계룡시 당진시 금산군 부여군 서천군 청양군 홍성군 예산군 태안군 "
    "동남구 서북구 전주시 군산시 익산시 정읍시 남원시 김제시 완주군 진안군 무주군 장수군 임실군 순창군 고창군 부안군 완산구 덕진구 목포시 여수시 순천시 나주시 "
    "광양시 담양군 곡성군 구례군 고흥군 보성군 화순군 장흥군 강진군 해남군 영암군 무안군 함평군 영광군 장성군 완도군 진도군 신안군 포항시 경주시 김천시 안동시 "
    "구미시 영주시 영천시 상주시 문경시 경산시 의성군 청송군 영양군 영덕군 청도군 고령군 성주군 칠곡군 예천군 봉화군 울진군 울릉군 창원시 진주시 통영시 사천시 "
    "김해시 밀양시 거제시 양산시 의령군 함안군 창녕군 남해군 하동군 산청군 함양군 거창군 합천군 의창구 성산구 마산합포구 마산회원구 진해구 제주시 서귀포시 광주시"
).split()
_DISTRICT = "|".join(sorted(set(_DISTRICTS), key=lambda name: (-len(name), name)))

_REGION_BEFORE = re.compile(
    rf"(?:\(?우?\)? ?\(?[0-9]{{5}}\)? )?(?<![가-힣])(?:(?:{_PROVINCES}) ?)?(?:(?:{_DISTRICT}) ?){{0,2}}(?:[가-힣0-9]{{1,8}}[읍면] ?)?$"
)
_PLACE = re.compile(
    r"(?:(?<![가-힣A-Za-z0-9])(?P<road>[가-힣A-Za-z0-9·.]{1,14}(?:로|길)(?: ?[0-9]{1,4}(?:번|가|나|다)?길)?)"
    r"|(?<![가-힣])(?P<lot>[가-힣]{1,6}[0-9]{0,2}[동리가읍면])) ?(?:산 ?|지하 ?)?$"
)
_DETAILS = re.compile(
    r"[0-9]{1,4}(?:-[0-9]{1,4})?(?![0-9]|[-.,][0-9])(?!번?길)(?P<unit>번지|호(?!선))?"
    r"(?: ?\([가-힣0-9A-Za-z,· ]{2,40}\))?"
    r"(?:,? ?[가-힣A-Za-z0-9]{1,14}(?:아파트|빌라|빌딩|타워|오피스텔|맨션|주택|연립|상가|센터|하이츠|캐슬|자이|래미안|푸르지오|힐스테이트|더샵))?"
    r"(?:,? ?[0-9A-Za-z가-하]{1,4}동(?![가-힣]))?(?:,? ?(?:지하 ?)?[0-9]{1,3}층(?![가-힣]{2}))?(?:,? ?[0-9]{1,5}호(?!선))?"
    r"(?: ?\([가-힣0-9A-Za-z,· ]{2,40}\))?"
)
_COUNTED = re.compile(
    r" ?(?:개|명|대(?!로)|번(?!지)|시간|년|월|일|분|초|원|만|억|천|조|백|퍼|가지|차|등|위|배|점|회|세|살|인|장|건|주|편|톤|종|곳|여|단|마리|부|권|짝|줄|층 이상|살|째|도|호선|차선|킬로|미터|중|시(?![가-힣])|%|％|[a-zA-Z])"
)
_ADDRESS_WORD = re.compile(r"주소|거주|배송|사는 ?곳|소재|위치|찾아오|오시는|살고|본사|택배|address", re.IGNORECASE)
_NOT_A_ROAD = re.compile(r"(?:으로|[시군구도]로|대로)$")

_WORD = r"(?:[A-Z][A-Za-z'’.-]{0,20}|[0-9]{1,3}(?:st|nd|rd|th)) "
_STRONG = r"Street|Avenue|Ave|Boulevard|Blvd|Road|Rd|Lane|Ln|St"
_WEAK = r"Drive|Dr|Court|Ct|Place|Pl|Square|Sq|Terrace|Ter|Parkway|Pkwy|Highway|Hwy|Way|Circle|Cir|Close|Crescent|Gardens|Grove|Mews|Hill|Row|Walk"
_STREET = re.compile(
    rf"(?P<number>[0-9]{{1,6}})[A-Za-z]? (?:(?:[NSEW]|NE|NW|SE|SW)\.? )?(?:{_WORD}){{1,4}}?(?:(?P<strong>{_STRONG})|(?P<weak>{_WEAK}))(?![A-Za-z])\.?(?: [NSEW](?![A-Za-z])\.?)?"
)
_UNIT = re.compile(
    r",? (?:(?:Apt|Apartment|Suite|Ste|Unit|Floor|Fl|Room|Rm|Flat)\.? ?#?|#)[A-Za-z0-9-]{1,6}(?![A-Za-z0-9])"
)
_STATES = (
    "AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR PA "
    "PR RI SC SD TN TX UT VT VA WA WV WI WY"
).replace(" ", "|")
_CITY = re.compile(
    rf",?\s(?:[A-Z][A-Za-z.'’-]{{1,20}},?\s){{1,4}}?(?:(?:{_STATES})(?![A-Za-z])|[A-Z][a-z]{{3,12}}(?: [A-Z][a-z]{{3,12}})?)\.?,?\s[0-9]{{5}}(?:-[0-9]{{4}})?(?![0-9])"
)
_BRITISH = re.compile(
    r"(?:,?\s[A-Z][A-Za-z.'’-]{1,20}){0,5},?\s[A-Z]{1,2}[0-9][0-9A-Z]?\s?[0-9][A-Z]{2}(?![A-Za-z0-9])"
)
_LIVES = re.compile(
    r"address|lives? (?:at|on)|live at|living at|reside|resid|located at|ship to|mail to|deliver|home at|moved to|write to",
    re.IGNORECASE,
)
_YEAR_BEFORE = re.compile(r"(?:in|since|by|of|from|the|until|during|late|early|mid|'s|and|[A-Z][a-z]{2,8}) $")
_BOX = re.compile(r"(?:p\.?\s?o\.?\s?box|사서함)\s{1,2}(?:제 ?)?[0-9]{1,6}(?:호)?", re.IGNORECASE)
_REACH = 60


def korean(text: str, start: int, end: int) -> list[Candidate]:
    """A Korean address whose building or lot number begins at `start`."""
    details = _DETAILS.match(text, start)
    before = text[max(0, start - _REACH) : start]
    line = before[before.rfind("\n") + 1 :]
    place = _PLACE.search(line) if details is not None else None
    if place is None or details is None:
        return []
    if place["road"] and _NOT_A_ROAD.search(place["road"]) and not place["road"].endswith(("대로", "구로")):
        return []
    region = _REGION_BEFORE.search(line, 0, place.start())
    found = line[region.start() : place.start()] if region is not None else ""
    words = found.split()
    has_region = any(not word.strip("()우").isdigit() and word[-1] not in "읍면" for word in words)
    long_form = details["unit"] is not None or len(details[0]) > 5 or details[0].endswith((")", "호", "층"))
    said = _ADDRESS_WORD.search(line) is not None
    if has_region:
        score = 0.9 if place["road"] or "-" in details[0] or long_form else 0.7
    elif found.strip() and (long_form or "-" in details[0] or said):
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
    if match is None:
        return []
    close = match.end()
    unit = _UNIT.match(text, close)
    close = unit.end() if unit else close
    town = _CITY.match(text, close) or _BRITISH.match(text, close)
    if town is not None:
        return [Candidate(start, town.end(), "address", 0.95)]
    said = _LIVES.search(text, max(0, start - 30), start) is not None
    if unit is None and not said:
        if match["weak"] or _is_year(match["number"]) and _YEAR_BEFORE.search(text[max(0, start - 12) : start]):
            return []
        return [Candidate(start, close, "address", 0.55)]
    return [Candidate(start, close, "address", 0.85)]


def _is_year(number: str) -> bool:
    return len(number) == 4 and number[:2] in ("18", "19", "20")


def box(text: str, start: int, end: int) -> list[Candidate]:
    """A post-office box."""
    match = _BOX.match(text, start)
    if match is None:
        return []
    town = _CITY.match(text, match.end())
    return [Candidate(start, town.end() if town else match.end(), "address", 0.75)]
