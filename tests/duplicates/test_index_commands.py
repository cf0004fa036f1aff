"""`corpuskit index`: what the index holds, and how documents leave it."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from duplicates_stage_run import batch_of, run_stage
from typer.testing import CliRunner

from corpuskit.cli.main import app
from corpuskit.duplicates import commands as duplicates  # noqa: F401  (adds its commands)
from corpuskit.duplicates.stage import NearDuplicates
from corpuskit.errors import UsageError

TEXTS = ["The ferry leaves at nine and comes back at noon.", "Something else altogether, in a few more words."]


def told(*arguments: str) -> str:
    """What a command prints, as one line."""
    result = CliRunner().invoke(app, ["index", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def test_documents_are_counted_forgotten_and_compacted(tmp_path: Path) -> None:
    batch, folder = batch_of([{"text": text} for text in TEXTS]), str(tmp_path / "index")
    run_stage(NearDuplicates(index=tmp_path / "index", delivery="may"), tmp_path / "run", [batch])
    first, second = batch.column("id").to_pylist()
    assert told("show", folder).startswith("2 documents in 1 deliveries (hash 1, ")
    assert "may 2 documents" in told("show", folder)
    sizes = tmp_path / "sizes.parquet"
    assert told("sizes", folder, "-o", str(sizes)).startswith("2 documents")
    assert pq.read_table(sizes).column("delivery").to_pylist() == ["may", "may"]
    (tmp_path / "ids.txt").write_text(f"{first}\nunknown\n")
    assert told("delete", folder, "--file", str(tmp_path / "ids.txt")) == "forgot 1 of 2 documents"
    assert "1 more are deleted" in told("show", folder)
    assert told("compact", folder) == "1 documents in 1 deliveries"
    assert "deleted" not in told("show", folder)
    assert told("delete", folder, second) == "forgot 1 of 1 documents"
    assert told("withdraw", folder, "may") == "withdrew the delivery 'may' with its 1 documents"
    assert told("show", folder).startswith("0 documents in 0 deliveries")


def test_mistakes_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not an index"):
        told("show", str(tmp_path))
    with pytest.raises(UsageError, match="name the documents to forget"):
        told("delete", str(tmp_path))
    with pytest.raises(UsageError, match="cannot be read as a list of ids"):
        told("delete", str(tmp_path), "--file", str(tmp_path / "none.txt"))
