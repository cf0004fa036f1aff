"""The audit of any causal model against any texts: shards with the model's own tokenizer, then the audit on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from corpuskit.engine.located import parse
from corpuskit.errors import UsageError
from corpuskit.recipe.execute import run_recipe
from corpuskit.recipe.load import check
from corpuskit.tokens.job import TOKENS

if TYPE_CHECKING:
    from corpuskit.memorization import AuditConfig, AuditResult

Watch = Callable[..., None]
SOURCES = {"jsonl": (".jsonl", ".json", ".ndjson"), "parquet": (".parquet",), "text": (".txt", ".md")}
"""Source of a recipe -> the files that it reads, by the end of their names, compressed or not."""


def audit_texts(
    model: str | Path,
    texts: Sequence[str | Path],
    folder: str | Path,
    config: AuditConfig | None = None,
    *,
    held_out: Sequence[str | Path] = (),
    watch: Watch = lambda message, done, total: None,
) -> AuditResult:
    """Audit a Hugging Face causal model folder against text files (JSON lines with `text`, Parquet, plain text).

    `texts`: what the model may have been trained on. `held_out`: texts of the same kind that it cannot have seen, the
    control without which a rate says little. The folder takes the shards and what `audit` writes. Raises UsageError for
    files of no known kind and a model without a tokenizer.json.
    """
    from corpuskit.memorization import AuditConfig, audit
    from corpuskit.memorization.measures.personal import personal_finder

    folder = Path(folder)
    config = config or AuditConfig()
    length = max(64, config.prefix + config.suffix)
    watch("encoding the texts", 0, 0)
    shards = _shards(model, texts, folder / "texts", length)
    control = _shards(model, held_out, folder / "held-out", length) if held_out else None
    personal = personal_finder()
    return audit(model, shards, folder, config, held_out=control, personal=personal, watch=watch)


def _shards(model: str | Path, texts: Sequence[str | Path], folder: Path, length: int) -> Path:
    tokenizer = Path(model) / "tokenizer.json"
    if not tokenizer.is_file():
        raise UsageError(f"{model}: the model's folder has no tokenizer.json, with which the texts are to be encoded")
    sources: list[dict[str, Any]] = []
    for number, path in enumerate(texts):
        sources.append({_kind(Path(path)): {"name": f"{number}-{Path(path).name}", "paths": str(Path(path).resolve())}})
    recipe = {
        "name": folder.name,
        "sources": sources,
        "tokens": {"tokenizer": {"path": str(tokenizer.resolve())}, "sequence_length": length, "hold_out": 0.0},
    }
    # the shards of these texts alone; those of other texts, from an earlier audit in the same folder, are replaced
    run_recipe(check(parse(yaml.safe_dump(recipe, allow_unicode=True), "texts")), folder=folder, overwrite=True)
    return folder / TOKENS


def _kind(path: Path) -> str:
    names = path.name.removesuffix(".gz").removesuffix(".zst")
    for kind, ends in SOURCES.items():
        if names.endswith(ends):
            return kind
    known = ", ".join(end for ends in SOURCES.values() for end in ends)
    raise UsageError(f"{path}: a file of texts ends in one of {known} (.gz and .zst too)")
