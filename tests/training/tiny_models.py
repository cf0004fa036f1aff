"""Tiny models of every family with random weights, saved as transformers saves them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

CHATML = (
    "{% for m in messages %}<|im_start|>{{m['role']}}\n{{m['content']}}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
TEXTS = [f"The council of Gull Island met on day {n} and agreed to mend pier {7 * n}." for n in range(200)]
VOCABULARY = 400
SIZES: dict[str, Any] = {
    "vocab_size": VOCABULARY + 16,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 256,
}
GROUPED: dict[str, Any] = SIZES | {"num_key_value_heads": 2}
ENDS: dict[str, Any] = {"bos_token_id": 0, "eos_token_id": 2, "pad_token_id": 0}
WINDOW: dict[str, Any] = {"sliding_window": 8}


def _models() -> dict[str, Callable[[], Any]]:
    t = transformers
    gpt2 = {"vocab_size": VOCABULARY + 16, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 256}
    wide = {"head_dim": 16, "query_pre_attn_scalar": 16, **WINDOW}
    t5 = {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_decoder_layers": 2, "num_heads": 4}
    return {
        "llama": lambda: t.LlamaForCausalLM(t.LlamaConfig(**GROUPED, **ENDS, tie_word_embeddings=False)),
        "qwen2": lambda: t.Qwen2ForCausalLM(
            t.Qwen2Config(**GROUPED, **ENDS, **WINDOW, use_sliding_window=True, max_window_layers=1)
        ),
        "qwen3": lambda: t.Qwen3ForCausalLM(t.Qwen3Config(**GROUPED, **ENDS, head_dim=16, tie_word_embeddings=True)),
        "mistral": lambda: t.MistralForCausalLM(t.MistralConfig(**GROUPED, **ENDS, **WINDOW)),
        "gemma2": lambda: t.Gemma2ForCausalLM(
            t.Gemma2Config(**GROUPED, **ENDS, **wide, final_logit_softcapping=2.0, attn_logit_softcapping=5.0)
        ),
        "gemma3_text": lambda: t.Gemma3ForCausalLM(t.Gemma3TextConfig(**GROUPED, **ENDS, **wide)),
        "granite": lambda: t.GraniteForCausalLM(
            t.GraniteConfig(**GROUPED, **ENDS, logits_scaling=4.0, embedding_multiplier=3.0, residual_multiplier=0.7)
        ),
        "gpt2": lambda: t.GPT2LMHeadModel(t.GPT2Config(**gpt2, bos_token_id=0, eos_token_id=0)),
        "gpt_neox": lambda: t.GPTNeoXForCausalLM(t.GPTNeoXConfig(**SIZES, bos_token_id=0, eos_token_id=0)),
        "bert": lambda: t.BertForMaskedLM(t.BertConfig(**SIZES, pad_token_id=0)),
        "modernbert": lambda: t.ModernBertForMaskedLM(
            t.ModernBertConfig(
                **SIZES,
                local_attention=8,
                global_attn_every_n_layers=2,
                cls_token_id=2,
                sep_token_id=3,
                bos_token_id=2,
                eos_token_id=3,
                pad_token_id=0,
            )
        ),
        "t5": lambda: t.T5ForConditionalGeneration(
            t.T5Config(
                vocab_size=VOCABULARY + 112,
                **t5,
                feed_forward_proj="gated-gelu",
                tie_word_embeddings=False,
                decoder_start_token_id=0,
                pad_token_id=0,
                eos_token_id=1,
            )
        ),
    }


FAMILIES = sorted(_models())
DECODERS = ["gemma2", "gemma3_text", "gpt2", "gpt_neox", "granite", "llama", "mistral", "qwen2", "qwen3"]


def byte_level(special: list[str]) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    return tokenizer


def _save_tokenizer(name: str, folder: Path) -> None:
    fast = transformers.PreTrainedTokenizerFast
    if name in ("gpt2", "gpt_neox"):
        end = "<|endoftext|>"
        fast(tokenizer_object=byte_level([end]), bos_token=end, eos_token=end, unk_token=end).save_pretrained(folder)
    elif name in ("bert", "modernbert"):
        inner = Tokenizer(models.WordPiece(unk_token="[UNK]"))
        inner.pre_tokenizer, inner.decoder = pre_tokenizers.BertPreTokenizer(), decoders.WordPiece()
        special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        inner.train_from_iterator(
            TEXTS, trainers.WordPieceTrainer(vocab_size=VOCABULARY, special_tokens=special, show_progress=False)
        )
        inner.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
        )
        fast(
            tokenizer_object=inner,
            cls_token="[CLS]",
            sep_token="[SEP]",
            mask_token="[MASK]",
            pad_token="[PAD]",
            unk_token="[UNK]",
        ).save_pretrained(folder)
    elif name == "t5":
        inner = Tokenizer(models.Unigram())
        inner.pre_tokenizer, inner.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
        special = ["<pad>", "</s>", "<unk>"]
        inner.train_from_iterator(
            TEXTS,
            trainers.UnigramTrainer(
                vocab_size=VOCABULARY, special_tokens=special, unk_token="<unk>", show_progress=False
            ),
        )
        inner.add_special_tokens([f"<extra_id_{n}>" for n in range(99, -1, -1)])
        inner.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
        fast(tokenizer_object=inner, eos_token="</s>", pad_token="<pad>", unk_token="<unk>").save_pretrained(folder)
    else:
        special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
        tokenizer = fast(tokenizer_object=byte_level(special), eos_token="<|im_end|>", pad_token="<|endoftext|>")
        tokenizer.chat_template = CHATML
        tokenizer.save_pretrained(folder)


def make(name: str, folder: Path) -> None:
    """Write a model of a family with weights large enough that caps and windows show."""
    torch.manual_seed(0)
    model = _models()[name]()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.mul_(4.0)
    model.save_pretrained(folder)
    _save_tokenizer(name, folder)
