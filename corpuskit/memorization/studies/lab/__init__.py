"""The lab: a corpus whose every repetition is known, to see that the instrument measures what it says."""

from corpuskit.memorization.studies.lab.config import ARMS, LabConfig
from corpuskit.memorization.studies.lab.measure import measure_arm
from corpuskit.memorization.studies.lab.recipes import arm_recipe
from corpuskit.memorization.studies.lab.results import LabResult, summarize
from corpuskit.memorization.studies.lab.world import World, make_world

__all__ = [
    "ARMS",
    "LabConfig",
    "LabResult",
    "World",
    "arm_recipe",
    "make_world",
    "measure_arm",
    "summarize",
]
