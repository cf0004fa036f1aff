"""Any causal model is scored: its logits reduced row by row, whatever it does to them after its head."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit.errors import CorpuskitError, UsageError
from corpuskit.memorization.config import DecodingPolicy
from corpuskit.memorization.scoring.model import CausalModel
from corpuskit.memorization.scoring.reduce import reduce_logits, reduce_on_device
from corpuskit.tokens import open_shards, train_tokenizer

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

POLICIES = (
    DecodingPolicy(temperature=0.7),
    DecodingPolicy(top_k=3),
    DecodingPolicy(top_k=200, temperature=2),
    DecodingPolicy(top_p=0.9, temperature=1.3),
    DecodingPolicy(top_p=0.6, top_k=150),
    DecodingPolicy(top_p=0.999, temperature=4),
    DecodingPolicy(top_p=1),
)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 700), st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.5, 4.0, 60.0]), st.booleans())
def test_a_row_is_reduced_as_double_precision_has_it(vocabulary: int, seed: int, scale: float, coarse: bool) -> None:
    chance = np.random.default_rng(seed)
    logits = chance.normal(0, scale, (5, vocabulary)).astype(np.float32)
    if coarse:  # many ties
        logits = np.round(logits)
    targets = chance.integers(0, vocabulary, 5)
    targets[0] = logits[0].argmax()
    own, rank, margin, entropy, sigma, *under = reduce_logits(logits, targets, POLICIES, threads=2)
    for row, target in enumerate(targets):
        exact = logits[row].astype(np.float64)
        logs = exact - exact.max() - np.log(np.exp(exact - exact.max()).sum())
        chances = np.exp(logs)
        order = np.lexsort((np.arange(vocabulary), -exact))
        assert rank[row] == int(np.flatnonzero(order == target)[0])
        assert own[row] == pytest.approx(logs[target], abs=3e-6, rel=3e-7)
        assert entropy[row] == pytest.approx(-(chances * logs).sum(), abs=2e-5, rel=2e-6)
        assert sigma[row] == pytest.approx(np.sqrt((chances * (logs - (chances * logs).sum()) ** 2).sum()), abs=1e-4)
        if vocabulary > 1:
            assert margin[row] == np.float32(exact[order[0]] - exact[order[1]])
        for policy, values in zip(POLICIES, under, strict=True):
            kept = order[: policy.top_k]
            if policy.top_p is not None:
                weights = np.exp((exact[kept] - exact.max()) / policy.temperature)
                better = (np.cumsum(weights) - weights) / weights.sum()  # the chance of all that come before
                if np.abs(better[1:] - policy.top_p).min(initial=1.0) < 1e-6:
                    continue  # single precision may put the edge on either side
                kept = kept[better < policy.top_p]
            if target not in kept:
                assert values[row] == -np.inf
                continue
            cooled = exact[kept] / policy.temperature
            normal = cooled.max() + np.log(np.exp(cooled - cooled.max()).sum())
            assert values[row] == pytest.approx(exact[target] / policy.temperature - normal, abs=1e-4, rel=1e-6)


def test_on_an_accelerator_the_numbers_are_the_same() -> None:
    chance = np.random.default_rng(0)
    logits = np.round(chance.normal(0, 3, (40, 500)), 1).astype(np.float32)
    targets = chance.integers(0, 500, 40)
    targets[:20] = logits[:20].argmax(1)
    ours = reduce_logits(logits, targets, POLICIES)
    theirs = reduce_on_device(torch, torch.from_numpy(logits.copy()), torch.from_numpy(targets), POLICIES)
    for one, two in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, two, atol=2e-5)


@pytest.mark.parametrize("policy", [policy for policy in POLICIES if policy.top_p])
def test_a_policy_gives_each_token_the_chance_that_generating_gives_it(policy: DecodingPolicy) -> None:
    warpers = [transformers.TemperatureLogitsWarper(policy.temperature)]
    if policy.top_k is not None:
        warpers.append(transformers.TopKLogitsWarper(policy.top_k))
    warpers.append(transformers.TopPLogitsWarper(policy.top_p))
    logits = np.random.default_rng(3).normal(0, 2, 3000).astype(np.float32)
    drawn = torch.from_numpy(logits[None])
    for warper in warpers:
        drawn = warper(None, drawn)
    expected = torch.log_softmax(drawn, -1)[0].numpy()
    ours = reduce_logits(np.tile(logits, (3000, 1)), np.arange(3000), [policy])[-1]
    assert np.exp(ours.astype(np.float64)).sum() == pytest.approx(1, abs=1e-4)
    np.testing.assert_array_equal(np.isfinite(ours), np.isfinite(expected))
    np.testing.assert_allclose(ours, expected, atol=2e-4)


def test_what_a_model_samples_from_its_nucleus_is_what_the_policy_lets_through(untrained: Path) -> None:
    model, policy = CausalModel(untrained), DecodingPolicy(temperature=0.5, top_p=0.3)
    prompts = np.tile(np.arange(5, 13), (400, 1))
    torch.manual_seed(0)
    drawn = model.model.generate(
        torch.from_numpy(prompts), do_sample=True, max_new_tokens=1, temperature=0.5, top_p=0.3, top_k=0, pad_token_id=0
    )
    (logs,) = model.score(drawn.numpy(), [policy]).policies
    assert np.isfinite(logs[:, -1]).all()
    every = np.concatenate([np.tile(prompts[:1], (400, 1)), np.arange(400)[:, None]], axis=1)
    chances = np.exp(model.score(every, [policy]).policies[0][:, -1].astype(np.float64))
    assert chances.sum() == pytest.approx(1, abs=1e-4)
    possible = chances > 0
    assert 1 < possible.sum() < 200
    counts = np.bincount(drawn[:, -1].numpy(), minlength=400)
    squares = ((counts - 400 * chances)[possible] ** 2 / (400 * chances[possible])).sum()
    freedom = possible.sum() - 1
    assert squares < freedom + 5 * np.sqrt(2 * freedom)


def test_blocks_of_logits_share_one_place(untrained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("corpuskit.memorization.scoring.model.LOGITS", 400 * 16)
    model = CausalModel(untrained)
    ids = torch.from_numpy(np.random.default_rng(0).integers(0, 400, (8, 33)))
    marked = torch.ones((8, 32), dtype=torch.bool)
    with torch.inference_mode():
        whole = model.model(ids).logits[:, :-1].reshape(-1, 400)
        places, rows = set(), 0
        for block in model._logits(ids, marked):
            torch.testing.assert_close(block, whole[rows : rows + len(block)])
            places.add(block.data_ptr())
            rows += len(block)
    assert rows == 256
    assert len(places) == 1


def test_code_from_the_cache_gives_the_bits_of_code_just_compiled(tmp_path: Path) -> None:
    script = """
