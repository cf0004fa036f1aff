"""Sentences with invented personal data whose place and type are known, in English and Korean, and sentences without.

Values come from generators with a valid form and valid check digits; sentences from templates. `TUNED` templates were
looked at while the detectors were written; `HELD_OUT` ones were written afterwards and measured before any change, but
some of their misses were mended since: only the first figures, in docs/personal-data.md, are of unseen sentences.
`{x}` in a template marks a value. A negative template has values that look like personal data and are none.
"""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Iterator
from typing import NamedTuple

from corpuskit.privacy.detect import checks


class Example(NamedTuple):
    text: str
    values: list[tuple[int, int, str]]
    """(start, end, type) of each value, code points."""
    language: str


Random = random.Random


def _digits(rng: Random, count: int) -> str:
    return "".join(rng.choice(string.digits) for _ in range(count))


def _mobile(rng: Random) -> str:
    a, b = str(rng.randint(2000, 9999)), _digits(rng, 4)
    forms = [f"010-{a}-{b}", f"010{a}{b}", f"010 {a} {b}", f"010.{a}.{b}", f"+82-10-{a}-{b}", f"+82 10 {a} {b}"]
    forms += [f"(010) {a}-{b}", f"011-{a[:3]}-{b}", f"010 - {a} - {b}", f"+8210{a}{b}", f"010–{a}–{b}"]
    return rng.choice(forms)


def _landline(rng: Random) -> str:
    area = rng.choice(["02", "031", "032", "051", "053", "062", "042", "064", "070"])
    middle = str(rng.randint(2000, 9999)) if area in ("02", "070") or rng.random() < 0.3 else str(rng.randint(200, 999))
    last = _digits(rng, 4)
    return rng.choice([f"{area}-{middle}-{last}", f"{area}){middle}-{last}", f"({area}){middle}-{last}"])


def _hidden_mobile(rng: Random) -> str:
    a, b = str(rng.randint(2000, 9999)), _digits(rng, 4)
    plain = f"010-{a}-{b}"
    words = str.maketrans("0123456789", "공일이삼사오육칠팔구")
    wide = {ord(c): chr(ord(c) + 0xFEE0) for c in "0123456789-"}
    mathematical = {ord(str(d)): chr(0x1D7CE + d) for d in range(10)}
    forms = [
        plain.translate(words).replace("-", rng.choice(["", " ", "-"])),
        plain.translate(wide),
        plain.translate(mathematical),
        rng.choice(["\u200b", "\u00ad", "\u200d", "\ufeff"]).join(plain),
        " ".join(plain.replace("-", "")),
        ".".join(plain.replace("-", "")),
        f"공일공-{a}-{b}",
        f"010 {' '.join(a)} {' '.join(b)}",
    ]
    return rng.choice(forms)


def _nanp(rng: Random) -> str:
    area, middle, last = str(rng.randint(201, 989)), str(rng.randint(200, 999)), _digits(rng, 4)
    area = "415" if area[1:] == "11" else area
    forms = [
        f"({area}) {middle}-{last}",
        f"{area}-{middle}-{last}",
        f"{area}.{middle}.{last}",
        f"+1 {area} {middle} {last}",
    ]
    forms += [
        f"+1-{area}-{middle}-{last}",
        f"1-{area}-{middle}-{last}",
        f"+1{area}{middle}{last}",
        f"({area}){middle}-{last}",
    ]
    return rng.choice(forms)


def _abroad(rng: Random) -> str:
    return rng.choice(
        [
            f"+44 20 7946 {_digits(rng, 4)}",
            f"+44 7700 900{_digits(rng, 3)}",
            f"+49 30 901820{_digits(rng, 2)}",
            f"+33 1 42 68 53 {_digits(rng, 2)}",
            f"+81-3-3224-{rng.randint(5000, 5999)}",
            f"020 7946 {_digits(rng, 4)}",
        ]
    )


def _email(rng: Random) -> str:
    user = rng.choice(["hong", "kim.chulsoo", "jane_doe", "park-js", "a.b", "lee99", "x1y2", "first.last+tag", "info7"])
    host = rng.choice(["naver.com", "gmail.com", "daum.net", "snu.ac.kr", "mail.example.co.uk", "startup.io", "a-b.de"])
    return f"{user}{rng.choice(['', _digits(rng, 2)])}@{host}"


