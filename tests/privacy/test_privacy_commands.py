"""The commands about personal data: what they print and write, and how they refuse."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path

import pytest
import yaml

import corpuskit.privacy.commands
from corpuskit.cli.main import app
from corpuskit.errors import CorpuskitError, UsageError
from corpuskit.privacy import vault
from corpuskit.privacy.vault import restored
from corpuskit.recipe.execute import run_recipe
from corpuskit.recipe.load import load

TEXTS = ["제 메일은 hong@naver.com이고 전화는 010-1234-5678 입니다.", "아무것도 없는 글입니다.", "SSN 536-22-1234"]


def run(*arguments: str) -> None:
    app(["privacy", *arguments], standalone_mode=False)


def lines(path: Path, texts: list[str]) -> Path:
    rows = [{"text": text, "title": f"{number} a@b.com", "kept": number} for number, text in enumerate(texts)]
    content = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def test_find_tells_the_line_and_the_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plain = tmp_path / "a.txt"
    plain.write_text("첫 줄\n\n전화 010-1234-5678\n메일 a@b.com, c@d.com\n", encoding="utf-8")
    run("find", str(plain), "--json")
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["line"], row["type"]) for row in found] == [(3, "phone"), (4, "email"), (4, "email")]
    text = plain.read_text(encoding="utf-8")
    assert all(text[row["start"] : row["end"]] == row["text"] for row in found)
    run("find", str(lines(tmp_path / "b.jsonl.gz", TEXTS)), "--types", "email,us_ssn")
    shown = capsys.readouterr().out
    assert "hong@naver.com" in shown
    assert "536-22-1234" in shown
    assert "010-1234-5678" not in shown


def test_find_reads_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("없음"))
    run("find", "-")
    assert "no personal data" in capsys.readouterr().out


def test_scrub_keeps_the_other_fields(tmp_path: Path) -> None:
    run("scrub", str(lines(tmp_path / "a.jsonl", TEXTS)), "-o", str(tmp_path / "b.jsonl.gz"))
    rows = [json.loads(line) for line in gzip.decompress((tmp_path / "b.jsonl.gz").read_bytes()).splitlines()]
    assert [row["kept"] for row in rows] == [0, 1, 2]
    assert rows[0]["text"] == "제 메일은 <EMAIL>이고 전화는 <PHONE> 입니다."
    assert rows[0]["title"] == "0 <EMAIL>"


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"{}\nno json", "line 2"), (b"[1]", "line 1"), (b"\xff", "UTF-8")],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=message):
        run("find", str(path))
    with pytest.raises(UsageError, match="no such file"):
        run("find", str(tmp_path / "absent.txt"))


def test_a_run_is_restored_with_its_key_and_not_without(tmp_path: Path) -> None:
    run("vault", "new-key", str(tmp_path / "k"))
    lines(tmp_path / "in.jsonl", TEXTS)
    settings = {"key_file": str(tmp_path / "k"), "vault": str(tmp_path / "vault"), "mode": "pseudonym"}
    recipe = {
        "name": "scrubbed",
        "sources": [{"jsonl": {"paths": str(tmp_path / "in.jsonl")}}],
        "stages": [{"personal_data": settings}],
    }
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe), encoding="utf-8")
    run_recipe(load(path, []), folder=tmp_path / "run", workers=1)
    run("vault", "restore", str(tmp_path / "run"), "--key", str(tmp_path / "k"), "-o", str(tmp_path / "out.jsonl"))
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert sorted(row["text"] for row in rows) == sorted(TEXTS)
    assert sorted(row["title"] for row in rows) == [f"{number} a@b.com" for number in range(3)]

    vault.new_key(tmp_path / "other")
    with pytest.raises(CorpuskitError, match="does not open"):
        list(restored(tmp_path / "run", tmp_path / "other"))
    with pytest.raises(CorpuskitError, match="does not exist"):
        list(restored(tmp_path / "run", tmp_path / "k", tmp_path / "absent"))


def test_every_command_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    assert corpuskit.privacy.commands.privacy.info.help
    for command in (["find"], ["scrub"], ["vault", "new-key"], ["vault", "restore"], ["names", "train"]):
        run(*command, "--help")
        assert len(capsys.readouterr().out) > 200
