"""One forward pass, kept: what a model makes of every token, reduced as it is computed and cached as Arrow."""

from corpuskit.memorization.scoring.model import CausalModel
from corpuskit.memorization.scoring.scores import Passages, TokenScores, read_scores, score_passages

__all__ = ["CausalModel", "Passages", "TokenScores", "read_scores", "score_passages"]