import sys
import numpy as np
from corpuskit.memorization.config import DecodingPolicy
from corpuskit.memorization.scoring.reduce import reduce_logits
chance = np.random.default_rng(0)
logits = chance.normal(0, 3, (20, 5000)).astype(np.float32)
policies = [DecodingPolicy(temperature=0.7), DecodingPolicy(top_p=0.9)]
columns = reduce_logits(logits, chance.integers(0, 5000, 20), policies)
sys.stdout.buffer.write(b"".join(np.ascontiguousarray(column).tobytes() for column in columns))
"""
    runs = []
    for stale in ("nothing", "*._reduce-*", "nothing"):  # all compiled; the outer kernel alone; all from the cache
        for file in tmp_path.rglob(stale):
            file.unlink()
        runs.append(
            subprocess.run(
                [sys.executable, "-c", script], env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)},
                check=True, capture_output=True,
            ).stdout
        )  # fmt: skip
    assert list(tmp_path.rglob("*._reduce-*"))
    assert len(runs[0]) == 20 * 4 * 7
    assert runs[0] == runs[1] == runs[2]


def test_a_token_that_the_model_forbids_costs_nothing_else() -> None:
    logits = np.array([[1.0, -np.inf, 0.0, -np.inf]], np.float32)
    own, rank, _, entropy, sigma = reduce_logits(logits, np.array([0]))
    chance = 1 / (1 + np.exp(-1))
    assert own[0] == pytest.approx(np.log(chance), abs=1e-6)
    assert rank[0] == 0
    assert entropy[0] == pytest.approx(-chance * np.log(chance) - (1 - chance) * np.log(1 - chance), abs=1e-6)
    assert sigma[0] == pytest.approx(np.sqrt(chance * (1 - chance)), abs=1e-6)


FAMILIES: dict[str, Any] = {
    "gpt2": lambda: transformers.GPT2Config(vocab_size=400, n_embd=32, n_layer=2, n_head=2, n_positions=64),
    "gpt_neox": lambda: transformers.GPTNeoXConfig(
        vocab_size=400, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=64,
    ),
    "opt": lambda: transformers.OPTConfig(
        vocab_size=400, hidden_size=32, word_embed_proj_dim=16, num_hidden_layers=2, num_attention_heads=2, ffn_dim=64,
        max_position_embeddings=64,
    ),
    "qwen2": lambda: transformers.Qwen2Config(
        vocab_size=400, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1,
        intermediate_size=64, max_position_embeddings=64,
    ),
    # caps its logits after the head
    "gemma2": lambda: transformers.Gemma2Config(
        vocab_size=400, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1, head_dim=16,
        intermediate_size=64, max_position_embeddings=64, final_logit_softcapping=0.05,
    ),
    # scales its logits after the head
    "granite": lambda: transformers.GraniteConfig(
        vocab_size=400, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1,
        intermediate_size=64, max_position_embeddings=64, logits_scaling=8.0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_is_scored_as_its_own_logits_have_it(family: str, tmp_path: Path) -> None:
    torch.manual_seed(1)
    transformers.AutoModelForCausalLM.from_config(FAMILIES[family]()).save_pretrained(tmp_path)
    model = CausalModel(tmp_path)
    tokens = np.random.default_rng(0).integers(3, 400, (3, 20))
    scores = model.score(tokens)
    with torch.inference_mode():
        logs = torch.log_softmax(model.model(torch.from_numpy(tokens)).logits.float(), -1)[:, :-1]
    targets = torch.from_numpy(tokens[:, 1:, None])
    np.testing.assert_allclose(scores.log_probability, logs.gather(-1, targets)[..., 0], atol=2e-5)
    np.testing.assert_allclose(scores.entropy, -(logs.exp() * logs).sum(-1), atol=1e-4)
    wanted = [np.array([5, 7])] * 3
    for row, found in enumerate(model.next_log_probabilities(tokens, wanted)):
        with torch.inference_mode():
            last = torch.log_softmax(model.model(torch.from_numpy(tokens[row : row + 1])).logits[0, -1], -1)
        np.testing.assert_allclose(found, last[[5, 7]], atol=2e-5)


def test_a_model_with_another_tokenizer_is_refused(shards: Path, untrained: Path, tmp_path: Path) -> None:
    split = open_shards(shards / "tokens")
    folder = tmp_path / "model"
    shutil.copytree(untrained, folder)
    split.tokenizer.save(folder)
    CausalModel(folder).check_shards(split)
    # the same vocabulary size, other tokens
    train_tokenizer(["zyx wvu tsr qpo nml kji hgf edc ba " * 50], 400).save(folder)
    with pytest.raises(UsageError, match="another tokenizer"):
        CausalModel(folder).check_shards(split)
    small = transformers.LlamaConfig(
        vocab_size=300, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=1
    )
    transformers.LlamaForCausalLM(small).save_pretrained(tmp_path / "small")
    with pytest.raises(UsageError, match="knows 300 tokens and the shards use 355"):
        CausalModel(tmp_path / "small").check_shards(split)


def test_damaged_weights_are_named(untrained: Path, tmp_path: Path) -> None:
    model = CausalModel(untrained)
    with torch.no_grad():
        model.model.model.norm.weight[3] = float("nan")
    with pytest.raises(CorpuskitError, match="weights are damaged"):
        model.score(np.ones((1, 5), np.int64))


def masked_model(folder: Path, vocabulary: int = 400) -> Path:
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=vocabulary, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
    )
    transformers.BertForMaskedLM(config).save_pretrained(folder)
    return folder


def test_a_model_that_reads_later_tokens_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"not a causal model.*change with later tokens"):
        CausalModel(masked_model(tmp_path / "bert"))


def test_an_adapter_is_audited_on_its_base_or_the_message_says_how(untrained: Path, tmp_path: Path) -> None:
    peft = pytest.importorskip("peft")
    base = transformers.AutoModelForCausalLM.from_pretrained(untrained)
    adapted = peft.get_peft_model(
        base, peft.LoraConfig(r=4, target_modules=["q_proj"], task_type="CAUSAL_LM", init_lora_weights=False)
    )
    adapted.save_pretrained(tmp_path / "lora")
    tokens = np.arange(40).reshape(2, 20)
    model = CausalModel(tmp_path / "lora")
    with torch.inference_mode():
        logs = torch.log_softmax(adapted.eval()(torch.from_numpy(tokens)).logits.float(), -1)[:, :-1]
    expected = logs.gather(-1, torch.from_numpy(tokens[:, 1:, None]))[..., 0].numpy()
    np.testing.assert_allclose(model.score(tokens).log_probability, expected, atol=1e-4)
    assert abs(CausalModel(untrained).score(tokens).log_probability - expected).max() > 1e-3, (
        "the adapter does something"
    )
    assert model.digest != CausalModel(untrained).digest

    settings = json.loads((tmp_path / "lora" / "adapter_config.json").read_text())
    (tmp_path / "lora" / "adapter_config.json").write_text(
        json.dumps(settings | {"base_model_name_or_path": "someone/base"})
    )
    with pytest.raises(UsageError, match=r"is an adapter, and its base 'someone/base'.*base_model_name_or_path"):
        CausalModel(tmp_path / "lora")