def _hidden_email(rng: Random) -> str:
    user, _, host = _email(rng).partition("@")
    forms = [
        f"{user}(at){host}",
        f"{user} (at) {host}",
        f"{user}[at]{host}",
        f"{user} [at] {host.replace('.', ' [dot] ')}",
    ]
    forms += [f"{user}골뱅이{host}", f"{user} 골뱅이 {host}", f"{user}＠{host}", f"{user}@\u200b{host}"]
    forms += [f"{user} at {host.replace('.', ' dot ')}"] if "@" not in user else []
    return rng.choice(forms)


def _birth(rng: Random) -> tuple[str, str, str]:
    return f"{rng.randint(50, 99):02d}", f"{rng.randint(1, 12):02d}", f"{rng.randint(1, 28):02d}"


def _resident(rng: Random) -> str:
    first = "".join(_birth(rng)) + rng.choice("12") + _digits(rng, 5)
    if rng.random() < 0.3:
        return f"{first[:6]}-{first[6:]}{_digits(rng, 1)}"  # given out after October 2020: no check digit
    last = next(d for d in string.digits if checks.resident(first + d))
    return rng.choice([f"{first[:6]}-{first[6:]}{last}"] * 3 + [f"{first[:6]} - {first[6:]}{last}"])


def _foreigner(rng: Random) -> str:
    first = "".join(_birth(rng)) + rng.choice("5678") + _digits(rng, 5)
    return f"{first[:6]}-{first[6:]}" + next(d for d in string.digits if checks.resident(first + d))


def _business(rng: Random) -> str:
    first = f"{rng.randint(101, 899)}{rng.randint(1, 89):02d}{_digits(rng, 4)}"
    last = next(d for d in string.digits if checks.business(first + d))
    return f"{first[:3]}-{first[3:5]}-{first[5:]}{last}"


def _licence(rng: Random) -> str:
    return f"{rng.choice([*range(11, 27), 28])}-{rng.randint(0, 24):02d}-{_digits(rng, 6)}-{_digits(rng, 2)}"


def _korean_passport(rng: Random) -> str:
    return rng.choice([f"M{_digits(rng, 8)}", f"M{_digits(rng, 3)}{rng.choice('ABCDEFG')}{_digits(rng, 4)}"])


def _account(rng: Random) -> str:
    return rng.choice(
        [
            f"{_digits(rng, 6)}-{_digits(rng, 2)}-{_digits(rng, 6)}",
            f"110-{_digits(rng, 3)}-{_digits(rng, 6)}",
            f"{_digits(rng, 4)}-{_digits(rng, 3)}-{_digits(rng, 6)}",
            f"3333-{_digits(rng, 2)}-{_digits(rng, 7)}",
        ]
    )


def _card(rng: Random) -> str:
    first = rng.choice(["4", "51", "52", "55", "9410"])
    body = first + _digits(rng, 15 - len(first))
    digits = body + next(d for d in string.digits if checks.luhn(body + d))
    groups = [digits[i : i + 4] for i in range(0, 16, 4)]
    return rng.choice(["-", " ", " ", ""]).join(groups)


def _ip(rng: Random) -> str:
    if rng.random() < 0.2:
        return f"2a00:1450:4001:{rng.randint(1, 65535):x}::{rng.randint(1, 65535):x}"
    return (
        f"{rng.choice([23, 52, 81, 121, 175, 211])}.{rng.randint(20, 255)}.{rng.randint(0, 255)}.{rng.randint(1, 254)}"
    )


def _iban(rng: Random) -> str:
    country, length = rng.choice([("DE", 18), ("FR", 23), ("NL", 0), ("ES", 20)])
    body = f"ABNA{_digits(rng, 10)}" if country == "NL" else _digits(rng, length)
    number = int("".join(str(int(c, 36)) for c in body + country + "00"))
    value = f"{country}{98 - number % 97:02d}{body}"
    return value if rng.random() < 0.5 else " ".join(value[i : i + 4] for i in range(0, len(value), 4))


