"""Audits of what is small, empty, without copies or without a held-out text end in a summary or in a clear error."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpuskit.document import document_id, documents
from corpuskit.engine.located import parse
from corpuskit.errors import CorpuskitError, UsageError
from corpuskit.memorization import AuditConfig, audit
from corpuskit.memorization.report import markdown
from corpuskit.recipe.load import check
from corpuskit.tokens import load_tokenizer, train_tokenizer, write_shards

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

TEXTS = [
    "The heron crossed the wide field at dawn, long before the miller had opened his gate.",
    "",
    "전화번호는 바뀌지 않았고, 그는 다음 날에도 같은 자리에서 기차를 기다렸다.",
    "x",
    "Nobody in the village asked why the fox had come back with a ribbon around its neck.",
]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plain")
    rows = [
        {"id": document_id(str(n), text.encode()), "text": text, "url": f"http://x/{n}", "source": "web"}
        for n, text in enumerate(TEXTS)
    ]
    pq.write_table(pa.Table.from_batches([documents(rows)]), folder / "corpus.parquet")
    tokenizer = train_tokenizer(TEXTS, 300)
    write_shards([folder / "corpus.parquet"], tokenizer, folder / "tokens", sequence_length=32, hold_out=0.0)
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=300, hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2,
        max_position_embeddings=64,
    )  # fmt: skip
    transformers.LlamaForCausalLM(config).save_pretrained(folder / "model")
    tokenizer.save(folder / "model")
    return folder


def nothing(texts: list[str]) -> list[list[object]]:
    return [[] for _ in texts]


def test_a_corpus_without_copies_or_held_out_text_is_audited(plain: Path, tmp_path: Path) -> None:
    config = AuditConfig(windows=50, prefix=8, suffix=8, generations=3)
    value = audit(plain / "model", plain / "tokens", tmp_path / "a", config, personal=nothing).value  # type: ignore[arg-type]
    json.dumps(value, allow_nan=False)
    assert [group["copies"] for group in value["by_copies"]] == [1]
    assert value["extraction"]["held_out"]["windows"] == 0
    assert (value["extraction"]["held_out"]["low"], value["extraction"]["held_out"]["high"]) == (0.0, 1.0)
    assert value["near_verbatim"]["held_out"]["windows"] == 0
    assert value["law"] is None
    assert value["personal"] is None
    assert value["identifiers"] is None
    assert value["generations"]["held_out_share"] is None
    assert "fewer than" in value["membership"]["withheld"]


def test_windows_longer_than_every_document_are_an_error_not_a_clean_result(plain: Path, tmp_path: Path) -> None:
    rows = [{"id": document_id(text, text.encode()), "text": text, "source": "web"} for text in ("x", "a fox")]
    pq.write_table(pa.Table.from_batches([documents(rows)]), tmp_path / "short.parquet")
    write_shards(
        [tmp_path / "short.parquet"],
        load_tokenizer(plain / "model"),
        tmp_path / "tokens",
        sequence_length=32,
        hold_out=0.0,
    )
    config = AuditConfig(windows=50, prefix=16, suffix=16, generations=0)
    with pytest.raises(CorpuskitError, match="nothing was tested: 0 of 2 documents were tested; 2 are shorter") as told:
        audit(plain / "model", tmp_path / "tokens", tmp_path / "a", config)
    assert told.value.exit_code == 1
    assert not (tmp_path / "a" / "summary.json").exists()


def test_the_population_accounts_for_every_document(plain: Path, tmp_path: Path) -> None:
    config = AuditConfig(windows=50, prefix=10, suffix=10, generations=0, documents=0, identifiers=0, near_verbatim=0)
    result = audit(plain / "model", plain / "tokens", tmp_path / "a", config)
    train, control = (result.value["population"][split] for split in ("train", "held_out"))
    assert train["documents"] == 4, "the empty text is no document of the shards"
    assert train["too_short"] == 1, "the one letter"
    assert train["tested"] + train["not_drawn"] + train["too_short"] + train["shared"] == train["documents"]
    assert control["documents"] == 0
    assert "no held-out window was tested" in result.sentence()
    assert "3 of 4 documents were tested; 1 is shorter than a window of 20 tokens" in result.sentence()
    assert "held_out_rate" not in result.summary()
    page = markdown(result.value)
    assert "there is no control" in page
    assert "| training text | 4 | 3 | 0 | 1 | 0 |" in page
    assert "says nothing about the 1 document too short" in page


def test_windows_longer_than_the_context_are_refused(plain: Path, tmp_path: Path) -> None:
    config = AuditConfig(windows=50, prefix=40, suffix=30)
    with pytest.raises(UsageError, match=r"70 tokens do not fit .*context of 64"):
        audit(plain / "model", plain / "tokens", tmp_path / "a", config)


def test_a_reference_with_another_tokenizer_is_refused(plain: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    small = transformers.LlamaConfig(
        vocab_size=200, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=1
    )
    transformers.LlamaForCausalLM(small).save_pretrained(other)
    config = AuditConfig(windows=5, prefix=8, suffix=8, reference=str(other))
    with pytest.raises(UsageError, match="made with another tokenizer"):
        audit(plain / "model", plain / "tokens", tmp_path / "a", config)


@pytest.mark.parametrize(
    ("train", "sequence", "message"),
    [
        ("{model: {kind: encoder}}", 160, "measures causal models, and the recipe trains an encoder"),
        ("{model: {kind: decoder}}", 64, r"windows of 80 tokens .* do not fit the model's context of 64"),
        ("{model: {kind: decoder}, sequence_length: 72}", 160, "context of 72"),
    ],
)
def test_a_recipe_whose_model_cannot_be_audited_is_refused_before_it_trains(
    train: str, sequence: int, message: str
) -> None:
    recipe = f"""
name: x
sources: [{{jsonl: {{paths: x.jsonl}}}}]
tokens: {{tokenizer: {{train: bpe, vocabulary: 300}}, sequence_length: {sequence}}}
train: {train}
audit: {{prefix: 40, suffix: 40}}
"""
    with pytest.raises(UsageError, match=message):
        check(parse(recipe, "x")).jobs()
    fitting = recipe.replace("encoder", "decoder").replace("40", "16")
    assert "audit" in [job.name for job in check(parse(fitting, "x")).jobs()]
