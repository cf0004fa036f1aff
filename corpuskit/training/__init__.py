"""Training: pretrain a small model on token shards, adapt it, let it write, and measure it on held-out text."""

from corpuskit.training.adapters import AdaptConfig, finetune
from corpuskit.training.config import Budget, ModelConfig, TrainConfig
from corpuskit.training.generate import generate
from corpuskit.training.metrics import read_metrics
from corpuskit.training.plan import read_plan, training_order
from corpuskit.training.pretrain import pretrain
from corpuskit.training.trainer import TrainResult

__all__ = [
    "AdaptConfig",
    "Budget",
    "ModelConfig",
    "TrainConfig",
    "TrainResult",
    "finetune",
    "generate",
    "pretrain",
    "read_metrics",
    "read_plan",
    "training_order",
]