def _crypto(rng: Random) -> str:
    ethereum = "0x" + "".join(rng.choice("0123456789abcdefABCDEF") for _ in range(40))
    return rng.choice([ethereum, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"])


def _ssn(rng: Random) -> str:
    return f"{rng.choice([*range(1, 666), *range(667, 900)]):03d}-{rng.randint(1, 99):02d}-{rng.randint(1, 9999):04d}"


def _itin(rng: Random) -> str:
    return f"9{_digits(rng, 2)}-{rng.randint(70, 88)}-{_digits(rng, 4)}"


def _secret(rng: Random) -> str:
    letters = string.ascii_letters + string.digits
    return rng.choice(
        [
            "AKIA" + "".join(rng.choice(string.ascii_uppercase + "234567") for _ in range(15)) + "7",
            "ghp_" + "".join(rng.choice(letters) for _ in range(36)),
            "sk-proj-" + "".join(rng.choice(letters) for _ in range(47)) + "3",
            "xoxb-" + _digits(rng, 12) + "-" + "".join(rng.choice(letters) for _ in range(24)),
        ]
    )


def _url(rng: Random) -> str:
    return f"{rng.choice(['https', 'ftp', 'postgres'])}://user{_digits(rng, 2)}:{_digits(rng, 3)}pw@db.example.com/x"


def _road(rng: Random) -> str:
    district = rng.choice(
        ["서울특별시 강남구", "서울 마포구", "경기도 성남시 분당구", "부산광역시 해운대구", "대전시 유성구", "제주시"]
    )
    road = rng.choice(["테헤란로", "월드컵북로", "판교역로", "해운대해변로", "대학로", "중앙로12번길", "테헤란로14길"])
    number = rng.choice([str(rng.randint(2, 400)), f"{rng.randint(2, 400)}-{rng.randint(1, 30)}"])
    detail = rng.choice(["", "", f", {rng.randint(101, 130)}동 {rng.randint(101, 2504)}호", f" {rng.randint(2, 20)}층"])
    return f"{district} {road} {number}{detail}"


def _lot(rng: Random) -> str:
    place = rng.choice(
        ["서울시 강남구 역삼동", "경기도 수원시 영통구 매탄동", "전남 여수시 학동", "강원도 홍천군 서면 팔봉리"]
    )
    return f"{place} {rng.randint(2, 900)}-{rng.randint(1, 40)}{rng.choice(['', '번지'])}"


def _street(rng: Random) -> str:
    street = rng.choice(["Main Street", "Oak Avenue", "N. Maple St", "Elm Road", "Sunset Blvd", "West 5th Street"])
    unit = rng.choice(["", ", Apt 4B", ", Suite 210", " #12"])
    town = rng.choice([", Springfield, IL 62704", ", San Francisco, CA 94103", ", Austin, TX 78701-1234"])
    return f"{rng.randint(10, 9999)} {street}{unit}{town}"


def _birth_ko(rng: Random) -> str:
    y, m, d = _birth(rng)
    return rng.choice(
        [f"19{y}년 {int(m)}월 {int(d)}일", f"19{y}.{m}.{d}", f"19{y}-{m}-{d}", f"{y}{m}{d}", f"19{y}{m}{d}"]
    )


def _birth_en(rng: Random) -> str:
    y, m, d = _birth(rng)
    month = rng.choice(["January", "March", "May", "July", "October"])
    return rng.choice([f"{month} {int(d)}, 19{y}", f"{int(d)} {month} 19{y}", f"{m}/{d}/19{y}", f"19{y}-{m}-{d}"])


def _handle(rng: Random) -> str:
    return rng.choice(["@jane_doe", "@minsu.kim", "@park_js99", "@gildong"]) + rng.choice(["", "_7"])


VALUES: dict[str, tuple[str, Callable[[Random], str]]] = {
    "mobile": ("phone", _mobile),
    "landline": ("phone", _landline),
    "hidden_mobile": ("phone", _hidden_mobile),
    "nanp": ("phone", _nanp),
    "abroad": ("phone", _abroad),
    "email": ("email", _email),
    "hidden_email": ("email", _hidden_email),
    "resident": ("resident_registration", _resident),
    "foreigner": ("resident_registration", _foreigner),
    "business": ("business_registration", _business),
    "licence": ("drivers_licence", _licence),
    "passport": ("passport", _korean_passport),
    "account": ("bank_account", _account),
    "card": ("card", _card),
    "ip": ("ip", _ip),
    "iban": ("iban", _iban),
    "crypto": ("crypto_address", _crypto),
    "ssn": ("us_ssn", _ssn),
    "itin": ("us_itin", _itin),
    "secret": ("secret", _secret),
    "url": ("url_credentials", _url),
    "road": ("address", _road),
    "lot": ("address", _lot),
    "street": ("address", _street),
    "birth_ko": ("birth_date", _birth_ko),
    "birth_en": ("birth_date", _birth_en),
    "handle": ("handle", _handle),
}

TUNED = {
    "ko": """제 번호는 {mobile}입니다. 편하게 연락 주세요.
문의: {mobile} / {landline}
예약은 {landline}로 전화주세요
연락처 {mobile}, 메일 {email}로 보내주세요
이메일주소는{email}입니다
{email}으로 문의바랍니다.
카톡 말고 {hidden_mobile}로 전화주세요
메일은 {hidden_email} 이에요
주민등록번호: {resident}
외국인등록번호 {foreigner}인 분이 신청했습니다
사업자등록번호 {business} 대표 홍길동
여권번호는 {passport}입니다
운전면허번호 {licence}를 확인했습니다
입금 계좌: 국민은행 {account} 예금주 홍길동
후원계좌 농협 {account}
카드번호 {card}로 결제했습니다
주소는 {road}입니다
저희 집은 {road}에 있어요
{lot} 소재 토지
생년월일: {birth_ko}
접속 IP는 {ip}였습니다
인스타 {handle} 팔로우 해주세요
급하신 분은 {mobile}으로 문자 남겨주세요^^
H.P {mobile} (김과장)
T.{landline} F.{landline}
☎ {landline}
담당자({email}, {mobile})에게 제출
{mobile}→ 여기로 연락하시면 됩니다
{email}/{mobile}
혹시 필요하시면 {hidden_mobile} 연락주시면 되고요
{hidden_email}로 이력서 보내주세요
신청인의 주민번호({resident})가 노출되었다
{resident} 홍길동 귀하
상호: 가나상사, {business}, 서울
제 여권 {passport}이 분실되었습니다
면허번호={licence}
신한 {account} 으로 보내주시면 됩니다
계좌번호는 {account} (우리은행)입니다
{card} 카드가 도난당했어요
본사: {road}
택배는 {road}(으)로 보내주세요
소재지 {lot}
1남 1녀 중 장남으로 {birth_ko} 출생
서버 {ip}에서 공격이 들어왔다""",
    "en": """Call me at {nanp} any time.
You can reach us: {nanp} or {email}.
My office line is {abroad}; leave a message.
Contact: {email}
Write to {hidden_email} for the data set.
His SSN is {ssn}, please keep it private.
Her ITIN ({itin}) was filed late.
Please charge my card {card} today.
Wire it to {iban} by Friday.
Send coins to {crypto} only.
The attacker came from {ip} twice.
I live at {street}.
She was born on {birth_en} in Ohio.
DOB: {birth_en}
export KEY={secret}
The dump is at {url} for now.
Follow {handle} on Twitter for updates.
Phone: {nanp}; Fax: {nanp}
Questions? {nanp} or <{email}>
Text {nanp} after six.
From outside the UK dial {abroad}.
mailto:{email}
Reply-To: {email}, cc {email}
ping {hidden_email} with a subject line
Social Security Number {ssn}
Applicant {ssn} was approved.
card no. {card}, exp 04/27
IBAN: {iban}
donate: {crypto}
Failed login from {ip} port 22
Ship to: {street}
Her date of birth is {birth_en}.
token = "{secret}"
clone {url} first""",
}

HELD_OUT = {
    "ko": """저는 홍길동이고요 {mobile} 로 연락 부탁드려요
[알림] 문의는 {landline}, 평일 9-18시
{mobile}(대리 김철수)
성함/전화: 김철수/{mobile}
전화번호가 {mobile}에서 {mobile}로 바뀌었습니다
팩스번호 {landline}
메일({email})이나 전화({landline})
{email}, {email} 두 곳에 보냈습니다
아이디는 몰라도 {email}은 기억해요
비밀로 {hidden_mobile} 여기로만
제 메일: {hidden_email}
민증 번호 {resident} 맞나요?
"{resident}"라고 적힌 서류를 주웠다
체류자 {foreigner} 확인
공급자 {business} / 공급받는자
여권({passport}) 사본
2종보통 {licence}
하나은행 {account} (주)가나다
환불 계좌 {account} 홍길동 카카오뱅크
법인카드 {card} 사용 내역
{road} 에서 만나요
이사 온 곳은 {road}예요.
토지대장상 {lot}에 해당
고인은 {birth_ko}생으로 알려졌다
{ip} 차단해주세요""",
    "en": """{nanp} is the best way to get me.
(m) {nanp}
Bob Smith, {nanp}, {email}
Front desk ({nanp}) closes at 5 pm.
WhatsApp {abroad} only
I wrote {email}; no answer.
"{email}" bounced
reach out: {hidden_email}
SSN: {ssn}; DOB: {birth_en}
tax form lists {itin} as the ITIN
He read out {card} over the phone.
Our IBAN is {iban}, BIC on request.
wallet={crypto}
client {ip} - - [10/Oct/2020:13:55:36]
She moved to {street} last May.
Send the parcel to {street}.
John Doe, born {birth_en}, resides abroad.
use {secret} for the sandbox
DATABASE_URL={url}
thanks to {handle} for the tip""",
}

NEGATIVE = {
    "ko": """버전 1.10.1234.5678이 나왔습니다
2019-05-01부터 2019-06-30까지 진행합니다
ISBN 978-89-546-1234-5 03810
주문번호 20190501-1234567 확인 바랍니다
송장번호 6892-1234-5678을 조회하세요
총 1,234,567,890원을 집행했다
점수는 3-2-1 이었고 관중은 12,345명
1592-1598년 임진왜란
2010-2015-2020 자료 비교
위로 3번, 아래로 2번 누르세요
다음 동 10개와 리 20개
매출은 010년대에 3.14배 늘었다
바코드 8801073102453
해시 a01012345678b9c0d1e2f3a4b5c6d7e8
승객 1234567명, 좌표 37.5665, 126.9780
청와대 국민청원 제1234-567호
코드 0101 1010 0101 1100
학교로 30명, 병원으로 119 신고
@media 쿼리와 @property 데코레이터
제 10-1234567호 특허
서울에서 부산까지 2시간 30분, 요금 59,800원
모델명 SM-G973N, 시리얼 R39K1234567""",
    "en": """Version 10.0.19041.1234 shipped on 2020-05-27.
ISBN 978-0-306-40615-7 and ISSN 0378-5955
Order 4929-1234-5678 has shipped.
The hash d41d8cd98f00b204e9800998ecf8427e matches.
Scores of 110-102 and 98-97 in 2019-2020
Population 331,449,281 as of 2020
doi:10.1000/182.1234567
UUID 550e8400-e29b-41d4-a716-446655440000
Commit 356a192b7913b04c54574d18c28d46e6395428ab
Pages 1234-1245, vol. 12, no. 345-6789 of the archive
Chrome/91.0.4472.124 Safari/537.36
10.0.0.1 and 192.168.1.20 are private
In 2008 Wall Street fell; 20 Supreme Court rulings followed.
The constant 3.14159265358979 and 2.718281828459
npm i @types/node @babel/core
Timestamps 1558000000000 and 1622505600000
import {{ x }} from '@/components/x'
Tracking number 1Z999AA10123456784
Season 2014-15: 27 wins, 11 losses, 2-1-0 start
Reference 000123456789 was rejected.""",
}


def _fill(template: str, rng: Random, language: str) -> Example:
    text, values = "", []
    for piece in template.replace("{{", "\0").replace("}}", "\1").split("{"):
        name, closed, rest = piece.partition("}")
        if closed and name in VALUES:
            type, make = VALUES[name]
            value = make(rng)
            values.append((len(text), len(text) + len(value), type))
            text += value + rest
        else:
            text += piece
    return Example(text.replace("\0", "{").replace("\1", "}"), values, language)


def examples(templates: dict[str, str], repeats: int, seed: int) -> Iterator[Example]:
    """Each template `repeats` times with other values."""
    rng = Random(seed)
    for language, lines in templates.items():
        for template in lines.splitlines():
            for _ in range(repeats):
                yield _fill(template, rng, language)
