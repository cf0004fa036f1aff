"""The commands: audits of a model on any texts, two audits side by side, gates, mistakes in what was asked."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from corpuskit.cli.main import app
from corpuskit.errors import CorpuskitError, UsageError
from corpuskit.memorization import commands as audits  # noqa: F401  (adds its commands)
from corpuskit.memorization.gate import main_figure, read_summary
from corpuskit.memorization.studies.audit_texts import audit_texts


def command(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["audit", *arguments])


@pytest.fixture(scope="session")
def model(shards: Path, trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trained model as others would give it: a folder with its tokenizer."""
    folder = tmp_path_factory.mktemp("model") / "theirs"
    shutil.copytree(trained, folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(shards / "tokens" / name, folder / name)
    return folder


@pytest.fixture(scope="session")
def files(shards: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Texts that the model was trained on, and others of their kind."""
    folder = tmp_path_factory.mktemp("texts")
    known = pq.read_table(shards / "corpus.parquet").column("text").to_pylist()[:10]
    others = [text.replace("heron", "badger").replace("crossed", "left").replace("field", "harbour") for text in known]
    for name, texts in (("known", known), ("others", others)):
        lines = [json.dumps({"text": text}) for text in texts]
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "known.txt").write_text("\n\n".join(known), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def audited(model: Path, files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("audited") / "out"
    said = command(
        "--model", str(model), "--text", str(files / "known.jsonl"), "--held-out", str(files / "others.jsonl"),
        "--windows", "80", "--prefix", "16", "--suffix", "8", "-o", str(folder),
    )  # fmt: skip
    assert said.exit_code == 0, said.exception
    assert "training windows come out verbatim" in " ".join(said.output.split())
    return folder


def test_any_model_is_audited_on_any_texts_beside_texts_it_never_saw(audited: Path) -> None:
    found = read_summary(audited)["extraction"]
    assert found["train"]["windows"] == found["held_out"]["windows"] == 80
    assert found["train"]["low"] > found["held_out"]["rate"]
    assert (audited / "report.html").exists()
    assert "Completed" in (audited / "report.md").read_text() or "Verbatim" in (audited / "report.html").read_text()


def test_two_audits_side_by_side(audited: Path, tmp_path: Path) -> None:
    same = command("diff", str(audited), str(audited))
    assert "agree in every figure" in same.output
    assert "settings differ" not in same.output
    value = read_summary(audited)
    value["settings"]["prefix"] = 99
    value["extraction"]["train"]["rate"] = 0.0
    value["decisions"]["keep"] = 10**6
    (tmp_path / "summary.json").write_text(json.dumps(value))
    said = command("diff", str(audited), str(tmp_path / "summary.json")).output
    assert said.index("prefix: 16 and 99") < said.index("extraction.train.rate")
    assert "decisions.keep" not in said
    assert "1 more figures differ" in said
    assert "decisions.keep" in command("diff", "--all", str(audited), str(tmp_path)).output
    assert main_figure("by_copies.8.rate")
    assert not main_figure("law.windows")


def test_a_gate_ends_in_an_error_that_names_the_figure(model: Path, files: Path, tmp_path: Path) -> None:
    arguments = ["--model", str(model), "--text", str(files / "known.txt"), "--windows", "40", "-o", str(tmp_path)]
    arguments += ["--prefix", "16", "--suffix", "8"]
    failed = command("run", *arguments, "--fail-if", "extraction.train.high > 0.001")
    assert isinstance(failed.exception, CorpuskitError)
    assert "extraction.train.high > 0.001, and it is" in str(failed.exception)
    assert command("run", *arguments, "--fail-if", "extraction.train.rate > 1").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--text", "x.jsonl"], "--text needs --model"),
        (["diff", "nowhere", "nowhere"], "no summary of an audit"),
        (["loop", "nowhere"], "nowhere"),
    ],
)
def test_mistakes_are_named(arguments: list[str], message: str) -> None:
    failed = command(*arguments)
    assert isinstance(failed.exception, UsageError)
    assert message in str(failed.exception)


def test_texts_of_no_known_kind_and_models_without_tokenizer_are_refused(
    model: Path, trained: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=r"book\.docx: a file of texts ends in"):
        audit_texts(model, ["book.docx"], tmp_path)
    with pytest.raises(UsageError, match=r"no tokenizer\.json"):
        audit_texts(trained, ["book.txt"], tmp_path)
