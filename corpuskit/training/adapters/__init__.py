"""Fine-tuning: adapters of four kinds and the model's own weights, merging, and what each gains, costs and forgets."""

from corpuskit.training.adapters.config import ADAPTERS, AdaptConfig, Method
from corpuskit.training.adapters.finetune import finetune
from corpuskit.training.adapters.folder import AdapterFile, read_adapter, weights_digest
from corpuskit.training.adapters.load import activate, disabled, load_adapted
from corpuskit.training.adapters.merge import Merged, merge

__all__ = [
    "ADAPTERS",
    "AdaptConfig",
    "AdapterFile",
    "Merged",
    "Method",
    "activate",
    "disabled",
    "finetune",
    "load_adapted",
    "merge",
    "read_adapter",
    "weights_digest",
]
