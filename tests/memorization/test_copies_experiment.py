"""The controlled experiment: texts planted 1, 8 and 64 times, a model trained on them, an audit that must see it."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpuskit.document import document_id, documents
from corpuskit.memorization import AuditConfig, audit
from corpuskit.tokens import TokenOrder, open_shards, train_tokenizer, write_shards

pytestmark = pytest.mark.slow

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

WORDS = (
    *("amber", "basin", "cedar", "delta", "ember", "fjord", "grove", "heron", "inlet", "jetty", "knoll", "larch"),
    *("maple", "north", "otter", "plume", "quarry", "ridge", "spruce", "thorn", "umber", "vale", "willow", "yarrow"),
    *("강가", "나무", "들판", "마을", "바다", "산길", "언덕", "정원", "하늘"),
)


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], pa.Table]:
    folder = tmp_path_factory.mktemp("copies")
    chance = random.Random(0)
    texts = [" ".join(chance.choices(WORDS, k=60)) for _ in range(320)]
    copies = [64] * 8 + [8] * 20 + [1] * 292
    rows = [
        {
            "id": document_id(None, text.encode()),
            "text": text,
            "url": f"http://{count}/{n}",
            "source": "web",
            "language": "en",
        }
        for n, (text, count) in enumerate(zip(texts, copies, strict=True))
        for _ in range(count)
    ]
    pq.write_table(pa.Table.from_batches([documents(rows)]), folder / "corpus.parquet")
    write_shards(
        [folder / "corpus.parquet"], train_tokenizer(texts, 320), folder / "tokens", sequence_length=64, hold_out=0.15
    )
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = transformers.LlamaForCausalLM(
        transformers.LlamaConfig(
            vocab_size=320, hidden_size=128, intermediate_size=256, num_hidden_layers=2, num_attention_heads=4,
            max_position_embeddings=128,
        )
    )  # fmt: skip
    order = TokenOrder(open_shards(folder / "tokens"), sequence_length=64, batch=16, seed=1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
    for step in range(1, 301):
        batch = order.batch_of(order.samples_at(step))
        logits = model(input_ids=torch.from_numpy(batch.inputs)).logits
        loss = torch.nn.functional.cross_entropy(
            logits.flatten(0, 1), torch.from_numpy(batch.targets).flatten(), ignore_index=-100
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.save_pretrained(folder / "model")
    config = AuditConfig(windows=800, prefix=16, suffix=6, documents=200)
    value = audit(folder / "model", folder / "tokens", folder / "audit", config).value
    return value, pq.read_table(folder / "audit/decisions.parquet")


def test_extraction_grows_with_copies_well_above_what_held_out_text_gives(
    audited: tuple[dict[str, Any], pa.Table],
) -> None:
    value, _ = audited
    rates = {group["copies"]: group for group in value["by_copies"]}
    most = rates[max(rates)]
    assert most["copies"] >= 32
    assert most["low"] > rates[1]["high"]
    assert rates[1]["rate"] < 0.05
    assert rates[1]["median_log10_probability"] < rates[8]["median_log10_probability"]
    assert rates[8]["median_log10_probability"] < most["median_log10_probability"]
    assert value["extraction"]["held_out"]["high"] < most["low"]


def test_the_law_sees_copies_and_predicts_what_a_cap_removes(audited: tuple[dict[str, Any], pa.Table]) -> None:
    law = audited[0]["law"]
    assert law["log2_copies"]["low"] > 0
    assert law["removed_by_cap"]["value"] > 0.7


def test_the_weighted_rate_agrees_with_the_uniform_one(audited: tuple[dict[str, Any], pa.Table]) -> None:
    found = audited[0]["extraction"]
    assert found["weighted"]["low"] < found["train"]["high"]
    assert found["weighted"]["high"] > found["train"]["low"]


def test_the_texts_with_many_copies_are_to_be_capped(audited: tuple[dict[str, Any], pa.Table]) -> None:
    actions = Counter(
        (row["url"].split("/")[2], row["action"]) for row in audited[1].to_pylist() if row["action"] != "keep"
    )
    assert actions["64", "cap_copies"] >= 4
    assert actions["1", "cap_copies"] == 0


def test_membership_of_texts_from_one_source_passes_the_gate(audited: tuple[dict[str, Any], pa.Table]) -> None:
    membership = audited[0]["membership"]
    assert membership["withheld"] is None
    assert membership["blind"]["low"] <= 0.5
    assert membership["scores"]["loss"]["low"] > 0.5, "some of the training texts stand there many times"
