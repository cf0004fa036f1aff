"""A run's corpus as it was before scrubbing, from the run's folder, its vault and the key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from corpuskit.engine.ledger import open_run, tables
from corpuskit.errors import CorpuskitError, UsageError
from corpuskit.privacy.vault import Sealed, open_vault, read_key, restore

COLUMNS = ("id", "url", "title", "author", "text")


def restored(
    run: str | Path, key: str | Path, vault: str | Path | None = None
) -> Iterator[tuple[dict[str, Any], str | None]]:
    """Each document of a run's corpus (COLUMNS by name) with its originals, and what stood in the way of it.

    A document that was rewritten after it was scrubbed stays as it is, with the reason. `vault` is the folder that the
    run's recipe named where not given. Raises UsageError where there is no run, key or vault, CorpuskitError for a key
    that opens nothing.
    """
    folder = Path(vault) if vault is not None else _vault_of(Path(run))
    if not folder.is_dir():
        raise UsageError(f"{folder}: no vault is here; --vault names its folder")
    sealed: dict[str, list[Sealed]] = {}
    for item in open_vault(folder, read_key(key)):
        sealed.setdefault(item.id, []).append(item)
    for path in tables(Path(run), "corpus"):
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(columns=list(COLUMNS)):
                for row in batch.to_pylist():
                    yield _restored(row, sealed.get(row["id"], []))


def _restored(row: dict[str, Any], candidates: list[Sealed]) -> tuple[dict[str, Any], str | None]:
    """Equal records have one id and may have been scrubbed under different settings: the one that fits is taken."""
    problem = None
    for item in candidates:
        try:
            columns = {original.column for original in item.originals}
            return row | {name: restore(row[name] or "", item, name) for name in columns}, None
        except CorpuskitError as error:
            problem = str(error)
    return row, problem


def _vault_of(run: Path) -> Path:
    recipe = open_run(run).get("recipe")
    stages = recipe.get("stages", []) if isinstance(recipe, dict) else []
    for stage in stages:
        settings = stage.get("personal_data") if isinstance(stage, dict) else None
        if isinstance(settings, dict) and settings.get("vault"):
            return Path(settings["vault"])
    raise UsageError(f"{run}: its recipe names no vault, so nothing was kept; --vault names another folder")
