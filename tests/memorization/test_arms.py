"""Arms on identical windows: what one gives out and the other does not, and what it costs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from corpuskit.errors import UsageError
from corpuskit.memorization.config import AuditConfig
from corpuskit.memorization.studies.arm_comparison import Arm, compare_arms, mcnemar
from corpuskit.memorization.studies.arms import arm_value, matched
from corpuskit.memorization.studies.loop import second_recipe
from corpuskit.memorization.studies.report import draw_arms

RECIPE: dict[str, Any] = {
    "name": "news",
    "sources": [{"jsonl": {"paths": "a.jsonl"}}],
    "stages": ["exact_duplicates", {"quality": {}}, {"near_duplicates": {}}, {"personal_data": {}}],
    "tokens": {"tokenizer": {"train": "bpe"}, "sequence_length": 64},
    "train": {"budget": {"epochs": 2}, "seed": 3},
    "adapt": {"rank": 4},
    "audit": {"windows": 10},
}


@pytest.mark.parametrize(
    ("gone", "come", "p"),
    [(0, 0, 1.0), (1, 0, 1.0), (5, 0, 2 / 32), (10, 0, 2 / 1024), (8, 2, 2 * (1 + 10 + 45) / 1024), (3, 3, 1.0)],
)
def test_windows_on_which_arms_differ_are_tosses_of_a_coin(gone: int, come: int, p: float) -> None:
    before = np.array([True] * gone + [False] * come + [True, True, False])
    after = np.array([False] * gone + [True] * come + [True, True, False])
    assert mcnemar(before, after) == pytest.approx(p)


def stages(value: dict[str, Any]) -> list[str]:
    return [stage if isinstance(stage, str) else next(iter(stage)) for stage in value["stages"]]


def test_each_arm_has_its_remedy_alone() -> None:
    assert stages(arm_value(RECIPE, "raw")) == ["quality"]
    assert stages(arm_value(RECIPE, "deduplicated")) == ["exact_duplicates", "quality", "near_duplicates"]
    assert stages(arm_value(RECIPE, "scrubbed")) == ["quality", "personal_data"]
    assert stages(arm_value(RECIPE, "recipe")) == ["exact_duplicates", "quality", "near_duplicates", "personal_data"]
    assert arm_value(RECIPE, "goldfish")["train"]["goldfish"] == 4
    assert "goldfish" not in arm_value(RECIPE | {"train": {"goldfish": 3}}, "raw")["train"]
    for name in ("raw", "recipe"):
        assert not {"adapt", "audit", "decisions"} & arm_value(RECIPE, name).keys()
    assert RECIPE["train"] == {"budget": {"epochs": 2}, "seed": 3}, "the recipe itself is as it was"


def test_later_arms_take_tokenizer_steps_and_seed_of_the_first(tmp_path: Path) -> None:
    value = matched(arm_value(RECIPE, "scrubbed"), tmp_path, 120)
    assert value["tokens"] == {"tokenizer": {"path": str(tmp_path / "tokenizer.json")}, "sequence_length": 64}
    assert value["train"] == {"budget": {"steps": 120}, "seed": 3}


def test_the_second_run_carries_decisions_out_and_trains_as_long(tmp_path: Path) -> None:
    value = second_recipe(RECIPE, tmp_path, tmp_path / "decisions.parquet", 77)
    assert value["decisions"] == str(tmp_path / "decisions.parquet")
    assert value["train"]["budget"] == {"steps": 77}
    assert value["train"]["goldfish_documents"] == "decided"
    assert value["audit"] == RECIPE["audit"], "so that canaries are planted again and ranked"
    kept = second_recipe(RECIPE | {"train": {"goldfish": 3}}, tmp_path, tmp_path / "d", 7)
    assert kept["train"]["goldfish"] == 3
    assert "goldfish_documents" not in kept["train"]


def test_an_arm_against_itself_differs_in_nothing(shards: Path, trained: Path, tmp_path: Path) -> None:
    arms = [Arm("one", trained, shards / "tokens"), Arm("two", trained, shards / "tokens")]
    result = compare_arms(arms, tmp_path, AuditConfig(windows=120, prefix=16, suffix=8, document_tokens=64))
    one, two = result.value["arms"]
    against = two["against_first"]
    assert (against["gone"], against["new"], against["p"], against["cost_bits"]) == (0, 0, 1.0, 0.0)
    assert one["extracted"] == two["extracted"] > 0
    assert one["held_out"]["documents"] > 0
    result.write(tmp_path)
    assert json.loads((tmp_path / "arms.json").read_text())["arms"][0]["arm"] == "one"
    assert "| two |" in (tmp_path / "arms.md").read_text()
    assert draw_arms(result.value).count('class="curve') == 2 + 2 + 2, "legend, extraction, cost"


def test_a_trained_model_gives_out_what_an_untrained_one_does_not(
    shards: Path, trained: Path, untrained: Path, tmp_path: Path
) -> None:
    arms = [Arm("trained", trained, shards / "tokens"), Arm("untrained", untrained, shards / "tokens")]
    result = compare_arms(arms, tmp_path, AuditConfig(windows=120, prefix=16, suffix=8, document_tokens=64))
    against = result.value["arms"][1]["against_first"]
    assert against["removed"] == 1
    assert against["p"] < 0.01
    assert against["cost_bits"] > 3 * against["cost_error"] > 0


def test_arms_with_other_tokens_are_refused(shards: Path, trained: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for path in (shards / "tokens").rglob("*"):
        target = other / path.relative_to(shards / "tokens")
        if path.is_dir():
            target.mkdir()
        else:
            target.write_bytes(path.read_bytes())
    manifest = json.loads((other / "manifest.json").read_text())
    manifest["tokenizer"]["sha256"] = "0" * 64
    (other / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(UsageError, match="tokenizer"):
        compare_arms([Arm("a", trained, shards / "tokens"), Arm("b", trained, other)], tmp_path / "out")
