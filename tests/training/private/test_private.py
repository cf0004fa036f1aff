"""Private adapters: what is spent, what single examples contribute, and what noise does."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpuskit.document import document_id, documents
from corpuskit.errors import CorpuskitError, UsageError
from corpuskit.tokens import train_tokenizer, write_shards
from corpuskit.training.private import PrivateConfig, epsilon_spent, finetune_private, noise_for
from corpuskit.training.private.accountant import renyi
from corpuskit.training.private.gradients import ExampleGradients

torch = pytest.importorskip("torch")
peft = pytest.importorskip("peft")
transformers = pytest.importorskip("transformers")


@pytest.mark.parametrize(("rate", "noise", "order"), [(0.01, 1.1, 2), (0.01, 1.1, 8), (0.2, 0.8, 5), (0.5, 2.0, 32)])
def test_the_divergence_of_a_step_is_the_integral_that_defines_it(rate: float, noise: float, order: int) -> None:
    # E over N(0, z^2) of the density ratio of the mixture to the a-th power
    x = np.linspace(-14 * noise - order, 14 * noise + order, 400_001)
    density = np.exp(-(x**2) / (2 * noise**2)) / (noise * math.sqrt(2 * math.pi))
    ratio = (1 - rate) + rate * np.exp((2 * x - 1) / (2 * noise**2))
    moment = np.trapezoid(density * ratio**order, x)
    assert renyi(rate, noise, order) == pytest.approx(math.log(moment) / (order - 1), rel=1e-6)


def test_without_sampling_the_divergence_is_that_of_a_gaussian() -> None:
    assert renyi(1.0, 2.0, 8) == 8 / (2 * 4)
    assert renyi(0.0, 2.0, 8) == 0
    assert renyi(0.999_999, 2.0, 8) == pytest.approx(1.0, rel=1e-3)


def test_a_single_gaussian_release_costs_what_is_known() -> None:
    # sensitivity 1 and deviation 4: the exact epsilon at delta 1e-5 is 0.9855 (Balle and Wang 2018); Renyi is above it
    assert 0.9855 < epsilon_spent(1.0, 4.0, 1, 1e-5) < 1.1


def test_the_textbook_setting_spends_what_others_say() -> None:
    # 60 epochs of 60,000 examples in batches of 256, noise 1.1, delta 1e-5: 2.92 by the older conversion to epsilon
    spent = epsilon_spent(256 / 60_000, 1.1, 60 * 60_000 // 256, 1e-5)
    assert 2.4 < spent < 2.95


def test_more_noise_fewer_steps_and_rarer_sampling_spend_less() -> None:
    base = epsilon_spent(0.05, 1.0, 100, 1e-5)
    assert epsilon_spent(0.05, 1.2, 100, 1e-5) < base
    assert epsilon_spent(0.05, 1.0, 50, 1e-5) < base
    assert epsilon_spent(0.02, 1.0, 100, 1e-5) < base
    assert epsilon_spent(0.05, 1.0, 100, 1e-3) < base
    assert epsilon_spent(0.05, 0.0, 100, 1e-5) == math.inf
    assert epsilon_spent(0.05, 1.0, 0, 1e-5) == 0


@pytest.mark.parametrize("epsilon", [0.5, 3.0, 20.0])
def test_the_noise_for_an_epsilon_spends_it_and_hardly_less(epsilon: float) -> None:
    noise = noise_for(epsilon, 0.1, 200, 1e-5)
    assert 0.98 * epsilon < epsilon_spent(0.1, noise, 200, 1e-5) <= epsilon


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(UsageError, match="above 0"):
        noise_for(0.0, 0.1, 10, 1e-5)
    with pytest.raises(UsageError, match="delta"):
        epsilon_spent(0.1, 1.0, 10, 0.0)
    with pytest.raises(ValueError, match="epsilon"):
        PrivateConfig(noise=1.0)


def test_gradients_of_examples_are_those_of_one_backward_pass_each() -> None:
    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Linear(5, 3, bias=False), torch.nn.Tanh(), torch.nn.Linear(3, 4, bias=False)
    ).double()
    batch = torch.randn(6, 7, 5, dtype=torch.float64)
    alone = []
    for example in batch:
        net.zero_grad()
        net(example[None]).square().sum().backward()
        alone.append([layer.weight.grad.clone() for layer in (net[0], net[2])])
    norms = torch.stack([torch.sqrt(sum(one.square().sum() for one in each)) for each in alone])
    limit = float(norms.median())
    expected = [
        sum(each[n] * min(1.0, limit / float(norm)) for each, norm in zip(alone, norms, strict=True)) for n in (0, 1)
    ]
    gradients = ExampleGradients(net)
    net.zero_grad()
    net(batch).square().sum().backward()
    sums, found = gradients.clipped_sum(limit)
    torch.testing.assert_close(found, norms)
    for one, other in zip(sums, expected, strict=True):
        torch.testing.assert_close(one, other)
    gradients.close()


def test_only_plain_linear_layers_are_taken() -> None:
    with pytest.raises(CorpuskitError, match="bias"):
        ExampleGradients(torch.nn.Linear(2, 2))


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("private")
    texts = [
        f"The {n}th letter of the {word} fleet came to 부산 in the rain." for n in range(40) for word in ("red", "old")
    ]
    rows: list[dict[str, Any]] = [
        {"id": document_id(None, text.encode()), "text": text, "source": "web", "language": "en"} for text in texts
    ]
    pq.write_table(pa.Table.from_batches([documents(rows)]), folder / "corpus.parquet")
    tokenizer = train_tokenizer(texts, 320)
    write_shards([folder / "corpus.parquet"], tokenizer, folder / "tokens", sequence_length=32, hold_out=0.0)
    torch.manual_seed(0)
    model = transformers.LlamaForCausalLM(
        transformers.LlamaConfig(
            vocab_size=320, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
            max_position_embeddings=64,
        )
    )  # fmt: skip
    model.save_pretrained(folder / "model")
    tokenizer.save(folder / "model")
    return folder


def private(base: Path, folder: Path, **changes: Any) -> Any:
    given: dict[str, Any] = {"rank": 4, "steps": 30, "batch": 16, "learning_rate": 1e-2, "clip": 1.0}
    return finetune_private(base / "model", base / "tokens", folder, PrivateConfig(**(given | changes)))


def test_an_adapter_learns_within_its_epsilon_and_loads(base: Path, tmp_path: Path) -> None:
    result = private(base, tmp_path, epsilon=20.0)
    assert result.epsilon <= 20
    stated = json.loads((tmp_path / "privacy.json").read_text())
    assert stated["epsilon"] == result.epsilon
    assert stated["unit"] == "one window of the shards"
    model = transformers.AutoModelForCausalLM.from_pretrained(base / "model")
    adapted = peft.PeftModel.from_pretrained(model, tmp_path)
    changed = [one for name, one in adapted.named_parameters() if "lora_B" in name]
    assert any(bool((one != 0).any()) for one in changed)


def test_without_noise_it_learns_most_and_promises_nothing(base: Path, tmp_path: Path) -> None:
    plain = private(base, tmp_path / "plain", epsilon=None, noise=0.0)
    noisy = private(base, tmp_path / "noisy", epsilon=0.3)
    assert plain.epsilon == math.inf
    assert plain.loss < noisy.loss
    assert noisy.noise > 2


def test_the_same_seed_gives_the_same_adapter(base: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        private(base, tmp_path / name, epsilon=5.0, steps=4)
    one, two = ((tmp_path / name / "adapter_model.safetensors").read_bytes() for name in ("one", "two"))
    assert one == two


def test_windows_in_memory_at_once_change_nothing(base: Path, tmp_path: Path) -> None:
    losses = [
        private(base, tmp_path / str(size), epsilon=None, noise=0.0, steps=4, physical_batch=size).loss
        for size in (3, 64)
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_no_model_is_said(base: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"config\.json"):
        finetune_private(tmp_path, base / "tokens", tmp_path / "out")
