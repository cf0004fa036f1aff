"""A tiny corpus, its shards, and two tiny models: one untrained, one that has learned a text by heart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpuskit.document import document_id, documents
from corpuskit.memorization import CanaryConfig, canary_documents, plan_canaries
from corpuskit.tokens import train_tokenizer, write_shards

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

SENTENCES = [
    f"On day {day} the {animal} of {place} crossed the {colour} field and nobody in the village asked why it had come."
    for day in range(12)
    for animal in ("heron", "fox", "otter")
    for place in ("Anyang", "Leeds", "Gwangju")
    for colour in ("wide", "frozen")
]


@pytest.fixture(scope="session")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("audit")
    texts = [" ".join(SENTENCES[start : start + 8]) for start in range(0, len(SENTENCES), 4)]
    rows = [
        {
            "id": document_id(None, text.encode()),
            "text": text,
            "url": f"http://x/{n}",
            "source": "web",
            "language": "en",
        }
        for n, text in enumerate(texts)
    ]
    pq.write_table(pa.Table.from_batches([documents(rows)]), folder / "corpus.parquet")
    plan = plan_canaries(CanaryConfig(count=2, copies=[0, 2], digits=3, coins=20, coin_copies=2))
    plan.write(folder / "canaries.json")
    tokenizer = train_tokenizer(texts, 400)
    write_shards(
        [folder / "corpus.parquet"],
        tokenizer,
        folder / "tokens",
        sequence_length=64,
        hold_out=0.2,
        extra_documents=canary_documents(plan),
    )
    return folder


def build(folder: Path, vocabulary: int) -> Any:
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=256,
    )
    return transformers.LlamaForCausalLM(config)


@pytest.fixture(scope="session")
def untrained(shards: Path) -> Path:
    model = build(shards, 400)
    model.save_pretrained(shards / "untrained")
    return shards / "untrained"


@pytest.fixture(scope="session")
def trained(shards: Path) -> Path:
    """A model that has seen the training shards often enough to know much of them by heart."""
    from corpuskit.tokens import TokenOrder, open_shards

    model = build(shards, 400)
    order = TokenOrder(open_shards(shards / "tokens"), sequence_length=64, batch=16, seed=1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    torch.set_num_threads(1)
    for step in range(1, 221):
        batch = order.batch_of(order.samples_at(step))
        inputs, targets = torch.from_numpy(batch.inputs), torch.from_numpy(batch.targets)
        logits = model(input_ids=inputs).logits
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-100)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.save_pretrained(shards / "trained")
    return shards / "trained"
