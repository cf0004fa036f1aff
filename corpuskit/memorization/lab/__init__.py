"""The lab: a corpus whose every repetition is known, to see that the instrument measures what it says."""

from corpuskit.memorization.lab.config import ARMS, LabConfig
from corpuskit.memorization.lab.measure import measure_arm
from corpuskit.memorization.lab.recipes import arm_recipe
from corpuskit.memorization.lab.results import LabResult, summarize
from corpuskit.memorization.lab.world import World, make_world

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
