"""Toxicity: small models for English and Korean that ship with corpuskit, detoxify checkpoints, and their training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from corpuskit.toxicity.detoxify import Detoxify
    from corpuskit.toxicity.making.training import train
    from corpuskit.toxicity.scoring import LABELS, Scores, assess, score

__all__ = ["LABELS", "Detoxify", "Scores", "assess", "score", "train"]

_HOMES = {"LABELS": "scoring", "Scores": "scoring", "assess": "scoring", "score": "scoring"}
_HOMES |= {"Detoxify": "detoxify", "train": "making.training"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'corpuskit.toxicity' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(f"corpuskit.toxicity.{_HOMES[name]}"), name)
