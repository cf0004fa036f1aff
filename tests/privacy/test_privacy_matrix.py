"""Every type of number in every carrier and with every separator, and the types that only a label or a check tells."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

from corpuskit.privacy import find, scrub
from corpuskit.privacy.allow import Allow


@pytest.fixture(scope="module")
def matrix() -> ModuleType:
    """benchmarks/privacy_matrix.py."""
    folder = str(Path(__file__).resolve().parents[2] / "benchmarks")
    sys.path.insert(0, folder)
    try:
        return importlib.import_module("privacy_matrix")
    finally:
        sys.path.remove(folder)


def test_numbers_are_found_whatever_divides_and_carries_them(matrix: ModuleType) -> None:
    cases = list(matrix.cases(1, seed=9))
    assert len(cases) > 5_000
    found = matrix.hits(cases)
    for part in ("number", "separator", "carrier"):
        rows: dict[str, list[bool]] = {}
        for case, hit in zip(cases, found, strict=True):
            rows.setdefault(getattr(case, part), []).append(hit)
        weak = {name: sum(hits) / len(hits) for name, hits in rows.items() if sum(hits) / len(hits) < 0.99}
        assert weak == {}, part


@pytest.mark.parametrize(
    ("text", "type", "value"),
    [
        ("eth0 00:1B:44:11:3A:B7 up", "mac", "00:1B:44:11:3A:B7"),
        ("device 3c-52-82-1f-9a-0e", "mac", "3c-52-82-1f-9a-0e"),
        ("at 12:34:56 and 10-20-30-40-50-60-70", None, ""),
        ("차량번호 12가3456", "number_plate", "12가3456"),
        ("서울 12가 3456 차주님", "number_plate", "서울 12가 3456"),
        ("123허4567 차가 막고 있어요", "number_plate", "123허4567"),
        ("대법원 96도2753 판결", None, ""),
        ("12가지 3456명, 15만3456원", None, ""),
        ("License plate: AB12 CDE.", "number_plate", "AB12 CDE"),
        ("NINO: AB123456C", "uk_nino", "AB123456C"),
        ("NINO: QQ123456C is the form's own example", None, ""),
        ("National Insurance number AB 12 34 56 C", "uk_nino", "AB 12 34 56 C"),
        ("MRN: 00482719", "patient_number", "00482719"),
        ("환자번호 48271936", "patient_number", "48271936"),
        ("개인통관고유부호 P482719365184", "customs_code", "P482719365184"),
        ("IMEI 490154203237518", "imei", "490154203237518"),
        ("CPF 529.982.247-25", "br_cpf", "529.982.247-25"),
        ("身份证 11010519491231002X", "cn_id", "11010519491231002X"),
        ("주민번호 930417-2048***", "resident_registration", "930417-2048***"),
        ("연락처 010-48**-1936", "phone", "010-48**-1936"),
        ("카드 4539-48**-****-0242", "card", "4539-48**-****-0242"),
        ("(95. 02. 08.생)", "birth_date", "95. 02. 08."),
        ("my phone is +39 348 271 9365", "phone", "+39 348 271 9365"),
        ("josé.ruiz@correo.es", "email", "josé.ruiz@correo.es"),
        ("메일은müller@büro.de입니다", "email", "müller@büro.de"),
        ("https://www.instagram.com/fern.flint/", "handle", "fern.flint"),
        ("https://twitter.com/fernflint/status/123", "handle", "fernflint"),
        ("https://twitter.com/home", None, ""),
        ("Adresse: Hauptstraße 12, 10115 Berlin", "address", "Hauptstraße 12, 10115 Berlin"),
        ("110-482-719365 신한 홍길동", "bank_account", "110-482-719365"),
        ("새마을 9002-1482-7193-6 홍길동", "bank_account", "9002-1482-7193-6"),
        ("성명: 김민준", "person", "김민준"),
        ("예금주 박서연", "person", "박서연"),
        ("From: Jane Doe <jane@oakmail.io>", "person", "Jane Doe"),
        ('{"name": "John Smith", "age": 3}', "person", "John Smith"),
        ('{"name": "my-app", "version": "1.0"}', None, ""),
        ("이름은 변경하지 않는다. 담당자가 전혀 모른다. 성명(2018) 발표", None, ""),
        ("<password>t1Gerl1ly9</password>", "secret", "t1Gerl1ly9"),
        ("curl -u admin:s3cr3tPw9 https://x.io", "secret", "s3cr3tPw9"),
        ("https://hooks.zapier.com/hooks/catch/123456/abc9def", "secret", "123456/abc9def"),
        ("r8_quantization_aware_training_2", None, ""),
        ("rLHzPsX6oXkzU2qL12kHCH8G8cnZv1rBJh", "crypto_address", "rLHzPsX6oXkzU2qL12kHCH8G8cnZv1rBJh"),
        ("<SECRET:6053b9dfbff40a73> <PHONE>", None, ""),
        ("// user@example.com, 010-0000-0000, 415-555-0123", None, ""),
        ("0.930417-2048163 and 5-930417-2048163-77", None, ""),
        ("1,234,567,890 and 12.345.678", None, ""),
    ],
)
def test_types_and_what_only_looks_like_them(text: str, type: str | None, value: str | None) -> None:
    found = [(item.type, item.text) for item in find([text])[0] if item.type != "email" or type == "email"]
    assert found == ([(type, value)] if type else [])


def test_the_head_of_a_column_is_the_label_of_its_cells() -> None:
    text = "id,phone,note\n1,4153827719,x\n2,4153827720,5550001234\n"
    assert [item.text for item in find([text])[0]] == ["4153827719", "4153827720"]


PIECES = ["010-4827-1935", "930417-2048163", "4539482719360242", "482-71-9365", "+39 348 271 9365", "110-482-719365"]
JOINTS = ["-", ",", ".", "/", ";", "|", " ", "\t", "\n", ":", "=", "_", "#", "~", "&tel=", "계좌 "]


@pytest.mark.parametrize("first", PIECES)
@pytest.mark.parametrize("second", PIECES)
def test_a_value_beside_another_is_still_found(first: str, second: str) -> None:
    for joint in (",", ";", "|", "\t", "\n", " / "):
        text = f"전화 {first}{joint}{second}"
        texts = [item.text for item in find([text])[0]]
        assert first in texts or first == "110-482-719365", text
        assert second in texts or second == "110-482-719365", text


@pytest.mark.parametrize("mode", ["replace", "mask", "hash", "pseudonym"])
@pytest.mark.parametrize("joint", JOINTS)
def test_scrubbing_twice_changes_nothing(mode: str, joint: str) -> None:
    lead = "성명: 김민준, 주소 서울시 강남구 봉은사로 48, 생년월일 1993-04-17, password: t1Gerl1ly9, a@oakmail.io "
    texts = [lead + first + joint + second for first in PIECES for second in PIECES]
    once = scrub(texts, mode=mode, key=b"k" * 32)  # type: ignore[arg-type]
    assert all(before != after for before, after in zip(texts, once, strict=True))
    assert scrub(once, mode=mode, key=b"k" * 32) == once  # type: ignore[arg-type]


def test_pseudonyms_of_2000_addresses_differ() -> None:
    texts = [f"host 81.{number // 250}.{number % 250}.9 up" for number in range(2000)]
    assert len(set(scrub(texts, mode="pseudonym", key=b"k" * 32))) >= 1999


def test_exceptions_are_let_be() -> None:
    text = "문의 1588-1234 전화, 02-734-8811, bot7@ourhost.kr, kit@mail.ourhost.kr, kit@oakmail.io"
    allow = Allow(values=("15881234",), patterns=(r"bot\d@.*",), domains=("ourhost.kr",))
    assert [item.text for item in find([text], allow=allow)[0]] == ["02-734-8811", "kit@oakmail.io"]
    assert [item.text for item in find([text], min_scores={"email": 1.0, "phone": 0.9})[0]] == ["02-734-8811"]
    with pytest.raises(ValueError, match="not a regular expression"):
        Allow(patterns=("(",))
