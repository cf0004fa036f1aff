"""What the model writes while it learns: `samples.jsonl`, the same prompts each time, drawn with the same seed.

{"step": 120, "prompt": "The council", "text": " has voted to rebuild the bridge"}
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from corpuskit.tokens.shards import Shards
from corpuskit.tokens.tokenizer import Tokenizer
from corpuskit.training.continuation import continuation
from corpuskit.training.metrics import Diary

FILE = "samples.jsonl"
PROMPTS = 2
PROMPT_TOKENS = 12


def default_prompts(held_out: Shards, count: int = PROMPTS) -> list[str]:
    """The beginnings of held-out documents, one from each source as far as there are so many."""
    prompts: list[str] = []
    shards = [shard for shard in held_out.shards if len(shard)]
    for place in range(count if shards else 0):
        shard = shards[place % len(shards)]
        row = min(place // len(shards), len(shard) - 1)
        prompts.append(held_out.tokenizer.decode(shard.document(row)[:PROMPT_TOKENS]).replace("\ufffd", "").strip())
    return list(dict.fromkeys(filter(None, prompts)))


class Samples:
    """Lets a model in training go on from prompts, and writes down what came of it."""

    def __init__(self, folder: Path | None, after: int, tokenizer: Tokenizer, prompts: list[str], tokens: int) -> None:
        """`folder` None writes nothing (a rank that computes along); `after`: the step that the run goes on from."""
        self.diary = Diary(folder, FILE, after) if folder is not None else None
        self.tokenizer, self.prompts, self.tokens = tokenizer, prompts, tokens

    def draw(self, model: Any, step: int) -> None:
        model.eval()
        for prompt in self.prompts:
            text = continuation(model, self.tokenizer, prompt, self.tokens, seed=0)
            if self.diary is not None:
                self.diary.add({"step": step, "prompt": prompt, "text": text})
        model.train()

    def close(self) -> None:
        if self.diary is not None:
            self.diary.close()
