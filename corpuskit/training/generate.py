"""Let a model write: the text that follows a prompt."""

from __future__ import annotations

from pathlib import Path

from corpuskit.errors import UsageError
from corpuskit.tokens.tokenizer import load_tokenizer
from corpuskit.training.adapters.folder import check_base
from corpuskit.training.adapters.load import put_on
from corpuskit.training.models import load_model
from corpuskit.training.samples import continuation


def generate(
    model: str | Path,
    prompt: str = "",
    *,
    tokens: int = 100,
    temperature: float = 0.8,
    top_k: int = 50,
    seed: int = 0,
    adapter: str | Path | None = None,
) -> str:
    """What the model in a folder writes after a prompt: at most `tokens` tokens, the prompt not among them.

    `temperature` 0 always takes the likeliest token. The prompt is framed as a document begins in training; one that is
    longer than the model reads keeps its end. An encoder-decoder fills the gap after the prompt. `adapter`: a folder
    that `finetune` wrote an adapter to. Raises UsageError for an encoder, which writes nothing, and where no model is
    there, CorpuskitError for an adapter of another model.
    """
    folder = Path(model)
    if not (folder / "config.json").is_file():
        raise UsageError(f"no model at {folder}: it has no config.json")
    if tokens < 1 or temperature < 0:
        raise UsageError(f"tokens {tokens}, temperature {temperature}: give at least 1 and 0")
    loaded = load_model(folder)
    if not loaded.can_generate():
        raise UsageError(
            f"{folder} is an encoder ({loaded.config.model_type}): it guesses hidden words, and writes none"
        )
    if adapter is not None:
        check_base(folder, adapter)
        loaded = put_on(loaded, {"default": adapter})
    return continuation(loaded.eval(), load_tokenizer(folder), prompt, tokens, temperature, top_k, seed)
