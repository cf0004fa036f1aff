"""A reward that needs no model: whether an answer is the one that its record names.

Reinforcement from answers that can be checked (Lambert et al. 2024, Tülu 3, arXiv:2411.15124, section 6) earns nothing
by pleasing a reward model that cannot add.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from corpuskit.errors import UsageError
from corpuskit.training.evaluation.exact_match import exact_match
from corpuskit.training.instruct.dialogues import Demonstration, Message, known_answers
from corpuskit.training.instruct.reward import Reward


def right(written: str, wanted: Demonstration) -> bool:
    """Whether an answer is the one that is wanted; where the record names a mark (`contains`), whether it bears it."""
    mark = wanted.about.get("contains")
    return str(mark) in written if mark is not None else exact_match(written, wanted.answer)


def right_answers(files: Sequence[str | Path]) -> Reward:
    """1 for a right answer and 0 for another, to prompts whose records in JSON lines files name an answer; 0 to others.

    Raises UsageError where no record names one.
    """
    known = {one.prompt: one for file in files for one in known_answers(file)}
    if not known:
        raise UsageError(
            f"the reward 'right' needs records with the field 'answer', and {', '.join(map(str, files))} has none"
        )

    def reward(prompts: Sequence[Sequence[Message]], answers: Sequence[str]) -> Any:
        wanted = (known.get(tuple(prompt)) for prompt in prompts)
        found = [one is not None and right(text, one) for one, text in zip(wanted, answers, strict=True)]
        return np.array(found, np.float64)

    return reward
