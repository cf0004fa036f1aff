"""Stop words and endings of Korean by morphemes: what lists of last syllables cannot tell."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from corpuskit.document import documents
from corpuskit.errors import MissingExtra
from corpuskit.quality import measure, morphemes
from corpuskit.quality.stage import Quality

PROSE = "강은 오래된 방앗간을 지나 흐르고, 마을 아이들에게는 배 곁에 있으라고 했다. "
NOUNS = "사과 바나나 지도 회의 고기 노트 "
"""Nouns, three of which end in syllables that are particles elsewhere (과, 도, 의)."""


def values(text: str, language: str = "ko", analyser: Any = "kiwi") -> tuple[float | None, float | None]:
    row = measure([text], language, analyser).to_pylist()[0]
    return row["gopher"]["stop_words"], row["korean"]["endings"]


def test_the_analyser_is_asked_for_by_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(module: str, extra: str) -> None:
        raise MissingExtra(f"{module} [{extra}]")

    monkeypatch.setattr(morphemes, "require", absent)
    morphemes._kiwi.cache_clear()
    with pytest.raises(MissingExtra, match=r"kiwipiepy \[korean\]"):
        measure(["I went home."], "en", "kiwi")  # before the first Korean text of a long run


def test_an_analyser_has_limits_of_its_own_and_no_place_beside_other_tools() -> None:
    limits = [Quality(rules=("gopher.stop_words",), analyser=a).rules()[0].limit_for("ko") for a in (None, "kiwi")]
    assert limits == [7, 9]
    with pytest.raises(ValidationError, match="leave one of the two out"):
        Quality(analyser="kiwi", compatible_with="dolma")


@pytest.fixture
def kiwi() -> None:
    pytest.importorskip("kiwipiepy", reason="kiwipiepy is not installed: pip install 'corpuskit[korean]'")


@pytest.mark.usefixtures("kiwi")
class TestKiwi:
    def test_function_words_and_endings_of_a_sentence(self) -> None:
        # 서울/은 한강/의 북쪽/에 있/다: four words with one each; of closed classes 은, 의, 에, 다
        assert values("서울은 한강의 북쪽에 있다.") == (4, 1.0)
        # 그/MM and 것/NNB stand alone and end in nothing; 이 and 다 belong to words
        assert values("그 사람이 먹은 것") == (4, 2 / 4)

    def test_nouns_that_end_like_particles_have_none(self) -> None:
        assert values(NOUNS, analyser=None)[1] == pytest.approx(0.5)
        assert values(NOUNS) == (0, 0.0)

    def test_a_list_of_nouns_falls_and_prose_stays(self) -> None:
        rules = Quality(rules=("gopher.stop_words", "korean.endings"), analyser="kiwi")
        batch = documents([{"id": t, "text": t * 10, "language": "ko"} for t in (PROSE, NOUNS)])
        measured = rules.measure(batch)
        assert [rule.breaks(measured).to_pylist() for rule in rules.rules()] == [[False, True], [False, True]]

    def test_pieces_of_a_long_text_count_as_the_whole_does(self) -> None:
        whole = morphemes.grammar([PROSE * 20])
        assert whole == morphemes.grammar([PROSE * 20], piece=3 * len(PROSE))
        assert whole[0].with_ending == 20 * morphemes.grammar([PROSE])[0].with_ending

    @pytest.mark.parametrize("text", ["", " \n", "\x00", "😀 나는 😀", "다" * 30_000, "ㅋ" * 3000, "漢字를 the cat은"])
    def test_shares_of_any_text_are_shares(self, text: str) -> None:
        stop_words, endings = values(text)
        assert stop_words is not None
        assert endings is None or 0 <= endings <= 1

    def test_other_languages_and_nulls_are_as_without_it(self) -> None:
        texts, codes = ["The cat and the dog", "나는 간다", None], ["en", None, "ko"]
        assert measure(texts, codes, "kiwi").to_pylist() == measure(texts, codes).to_pylist()
