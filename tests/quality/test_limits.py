"""Limits know their language: words, characters and sentences are not the same everywhere."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from corpuskit.cli.main import app
from corpuskit.errors import UsageError
from corpuskit.quality import derive_limits, measure
from corpuskit.quality.rules import limit_of, select
from corpuskit.quality.stage import Quality

CHINESE = (
    "今天天气很好，我们一起去公园散步，看到了很多美丽的花朵和可爱的小动物。孩子们在草地上奔跑，笑声传遍了整个公园。\n"
    "春天的阳光照在湖面上，老人们坐在长椅上聊天，讨论最近的新闻和家里的事情。"
)
THAI = "วันนี้อากาศดีมาก เราจึงไปเดินเล่นที่สวนสาธารณะด้วยกัน เห็นดอกไม้สวยงามมากมายและสัตว์ตัวเล็กน่ารัก"
GERMAN = (
    "Die Bundesregierung hat am Mittwoch beschlossen, die Krankenversicherungsbeiträge für Arbeitnehmerinnen und "
    "Arbeitnehmer im kommenden Jahr anzuheben. Wirtschaftsforschungsinstitute kritisierten die Entscheidung und "
    "warnten vor negativen Auswirkungen auf die Konsumentwicklung. Die Opposition forderte Steuererleichterungen."
)


def broken(text: str, language: str | None, rules: tuple[str, ...] = ("gopher", "fineweb")) -> list[str]:
    batch = pa.RecordBatch.from_arrays(
        [pa.array([language], pa.string()), measure([text], language)], ["language", "quality"]
    )
    return [rule.name for rule in Quality(rules=rules).rules() if rule.breaks(batch)[0].as_py()]


@pytest.mark.parametrize(("text", "language"), [(CHINESE, "zh"), (THAI, "th"), (GERMAN, "de")])
def test_prose_in_other_scripts_and_long_words_is_kept(text: str, language: str) -> None:
    assert set(broken(text, language)) <= {"gopher.min_words"}


def test_limits_on_words_hold_where_a_unit_is_defined() -> None:
    assert limit_of("gopher.max_mean_word_length", "en") == 10
    assert limit_of("gopher.max_mean_word_length", "de") == pytest.approx(10 * 1.23 * 1.2)
    assert limit_of("gopher.min_words", "fi") == pytest.approx(50 * 0.73 * 0.8)
    assert limit_of("gopher.min_words", "zh") == pytest.approx(50 * 1.465 * 0.8)
    assert limit_of("gopher.duplicate_10_gram", "zh") == limit_of("gopher.duplicate_7_gram", "en")
    for name in ("gopher.min_mean_word_length", "gopher.top_2_gram", "gopher.min_words"):
        assert math.isinf(limit_of(name, "th"))
    assert limit_of("gopher.alphabetic_words", "th") == 0.8
    assert limit_of("fineweb.line_punctuation", "th") == -math.inf
    assert limit_of("fineweb.line_punctuation", "zh") == 0.12


def test_a_text_of_no_known_language_has_the_published_limits() -> None:
    assert "gopher.min_words" in broken("too short", None)
    assert "gopher.min_words" in broken("too short", "und")
    assert "gopher.min_words" not in broken("fupi mno", "sw")


def test_a_given_limit_holds_for_all_languages() -> None:
    (rule,) = select(["gopher.min_words"], {"gopher.min_words": 3})
    assert (rule.limit_for("th"), rule.limit_for("de"), rule.limit_for(None)) == (3, 3, 3)


def test_a_share_of_fewer_than_three_lines_is_not_decided() -> None:
    gopher = measure(["• one\n• two...", "• one\n• two...\n• three"], "en").field("gopher")
    assert gopher.field("bullet_lines").to_pylist() == [None, 1]
    assert gopher.field("ellipsis_lines").to_pylist() == [None, pytest.approx(1 / 3)]


def test_bullets_are_counted_in_context() -> None:
    dialogue = "- Did you see the ferry?\n- No, I was asleep.\n- It left at eight.\n– Truly?"
    listed = "- milk\n- bread\n* eggs and a sentence.\n• tea"
    names = "*** said so\n**도 감사\n-5 degrees\n•tea"
    bullets = measure([dialogue, listed, names], "en").field("gopher").field("bullet_lines")
    assert bullets.to_pylist() == [0, 1, 0.25]


def sample(words: int, texts: int = 300) -> list[str]:
    chance = random.Random(2)
    vocabulary = ["".join(chance.choice("abcdefgh") for _ in range(words)) for _ in range(3000)]
    return [". ".join(" ".join(chance.choice(vocabulary) for _ in range(80)) for _ in range(3)) for _ in range(texts)]


def test_limits_are_derived_from_a_sample() -> None:
    derived = {each.rule: each for each in derive_limits(sample(14), "de")}
    longest = derived["gopher.max_mean_word_length"]
    assert longest.published == 10
    assert longest.published_cuts == 1
    assert longest.limit == pytest.approx(10 * 14 / 6.112, rel=0.01)
    assert longest.cuts == 0
    with pytest.raises(UsageError, match="limits need at least 100"):
        derive_limits(sample(5, 20), "de")
    with pytest.raises(UsageError, match="2 languages"):
        derive_limits(["a", "b"], ["de", "fi"])


def test_the_command_prints_limits_for_a_recipe(tmp_path: Path) -> None:
    path = tmp_path / "sample.jsonl"
    rows = [{"text": text, "language": "deu"} for text in sample(9)] + [{"text": "ein anderer", "language": "nl"}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    result = CliRunner().invoke(app, ["quality", "limits", str(path), "--language", "de"], catch_exceptions=False)
    assert result.exit_code == 0
    assert "  gopher.max_mean_word_length: 14.7  # 10 published, which drops 0.0% of 300 texts" in result.output
    with pytest.raises(UsageError, match="several languages"):
        CliRunner().invoke(app, ["quality", "limits", str(path)], catch_exceptions=False)
