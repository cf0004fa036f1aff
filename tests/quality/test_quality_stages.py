"""The stages of a recipe: which rules they set, for which languages, and what they leave for the ledger."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from pydantic import ValidationError

from corpuskit.document import column, documents
from corpuskit.engine.stage import CHANGES, BatchStage
from corpuskit.errors import UsageError
from corpuskit.quality import rule_sets, train
from corpuskit.quality.languages import languages, rule_table, settings
from corpuskit.quality.rules import select
from corpuskit.quality.stage import C4Lines, KoreanCleanup, Quality

GOOD = "The river runs past the old mill, and the children of the town have been told to stay with the boats there. "
KOREAN = "강은 오래된 방앗간을 지나 흐르고 마을 아이들에게는 배 곁에 있으라고 했다. "


def batch(*rows: tuple[str | None, str | None]) -> pa.RecordBatch:
    return documents([{"id": str(i), "text": text, "language": code} for i, (text, code) in enumerate(rows)])


def test_every_rule_reads_a_measurement_that_exists() -> None:
    stage = Quality(chosen=tuple(rule_table()))
    measured = stage.measure(batch((GOOD, "en"), (KOREAN, "ko"), (None, None), ("", "xx")))
    for rule in stage.rules():
        assert len(column(measured, rule.measurement)) == 4
        assert len(rule.breaks(measured)) == 4


def test_languages_set_limits_of_rules_that_exist() -> None:
    names = {name for rules in rule_table().values() for name in rules}
    for language in languages():
        assert set(settings(language)["limits"]) <= names


def test_a_set_is_its_rules_and_gopher_is_both_of_its_own() -> None:
    sets = rule_sets()
    assert sets["gopher"] == sets["gopher_quality"] + sets["gopher_repetition"]
    assert next(iter(select(["gopher.top_2_gram", "gopher_repetition"], {}))).name == "gopher.top_2_gram"
    assert len({rule.name for rule in select(["gopher", "gopher_quality"], {})}) == len(sets["gopher"])


def test_korean_has_limits_of_its_own_and_a_given_limit_holds_for_all() -> None:
    (rule,) = Quality(rules=("gopher.min_words",)).rules()
    assert (rule.limit_for("en"), rule.limit_for("ko")) == (50, 34)
    (rule,) = Quality(rules=("gopher.min_words",), limits={"gopher.min_words": 10}).rules()
    assert (rule.limit_for("en"), rule.limit_for("ko")) == (10, 10)


def test_documents_fall_by_their_own_language() -> None:
    stage = Quality(rules=("gopher.min_words", "korean"))
    text = KOREAN * 4  # 44 words
    measured = stage.measure(
        batch((text, "ko"), (text, "en"), ("카지노 바카라 토토 슬롯 추천 " * 10, "ko"), (None, "ko"))
    )
    broken = {rule.name: rule.breaks(measured).to_pylist() for rule in stage.rules()}
    assert broken["gopher.min_words"] == [False, True, False, False]
    assert broken["korean.endings"] == [False, False, True, False]


def test_good_prose_breaks_no_rule_and_repetition_breaks_many() -> None:
    stage = Quality(rules=("gopher",))
    lines = "\n".join(f"{GOOD}It was chapter {number} of {number * 7} in the {number}th book." for number in range(1))
    prose = lines + " Nobody asked why the boats were there, since all of them knew that the mill had been sold before."
    filler = " ".join(f"Their {a} was {b}." for a, b in zip("abcdefgh", "ijklmnop", strict=True))
    measured = stage.measure(batch((f"{prose} {filler}", "en"), ("buy now and save the day " * 40, "en")))
    broken = [[rule.name for rule in stage.rules() if rule.breaks(measured)[row].as_py()] for row in (0, 1)]
    assert broken[0] == []
    assert {"gopher.top_2_gram", "gopher.duplicate_10_gram"} <= set(broken[1])


@pytest.mark.parametrize(
    ("configuration", "message"),
    [
        ({"rules": ["gophr"]}, "did you mean 'gopher'"),
        ({"limits": {"gopher.top2_gram": 0.1}}, "did you mean 'gopher.top_2_gram'"),
        ({"rules": ["fineweb"], "limits": {"gopher.top_2_gram": 0.1}}, "add it to 'rules'"),
        ({"rules": ["c4"], "limits": {"c4.curly_bracket": 0.5}}, "true or false"),
        ({"limits": {"gopher.top_2_gram": True}}, "a number"),
        ({"limits": {"quality.model_score": 0.3}}, "no rule"),
        ({"compatible_with": "gopher"}, "datatrove"),
        ({"ruels": []}, "ruels"),
    ],
)
def test_a_wrong_configuration_says_what_is_right(configuration: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Quality.model_validate(configuration)


@pytest.mark.parametrize("stage", [C4Lines(), KoreanCleanup()], ids=lambda stage: stage.name)
def test_a_rewriting_stage_leaves_spans_that_explain_the_text(stage: BatchStage) -> None:
    texts = ["Menu\nThis is a line that stays.[1]\nㅋㅋㅋㅋ", "그는 갔다ㅋㅋㅋㅋ.\n홍길동 기자", None, ""]
    before = batch(*((text, "ko") for text in texts))
    after = stage.measure(before)
    for old, new, changes in zip(texts, after.column("text"), after.column(CHANGES).to_pylist(), strict=True):
        kept, at = [], 0
        for change in changes:
            kept += [(old or "")[at : change["start"]], change["replacement"]]
            at = change["end"]
        assert new.as_py() == (None if old is None else "".join([*kept, old[at:]]))
    shares = column(after, f"{stage.name}.kept_characters").to_pylist()
    assert shares[2:] == [None, None]
    assert 0 < shares[0] <= 1


def test_korean_cleanup_leaves_other_languages_alone() -> None:
    after = KoreanCleanup().measure(batch(("wowㅋㅋㅋㅋ", "en"), ("wowㅋㅋㅋㅋ", None), ("와ㅋㅋㅋㅋ", "ko")))
    assert after.column("text").to_pylist() == ["wowㅋㅋㅋㅋ", "wowㅋㅋㅋㅋ", "와ㅋㅋ"]


def test_a_model_adds_its_score_and_its_rule(tmp_path: Path) -> None:
    model = train([f"{GOOD}{n}" for n in range(40)], [f"click here to win {n} prizes now" for n in range(40)])
    path = tmp_path / "score.npz"
    model.save(path)
    stage = Quality(rules=("gopher",), model=str(path), limits={"quality.model_score": 0.7})
    measured = stage.measure(batch((GOOD, "en"), ("click here to win prizes", "en"), (None, "en")))
    rule = stage.rules()[-1]
    assert (rule.name, rule.limit) == ("quality.model_score", 0.7)
    assert rule.breaks(measured).to_pylist() == [False, True, False]
    assert stage.inputs() == [path]


def test_a_model_that_is_absent_is_named() -> None:
    with pytest.raises(UsageError, match=r"absent\.npz"):
        Quality(model="absent.npz").measure(batch((GOOD, "en")))
