"""Invented values of personal data with a valid form and valid check digits, one generator a way of writing."""

from __future__ import annotations

import random
import string
from collections.abc import Callable

from corpuskit.privacy.detect import checks

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


def _lettered(rng: Random) -> str:
    first = rng.choice(["O1O", "o1o", "01O", "0l0"])
    gap = rng.choice(["-", " ", "."])
    return f"{first}{gap}{rng.randint(2000, 9999)}{gap}{_digits(rng, 4)}"


def _spoken(rng: Random) -> str:
    words = str.maketrans("0123456789", "공일이삼사오육칠팔구")
    gap = rng.choice(["에 ", "에", " 다시 "])
    return gap.join(("010", str(rng.randint(2000, 9999)), _digits(rng, 4))).translate(words)


def _spelt_resident(rng: Random) -> str:
    words = str.maketrans("0123456789", "공일이삼사오육칠팔구")
    value = f"{''.join(_birth(rng))}-{rng.choice('12')}{_digits(rng, 6)}"
    return value.translate(words)


def _loose_email(rng: Random) -> str:
    user, host = f"kim{_digits(rng, 3)}", rng.choice(["naver", "gmail", "daum"])
    end = "net" if host == "daum" else "com"
    forms = [f"{user}@{host},{end}", f"{user} @{host}.{end}", f"{user}@ {host}.{end}", f"{user}@{host}(.){end}"]
    return rng.choice([*forms, f"{user}@{host}[dot]{end}", f"{user}(골뱅이){host}.{end}", f"{user} 앳 {host}.{end}"])


def _born(rng: Random) -> str:
    y, m, d = _birth(rng)
    form = rng.choice([f"{y}{m}{d}", f"{y}.{m}.{d}", f"19{y}.{m}.{d}", f"19{y}년 {int(m)}월 {int(d)}일"])
    return f"{form}생"


def _door(rng: Random) -> str:
    complex = rng.choice(["현대아파트", "래미안", "한신빌라", "힐스테이트", "주공아파트"])
    return f"{complex} {rng.randint(101, 130)}동 {rng.randint(1, 20)}0{rng.randint(1, 6)}호"


def _any_street(rng: Random) -> str:
    street = rng.choice(["Infinite Loop", "Smith Forges", "Donald Skyway", "Jones Knolls"])
    unit = rng.choice(["", " Apt. 226", " Suite 901"])
    gap, state = rng.choice(["\n", ", "]), rng.choice(["CA", "TX", "GU"])
    return f"{rng.randint(1, 9999)} {street}{unit}{gap}Port Ellen, {state} 14865"


def _british(rng: Random) -> str:
    flat = rng.choice(["", "Flat 3, ", "Flat 12B, "])
    street = rng.choice(["Acacia Avenue", "Baker Street", "High Street", "Smith Mews"])
    town = rng.choice(["Leeds LS1 4AB", "London NW1 6XE", "Oxford OX1 4AP", "Hull, HU5 2QQ"])
    return f"{flat}{rng.randint(1, 250)} {street}, {town}"


def _military(rng: Random) -> str:
    return (
        f"PSC {rng.randint(100, 9999)}, Box {rng.randint(100, 9999)}, APO {rng.choice(['AP', 'AE'])} {_digits(rng, 5)}"
    )


def _licence_en(rng: Random) -> str:
    return rng.choice(
        [f"D{_digits(rng, 7)}", f"S{_digits(rng, 3)}-{_digits(rng, 4)}-{_digits(rng, 4)}", _digits(rng, 9)]
    )


def _account_name(rng: Random) -> str:
    return rng.choice(["gildong", "jane_doe", "minsu.k", "park"]) + _digits(rng, 3)


def _more_secret(rng: Random) -> str:
    letters = string.ascii_letters + string.digits
    word = "".join(rng.choice(letters) for _ in range(39)) + "7"
    key = "".join(rng.choice("0123456789abcdef") for _ in range(31)) + "7"
    return rng.choice(
        ["gsk_" + word, "r8_" + word, "key-" + key, "dapi" + key, "glpat-" + word[-20:], "EAA" + word + "Zx9"]
    )


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
    "lettered": ("phone", _lettered),
    "spoken": ("phone", _spoken),
    "spelt_resident": ("resident_registration", _spelt_resident),
    "loose_email": ("email", _loose_email),
    "born": ("birth_date", _born),
    "door": ("address", _door),
    "any_street": ("address", _any_street),
    "british": ("address", _british),
    "military": ("address", _military),
    "licence_en": ("drivers_licence", _licence_en),
    "account_name": ("handle", _account_name),
    "more_secret": ("secret", _more_secret),
}
