"""The names that a recipe may use, and the classes behind them, imported when they are used."""

from __future__ import annotations

import importlib
from importlib.metadata import entry_points
from typing import Any

from corpuskit.engine.source import Source
from corpuskit.engine.stage import Stage
from corpuskit.errors import UsageError, nearest

SOURCES = {
    "crawl": "corpuskit.sources.crawl.CrawlSource",
    "warc": "corpuskit.sources.warc.Warc",
    "jsonl": "corpuskit.sources.jsonl.JsonLines",
    "parquet": "corpuskit.sources.parquet.Parquet",
    "text": "corpuskit.sources.text.TextFiles",
    "datasets": "corpuskit.sources.huggingface.Datasets",
    "task_texts": "corpuskit.training.instruct.source.TaskTexts",
}

STAGES = {
    "extract": "corpuskit.extract.stage.ExtractStage",
    "language": "corpuskit.language.stage.LanguageStage",
    "exact_duplicates": "corpuskit.duplicates.stage.ExactDuplicates",
    "korean_cleanup": "corpuskit.quality.stage.KoreanCleanup",
    "c4_lines": "corpuskit.quality.stage.C4Lines",
    "quality": "corpuskit.quality.stage.Quality",
    "near_duplicates": "corpuskit.duplicates.stage.NearDuplicates",
    "passages": "corpuskit.duplicates.stage.Passages",
    "personal_data": "corpuskit.privacy.stage.PersonalData",
    "toxicity": "corpuskit.toxicity.stage.Toxicity",
    "contamination": "corpuskit.contamination.stage.Contamination",
    "remedies": "corpuskit.memorization.remedies.stage.Remedies",
}


def source_class(key: str) -> type[Source]:
    """The class behind a source's key or dotted path. Raises UsageError with the nearest valid word."""
    found: type[Source] = _find(key, SOURCES, "corpuskit.sources", Source, "source")
    return found


def stage_class(key: str) -> type[Stage]:
    """The class behind a stage's key or dotted path. Raises UsageError with the nearest valid word."""
    found: type[Stage] = _find(key, STAGES, "corpuskit.stages", Stage, "stage")
    return found


def _find(key: str, known: dict[str, str], group: str, base: type[Any], what: str) -> Any:
    path = known.get(key)
    if path is None:
        others = {point.name: point for point in entry_points(group=group)}
        if key in others:
            found = others[key].load()
        elif "." in key:
            found = _import(key, what)
        else:
            raise UsageError(f"unknown {what} '{key}'{nearest(key, [*known, *others])}")
    else:
        found = _import(path, what)
    if not (isinstance(found, type) and issubclass(found, base)):
        raise UsageError(f"{what} '{key}' is not a {base.__module__}.{base.__name__}")
    return found


def _import(path: str, what: str) -> Any:
    module, _, name = path.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise UsageError(f"{what} '{path}' cannot be imported: {error}") from error
