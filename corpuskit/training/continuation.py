"""What a model in memory writes after a prompt."""

from __future__ import annotations

import unicodedata
from typing import Any

from corpuskit.errors import require
from corpuskit.tokens.tokenizer import Tokenizer


def continuation(
    model: Any, tokenizer: Tokenizer, prompt: str, tokens: int, temperature: float = 0.8, top_k: int = 50, seed: int = 0
) -> str:
    """What a model in memory writes after a prompt; see `generate`. Leaves torch's random state as it was."""
    torch = require("torch", "train")
    ids, _ = tokenizer.encode([unicodedata.normalize("NFC", prompt)])
    gap = tokenizer.id_of("<extra_id_0>") if model.config.is_encoder_decoder else None
    begin = [] if tokenizer.begin is None else [tokenizer.begin]
    end = [] if gap is None else [gap]
    settings = model.config
    length = int(getattr(settings, "max_position_embeddings", 0) or getattr(settings, "n_positions", 0) or 1 << 30)
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
            eos_token_id=tokenizer.end,
            **draw,
        )[0].tolist()
    return tokenizer.decode(written if gap is not None else written[len(framed) :])
