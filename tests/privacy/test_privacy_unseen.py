"""Sentences written by somebody who had not looked at the detectors.

At first sight, before any change: Korean precision 0.986 and recall 0.932, English 1.000 and 0.74. What was missed were
defanged addresses, masked resident numbers, postcodes alone, IBANs in small letters, and a particle behind .한국.

A value stands between ⟦ and ⟧ behind its type; `=name` draws it from the benchmark's invented values, where a check
digit must be right. A sentence without ⟦ holds none.
"""

from __future__ import annotations

import re
from random import Random
from types import ModuleType

import pytest

from corpuskit.privacy import find

KOREAN = """
급하면 ⟦phone:010-8273-4415⟧한테 먼저 물어보세요
사장님 번호가 ⟦phone:010.8273.4415⟧라네요
⟦phone:010 8273 4415⟧이랑 ⟦phone:02-734-8811⟧중에 아무 데나 거세요
예전 번호(⟦phone:011-273-4415⟧)는 끊겼습니다
전화⟦phone:01082734415⟧메일⟦email:minsu.kim92@hanmail.net⟧로연락바람
⟦phone:공일공 팔이칠삼 사사일오⟧ 말고 ⟦phone:공일공-이칠삼팔-일오사사⟧예요
번호 불러드릴게요 ⟦phone:공일공 팔이칠삼 사사일오⟧요
⟦phone:０１０－８２７３－４４１５⟧으로문자주세요
⟦phone:0 1 0 8 2 7 3 4 4 1 5⟧ 띄어서 씁니다
⟦phone:010-82​73-4415⟧에게
해외에서는 ⟦phone:+82-10-8273-4415⟧를 누르세요
해외에서는 ⟦phone:+82 2 734 8811⟧로
⟦phone:(02)734-8811⟧까지 전화
고객센터 ⟦phone:1588-3820⟧번입니다
안심번호 ⟦phone:0507-1382-4415⟧로 걸어 주세요
팩스는 ⟦phone:031)734-8811⟧이고 전화는 ⟦phone:070-4734-8811⟧예요
택배 기사님이 ⟦phone:010-8273-4415⟧에서 전화하셨대요
메일은 ⟦email:park_j1@naver.com⟧이에요
⟦email:park_j1@naver.com⟧랑 ⟦email:jypark@kaist.ac.kr⟧둘 다 됩니다
자료는⟦email:jypark@snu.ac.kr⟧에올려주세요
⟦email:park_j1(at)naver.com⟧ 으로 주세요
⟦email:park_j1 골뱅이 naver.com⟧
⟦email:park_j1＠naver.com⟧으로
⟦email:park.j1[at]gmail[dot]com⟧로 보내주시면 됩니다
⟦email:jypark@회사.한국⟧으로도 받습니다
주민등록번호 ⟦resident_registration:=resident⟧를 적으셨네요
제 주민번호는 ⟦resident_registration:=resident⟧예요
민증 번호 ⟦resident_registration:=resident⟧이 맞나요
외국인등록번호가 ⟦resident_registration:=foreigner⟧인 사람
주민번호 뒷자리를 가린 ⟦resident_registration:901010-1******⟧로 제출하세요
주민등록번호: ⟦resident_registration:850312-2*****⟧* (뒷자리 비공개)
사업자번호는 ⟦business_registration:=business⟧이며 대표는 이몽룡
(주)봄날상사 / 사업자등록번호⟦business_registration:=business⟧/ 통신판매업
여권번호 ⟦passport:M48201937⟧로 발급
여권(⟦passport:M482A1937⟧)을 분실하여
면허번호가 ⟦drivers_licence:11-04-382910-52⟧인 운전자
운전면허 ⟦drivers_licence:서울 04-382910-52⟧ 소지자
입금은 신한은행 ⟦bank_account:110-382-918273⟧으로
우리은행 ⟦bank_account:1002-382-918273⟧ (예금주 성춘향)
카카오뱅크 ⟦bank_account:3333-01-8273441⟧로 보내세요
농협 ⟦bank_account:302-1382-9182-71⟧ 성춘향 앞
계좌번호: ⟦bank_account:123456-04-382910⟧ 국민
국민 ⟦bank_account:382901-04-182734⟧ 성춘향으로 2만원 입금해 주세요
하나은행 계좌 ⟦bank_account:382-910482-73105⟧이 제 것입니다
카드번호 ⟦card:=card⟧이 유출됐습니다
결제한 카드는 ⟦card:=card⟧예요
접속지는 ⟦ip:121.166.38.204⟧로 확인됩니다
IP ⟦ip:121[.]166[.]38[.]204⟧에서 공격이 들어왔다
공격자 주소 ⟦ip:121.166.38[.]204⟧를 차단
서울시 ⟦address:강남구 테헤란로 152⟧에서 만나요
⟦address:서울특별시 마포구 월드컵북로 396⟧으로 배송 부탁드립니다
⟦address:경기도 성남시 분당구 판교역로 166⟧에 있습니다
⟦address:부산시 해운대구 우동 1408번지⟧가 본적입니다
⟦address:대구광역시 수성구 범어동 178-4⟧의 토지
⟦address:전라남도 순천시 낙안면 동내리 437⟧에 삽니다
본적은 ⟦address:강원도 강릉시 교동 산 12-3번지⟧이다
⟦address:충남 천안시 동남구 목천읍 삼방로 95⟧ 우체국 옆
⟦address:서울 관악구 신림9동 1512-7⟧에 세 들어 살았다
⟦address:서울 종로구 사직동 262번지 4통 3반⟧에 살았다
생년월일은 ⟦birth_date:1987년 3월 14일⟧이고
생년월일 ⟦birth_date:1987.03.14⟧인 고객
⟦birth_date:1987년 3월 14일⟧생 남자입니다
⟦birth_date:870314⟧생이에요
제 카톡 아이디는 ⟦handle:spring_88⟧이에요
인스타 ⟦handle:@spring.day88⟧로 디엠 주세요
디비 비밀번호는 ⟦secret:hK29vmQ7zz81⟧이야
토큰은 ⟦secret:ghp_8Hs72kLqPz01MnBv36TyUiOpAs45DfGhJk9Q⟧이니 지우세요
접속은 ⟦url_credentials:postgres://admin:s3cretPw@db.example.org:5432/main⟧으로
비트코인은 ⟦crypto_address:1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa⟧로
2024년 매출은 1,234,567,890원으로 전년보다 12.4% 늘었다
총 인구 51,439,038명 가운데 25,638,000명
1997-2003-2010년에 걸쳐 세 차례 개정되었다
ISBN 978-89-364-7234-5 (03810) 값 12,000원
ISSN 1225-0198, 제38권 제4호, 123-145쪽
주문번호 20240315-0038291 배송이 시작되었습니다
운송장 6078-3829-1047 조회하기
버전 10.0.19045.3803 으로 올렸다
커밋 3f786850e387550fdab836ed7e6dc881de23001b 이후
2024-03-15 14:22:31.482 INFO 시작
2024.03.15 ~ 2024.04.14 접수
2024년 3월 15일부터 4월 14일까지 010 시리즈 전시
점수는 3-2, 21-19, 15-21, 21-18이었다
제2023-0127호 고시 및 제12-345호 결정
사건번호 2019고합1382, 2020나20384 판결
법률 제17472호, 2020. 8. 11. 일부개정
원주율은 3.14159265358979323846 이다
좌표는 37.5665, 126.9780 이다
이 일 저 일 다 해 봤지만 사람 사는 일 이 제일 어렵다
오이 삼 개랑 사과 이 개 사 오고 공 칠 개 팔았다
칠팔 구월에는 육이오 이야기를 삼십 번도 더 했다
학번 2019382910 학생은 과제를 내세요
사번 20193829 홍길동 과장
모델명 SM-S928NZTEKOO, 부품 번호 0450-1382-11
@Override 어노테이션과 @media 규칙
문의는 게시판으로 하시고 비밀번호는 8자 이상으로 정하세요
비밀번호를 잊으셨나요? 아이디 찾기
카드는 1234-5678-9012-3456 처럼 적습니다
10.0.0.5 와 192.168.0.1 은 사설 주소다
ㅋㅋㅋㅋㅋ 1111111111111 이라고 썼네
국민 1,000,000-2,000,000명이 참여
국민 여론조사 48-52-30 비율
신한 2024-01-15 공시
길이 3동 2층 105호 회의실
그 길 12번 버스, 동 3시에 출발
가로 120 세로 240 높이 38
아버지는 1952년 3월에 서울로 올라오셨다
1987년 6월 10일에 태어난 민주화의 물결
타율 0.382, 방어율 2.91, 38승 10패
0.382910-4415 보정 계수
02-03 시즌에 38경기 27골
우편번호 06236 지역
환율 1,382.50-1,391.20원
코스피 2,734.88-2,758.11
회의 시간 10:30-11:45, 13:00-14:30
비율은 1:2:3:4 정도
12가지 3456명
"""

