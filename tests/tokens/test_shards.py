"""Shards hold every document once, framed and named; nothing held out leaks; a damaged folder is never read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit.document import documents
from corpuskit.errors import CorpuskitError, UsageError
from corpuskit.tokens import Shards, Tokenizer, open_shards, read_manifest, sample_texts, write_shards
from corpuskit.tokens.shard_writer import exact_batch, shard_columns
from corpuskit.tokens.tokenizer import _Fast

Write = Callable[..., Shards]


def texts_of(shards: Shards) -> dict[str, str]:
    found = {}
    for shard, row in shards.documents():
        tokens = shard.document(row)
        frame = shards.manifest.tokenizer
        assert tokens[0] == frame.begin
        assert tokens[-1] == frame.end
        found[shard.describe(row)["id"] or ""] = shards.tokenizer.decode(tokens)
    return found


def test_every_document_with_text_is_in_one_split(shards: Shards, corpus: list[Path]) -> None:
    table = pa.concat_tables([pq.read_table(file) for file in corpus])
    wanted = {row["id"]: row["text"] for row in table.select(["id", "text"]).to_pylist() if row["text"]}
    train, held_out = texts_of(shards), texts_of(open_shards(shards.folder, "held_out"))
    assert train | held_out == wanted
    assert not train.keys() & held_out.keys()
    assert shards.manifest.empty_documents == table.num_rows - len(wanted)


def test_near_duplicates_are_on_the_same_side(shards: Shards, corpus: list[Path]) -> None:
    table = pa.concat_tables([pq.read_table(file) for file in corpus])
    train = set(texts_of(shards))
    sides: dict[str, set[bool]] = {}
    for row in table.to_pylist():
        if row["text"] and row["near_duplicates"]["cluster"]:
            sides.setdefault(row["near_duplicates"]["cluster"], set()).add(row["id"] in train)
    assert all(len(side) == 1 for side in sides.values())
    assert {side for each in sides.values() for side in each} == {True, False}


def test_about_the_share_that_was_asked_for_is_held_out(shards: Shards) -> None:
    manifest = shards.manifest
    share = manifest.held_out.text_bytes / (manifest.held_out.text_bytes + manifest.train.text_bytes)
    assert 0.1 <= share < 0.12


def test_counts_and_columns_are_those_of_the_documents(shards: Shards, corpus: list[Path]) -> None:
    by_id = {row["id"]: row for file in corpus for row in pq.read_table(file).to_pylist()}
    tokens = 0
    for shard, row in shards.documents():
        about = shard.describe(row)
        document = by_id[about["id"]]
        assert about == {key: document[key] for key in ("id", "url", "source", "language")}
        assert shard.text_bytes[row] == len(document["text"].encode())
        tokens += len(shard.document(row))
    assert tokens == shards.counts.tokens == sum(count.tokens for count in shards.counts.by_language.values())
    assert shards.counts.documents == sum(count.documents for count in shards.counts.by_source.values())
    for entry, shard in zip(shards.entries, shards.shards, strict=True):
        assert set(shard.table.column("source").to_pylist()) == {entry.source}
        assert len(shard.tokens) <= 1500 or len(shard) == 1


def test_writing_again_gives_the_same_bytes(shards: Shards, write: Write) -> None:
    again = write(shard_tokens=1500, hold_out=0.1, seed=3)
    assert again.manifest == shards.manifest
    for entry in again.entries:
        assert (again.folder / entry.file).read_bytes() == (shards.folder / entry.file).read_bytes()


def test_datasets_opens_them(shards: Shards) -> None:
    import datasets

    split = datasets.load_from_disk(str(shards.folder / "train"))
    assert split.num_rows == shards.counts.documents
    one = datasets.Dataset.from_file(str(shards.folder / shards.entries[0].file))
    assert one[0]["tokens"] == shards.shards[0].document(0).tolist()


def test_a_large_vocabulary_takes_32_bits(corpus: list[Path], small_tokenizer: Tokenizer, tmp_path: Path) -> None:
    large = small_tokenizer.extended([f"<unused {n}>" for n in range(66_000)])
    manifest = write_shards(corpus, large, tmp_path / "tokens", sequence_length=32)
    assert manifest.dtype == "uint32"
    assert open_shards(tmp_path / "tokens").shards[0].tokens.dtype == np.uint32


def test_planted_documents_are_spread_and_never_held_out(write: Write) -> None:
    canaries = [{"id": f"canary{n // 8}", "text": f"the code is {n // 8}", "source": "canary"} for n in range(40)]
    shards = write(hold_out=0.5, extra_documents=canaries)
    places = [
        (number, row)
        for name in (f"canary{n}" for n in range(5))
        for number, shard in enumerate(shards.shards)
        for row in shard.rows_with_id(name)
    ]
    assert len(places) == 40
    assert {shards.shards[number].describe(row)["source"] for number, row in places} == {"canary"}
    assert {entry.source for entry in shards.entries} == {"news", "board"}
    gaps = np.diff(sorted(row for number, row in places if number == places[0][0]))
    assert gaps.max() > 3
    assert shards.counts.by_source["canary"].documents == 40
    assert "canary" not in shards.manifest.held_out.by_source


@pytest.mark.parametrize("harm", ["cut", "flip", "remove"])
def test_a_damaged_shard_is_named(write: Write, harm: str) -> None:
    shards = write()
    path = shards.folder / shards.entries[0].file
    data = bytearray(path.read_bytes())
    if harm == "cut":
        path.write_bytes(data[:-100])
    elif harm == "flip":
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    else:
        path.unlink()
    with pytest.raises(CorpuskitError, match=r"00000\.arrow.*write the shards again"):
        open_shards(shards.folder)


def test_a_folder_without_manifest_is_no_shards(write: Write, tmp_path: Path) -> None:
    shards = write()
    (shards.folder / "manifest.json").write_text('{"format": 1}')
    with pytest.raises(UsageError, match="is not a manifest"):
        open_shards(shards.folder)
    with pytest.raises(UsageError, match=r"no token shards at .* no manifest\.json"):
        read_manifest(tmp_path / "nowhere")


def test_another_tokenizer_beside_the_shards_is_refused(write: Write) -> None:
    shards = write()
    shards.tokenizer.extended(["<new>"]).save(shards.folder)
    with pytest.raises(CorpuskitError, match="is not the tokenizer of these shards"):
        _ = open_shards(shards.folder).tokenizer


def test_an_interrupted_write_leaves_the_old_folder(
    write: Write, corpus: list[Path], small_tokenizer: Tokenizer
) -> None:
    shards = write()
    before = hashlib.sha256((shards.folder / "manifest.json").read_bytes()).digest()

    def interrupt(message: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_shards(corpus, small_tokenizer, shards.folder, seed=9, watch=interrupt)
    assert hashlib.sha256((open_shards(shards.folder).folder / "manifest.json").read_bytes()).digest() == before


@pytest.mark.parametrize(
    ("settings_", "message"),
    [
        ({"hold_out": 1.0}, "hold_out is 1.0"),
        ({"sequence_length": 1}, "sequence_length 1"),
    ],
)
def test_impossible_settings(write: Write, settings_: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        write(**settings_)


def test_a_corpus_without_text_is_refused(small_tokenizer: Tokenizer, tmp_path: Path) -> None:
    file = tmp_path / "empty.parquet"
    pq.write_table(pa.Table.from_batches([documents([{"id": "a"}, {"id": "b", "text": ""}])]), file)
    with pytest.raises(UsageError, match="nothing to train on: 2 documents are empty, 0 are held out"):
        write_shards([file], small_tokenizer, tmp_path / "tokens")
    assert not list(tmp_path.glob("*tokens*"))
    file.write_bytes(b"PAR0")
    with pytest.raises(UsageError, match="is not a Parquet file"):
        write_shards([file], small_tokenizer, tmp_path / "tokens")


def test_a_sample_is_drawn_by_id_whatever_the_order_of_files(corpus: list[Path]) -> None:
    whole = sorted(sample_texts(corpus, 1 << 30))
    part = sorted(sample_texts(corpus, 8_000))
    assert part == sorted(sample_texts(corpus[::-1], 8_000))
    assert set(part) < set(whole)
    assert 8_000 <= sum(len(text.encode()) for text in part) < 9_500


def test_korean_prose_comes_back(samples: Path, tmp_path: Path) -> None:
    from corpuskit.tokens import train_tokenizer

    texts = [path.read_text() for path in sorted((samples / "prose" / "react-ko").rglob("*.md"))[:60]]
    rows = [{"id": f"{n:032x}", "text": text, "source": "react-ko", "language": "ko"} for n, text in enumerate(texts)]
    pq.write_table(pa.Table.from_batches([documents(rows)]), tmp_path / "corpus.parquet")
    tokenizer = train_tokenizer(texts, 2000)
    write_shards([tmp_path / "corpus.parquet"], tokenizer, tmp_path / "tokens", hold_out=0)
    shards = open_shards(tmp_path / "tokens")
    assert {shards.tokenizer.decode(shard.document(row)) for shard, row in shards.documents()} == set(texts)
    assert tokenizer.agrees(texts)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.lists(st.integers(0, 99), min_size=1, max_size=9), st.none() | st.text(max_size=5)), min_size=1
    ),
    st.data(),
)
def test_equal_rows_are_equal_bytes_however_they_came_together(
    rows: list[tuple[list[int], str | None]], data: st.DataObject
) -> None:
    """Digests name contents: slices, chunks and what lies behind the end of a buffer must not show."""

    def table(part: list[tuple[list[int], str | None]]) -> pa.Table:
        tokens = np.array([token for row, _ in part for token in row], np.uint16)
        offsets = np.cumsum([0, *(len(row) for row, _ in part)])
        return shard_columns(tokens, offsets, {"cluster": pa.array([text for _, text in part], pa.string())})

    cuts = sorted(data.draw(st.lists(st.integers(0, len(rows)), max_size=4)))
    parts = [table(rows)[first:last] for first, last in pairwise([0, *cuts, len(rows)])]
    noisy = pa.concat_tables([*parts, table([([5], "x")] * 3)])
    shuffled = pc.is_in(pa.array(range(noisy.num_rows)), value_set=pa.array(range(len(rows))))
    whole, pieced = exact_batch(table(rows)), exact_batch(noisy.filter(shuffled))
    assert whole.to_pylist() == [
        {**row, "tokens": tokens, "cluster": text}
        for row, (tokens, text) in zip(table(rows).to_pylist(), rows, strict=True)
    ]
    assert whole.serialize().to_pybytes() == pieced.serialize().to_pybytes()


def test_other_ids_from_the_fast_encoder_make_writing_fall_back_and_say_so(
    corpus: list[Path], small_tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = write_shards(corpus, small_tokenizer, tmp_path / "right", sequence_length=32)
    copy = Tokenizer(small_tokenizer.json, small_tokenizer.begin, small_tokenizer.end, small_tokenizer.pad)
    assert copy.fast  # its probes agree; what it does on the corpus is another matter
    wrong = _Fast.encode

    def off_by_one(self: _Fast, array: pa.Array) -> tuple[np.ndarray, np.ndarray]:
        tokens, offsets = wrong(self, array)
        return tokens + np.uint32(1), offsets

    monkeypatch.setattr(_Fast, "encode", off_by_one)
    with pytest.warns(UserWarning, match="other ids than tokenizers on this corpus"):
        fallen = write_shards(corpus, copy, tmp_path / "fallen", sequence_length=32)
    assert fallen == right


def _shard(folder: Path, table: pa.Table) -> None:
    """Replace the first shard, in the manifest too: only what is inside can tell."""
    file = folder / "train/00000.arrow"
    with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    manifest = json.loads((folder / "manifest.json").read_text())
    entry = manifest["train"]["shards"][0]
    entry |= {"size": file.stat().st_size, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_a_shard_that_does_not_belong_is_refused(write: Write) -> None:
    shards = write()
    table = pa.ipc.open_stream((shards.folder / "train/00000.arrow").read_bytes()).read_all()  # not mapped
    _shard(shards.folder, table.slice(0, 0))
    with pytest.raises(CorpuskitError, match=r"00000\.arrow is an empty token shard"):
        _ = open_shards(shards.folder).shards
    _shard(shards.folder, table.replace_schema_metadata({"tokenizer_sha256": "0" * 64}))
    with pytest.raises(CorpuskitError, match=r"00000\.arrow was made with another tokenizer"):
        _ = open_shards(shards.folder).shards
    wide = table.set_column(0, "tokens", table.column("tokens").cast(pa.large_list(pa.uint32())))
    _shard(shards.folder, wide)
    with pytest.raises(CorpuskitError, match="holds uint32, and the manifest has uint16"):
        _ = open_shards(shards.folder).shards
    _shard(shards.folder, table.drop(["tokens"]))
    with pytest.raises(CorpuskitError, match=r"00000\.arrow is not a token shard"):
        _ = open_shards(shards.folder).shards


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 1}, r"has format 1, this version reads 2: write the shards again"),
        ({"vocabulary": 70_000}, "uint16 cannot hold a vocabulary of 70,000"),
    ],
)
def test_a_manifest_that_cannot_be_true_is_refused(write: Write, change: dict[str, int], message: str) -> None:
    file = write().folder / "manifest.json"
    manifest = json.loads(file.read_text())
    (manifest["tokenizer"] if "vocabulary" in change else manifest).update(change)
    file.write_text(json.dumps(manifest))
    with pytest.raises(UsageError, match=message):
        read_manifest(file.parent)
