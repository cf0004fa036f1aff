"""Curves over examples and models, from Python, from a recipe's job and from the command line."""

from __future__ import annotations

import json
import shutil
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import corpuskit.training.evaluation.commands  # adds its command
from corpuskit.cli.main import app
from corpuskit.engine.located import parse
from corpuskit.engine.steps import job_parts
from corpuskit.errors import UsageError
from corpuskit.recipe.load import check
from corpuskit.tokens import Shards
from corpuskit.training import ModelConfig
from corpuskit.training.adapters import AdaptConfig
from corpuskit.training.checkpoint import save_model
from corpuskit.training.evaluation import (
    EvaluateConfig,
    LanguageModel,
    Place,
    evaluate,
    evaluate_models,
    make_task,
    models_of_run,
    shot_curves,
)
from corpuskit.training.evaluation import job as job
from corpuskit.training.evaluation.report import write_curves
from corpuskit.training.instruct.config import InstructConfig
from corpuskit.training.models import build_model

assert corpuskit.training.evaluation.commands
RandomModel = Callable[..., LanguageModel]
SUMS = [{"a": a, "b": b, "answer": a + b} for a in range(3) for b in range(3)]
TASK = """\
name: sums
input: "{a} + {b} ="
items:
"""


def sums() -> object:
    items = [{**item, "choices": [str(item["answer"] + wrong) for wrong in (0, 1)], "answer": 0} for item in SUMS]
    return make_task(items, name="sums", input="{a} + {b} =", output="{answer}", separator="\n")


