"""Preferences as tokens: a prompt with each of its two sides, within what a model reads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from corpuskit.errors import UsageError
from corpuskit.tokens.windows import Numbers
from corpuskit.training.instruct.chat import Chat, fit
from corpuskit.training.instruct.dialogues import Preference
from corpuskit.training.instruct.unknown import check_known, sides


def paired(
    chat: Chat, preferences: Sequence[Preference], length: int, too_long: str
) -> tuple[list[tuple[Numbers, Numbers]], int]:
    """([(prompt with chosen, prompt with rejected)], how many lost the start of their prompt to fit into `length`).

    Raises UsageError, naming the pair, where one is longer and that is an error, where an answer alone is, where both
    sides are the same tokens, and where a character is not known to the tokenizer.
    """
    check_known(chat.tokenizer, (text for one in preferences for text in sides(one)))
    prompts = chat.prompts([one.prompt for one in preferences])
    chosen = chat.answers([one.chosen for one in preferences])
    rejected = chat.answers([one.rejected for one in preferences])
    found, cut = [], 0
    for number, (prompt, *answers) in enumerate(zip(prompts, chosen, rejected, strict=True), 1):
        name = preferences[number - 1].where or f"pair {number} of the preferences"
        field = max(("chosen", "rejected"), key=lambda side: len(answers[side == "rejected"]))
        longest = len(prompt) + max(map(len, answers))
        if np.array_equal(answers[0], answers[1]):
            raise UsageError(f"{name}: fields 'chosen' and 'rejected' are the same tokens, so nothing is preferred")
        if longest > length and too_long == "error":
            raise UsageError(
                f"{name}, fields 'prompt' and '{field}': together they take {longest:,} tokens, and the model reads "
                f"{length:,}: shorten them, or say too_long: cut"
            )
        if max(map(len, answers)) >= length:
            raise UsageError(f"{name}, field '{field}': alone it takes more than the {length:,} that the model reads")
        kept, over = fit(prompt, max(answers, key=len), length)
        cut += over > 0
        found.append((np.concatenate([kept, answers[0]]), np.concatenate([kept, answers[1]])))
    return found, cut
