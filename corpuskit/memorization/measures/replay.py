"""The same suffixes behind a prompt cut out of the text, and behind exactly what stood before them in training."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from corpuskit.memorization.config import AuditConfig
from corpuskit.memorization.corpus.frames import TrainingFrames
from corpuskit.memorization.corpus.windows import Windows
from corpuskit.memorization.measures import metrics
from corpuskit.memorization.measures.extraction import Score
from corpuskit.memorization.measures.statistics import clopper_pearson
from corpuskit.memorization.scoring.scores import TokenScores
from corpuskit.tokens import Shards


def replay_section(
    score: Score,
    prompted: TokenScores,
    train: Shards,
    windows: Windows,
    frames: TrainingFrames,
    context: int,
    config: AuditConfig,
) -> dict[str, Any]:
    """Extraction in both frames of the windows that training read whole, overall and by the tokens before the suffix.

    `prompted`: scores of the windows in the prompt frame. `cut`: windows whose suffix no training window held whole.
    """
    fits = np.flatnonzero((frames.before >= 1) & (frames.before + config.suffix <= context))
    chance = np.random.default_rng(config.seed + 10)
    chosen = np.sort(chance.choice(fits, min(config.replayed, len(fits)), replace=False))
    before = frames.before[chosen]
    scores = score("training_frame", frames.passages(train, windows, config.prefix, chosen))
    replayed = metrics.reproduced(scores, before) >= config.suffix
    asked = metrics.reproduced(prompted, config.prefix)[chosen] >= config.suffix
    logs = metrics.suffix_log_probability(scores, before) / np.log(10)
    asked_logs = metrics.suffix_log_probability(prompted, config.prefix)[chosen] / np.log(10)
    groups = []
    edges = [1, config.prefix, 2 * config.prefix, 4 * config.prefix, 1 << 60]
    for low, high in pairwise(edges):
        mine = (before >= low) & (before < high)
        if mine.any():
            groups.append(
                {
                    "before": low,
                    "windows": int(mine.sum()),
                    "extracted": int(replayed[mine].sum()),
                    "by_prompt": int(asked[mine].sum()),
                }
            )
    low_rate, high_rate = clopper_pearson(int(replayed.sum()), len(chosen), config.confidence)
    steps = [frames.steps[place] for place in chosen]
    return {
        "windows": len(chosen),
        "cut": int((frames.before < 0).sum()),
        "extracted": int(replayed.sum()),
        "rate": float(replayed.mean()) if len(chosen) else 0.0,
        "low": low_rate,
        "high": high_rate,
        "by_prompt": int(asked.sum()),
        "only_replayed": int((replayed & ~asked).sum()),
        "only_by_prompt": int((asked & ~replayed).sum()),
        "median_log10_probability": float(np.median(logs)) if len(chosen) else None,
        "median_log10_probability_by_prompt": float(np.median(asked_logs)) if len(chosen) else None,
        "by_tokens_before": groups,
        "read": int(sum(map(bool, steps))),
        "steps_of_extracted": float(np.mean([len(one) for one, hit in zip(steps, replayed, strict=True) if hit]))
        if replayed.any()
        else None,
    }