@pytest.fixture(scope="module")
def run(shards: Shards, random_model: RandomModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run's folder with a base, a tuned model, a reward model, and an adapter."""
    import peft

    folder = tmp_path_factory.mktemp("runs") / "small"
    shutil.copytree(shards.folder, folder / "tokens")
    for name, width in (("base", 32), ("sft", 48)):
        model = random_model(shards, context=96, width=width)
        save_model(model.model, model.tokenizer, folder / "models" / name)
    shutil.copytree(folder / "models/sft", folder / "models/reward")
    config = json.loads((folder / "models/reward/config.json").read_text())
    config["architectures"] = ["LlamaForSequenceClassification"]
    (folder / "models/reward/config.json").write_text(json.dumps(config))
    base = build_model(ModelConfig(layers=2, width=32, heads=2), shards.tokenizer, 96, seed=3)
    settings = peft.LoraConfig(r=2, target_modules="all-linear", init_lora_weights=False)
    peft.get_peft_model(base, settings).save_pretrained(folder / "models/lora")
    return folder


def test_a_point_is_the_mean_over_draws_with_the_error_of_items(random_model: RandomModel, shards: Shards) -> None:
    models = [replace(random_model(shards, context=96, width=width), name=f"w{width}") for width in (32, 48)]
    task = sums()
    curves = shot_curves(models, task, shots=[2, 0], seeds=3)  # type: ignore[arg-type]
    assert [(point.model, point.shots, point.seeds) for point in curves.points] == [
        *(("w32", 0, 1), ("w32", 2, 3), ("w48", 0, 1), ("w48", 2, 3))
    ]
    assert curves.points[0].parameters < curves.points[2].parameters
    correct = np.array(
        [
            evaluate(models[0], task, shots=2, seed=seed).items.column("correct").to_pylist()  # type: ignore[arg-type]
            for seed in range(3)
        ]
    )
    point = curves.points[1]
    assert point.accuracy == pytest.approx(correct.mean())
    assert point.error == pytest.approx(correct.mean(0).std(ddof=1) / 3)
    assert point.spread == pytest.approx(correct.mean(1).std(ddof=1))
    with pytest.raises(UsageError, match="two models are called 'w32'"):
        shot_curves([models[0], models[0]], task)  # type: ignore[arg-type]


def test_a_picture_shows_every_curve_and_no_markup_of_a_name(tmp_path: Path) -> None:
    rows = [
        {"model": model, "parameters": size, "task": "a<b>", "shots": shots, "accuracy": 0.25 + shots / 20}
        | {"error": 0.05, "chance": 0.25}
        for model, size in (("one & two", 1_234_567), ("big", 20_000_000))
        for shots in (0, 1, 8)
    ]
    files = write_curves(rows, tmp_path)
    assert [file.name for file in files] == ["a_b_-examples.svg", "a_b_-sizes.svg"]
    space = "{http://www.w3.org/2000/svg}"
    for file, lines in zip(files, (2, 3), strict=True):
        drawing = ElementTree.fromstring(file.read_text(encoding="utf-8"))
        curves = list(drawing.iter(f"{space}polyline"))
        assert len(curves) == lines
        assert sum(len(curve.get("points", "").split()) for curve in curves) == 6
        texts = [found.text for found in drawing.iter(f"{space}text")]
        assert "a<b>" in texts
    assert {"1.23M", "20M", "8 examples"} <= set(texts)
    assert write_curves(rows[:1], tmp_path / "few") == []


def test_the_models_of_a_run_are_its_language_models(run: Path) -> None:
    found = models_of_run(run)
    assert list(found) == ["base", "lora", "sft"]
    assert found["lora"] == Place(run / "models/base", run / "models/lora")
    assert models_of_run(run / "models") == {}


def test_a_recipe_evaluates_base_adapters_and_tuned_models(run: Path, tmp_path: Path) -> None:
    file = tmp_path / "sums.yaml"
    items = "".join(f"  - {{a: {a}, b: {a}, choices: ['{2 * a}', '{2 * a + 1}'], answer: 0}}\n" for a in range(5))
    file.write_text(TASK + items)
    config = EvaluateConfig(probes=False, tasks=(str(file),), shots=(0, 2), seeds=2)
    (made,) = job.KEY.jobs(config, {"adapt": AdaptConfig(), "instruct": InstructConfig()})
    before = job_parts(made, dict.fromkeys(made.reads, ""))
    told = made.work(run, lambda message, done, total: None)
    assert set(told["models"]) == {"base", "lora", "sft"}
    assert "bits a byte" in told["says"]
    written = json.loads((run / "evaluations/models/results.json").read_text())
    assert written["models"]["base"]["held_out"]["all"]["bits_per_byte"] > 0
    assert set(written["models"]["lora"]["held_out"]["by_source"]) == {"en", "ko"}
    assert written["models"]["base"] != written["models"]["lora"]
    assert pq.read_table(run / "evaluations/models/curves.parquet").num_rows == 6
    assert pq.read_table(run / "evaluations/models/lora/items.parquet").num_rows == 3 * 5
    assert (run / "evaluations/models/sums-examples.svg").is_file()
    file.write_text(TASK + items + "  - {a: 7, b: 7, choices: ['14', '15'], answer: 0}\n")
    (changed,) = job.KEY.jobs(config, {})
    assert job_parts(changed, dict.fromkeys(changed.reads, "")) != before
    file.write_text(TASK + "  - {a: 1}\n")
    with pytest.raises(UsageError, match=r"sums\.yaml line 2: input asks for \{b\}"):
        list(job.KEY.jobs(config, {}))


def test_the_command_prints_a_table_and_keeps_the_pictures(run: Path, tmp_path: Path) -> None:
    file = tmp_path / "sums.yaml"
    file.write_text(TASK + "".join(f"  - {{a: {a}, b: 1, choices: ['x', 'y'], answer: x}}\n" for a in range(4)))
    out = tmp_path / "out"
    asked = ["evaluate", str(run), "-t", str(file), "--shots", "0,1", "--seeds", "2", "-o", str(out)]
    printed = CliRunner().invoke(app, asked)
    assert printed.exit_code == 0, printed.output
    for word in ("base", "lora", "sft", "sums", "bits a byte"):
        assert word in printed.output
    assert (out / "sums-examples.svg").is_file()
    refused = CliRunner().invoke(app, ["evaluate", str(run), "-t", str(file), "--shots", "few"])
    assert isinstance(refused.exception, UsageError)
    assert "--shots few" in str(refused.exception)


def test_a_model_that_cannot_do_what_is_asked_is_left_out_with_the_reason(
    run: Path, random_model: RandomModel, shards: Shards, tmp_path: Path
) -> None:
    encoder = random_model(shards, kind="encoder", style="bert", context=96)
    save_model(encoder.model, encoder.tokenizer, tmp_path / "encoder")
    (tmp_path / "task.yaml").write_text("name: t\nkind: generation\ninput: '{q}'\nitems: [{q: a, answer: b}]\n")
    config = EvaluateConfig(probes=False, tasks=(str(tmp_path / "task.yaml"),))
    places = {"encoder": Place(tmp_path / "encoder"), "base": Place(run / "models/base")}
    found = evaluate_models(places, config)
    assert list(found.models) == ["base"]
    assert "encoder is an encoder" in found.left_out["encoder"]
    with pytest.raises(UsageError, match="is an encoder"):
        evaluate_models({"encoder": places["encoder"]}, config)
    (tmp_path / "twice.yaml").write_text("name: t\ninput: '{q}'\nitems: [{q: a, answer: 0, choices: [b, c]}]\n")
    with pytest.raises(UsageError, match="two tasks are called 't'"):
        evaluate_models(places, replace_tasks(config, tmp_path))


def replace_tasks(config: EvaluateConfig, folder: Path) -> EvaluateConfig:
    return config.model_copy(update={"tasks": (*config.tasks, str(folder / "twice.yaml"))})


def test_a_recipe_with_evaluation_needs_a_trained_model_and_asks_after_it() -> None:
    text = "name: r\nsources: [{jsonl: {paths: 'x/*.jsonl'}}]\ntokens: {}\ntrain: {}\nevaluate: {shots: [0, 4]}\n"
    names = [made.name for made in check(parse(text, "r.yaml")).jobs()]
    assert names == ["token shards", "pretraining", "evaluation"]
    with pytest.raises(UsageError, match=r"r\.yaml line 4: .*'train'"):
        check(parse(text.replace("train: {}\n", ""), "r.yaml"))
    with pytest.raises(UsageError, match=r"r\.yaml line 5"):
        check(parse(text.replace("shots: [0, 4]", "shotts: 4"), "r.yaml"))
