"""Sentences with invented personal data whose place and type are known, in English and Korean, and sentences without.

Values come from `privacy_values`; sentences from templates. `TUNED` templates were looked at while the detectors were
written; `HELD_OUT` ones were written afterwards and measured before any change, but some of their misses were mended
since: only the first figures, in docs/personal-data.md, are of unseen sentences. `WAYS` are ways of writing a value
that people use to hide it or to be understood by people alone. `{x}` in a template marks a value. A negative template
has values that look like personal data and are none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from privacy_values import VALUES, Random


class Example(NamedTuple):
    text: str
    values: list[tuple[int, int, str]]
    """(start, end, type) of each value, code points."""
    language: str


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

WAYS = {
    "ko": """연락은 {lettered} 로만 받아요
제 번호는 {spoken}로 외우시면 됩니다
메일 {loose_email} 로 주세요
{loose_email}으로 이력서 부탁드립니다
홍길동({born}) 씨가 신청했다
{born} 김씨를 찾습니다
{account} 신한은행 홍길동
입금하실 곳은 {account} (농협 김철수) 입니다
{door}에 사는 사람입니다
택배는 {door}으로 보내 주세요
카톡 {account_name}로 연락 주세요
디스코드 {account_name} 친구 추가
민번 {spelt_resident} 확인 바랍니다
{mobile}로 전화""",
    "en": """Mail {loose_email} please
We live at {any_street} now.
Return to {any_street}
His address: {british}
Send it to {british}, thanks.
Deliver to {military} by air.
Her driver's license number is {licence_en}.
my Discord is {account_name}
snapchat: {account_name}
Dial {nanp} please
defined in {more_secret} only""",
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
2013.5~2016.4 재직, 2019.04.08 06:30 입력
aid=0000173193 기사와 blog.naver.com/x/221513386149 글
이하 30명, 하산 12시, 부산 3곳
17생활관 2생산라인 900명생각
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
The look_at_me.com_ variable and the o1one flag
12 Angry Men, New York; 3 Doors Down, Chicago
A flat 3 percent rate, and studio 54 was closed
licensed under license MIT 2.0, driver license required since 2019
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
