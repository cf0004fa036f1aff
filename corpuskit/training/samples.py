"""Text that a model in memory writes: after one prompt, and while it trains (`samples.jsonl`, always the same prompts
and the same seed).

{"step": 120, "prompt": "The council", "text": " has voted to rebuild the bridge"}
"""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

from corpuskit.errors import require
from corpuskit.tokens.shards import Shards
from corpuskit.tokens.tokenizer import Tokenizer
from corpuskit.training.metrics import MetricsLog
from corpuskit.training.models import context_length, end_tokens

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
    """Continues a fixed list of prompts with a model in training, and logs the texts."""

    def __init__(self, folder: Path | None, after: int, tokenizer: Tokenizer, prompts: list[str], tokens: int) -> None:
        """`folder` None writes nothing (a rank that computes along); `after`: the step that the run goes on from."""
        self.log = MetricsLog(folder, after, FILE) if folder is not None else None
        self.tokenizer, self.prompts, self.tokens = tokenizer, prompts, tokens

    def draw(self, model: Any, step: int) -> None:
        model.eval()
        for prompt in self.prompts:
            text = continuation(model, self.tokenizer, prompt, self.tokens, seed=0)
            if self.log is not None:
                self.log.add({"step": step, "prompt": prompt, "text": text})
        model.train()

    def close(self) -> None:
        if self.log is not None:
            self.log.close()


def continuation(
    model: Any, tokenizer: Tokenizer, prompt: str, tokens: int, temperature: float = 0.8, top_k: int = 50, seed: int = 0
) -> str:
    """The text that a model in memory writes after a prompt; see `corpuskit.training.generate`.

    Leaves torch's random state as it was.
    """
    torch = require("torch", "train")
    ids, _ = tokenizer.encode([unicodedata.normalize("NFC", prompt)])
    gap = tokenizer.sentinels[0] if model.config.is_encoder_decoder else None
    begin = [] if tokenizer.begin is None else [tokenizer.begin]
    end = [] if gap is None else [gap]
    length = context_length(model.config) or 1 << 30
    room = max(1, length - (tokens if gap is None else 0) - len(begin) - len(end))
    framed = [*begin, *ids.tolist()[-room:], *end] or [tokenizer.end]
    inputs = torch.tensor([framed], device=model.device)
    draw = {"do_sample": True, "temperature": temperature, "top_k": top_k} if temperature else {"do_sample": False}
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(seed)
        written = model.generate(
            input_ids=inputs,
            attention_mask=torch.ones_like(inputs),
            max_new_tokens=tokens,
            pad_token_id=tokenizer.pad,
            eos_token_id=list(end_tokens(model, tokenizer)),
            **draw,
        )[0].tolist()
    return tokenizer.decode(written if gap is not None else written[len(framed) :])