ENGLISH = """
Ring me on ⟦phone:(415) 273-8841⟧ after six
My cell's ⟦phone:415.273.8841⟧, text only
UK mobile ⟦phone:07700 914 482⟧ or office ⟦phone:020 7946 1138⟧
From abroad dial ⟦phone:+44 20 7946 1138⟧
Write to ⟦email:jane.o'dell@example.co.uk⟧ please
mail: ⟦email:jane_odell [at] gmail [dot] com⟧
reach me: ⟦email:jane.odell(at)gmail.com⟧
Contact ⟦email:jane[@]evil-domain[.]com⟧ was the sender
C2 server at ⟦ip:203.14[.]82[.]19⟧ was blocked
the bad host ⟦ip:203[.]14[.]82[.]19⟧, seen twice
blocked ⟦ip:203(.)14(.)82(.)19⟧ at the edge
She logged in from ⟦ip:2a02:6b8:0:40c:85f1:2c1b:9a2e:77d1⟧ last night
SSN: ⟦us_ssn:536-22-8841⟧.
His social security number is ⟦us_ssn:536 22 8841⟧
ITIN ⟦us_itin:=itin⟧ on file
IBAN ⟦iban:DE89 3704 0044 0532 0130 00⟧ at the bank
please pay to ⟦iban:gb82west12345698765432⟧ today
the account ⟦iban:de89370400440532013000⟧, in groups ⟦iban:de89 3704 0044 0532 0130 00⟧
Card ⟦card:=card⟧ was declined
I live at ⟦address:1428 Elm Street, Springwood, OH 43012⟧
Our office: ⟦address:350 Fifth Avenue, New York, NY 10118⟧
Post it to ⟦address:10 Downing Street, London SW1A 2AA⟧
her postcode is ⟦address:SW1A 2AA⟧
Postcode: ⟦address:M1 1AE⟧
deliver to the address with post code ⟦address:EC1A 1BB⟧ only
Born on ⟦birth_date:March 14, 1987⟧ in Leeds
DOB: ⟦birth_date:14/03/1987⟧
date of birth ⟦birth_date:1987-03-14⟧
password = ⟦secret:Tr0ub4dor&3xyz⟧
aws key ⟦secret:AKIAJ4QX7ZP2M6WNRT5B⟧ leaked
passport number ⟦passport:X48201937⟧ was reported stolen
follow me on instagram: ⟦handle:@jane.codes⟧
clone ⟦url_credentials:https://jane:hunter2@git.example.org/x.git⟧
In 2019-2020 revenue rose from 1,234,567 to 2,345,678.
ISBN-13: 978-0-306-40615-7, ISBN-10: 0-306-40615-2
Order #112-3829104-7749201 has shipped
Invoice 2024-0038-2910 is due 2024-04-14
Version 4.19.128.1 and 1.2.3.4-beta are old
See RFC 5321 section 4.5.3.1.2 for details
Pages 382-910, vol. 27, no. 4415
The score was 110-102 in game 7, 4-3 overall
Latitude 37.774929, longitude -122.419416
sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
MAC 00:1B:44:11:3A:B7 on eth0
UUID 123e4567-e89b-12d3-a456-426614174000
at 12:34:56.789 on 03/14/2024 the job ended
Population 8,336,817 (2020), area 302.6 sq mi
Password must be at least 12 characters.
The token expires in 3600 seconds
Use @property and @dataclass decorators
Flight BA2490 departs gate B42 at 18:05
Model WH-1000XM4, part no. 0450-1382-11
5 Main takeaways, 12 Monkeys, 3 Idiots
Chapter 11 Street scenes, 20 Questions
The M1 1 chip and the A1 2 paper sizes
He was born in 1987 and died in 2019
1,000,000,000,000 and 10^12 are equal
The array [1].[2] and items[.] are placeholders
ask [at] any time about the dot product
DE89 is a room and GB82 a code
9780306406157 and 0036000291452 are barcodes
tel aviv 2019, call 911, dial 0
4.4.2024-4.5.2024 holiday
isbn 0306406152 year 1987
"""

