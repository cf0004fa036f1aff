"""The recipe: the YAML file that names sources, stages, token shards, training and audits."""

from corpuskit.recipe.execute import RunResult, run_recipe
from corpuskit.recipe.load import Recipe, load

__all__ = ["Recipe", "RunResult", "load", "run_recipe"]
