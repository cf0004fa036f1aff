"""Evaluation: what held-out text costs a model in bits, what tasks it can do, and with how many examples."""

from corpuskit.statistics import Estimate, mean, paired_difference, ratio
from corpuskit.training.evaluation.config import EvaluateConfig
from corpuskit.training.evaluation.curves import Curves, Point, shot_curves
from corpuskit.training.evaluation.evaluate import Result, TaskResult, evaluate
from corpuskit.training.evaluation.harness import harness_model
from corpuskit.training.evaluation.held_out import Bits, HeldOutBits, held_out_bits, summarize
from corpuskit.training.evaluation.language_model import LanguageModel, open_model
from corpuskit.training.evaluation.probes import probe_tasks
from corpuskit.training.evaluation.prompts import Prompt, Template
from corpuskit.training.evaluation.side_by_side import Evaluations, Place, evaluate_models, models_of_run
from corpuskit.training.evaluation.task import EvaluationTask, TaskConfig, exact_match, load_tasks, make_task, normalise

__all__ = [
    "Bits",
    "Curves",
    "Estimate",
    "EvaluateConfig",
    "EvaluationTask",
    "Evaluations",
    "HeldOutBits",
    "LanguageModel",
    "Place",
    "Point",
    "Prompt",
    "Result",
    "TaskConfig",
    "TaskResult",
    "Template",
    "evaluate",
    "evaluate_models",
    "exact_match",
    "harness_model",
    "held_out_bits",
    "load_tasks",
    "make_task",
    "mean",
    "models_of_run",
    "normalise",
    "open_model",
    "paired_difference",
    "probe_tasks",
    "ratio",
    "shot_curves",
    "summarize",
]