MARKED = re.compile("⟦([a-z_]+):([^⟧]*)⟧")


def sentences(block: str, values: dict[str, tuple[str, object]]) -> list[tuple[str, list[tuple[int, int, str]]]]:
    rng = Random(11)
    read = []
    for line in block.strip().splitlines():
        text, end, spans = "", 0, []
        for match in MARKED.finditer(line):
            text += line[end : match.start()]
            kind, value = match.groups()
            if value.startswith("="):
                value = values[value[1:]][1](rng)  # type: ignore[operator]
            spans.append((len(text), len(text) + len(value), kind))
            text += value
            end = match.end()
        read.append((text + line[end:], spans))
    return read


def compare(block: str, labelled: ModuleType) -> tuple[int, int, int, list[str]]:
    """(hits, values, false hits, what went wrong). A hit overlaps the value and has its type."""
    hits = wanted = false = 0
    wrong = []
    cases = sentences(block, labelled.VALUES)
    for (text, spans), row in zip(cases, find([text for text, _ in cases]), strict=True):
        for start, end, kind in spans:
            wanted += 1
            hit = any(item.type == kind and item.start < end and start < item.end for item in row)
            hits += hit
            if not hit:
                wrong.append(f"missed {kind} {text[start:end]} in {text}")
        for item in row:
            if not any(item.type == kind and item.start < end and start < item.end for start, end, kind in spans):
                false += 1
                wrong.append(f"false {item.type} {item.text} in {text}")
    return hits, wanted, false, wrong


