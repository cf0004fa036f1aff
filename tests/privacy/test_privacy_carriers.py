"""Generated values in sentences of every kind are found at their exact place, and numbers that are none are left."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit.privacy import find

LABELS = {
    "mobile": "연락처 ",
    "landline": "전화 ",
    "nanp": "Call ",
    "email": "메일: ",
    "resident": "주민번호 ",
    "foreigner": "외국인등록번호 ",
    "card": "카드 ",
    "iban": "IBAN ",
    "ssn": "SSN ",
    "itin": "ITIN ",
    "ip": "접속 ",
    "business": "사업자등록번호 ",
    "licence": "면허번호 ",
    "account": "계좌 국민 ",
    "road": "주소 ",
    "born": "홍길동(",
    "lettered": "문자 ",
    "spoken": "번호는 ",
    "spelt_resident": "민번 ",
    "door": "주소 ",
    "hidden_mobile": "전화 ",
}
FRONTS = ("", "제 ", "그래서 (", '그는 "', "Please note: ", "😀 ", "가나다\n", "x = ", "한자漢字 ")
BACKS = ("", "입니다", "이고", "로", " 로 주세요", ")", '"', "。", "!\n", " 이에요", " today", "…", "\t끝")


@pytest.mark.parametrize("name", sorted(LABELS))
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), front=st.sampled_from(FRONTS), back=st.sampled_from(BACKS))
def test_a_value_is_found_at_its_place(labelled: ModuleType, name: str, seed: int, front: str, back: str) -> None:
    kind, make = labelled.VALUES[name]
    value = make(random.Random(seed))
    back = ") " + back if name == "born" else back
    before = front + LABELS[name]
    found = find([before + value + back])[0]
    place = (len(before), len(before) + len(value.removesuffix("생")), kind)
    assert place in [item[:3] for item in found], found


NOTHING = {
    "version": lambda r: f"버전 {r.randint(0, 40)}.{r.randint(0, 99)}.{r.randint(0, 9999)}.{r.randint(256, 99999)}",
    "isbn": lambda r: f"ISBN 978-{r.randint(0, 99)}-{r.randint(100, 9999)}-{r.randint(1000, 9999)}-{r.randint(0, 9)}",
    "order": lambda r: f"주문번호 {r.randint(20150101, 20261231)}-{r.randint(10**6, 10**7 - 1)}",
    "tracking": lambda r: f"Tracking number {r.randint(10**11, 10**12 - 1)}",
    "hash": lambda r: f"commit {r.getrandbits(160):040x} merged",
    "uuid": lambda r: "id {:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}".format(*map(r.getrandbits, (32, 16, 12, 12, 48))),
    "money": lambda r: f"총 {r.randint(10**6, 10**12):,}원, {r.randint(10**6, 10**12):,} dollars",
    "statistics": lambda r: f"{r.randint(1990, 2020)}-{r.randint(2021, 2026)}년 {r.random():.10f} 대 {r.random():.8f}",
    "score": lambda r: (
        f"Scores of {r.randint(70, 130)}-{r.randint(70, 130)} and {r.randint(70, 130)}-{r.randint(70, 130)}"
    ),
    "coordinates": lambda r: f"좌표 {r.uniform(33, 38):.6f}, {r.uniform(125, 131):.6f}",
    "time": lambda r: f"{datetime.fromtimestamp(r.uniform(1e9, 2e9), UTC).isoformat(' ')} 접속",
    "array": lambda r: "[" + ", ".join(str(r.randint(0, 255)) for _ in range(12)) + "]",
    "people": lambda r: f"{r.randint(10, 99)}생활관 {r.randint(100, 999)}명과 {r.randint(1000, 9999)}생산품",
}


@pytest.mark.parametrize("name", sorted(NOTHING))
@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_number_that_is_no_personal_data_is_left(name: str, seed: int) -> None:
    text = NOTHING[name](random.Random(seed))
    assert find([f"그것은 {text} 이다."]) == [[]], text
