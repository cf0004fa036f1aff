"""Training: pretrain a small model on token shards, adapt it, let it write, and measure it on held-out text."""

import os

# libgomp's threads spin for milliseconds before they sleep. On a machine whose cores are shared, that makes torch tens
# of times slower (measured: 60 s against 4 s for the same products beside six other processes); a short spin costs
# nothing measurable on a free one. It is read when torch is first imported.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

from corpuskit.training.adapters import finetune_lora
from corpuskit.training.config import AdaptConfig, Budget, ModelConfig, TrainConfig
from corpuskit.training.generate import generate
from corpuskit.training.metrics import read_metrics
from corpuskit.training.plan import read_plan, training_order
from corpuskit.training.pretrain import pretrain
from corpuskit.training.run import TrainResult

__all__ = [
    "AdaptConfig",
    "Budget",
    "ModelConfig",
    "TrainConfig",
    "TrainResult",
    "finetune_lora",
    "generate",
    "pretrain",
    "read_metrics",
    "read_plan",
    "training_order",
]
