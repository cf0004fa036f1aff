"""What scrubbing leaves, what pseudonyms are, and how a vault brings the originals back."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from corpuskit.document import documents
from corpuskit.engine.stage import CHANGES
from corpuskit.errors import CorpuskitError, UsageError
from corpuskit.privacy import STRUCTURED, find, scrub, vault
from corpuskit.privacy.detect import checks
from corpuskit.privacy.pseudonyms import pseudonym
from corpuskit.privacy.stage import PersonalData

TEXT = "제 메일은 hong@naver.com이고 전화는 010-1234-5678, 다시 010.1234.5678, 카드 4539-1488-0343-6467 입니다."
KEY = b"k" * 32


def test_each_action_takes_the_values_away() -> None:
    assert scrub([TEXT], "ko") == ["제 메일은 <EMAIL>이고 전화는 <PHONE>, 다시 <PHONE>, 카드 <CARD> 입니다."]
    masked = scrub([TEXT], "ko", "mask")[0]
    assert (
        masked
        == "제 메일은 ****@*****.***이고 전화는 ***-****-****, 다시 ***.****.****, 카드 ****-****-****-**** 입니다."
    )
    assert scrub([TEXT], "ko", "keep") == [TEXT]
    assert scrub([None, "", "안녕"], "ko") == ["", "", "안녕"]


def test_hashes_are_equal_where_values_are_whatever_their_separators() -> None:
    first, second = scrub([TEXT, "010 1234 5678"], "ko", "hash", key=KEY)
    digest = second.removeprefix("<PHONE:").removesuffix(">")
    assert len(digest) == 16
    assert first.count(digest) == 2
    assert digest not in scrub([TEXT], "ko", "hash", key=b"x" * 32)[0]


def test_hash_without_a_key_is_refused() -> None:
    with pytest.raises(UsageError, match="key"):
        scrub([TEXT], "ko", "hash")


def test_an_unknown_action_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'mask'"):
        scrub([TEXT], "ko", "maks")  # type: ignore[arg-type]


def test_actions_by_type_stand_over_the_mode() -> None:
    assert "hong@naver.com" in scrub([TEXT], "ko", actions={"email": "keep"})[0]


def test_pseudonyms_agree_within_a_document_and_with_a_key_across_documents() -> None:
    first, second = scrub([TEXT, "연락처 010-1234-5678"], "ko", "pseudonym")
    numbers = [item.text for item in find([first])[0] if item.type == "phone"]
    assert numbers == []
    assert first.count("010-0000-0001") == first.count("010.0000.0001") == 1, "one number, in the form of each"
    keyed = scrub([TEXT, "연락처 010-1234-5678"], "ko", "pseudonym", key=KEY)
    assert keyed[1].removeprefix("연락처 ") in keyed[0]
    assert second == "연락처 010-0000-0001"


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**64 - 1))
def test_pseudonyms_lie_in_ranges_that_belong_to_nobody(number: int) -> None:
    assert pseudonym("email", number, "a@b.com").endswith("@example.com")
    assert pseudonym("phone", number, "(415) 273-2671")[4:10] == "555-01"
    assert pseudonym("phone", number, "010-1234-5678")[:5] == "010-0"
    assert pseudonym("phone", number, "+49 30 901820").startswith("+49 000")
    assert pseudonym("phone", number, "+44 20 7946 1138").startswith("+44 000")
    resident = pseudonym("resident_registration", number, "900101-1234567")
    assert resident[7] == "9"
    assert checks.month_and_day(int(resident[2:4]), int(resident[4:6]))
    business = pseudonym("business_registration", number, "123-45-67891").replace("-", "")
    assert business.startswith("000")
    assert not checks.business(business)
    card = pseudonym("card", number, "4539148803436467")
    assert card[0] == "0"
    assert checks.luhn(card)
    iban = pseudonym("iban", number, "DE89370400440532013000")
    assert iban.startswith("XX")
    assert checks.iban(iban)
    assert not ipaddress.ip_address(pseudonym("ip", number, "8.8.8.8")).is_global
    assert not ipaddress.ip_address(pseudonym("ip", number, "2001:4860::1")).is_global
    assert not checks.base58(pseudonym("crypto_address", number, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"))


@pytest.mark.parametrize("type", STRUCTURED)
def test_every_type_has_pseudonyms_that_differ_by_number(type: str) -> None:
    assert pseudonym(type, 1, "x 1-2") != pseudonym(type, 2, "x 1-2")


def batch() -> pa.RecordBatch:
    return documents(
        [
            {"id": "a" * 32, "text": TEXT, "title": "문의 hong@naver.com", "language": "ko"},
            {"id": "b" * 32, "text": None},
            {"id": "c" * 32, "text": "clean", "language": "en"},
            {"id": "d" * 32, "text": "x" * 10 + " 010-1234-5678"},
        ]
    )


def test_the_stage_leaves_the_original_in_no_column() -> None:
    scrubbed = PersonalData(drop_over=4).measure(batch())
    shown = str(scrubbed.to_pylist())
    assert "hong@naver.com" not in shown
    assert "1234" not in shown
    measured = scrubbed.column("personal_data").to_pylist()
    assert [row["findings"] for row in measured] == [5, 0, 0, 1]
    assert {row["type"]: row["count"] for row in measured[0]["types"]} == {"card": 1, "email": 2, "phone": 2}
    changes = scrubbed.column(CHANGES).to_pylist()
    assert TEXT[changes[0][0]["start"] : changes[0][0]["end"]] == "hong@naver.com"
    assert [change["replacement"] for change in changes[0]] == ["<EMAIL>", "<PHONE>", "<PHONE>", "<CARD>"]
    assert PersonalData(drop_over=4).rules()[0].breaks(scrubbed).to_pylist() == [True, False, False, False]
    assert PersonalData().rules() == []


def test_every_column_with_strings_is_scrubbed_unless_columns_are_named() -> None:
    url = "https://example.org/?mail=hong@naver.com"
    rows = documents([{"id": "a" * 32, "text": "x", "title": "a@b.com", "url": url}])
    nested = pa.array([{"contact": ["010-1234-5678", None], "n": 1}])
    rows = rows.append_column("meta", nested)
    scrubbed = PersonalData().measure(rows)
    assert scrubbed.column("url").to_pylist() == ["https://example.org/?mail=<EMAIL>"]
    assert scrubbed.column("title").to_pylist() == ["<EMAIL>"]
    assert scrubbed.column("meta").to_pylist() == [{"contact": ["<PHONE>", None], "n": 1}]
    assert scrubbed.column("personal_data").to_pylist()[0]["findings"] == 3
    assert scrubbed.column(CHANGES).to_pylist() == [[]], "the ledger's places are the text's"
    filled_by_records = ["source_id", "text", "title", "author", "published", "url", "language", "license", "rights"]
    assert PersonalData().scrubbed_columns(rows.schema) == [*filled_by_records, "fetched", "media_type", "meta"]

    named = PersonalData(columns=("title",)).measure(rows)
    assert named.column("url").to_pylist() == [url]
    assert named.column("title").to_pylist() == ["<EMAIL>"]
    assert named.column("meta").to_pylist() == nested.to_pylist()
    with pytest.raises(UsageError, match="did you mean 'title'"):
        PersonalData(columns=("titel",)).measure(rows)


def test_the_stage_redacts_what_the_ledger_shows_even_where_it_keeps() -> None:
    stage = PersonalData(mode="keep")
    assert stage.measure(batch()).column("text").to_pylist()[0] == TEXT
    shown = stage.redact(pa.array([TEXT, None]), pa.array(["ko", None]))
    assert shown.to_pylist()[0].startswith("제 메일은 <EMAIL>이고")
    assert shown.to_pylist()[1] is None


def test_a_vault_brings_the_originals_back(tmp_path: Path) -> None:
    key = tmp_path / "pii.key"
    vault.new_key(key)
    assert key.stat().st_mode & 0o077 == 0
    stage = PersonalData(mode="pseudonym", key_file=key, vault=tmp_path / "vault")
    scrubbed = stage.measure(batch())
    stage.measure(batch())
    files = list((tmp_path / "vault").iterdir())
    assert len(files) == 1, "the same batch writes the same file again"
    assert b"naver" not in files[0].read_bytes()
    texts = dict(zip(scrubbed.column("id").to_pylist(), scrubbed.column("text").to_pylist(), strict=True))
    sealed = {item.id: item for item in vault.open_vault(tmp_path / "vault", vault.read_key(key))}
    assert sealed.keys() == {"a" * 32, "d" * 32}
    assert vault.restore(texts["a" * 32], sealed["a" * 32]) == TEXT


def test_a_vault_refuses_a_wrong_key_a_changed_file_and_a_changed_text(tmp_path: Path) -> None:
    key, other = tmp_path / "a.key", tmp_path / "b.key"
    vault.new_key(key)
    vault.new_key(other)
    sealed = vault.Sealed("x", (vault.Original(0, 3, "email", "<EMAIL>", "abc"),))
    path = vault.seal(tmp_path / "vault", vault.read_key(key), [sealed])
    assert path is not None
    assert vault.seal(tmp_path / "vault", vault.read_key(key), []) is None
    with pytest.raises(CorpuskitError, match="does not open"):
        list(vault.open_vault(tmp_path / "vault", vault.read_key(other)))
    with pytest.raises(CorpuskitError, match="has changed"):
        vault.restore("something else", sealed)
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    with pytest.raises(CorpuskitError, match="does not open"):
        list(vault.open_vault(tmp_path / "vault", vault.read_key(key)))
    path.write_bytes(b"junk")
    with pytest.raises(CorpuskitError, match="not a vault file"):
        list(vault.open_vault(tmp_path / "vault", vault.read_key(key)))


def test_key_files_that_are_none_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        vault.read_key(tmp_path / "none")
    bad = tmp_path / "bad"
    bad.write_text("zz")
    with pytest.raises(UsageError, match="cannot be read as a key"):
        vault.read_key(bad)
    bad.write_text("00ff")
    with pytest.raises(UsageError, match="2 bytes"):
        vault.read_key(bad)
    with pytest.raises(UsageError, match="exists"):
        vault.new_key(bad)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"types": ["emial"]}, "did you mean 'email'"),
        ({"actions": {"emial": "mask"}}, "did you mean 'email'"),
        ({"mode": "hash"}, "key_file"),
        ({"vault": "v"}, "key_file"),
        ({"mode": "erase"}, "replace"),
        ({"min_score": 2}, "less than or equal"),
    ],
)
def test_impossible_settings_are_errors(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        PersonalData(**fields)  # type: ignore[arg-type]