@pytest.mark.parametrize("block", [KOREAN, ENGLISH])
def test_unseen_sentences_keep_precision_and_recall(labelled: ModuleType, block: str) -> None:
    hits, wanted, false, wrong = compare(block, labelled)
    assert wanted > 30
    assert hits / wanted >= 0.97, wrong
    assert hits / (hits + false) >= 0.97, wrong


PARTICLES = (
    "은",
    "를",
    "으로",
    "에서",
    "이랑",
    "한테",
    "이라고",
    "입니다",
    "이에요",
    "까지만",
    "였는데",
    "(으)로",
    "님께",
)


@pytest.mark.parametrize("name", ["mobile", "email", "resident", "business", "card", "ip", "landline", "licence"])
def test_a_particle_glued_to_a_value_takes_nothing_from_it(labelled: ModuleType, name: str) -> None:
    kind, make = labelled.VALUES[name]
    rng = Random(name)
    label = {"landline": "전화", "licence": "면허번호", "card": "카드"}.get(name, "그건")
    cases = [(value, f"{label} {value}{particle}") for particle in PARTICLES for value in [make(rng) for _ in range(4)]]
    for (value, text), row in zip(cases, find([text for _, text in cases]), strict=True):
        assert [(item.type, item.text) for item in row if item.type == kind] == [(kind, value)], text


@pytest.mark.parametrize(
    ("text", "type", "value"),
    [
        ("주민번호 901010-1******", "resident_registration", "901010-1******"),
        ("901010-2●●●●●●입니다", "resident_registration", "901010-2●●●●●●"),
        ("주민번호 901010 1xxxxxx", "resident_registration", "901010 1xxxxxx"),
        ("IP 121[.]166[.]38[.]204로", "ip", "121[.]166[.]38[.]204"),
        ("at 121 [.] 166", None, ""),
        ("203[dot]14[dot]82[dot]19", "ip", "203[dot]14[dot]82[dot]19"),
        ("203[.]14[.]82[.]19[.]7", None, ""),
        ("203[.]14[.]82[.]900", None, ""),
        ("10[.]0[.]0[.]1", None, ""),
        ("Postcode: SW1A 2AA.", "address", "SW1A 2AA"),
        ("the post code is m1 1ae", "address", "m1 1ae"),
        ("postcode lottery of 2019", None, ""),
        ("SW1A 2AA and M1 1AE", None, ""),
        ("gb82 west 1234 5698 7654 32", "iban", "gb82 west 1234 5698 7654 32"),
        ("gb82 west 1234 5698 7654 33", None, ""),
        ("jypark@회사.한국으로", "email", "jypark@회사.한국"),
        ("901310-1****** 와 901010-1***", None, ""),
        ("901010-1*2*3*4", None, ""),
        ("이메일은 hong_gd앳naver.com", "email", "hong_gd앳naver.com"),
        ("앳된 얼굴의 naver.com 직원", None, ""),
        ("라인ID: gildong88 로", "handle", "gildong88"),
        ("생일은 95/08/21 이에요", "birth_date", "95/08/21"),
        ("생일 파티 비용은 95/08/21 기준", None, ""),
        ("공1공-2345-6789", "phone", "공1공-2345-6789"),
    ],
)
def test_broken_hidden_and_small_forms(text: str, type: str | None, value: str) -> None:
    wanted = [(type, value)] if type else []
    assert [(item.type, item.text) for item in find([text])[0]] == wanted
