"""The recipe: one YAML file that names sources, stages, token shards, training and audits, read into a pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import Field

from corpuskit.engine.job import Job
from corpuskit.engine.located import Located
from corpuskit.engine.names import FolderName
from corpuskit.engine.pipeline import Pipeline
from corpuskit.engine.sizes import Size
from corpuskit.engine.source import Source
from corpuskit.engine.stage import Configured, Stage
from corpuskit.errors import UsageError
from corpuskit.memorization.config import AuditConfig
from corpuskit.recipe.check import Problems
from corpuskit.recipe.jobs import JOBS, jobs
from corpuskit.recipe.located import override, read
from corpuskit.recipe.registry import source_class, stage_class
from corpuskit.tokens.job import TokensSection
from corpuskit.training.adapters import AdaptConfig, CompareConfig
from corpuskit.training.config import TrainConfig
from corpuskit.training.evaluation import EvaluateConfig
from corpuskit.training.instruct.config import InstructConfig


class RecipeKeys(Configured):
    """The keys of a recipe."""

    name: FolderName = Field(pattern=r"^[\w.-]+$")
    """What the run is called; its folder is runs/NAME."""
    sources: list[dict[str, Any]] = Field(min_length=1)
    """Where documents come from: a list of source keys with their settings, read in this order."""
    stages: list[dict[str, Any] | str] = Field(default_factory=list)
    """What is measured and decided, in this order: a list of stage keys with their settings."""
    decisions: str | None = None
    """What an audit decided about documents (`runs/NAME/audits/decisions.parquet`), carried out after all stages."""
    overwrite: bool = False
    """Replace the finished corpus, models and audits of this run where settings or input have changed."""
    survey: bool = False
    """Measure documents that a rule has doomed with the later streaming stages too, so that `what-if` knows them."""
    memory: Size = Field(default=2 * 10**9, ge=10**8)
    """Bytes that a step over the whole corpus may use: '2GB'."""
    shard_size: Size = Field(default=256 * 10**6, ge=10**5)
    """About how many bytes of text a shard of the corpus holds: '256MB'."""
    max_quarantined: int | None = Field(default=None, ge=0)
    """More unreadable records than this fail the run."""
    tokens: TokensSection | None = None
    """Train or take a tokenizer, and write token shards."""
    train: TrainConfig | None = None
    """Pretrain a small model on the shards."""
    adapt: AdaptConfig | None = None
    """Fine-tune that model, with a small adapter or in its own weights."""
    compare: CompareConfig | None = None
    """Fine-tune that model in several ways, and compare what each gains, forgets and costs."""
    instruct: InstructConfig | None = None
    """Teach that model to follow instructions, from demonstrations and feedback."""
    evaluate: EvaluateConfig | None = None
    """Ask the trained models what they can do, and measure what held-out text costs them."""
    audit: AuditConfig | None = None
    """Measure what the model memorised."""


@dataclass(frozen=True)
class Recipe:
    keys: RecipeKeys
    sources: Sequence[Source]
    stages: Sequence[Stage]
    value: dict[str, Any]
    text: str
    last: str | None = None
    """The key whose jobs are the last to run; None runs all."""

    def pipeline(self) -> Pipeline:
        keys = self.keys
        return Pipeline(
            name=keys.name,
            sources=self.sources,
            stages=self.stages,
            jobs=self.jobs(),
            survey=keys.survey,
            memory=keys.memory,
            shard_bytes=keys.shard_size,
            max_quarantined=keys.max_quarantined,
            recipe=self.value,
            recipe_text=self.text,
        )

    def up_to(self, key: str) -> Recipe:
        """The same recipe without the jobs after a key. Canaries that it plants stay, so that an audit may follow."""
        return replace(self, last=key)

    def jobs(self) -> list[Job]:
        return jobs({entry.key: getattr(self.keys, entry.key) for entry in JOBS}, self.last)


def load(path: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """The recipe in a YAML file with `path=value` overrides laid over it.

    Raises UsageError that lists every problem with its file, line and the nearest valid word.
    """
    path = Path(path)
    located = read(path)
    for option in overrides:
        override(located, option)
    return check(located, path.read_text(encoding="utf-8-sig"))


def check(located: Located, text: str = "") -> Recipe:
    if not isinstance(located.value, dict):
        raise UsageError(f"{located.name}: a recipe is a mapping of keys: name, sources, stages, ...")
    problems = Problems(located)
    keys = problems.validate(RecipeKeys, located.value, ())
    sources = [
        source
        for number, item in enumerate(_items(located.value.get("sources")))
        if (source := _named(problems, item, ("sources", number), source_class)) is not None
    ]
    stages = [
        stage
        for number, item in enumerate(_items(located.value.get("stages")))
        if (stage := _named(problems, item, ("stages", number), stage_class)) is not None
    ]
    if keys is not None and keys.decisions is not None:
        stages.append(_named(problems, {"remedies": {"path": keys.decisions}}, ("decisions",), stage_class))
    _check_names(problems, sources, stages)
    if keys is not None:
        for entry in JOBS:
            if entry.needs and getattr(keys, entry.key) is not None and getattr(keys, entry.needs) is None:
                problems.add((entry.key,), f"needs the key '{entry.needs}' in the recipe")
    problems.raise_any()
    assert keys is not None
    return Recipe(keys, sources, stages, located.value, text)


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _named(problems: Problems, item: Any, place: tuple[str | int, ...], find: Any) -> Any:
    """The configured source or stage of one list item: `{key: {settings}}`, or the bare key."""
    if isinstance(item, str):
        item = {item: None}
    if not isinstance(item, dict) or len(item) != 1:
        problems.add(place, "expected one key with its settings below it, such as '- language: {keep: [en, ko]}'")
        return None
    key, settings = next(iter(item.items()))
    try:
        found = find(key)
    except UsageError as error:
        problems.add((*place, key), str(error))
        return None
    return problems.validate(found, settings, (*place, key))


def _check_names(problems: Problems, sources: Sequence[Source], stages: Sequence[Stage]) -> None:
    seen: set[str] = set()
    for source in sources:
        if source.label() in seen:
            problems.add(
                ("sources",), f"two sources are called '{source.label()}'; give each a name of its own (name: ...)"
            )
        seen.add(source.label())
    seen = set()
    for stage in stages:
        if stage.name in seen:
            problems.add(("stages",), f"the stage '{stage.name}' stands twice")
        seen.add(stage.name)
