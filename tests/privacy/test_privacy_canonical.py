"""One value in many writings has one hash and one pseudonym; two values have two."""

from __future__ import annotations

import pytest

from corpuskit.privacy import find, scrub

SAME = [
    [
        "010-8273-4415",
        "01082734415",
        "+82 10 8273 4415",
        "공일공 팔이칠삼 사사일오",
        "０１０.8273.4415",
        "O1O-8273-4415",
    ],
    ["(415) 273-8841", "+1-415-273-8841", "415.273.8841", "415-273-8841 ext. 12"],
    ["park@naver.com", "PARK@naver.com", "park(at)naver.com", "park[at]naver[dot]com", "park 골뱅이 naver.com"],
    ["203.14.82.19", "203[.]14[.]82[.]19", "203[dot]14[dot]82[dot]19"],
    ["2a02:6b8:0:40c:85f1:2c1b:9a2e:77d1", "2A02:06B8:0000:040C:85F1:2C1B:9A2E:77D1"],
    ["gb82west12345698765432", "GB82 WEST 1234 5698 7654 32"],
]
OTHER = [["010-8273-4415", "010-8273-4416"], ["21.14.82.19", "2.114.82.19"], ["ab@naver.com", "a.b@naver.com"]]


@pytest.mark.parametrize("writings", SAME)
def test_one_value_has_one_hash_however_it_is_written(writings: list[str]) -> None:
    texts = [f"call or write: {value}" for value in writings]
    assert [len(row) for row in find(texts)] == [1] * len(texts)
    assert len(set(scrub(texts, mode="hash", key=b"k" * 32))) == 1


@pytest.mark.parametrize("values", OTHER)
def test_two_values_have_two_hashes(values: list[str]) -> None:
    hashed = scrub([f"call or write: {value}" for value in values], mode="hash", key=b"k" * 32)
    assert len(set(hashed)) == len(values)
