"""A recipe that is wrong says where and what was meant; one that is right becomes a pipeline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import ClassVar

import pytest

from corpuskit.engine.located import parse
from corpuskit.engine.parts import StageCounts
from corpuskit.engine.sizes import parse_count, parse_size
from corpuskit.engine.stage import BatchStage, Configured
from corpuskit.errors import UsageError
from corpuskit.recipe.check import Problems
from corpuskit.recipe.execute import MANY, silent_rules
from corpuskit.recipe.load import check, load
from corpuskit.recipe.located import override
from corpuskit.recipe.schema import described, json_schema

PIPELINES = sorted((Path(__file__).resolve().parents[2] / "pipelines").glob("*.yaml"))

GOOD = """\
name: small
sources:
  - jsonl: {paths: in.jsonl, name: web}
stages:
  - exact_duplicates
  - quality: {rules: [gopher]}
  - near_duplicates:
      threshold: 0.8
memory: 1GB
"""


def problems(text: str) -> list[str]:
    with pytest.raises(UsageError) as caught:
        check(parse(text, "r.yaml"))
    return str(caught.value).splitlines()


def test_a_recipe_becomes_sources_and_stages() -> None:
    recipe = check(parse(GOOD, "r.yaml"))
    assert [source.label() for source in recipe.sources] == ["web"]
    assert [stage.name for stage in recipe.stages] == ["exact_duplicates", "quality", "near_duplicates"]
    assert recipe.keys.memory == 10**9
    assert recipe.jobs() == []


@pytest.mark.parametrize(
    ("wrong", "right", "message"),
    [
        ("jsonl:", "jsonal:", "r.yaml line 3: sources.jsonal: unknown source 'jsonal'; did you mean 'jsonl'?"),
        ("quality:", "qualty:", "r.yaml line 6: stages.qualty: unknown stage 'qualty'; did you mean 'quality'?"),
        ("threshold:", "treshold:", "line 8: stages.near_duplicates.treshold: unknown key; did you mean 'threshold'?"),
        (
            "threshold: 0.8",
            "threshold: high",
            "line 8: stages.near_duplicates.threshold: input should be a valid number",
        ),
        (
            "threshold: 0.8",
            "threshold: 7",
            "line 8: stages.near_duplicates.threshold: input should be less than or equal",
        ),
        ("[gopher]", "[gophr]", "line 6: stages.quality: quality: 'gophr' is no rule"),
        ("memory:", "memry:", "r.yaml line 9: memry: unknown key; did you mean 'memory'?"),
        ("1GB", "lots", "line 9: memory: 'lots' is not a size; write 2GB"),
        ("name: small", "name: a/b", "line 1: name: string should match pattern"),
        ("name: small\n", "", "r.yaml line 1: name: this key is required"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_the_nearest_word(wrong: str, right: str, message: str) -> None:
    found = problems(GOOD.replace(wrong, right, 1))
    assert any(message in line for line in found), found


def test_all_mistakes_come_at_once() -> None:
    text = GOOD.replace("jsonl:", "jsonal:").replace("threshold:", "treshold:").replace("memory:", "memry:")
    assert len(problems(text)) == 3


def test_two_sources_of_one_name_and_a_stage_twice_are_mistakes() -> None:
    text = GOOD.replace("stages:", "  - jsonl: {paths: b.jsonl, name: web}\nstages:\n  - near_duplicates")
    found = problems(text)
    assert any("two sources are called 'web'" in line for line in found)
    assert any("the stage 'near_duplicates' is listed more than once" in line for line in found)


def test_training_needs_tokens() -> None:
    assert problems(GOOD + "train: {}\n") == ["r.yaml line 10: train: needs the key 'tokens' in the recipe"]


def test_what_is_no_yaml_is_named_with_its_line() -> None:
    with pytest.raises(UsageError, match=r"r\.yaml line 2: not valid YAML"):
        parse("name: x\nsources: [", "r.yaml")
    with pytest.raises(UsageError, match=r"r\.yaml line 2: the key 'name' stands twice"):
        parse("name: x\nname: y\n", "r.yaml")
    with pytest.raises(UsageError, match="a recipe is a mapping"):
        check(parse("- a\n", "r.yaml"))
    with pytest.raises(UsageError, match="there is no such recipe"):
        load(Path("/nowhere/recipe.yaml"))


def test_values_are_laid_over_a_recipe() -> None:
    located = parse(GOOD, "r.yaml")
    for option in (
        "near_duplicates.threshold=0.7",
        "stages.quality.rules=[fineweb]",
        "sources.0.jsonl.kind=news",
        "tokens.sequence_length=64",
        "exact_duplicates.prefer=longest",
        "survey=true",
    ):
        override(located, option)
    recipe = check(located)
    assert recipe.stages[2].threshold == 0.7  # type: ignore[attr-defined]
    assert recipe.sources[0].kind == "news"
    assert recipe.sections["tokens"].sequence_length == 64
    assert recipe.keys.survey
    assert recipe.stages[0].prefer == "longest"  # type: ignore[attr-defined]


def test_a_mistake_in_an_override_names_the_option() -> None:
    located = parse(GOOD, "r.yaml")
    override(located, "near_duplicates.threshold=high")
    with pytest.raises(
        UsageError, match=r"--set near_duplicates.threshold=high: stages.near_duplicates.threshold: input"
    ):
        check(located)
    with pytest.raises(UsageError, match="write --set path=value"):
        override(located, "near_duplicates.threshold")
    with pytest.raises(UsageError, match="the recipe has no 'warc' there"):
        override(located, "sources.warc.paths=x")


class Shouting(BatchStage):
    """Counts capital letters."""

    name: ClassVar[str] = "shouting"
    share: float = 0.5


def test_a_stage_of_a_users_own_is_named_by_its_path() -> None:
    text = GOOD.replace("  - exact_duplicates\n", f"  - {__name__}.Shouting: {{share: 0.3}}\n")
    assert check(parse(text, "r.yaml")).stages[0] == Shouting(share=0.3)
    assert any("cannot be imported" in line for line in problems(text.replace("Shouting", "Silence")))


@pytest.mark.parametrize(("text", "size"), [("2GB", 2 * 10**9), ("1GiB", 2**30), ("20M", 20 * 10**6), ("1.5k", 1500)])
def test_sizes_as_people_write_them(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(("text", "count"), [("500k", 500_000), ("1_000", 1000), ("1.5B", 1_500_000_000), (7, 7)])
def test_counts_as_people_write_them(text: str | int, count: int) -> None:
    assert parse_count(text) == count
    with pytest.raises(ValueError, match="is not a count"):
        parse_count("2 dozen")


def test_a_rule_that_none_of_many_documents_broke_is_named() -> None:
    broke = {"gopher.min_words": 7, "gopher.max_words": 0}
    assert silent_rules(StageCounts(documents_in=MANY, broke=broke)) == ["gopher.max_words"]
    assert silent_rules(StageCounts(documents_in=MANY - 1, broke=broke)) == []


@pytest.mark.parametrize("path", PIPELINES, ids=lambda path: path.name)
def test_every_pipeline_is_a_valid_recipe(path: Path) -> None:
    assert load(path).sources


def test_the_schema_knows_every_source_and_stage() -> None:
    schema = json_schema()
    json.dumps(schema)
    words = described()
    assert words.broken == {}
    assert {entry.key for entry in words.keys} <= schema["properties"].keys()
    for section in (words.sources, words.stages):
        for entry in section:
            assert entry.key in schema["$defs"]
            assert entry.summary, f"{entry.key} says what it does"
            for setting in entry.settings:
                assert setting.help, f"{entry.key}.{setting.name} has a help text"


class Renaming(Configured):
    renamed: ClassVar[dict[str, str]] = {"price": "kl_coef"}
    kl_coef: float = 0.1


class Outer(Configured):
    inner: Renaming = Renaming()


def test_a_key_of_an_earlier_version_says_what_it_is_called_now() -> None:
    problems = Problems(parse("inner: {price: 0.2}", "old.yaml"))
    assert problems.validate(Outer, {"inner": {"price": 0.2}}, ()) is None
    with pytest.raises(UsageError, match=r"old\.yaml line 1: inner\.price: 'price' is now called 'kl_coef'"):
        problems.raise_any()


@pytest.mark.parametrize("name", ["..", ".", ".hidden", "a/b", "a\\b", "../../x", ""])
def test_names_that_leave_the_folder_are_refused(name: str) -> None:
    recipe = {"name": name or "..", "sources": [{"jsonl": {"paths": "x.jsonl", "name": name}}]}
    with pytest.raises(UsageError, match="name"):
        check(parse(json.dumps(recipe), "r"))


def test_a_name_may_be_korean() -> None:
    recipe = {"name": "\ub274\uc2a4", "sources": [{"jsonl": {"paths": "x.jsonl", "name": "\uc2e0\ubb38 1"}}]}
    assert check(parse(json.dumps(recipe), "r")).sources[0].label() == "\uc2e0\ubb38 1"
