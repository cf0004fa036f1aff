"""Fine-tuning: adapters of four kinds and the model's own weights, merging, and what each gains, costs and forgets."""

from corpuskit.training.adapters.comparison import Comparison, compare
from corpuskit.training.adapters.config import ADAPTERS, AdaptConfig, CompareConfig, Method
from corpuskit.training.adapters.finetune import finetune
from corpuskit.training.adapters.folder import AdapterFile, read_adapter, weights_digest
from corpuskit.training.adapters.load import activate, disabled, load_adapted
from corpuskit.training.adapters.merge import Merged, merge
from corpuskit.training.adapters.overhead import Pace, measure_overhead
from corpuskit.training.adapters.target import add_target
from corpuskit.training.adapters.tune import TuneResult, tune

__all__ = [
    "ADAPTERS",
    "AdaptConfig",
    "AdapterFile",
    "CompareConfig",
    "Comparison",
    "Merged",
    "Method",
    "Pace",
    "TuneResult",
    "activate",
    "add_target",
    "compare",
    "disabled",
    "finetune",
    "load_adapted",
    "measure_overhead",
    "merge",
    "read_adapter",
    "tune",
    "weights_digest",
]
