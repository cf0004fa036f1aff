"""Differentially private fine-tuning of an adapter: per-example gradients, clipped, and noise that is accounted for."""

from corpuskit.training.private.accountant import epsilon_spent, noise_for
from corpuskit.training.private.adapter import PrivateConfig, PrivateResult, finetune_private

__all__ = ["PrivateConfig", "PrivateResult", "epsilon_spent", "finetune_private", "noise_for"]
