"""Models with random weights: Hugging Face classes in the shapes that `ModelConfig` names.

Decoders: Llama (Touvron et al. 2023, arXiv:2302.13971) and Qwen3 (arXiv:2505.09388). Encoders: ModernBERT (Warner
et al. 2024, arXiv:2412.13663) and BERT (Devlin et al. 2018, arXiv:1810.04805). Encoder-decoder: T5 1.1 (Raffel et al.
2019, arXiv:1910.10683; gated GELU). Input and output embeddings are tied, dropout is off: a small model sees its data
few times, and without it a run has no random state to resume.
"""

from __future__ import annotations

from typing import Any

from corpuskit.errors import require
from corpuskit.tokens.tokenizer import MASK, Tokenizer
from corpuskit.training.config import STYLES, ModelConfig

SENTINELS = 100
"""Sentinel tokens of an encoder-decoder, `<extra_id_0>` to `<extra_id_99>`, as in T5."""


def model_tokenizer(config: ModelConfig, tokenizer: Tokenizer) -> Tokenizer:
    """The shards' tokenizer with the extra special tokens that the model needs, appended after its last id, and with
    the framing that documents have in training: whoever tokenizes a text with it gives the model what it knows."""
    if config.kind == "encoder" and tokenizer.mask is None:
        tokenizer = tokenizer.extended([MASK])
    if config.kind == "encoder-decoder" and not tokenizer.sentinels:
        tokenizer = tokenizer.extended([f"<extra_id_{number}>" for number in range(SENTINELS)])
    return tokenizer.framing(close=config.kind != "decoder")


def build_model(config: ModelConfig, tokenizer: Tokenizer, sequence_length: int, seed: int) -> Any:
    """A `transformers` model with weights drawn from the seed, in float32.

    `tokenizer` is the model's own (`model_tokenizer`). The vocabulary is rounded up to a multiple of 64.
    """
    torch = require("torch", "train")
    transformers = require("transformers", "train")
    layers, width, heads = config.shape
    style = config.style or STYLES[config.kind][0]
    common: dict[str, Any] = {
        "vocab_size": -(-tokenizer.vocabulary // 64) * 64,
        "bos_token_id": tokenizer.begin,
        "eos_token_id": tokenizer.end,
        "pad_token_id": tokenizer.pad,
        "tie_word_embeddings": True,
    }
    gated = -(-8 * width // 3 // 32) * 32
    if style == "t5":
        settings = transformers.T5Config(
            **common,
            d_model=width,
            d_kv=width // heads,
            d_ff=2 * width,  # with the decoder's second attention, as many weights a layer as the others have
            num_heads=heads,
            num_layers=layers // 2,
            num_decoder_layers=layers // 2,
            feed_forward_proj="gated-gelu",
            dropout_rate=0.0,
            decoder_start_token_id=tokenizer.pad,
            n_positions=sequence_length,
        )
        name = "T5ForConditionalGeneration"
    else:
        common |= {
            "hidden_size": width,
            "num_hidden_layers": layers,
            "num_attention_heads": heads,
            "max_position_embeddings": sequence_length,
        }
        if style == "bert":
            plain = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0, "type_vocab_size": 1}
            settings = transformers.BertConfig(**common, **plain, intermediate_size=4 * width)
            name = "BertForMaskedLM"
        elif style == "modernbert":
            begin = tokenizer.begin if tokenizer.begin is not None else tokenizer.end
            settings = transformers.ModernBertConfig(
                **common, intermediate_size=gated, cls_token_id=begin, sep_token_id=tokenizer.end
            )
            name = "ModernBertForMaskedLM"
        else:
            grouped = {"num_key_value_heads": heads, "head_dim": width // heads, "intermediate_size": gated}
            settings = getattr(transformers, "LlamaConfig" if style == "llama" else "Qwen3Config")(**common, **grouped)
            name = "LlamaForCausalLM" if style == "llama" else "Qwen3ForCausalLM"
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = getattr(transformers, name)(settings)
    return model.float()
