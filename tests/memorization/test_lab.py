"""The lab: what is planted is what stands there, and the whole way from documents to its picture."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from corpuskit.memorization.studies.lab import ARMS, LabConfig, arm_recipe, make_world, summarize
from corpuskit.memorization.studies.lab.picture import draw_lab
from corpuskit.memorization.studies.lab.run import run_lab
from corpuskit.memorization.studies.lab.world import LENGTH, SECRET_PREFIX, invented_words
from corpuskit.privacy import find
from corpuskit.recipe.load import load

pytestmark = pytest.mark.slow

SMALL = LabConfig(
    documents=6, copies=(0, 1, 40), secrets=3, secret_copies=(0, 20), coins=16, fuzzy_copies=4, background=150,
    fresh=20, digits=2, sequence_length=96, batch=8, widths=(32,), arms=("raw", "deduplicated"),
)  # fmt: skip


def texts(path: Path) -> list[str]:
    return [json.loads(line)["text"] for line in path.read_text(encoding="utf-8").splitlines()]


def test_everything_stands_in_the_corpus_as_often_as_planned(tmp_path: Path) -> None:
    world = make_world(tmp_path, SMALL, 3)
    counts = Counter(texts(world.documents))
    for copies, documents in world.planted.items():
        assert {counts[text] for text in documents} == {copies}
        assert all(len(text.split()) == LENGTH for text in documents)
    assert len(world.planted[0]) == 4 * len(world.planted[1])
    for secret in world.secrets:
        standing = sum(count for text, count in counts.items() if text.startswith(f"{secret.prefix}{secret.secret} "))
        assert standing == secret.copies
        assert len(secret.prefix.split()) == SECRET_PREFIX + 1
    for coin in world.coins:
        assert counts[coin.text] == (4 if coin.planted else 0)
    assert not any(counts[text] for text in [*world.fresh, *world.fuzzy, *texts(world.more)])


def test_deduplication_takes_away_as_many_words_as_are_added(tmp_path: Path) -> None:
    world = make_world(tmp_path, SMALL, 0)
    every = texts(world.documents)
    removed = sum(len(text.split()) for text in every) - sum(len(text.split()) for text in set(every))
    added = sum(len(text.split()) for text in texts(world.more))
    assert removed <= added < removed + LENGTH


def test_the_secrets_are_telephone_numbers_that_the_scrubber_finds(tmp_path: Path) -> None:
    world = make_world(tmp_path, SMALL, 0)
    for found in find([f"{secret.prefix}{secret.secret} 쏘흐" for secret in world.secrets], "ko"):
        assert [one.type for one in found] == ["phone"]


def test_the_same_seed_makes_the_same_bytes_and_another_one_other_words(tmp_path: Path) -> None:
    for name in ("one", "two"):
        make_world(tmp_path / name, SMALL, 5)
    one, two = ((tmp_path / name / "documents.jsonl").read_bytes() for name in ("one", "two"))
    assert one == two
    assert len(set(invented_words(5))) == 256
    assert set(invented_words(5)) != set(invented_words(6))
    assert sum("가" <= word[0] <= "힣" for word in invented_words(5)) == 128


def test_arms_differ_in_one_thing(tmp_path: Path) -> None:
    world = make_world(tmp_path, SMALL, 0)
    recipes: dict[str, dict[str, Any]] = {
        arm: arm_recipe(arm, world, SMALL, 32, 0, tokenizer=tmp_path / "t.json", steps=9) for arm in ARMS[:4]
    }
    for arm, recipe in recipes.items():
        (tmp_path / f"{arm}.yaml").write_text(yaml.safe_dump(recipe))
        load(tmp_path / f"{arm}.yaml")
        assert recipe["tokens"] == recipes["raw"]["tokens"]
        assert recipe["train"] | {"goldfish": 4} == recipes["goldfish"]["train"]
    exact, near = recipes["deduplicated"]["stages"]
    assert (exact, list(near)) == ("exact_duplicates", ["near_duplicates"])
    assert [next(iter(stage)) for stage in recipes["scrubbed"]["stages"]] == ["personal_data"]
    assert recipes["raw"]["stages"] == recipes["goldfish"]["stages"] == []


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValidationError, match="copies need 0"):
        LabConfig(copies=(1, 2))
    with pytest.raises(ValidationError, match="no arm 'purified'"):
        LabConfig(arms=("purified",))
    assert LabConfig(arms=("goldfish",)).arms == ("raw", "goldfish"), "the raw arm is what the others are held against"
    assert LabConfig.larger(seeds=(7,)).seeds == (7,)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("lab")
    return folder, run_lab(folder, SMALL).value


def test_the_lab_goes_the_whole_way(lab: tuple[Path, dict[str, Any]]) -> None:
    folder, value = lab
    raw, deduplicated = value["runs"]
    assert raw["tokens"] == deduplicated["tokens"], "arms are matched by tokens"
    for arm in (raw, deduplicated):
        for part in ("corpus", "tokens", "models/base", "audits/summary.json", "report.html"):
            assert (Path(arm["folder"]) / part).exists()
    world = folder / "seed-0"
    run = json.loads((world / "width-32/deduplicated/run.json").read_text())
    dropped = sum(sum(stage["dropped"].values()) for stage in run["stages"])
    every = texts(world / "documents.jsonl")
    assert dropped >= len(every) - len(set(every))
    assert "| raw |" in (folder / "lab.md").read_text()
    assert json.loads((folder / "lab.json").read_text())["checks"] == value["checks"]


def test_copies_make_a_text_likelier_and_deduplication_undoes_it(lab: tuple[Path, dict[str, Any]]) -> None:
    raw, deduplicated = lab[1]["runs"]
    none, _, most = raw["by_copies"]
    assert most["bits"] < none["bits"] - 0.3
    assert most["auc_low"] > 0.6
    assert none["auc_low"] < 0.5 < none["auc_high"]
    assert deduplicated["by_copies"][-1]["bits"] > most["bits"] + 0.3


def test_going_on_does_nothing_again(lab: tuple[Path, dict[str, Any]]) -> None:
    folder, value = lab
    model = folder / "seed-0/width-32/raw/models/base/model.safetensors"
    before = model.stat().st_mtime_ns
    again = run_lab(folder, SMALL).value
    assert model.stat().st_mtime_ns == before
    assert again["pooled"] == value["pooled"]


def test_seeds_are_pooled_and_drawn(lab: tuple[Path, dict[str, Any]]) -> None:
    runs = lab[1]["runs"]
    pooled = summarize(SMALL, [*runs, *({**run, "seed": 1} for run in runs)]).value["pooled"]
    for one, two in zip(lab[1]["pooled"], pooled, strict=True):
        for first, both in zip(one["by_copies"], two["by_copies"], strict=True):
            assert both["documents"] == 2 * first["documents"]
            assert both["high"] - both["low"] < first["high"] - first["low"]
            assert both["auc"] == pytest.approx(first["auc"])
    drawn = draw_lab(lab[1])
    assert drawn.startswith("<svg")
    for word in ("raw", "deduplicated", "Completed verbatim", "Exposure"):
        assert word in drawn
