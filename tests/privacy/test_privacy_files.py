"""Files scrubbed whole: JSON lines, tables, Parquet and text; and vaults that fail as failures."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from corpuskit.errors import CorpuskitError, UsageError
from corpuskit.privacy import vault
from corpuskit.privacy.commands import privacy
from corpuskit.privacy.vault import restored
from corpuskit.recipe.execute import run_recipe
from corpuskit.recipe.load import load

RECORD = {
    "text": "a",
    "author": "kit@oakmail.io",
    "n": 3,
    "meta": {"c": ["010-4827-1935", None], "phone": "4153827719"},
}


def run(*arguments: str) -> None:
    privacy(list(arguments), standalone_mode=False)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_json_lines_are_scrubbed_in_every_field(tmp_path: Path) -> None:
    source, target = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    source.write_text(json.dumps(RECORD) + "\n\n" + json.dumps({"x": "\ud800 a@oakmail.io"}) + "\n", encoding="utf-8")
    run("scrub", str(source), "-o", str(target))
    rows = [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]
    assert rows[0] == {"text": "a", "author": "<EMAIL>", "n": 3, "meta": {"c": ["<PHONE>", None], "phone": "<PHONE>"}}
    assert rows[1] == {"x": "\ud800 <EMAIL>"}
    assert mode(target) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jsonl", "b.jsonl"]


def test_named_columns_alone_are_scrubbed_and_the_others_are_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, target = tmp_path / "a.jsonl", tmp_path / "b.jsonl.gz"
    source.write_text(json.dumps(RECORD), encoding="utf-8")
    run("scrub", str(source), "-o", str(target), "--columns", "meta")
    row = json.loads(gzip.decompress(target.read_bytes()))
    assert row["author"] == "kit@oakmail.io"
    assert row["meta"] == {"c": ["<PHONE>", None], "phone": "<PHONE>"}
    assert "not scrubbed: author, text" in capsys.readouterr().err
    with pytest.raises(UsageError, match="did you mean 'author'"):
        run("scrub", str(source), "-o", str(tmp_path / "c.jsonl"), "--columns", "autor")
    assert not (tmp_path / "c.jsonl").exists()


def test_a_table_keeps_its_form_and_its_heads_are_labels(tmp_path: Path) -> None:
    source, target = tmp_path / "a.csv", tmp_path / "b.csv"
    source.write_text('name,phone,note\nkit,4153827719,"a, b@oakmail.io"\nlee,4153827720,\n', encoding="utf-8")
    run("scrub", str(source), "-o", str(target))
    assert target.read_text() == 'name,phone,note\nkit,<PHONE>,"a, <EMAIL>"\nlee,<PHONE>,\n'
    tabs = tmp_path / "c.tsv"
    tabs.write_text("마루나\t930417-2048163\n", encoding="utf-8")
    run("scrub", str(tabs), "-o", str(tmp_path / "d.tsv"))
    assert (tmp_path / "d.tsv").read_text() == "마루나\t<RESIDENT_REGISTRATION>\n"


def test_parquet_keeps_its_schema(tmp_path: Path) -> None:
    source, target = tmp_path / "a.parquet", tmp_path / "b.parquet"
    table = pa.table({"who": ["kit@oakmail.io", None], "n": [1, 2], "more": [[{"tel": "010-4827-1935"}], []]})
    pq.write_table(table, source)
    run("scrub", str(source), "-o", str(target))
    scrubbed = pq.read_table(target)
    assert scrubbed.schema == table.schema
    assert scrubbed.to_pylist() == [
        {"who": "<EMAIL>", "n": 1, "more": [{"tel": "<PHONE>"}]},
        {"who": None, "n": 2, "more": []},
    ]
    with pytest.raises(UsageError, match="no column with text"):
        run("scrub", str(source), "-o", str(target), "--columns", "n")
    (tmp_path / "bad.parquet").write_bytes(b"PAR1")
    with pytest.raises(UsageError, match="not a Parquet file"):
        run("scrub", str(tmp_path / "bad.parquet"), "-o", str(tmp_path / "no.parquet"))
    assert not (tmp_path / "no.parquet").exists()


def test_a_file_that_fails_leaves_no_output(tmp_path: Path) -> None:
    source, target = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    source.write_text(json.dumps(RECORD) + "\nno json\n", encoding="utf-8")
    with pytest.raises(UsageError, match="line 2"):
        run("scrub", str(source), "-o", str(target))
    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]
    target.write_text("before")
    with pytest.raises(UsageError, match="line 2"):
        run("scrub", str(source), "-o", str(target))
    assert target.read_text() == "before"


def test_find_names_the_column(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "a.csv"
    source.write_text("name,phone\nkit,4153827719\n", encoding="utf-8")
    run("find", str(source), "--json")
    row = json.loads(capsys.readouterr().out)
    assert (row["line"], row["column"], row["type"], row["text"]) == (2, "phone", "phone", "4153827719")


@pytest.fixture
def scrubbed_run(tmp_path: Path) -> Path:
    """A run with a vault, in a folder with its key."""
    run("vault", "new-key", str(tmp_path / "k"))
    rows = [
        {"text": f"메일 a{n}@oakmail.io", "title": f"t{n}@oakmail.io", "url": f"https://a.kr/b{n}@oakmail.io"}
        for n in range(3)
    ]
    (tmp_path / "in.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    settings = {"key_file": str(tmp_path / "k"), "vault": str(tmp_path / "vault")}
    recipe = {
        "name": "scrubbed",
        "sources": [{"jsonl": {"paths": str(tmp_path / "in.jsonl")}}],
        "stages": [{"personal_data": settings}],
    }
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
    run_recipe(load(tmp_path / "recipe.yaml", []), folder=tmp_path / "run", workers=1)
    return tmp_path


def restore(folder: Path, *more: str) -> list[dict[str, object]]:
    target = folder / "out.jsonl"
    run("vault", "restore", str(folder / "run"), "--key", str(folder / "k"), "-o", str(target), *more)
    assert mode(target) == 0o600
    return [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]


def test_every_column_is_restored_and_nothing_is_readable_by_others(scrubbed_run: Path) -> None:
    files = list((scrubbed_run / "vault").iterdir())
    assert [mode(path) for path in files] == [0o600]
    assert mode(scrubbed_run / "vault") == 0o700
    assert mode(scrubbed_run / "k") == 0o600
    rows = restore(scrubbed_run)
    assert sorted(str(row["url"]) for row in rows) == [f"https://a.kr/b{n}@oakmail.io" for n in range(3)]
    assert sorted(str(row["title"]) for row in rows) == [f"t{n}@oakmail.io" for n in range(3)]

    # Cut short, at any length.
    content = files[0].read_bytes()
    for length in (0, 5, 25, 40, len(content) - 1):
        files[0].write_bytes(content[:length])
        (scrubbed_run / "out.jsonl").unlink(missing_ok=True)
        with pytest.raises(CorpuskitError, match=r"\.vault"):
            restore(scrubbed_run)
        assert not (scrubbed_run / "out.jsonl").exists()

    # Empty, and missing.
    files[0].unlink()
    with pytest.raises(CorpuskitError, match="has no vault files"):
        restore(scrubbed_run)
    (scrubbed_run / "vault").rmdir()
    with pytest.raises(CorpuskitError, match="does not exist"):
        restore(scrubbed_run)

    # A vault of another run: no document has its originals.
    key = vault.read_key(scrubbed_run / "k")
    vault.seal(scrubbed_run / "vault", key, [vault.Sealed("x", (vault.Original(0, 1, "email", "<EMAIL>", "a@b.io"),))])
    with pytest.raises(CorpuskitError, match="3 of 3 documents"):
        restore(scrubbed_run)
    assert not (scrubbed_run / "out.jsonl").exists()
    with pytest.raises(CorpuskitError, match="3 of 3 documents"):
        restore(scrubbed_run, "--partial")
    assert (scrubbed_run / "out.jsonl").exists()

    vault.new_key(scrubbed_run / "other")
    with pytest.raises(CorpuskitError, match="does not open with this key"):
        list(restored(scrubbed_run / "run", scrubbed_run / "other"))


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    vault.new_key(tmp_path / "k")
    for bits in (0o644, 0o640, 0o604):
        (tmp_path / "k").chmod(bits)
        with pytest.raises(UsageError, match="can be read by others"):
            vault.read_key(tmp_path / "k")
    (tmp_path / "k").chmod(0o600)
    assert len(vault.read_key(tmp_path / "k")) == 32
