"""Shards go to other trainers' files and come back byte for byte; a file that lies about itself is refused."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit.errors import CorpuskitError, UsageError
from corpuskit.exchange import FORMATS, export_shards, import_shards, importing
from corpuskit.tokens import (
    Shards,
    Tokenizer,
    open_shards,
    read_manifest,
    write_shards,
)

TRAIN = {"nanogpt": "train.bin", "megatron": "train.bin", "datatrove": "train.ds"}
HELD_OUT = {"nanogpt": "val.bin", "megatron": "held_out.bin", "datatrove": "held_out.ds"}


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def documents_of(shards: Shards) -> list[list[int]]:
    return [shard.document(row).tolist() for shard, row in shards.documents()]


@pytest.fixture(scope="module")
def rich(corpus: list[Path], small_tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Shards:
    """Shards of two sources, cut often, with planted documents and a held-out split."""
    folder = tmp_path_factory.mktemp("rich") / "tokens"
    planted = [{"id": f"canary{n % 3}", "text": f"the code is {n % 3}", "source": "canary"} for n in range(12)]
    write_shards(
        corpus, small_tokenizer, folder, sequence_length=32, shard_tokens=700, hold_out=0.15, extra_documents=planted
    )
    return open_shards(folder)


@pytest.mark.parametrize("name", FORMATS)
def test_an_export_comes_back_byte_for_byte(rich: Shards, name: str, tmp_path: Path) -> None:
    files = export_shards(rich.folder, tmp_path / "out", name)
    assert files == sorted((tmp_path / "out").iterdir())
    manifest = import_shards(
        [tmp_path / "out" / TRAIN[name]],
        rich.tokenizer,
        tmp_path / "back",
        held_out=[tmp_path / "out" / HELD_OUT[name]],
    )
    assert manifest == rich.manifest
    assert digests(tmp_path / "back") == digests(rich.folder)
    again = export_shards(tmp_path / "back", tmp_path / "again", name)
    assert digests(tmp_path / "again") == digests(tmp_path / "out")
    assert [file.name for file in again] == [file.name for file in files]


@pytest.mark.parametrize("name", FORMATS)
def test_without_the_table_the_tokens_come_back_and_documents_are_named_by_place(
    rich: Shards, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "CHUNK", 300)
    export_shards(rich.folder, tmp_path / "out", name)
    for table in (tmp_path / "out").glob("*.parquet"):
        table.unlink()
    file = tmp_path / "out" / TRAIN[name]
    manifest = import_shards([file], rich.tokenizer, tmp_path / "back", source="theirs", language="ko")
    back = open_shards(tmp_path / "back")
    assert documents_of(back) == documents_of(rich)
    assert manifest.train.text_bytes == rich.counts.text_bytes
    assert list(manifest.train.by_source) == ["theirs"]
    assert list(manifest.train.by_language) == ["ko"]
    assert manifest.tokenizer == rich.manifest.tokenizer
    ids = {shard.describe(row)["id"] for shard, row in back.documents()}
    assert len(ids) == rich.counts.documents
    before = file.read_bytes()
    for table in (tmp_path / "back").glob("*.parquet"):
        table.unlink()
    export_shards(tmp_path / "back", tmp_path / "again", name)
    assert (tmp_path / "again" / TRAIN[name]).read_bytes() == before


def test_nanogpt_is_16_bit_ids_and_nothing_else(rich: Shards, tmp_path: Path) -> None:
    export_shards(rich.folder, tmp_path, "nanogpt")
    data = np.memmap(tmp_path / "train.bin", np.uint16, "r")
    assert data.tolist() == [token for document in documents_of(rich) for token in document]


def test_megatron_is_what_its_own_code_would_write(rich: Shards, tmp_path: Path) -> None:
    export_shards(rich.folder, tmp_path, "megatron")
    documents = documents_of(rich)
    index = b"MMIDIDX\x00\x00" + struct.pack("<QBQQ", 1, 8, len(documents), len(documents) + 1)
    place = 0
    pointers = []
    for document in documents:
        pointers.append(place)
        place += 2 * len(document)
    index += struct.pack(f"<{len(documents)}i", *map(len, documents)) + struct.pack(f"<{len(documents)}q", *pointers)
    index += struct.pack(f"<{len(documents) + 1}q", *range(len(documents) + 1))
    assert (tmp_path / "train.idx").read_bytes() == index
    flat = [token for document in documents for token in document]
    assert (tmp_path / "train.bin").read_bytes() == struct.pack(f"<{len(flat)}H", *flat)


def test_datatrove_is_what_its_own_code_would_write(rich: Shards, tmp_path: Path) -> None:
    export_shards(rich.folder, tmp_path, "datatrove")
    documents = documents_of(rich)
    flat = [token for document in documents for token in document]
    ends = np.cumsum([len(document) for document in documents]).tolist()
    assert (tmp_path / "train.ds").read_bytes() == struct.pack(f"<{len(flat)}H", *flat)
    assert (tmp_path / "train.ds.index").read_bytes() == struct.pack(f"<{len(ends)}Q", *ends)
    name, tokens, short = (tmp_path / "train.ds.metadata").read_text().split("\n")
    assert (name, int(tokens)) == ("tokenizer.json|2", len(flat))
    assert short == f"{len(flat) / 1000:.{3 - len(str(len(flat) // 1000))}f} kT"


@pytest.fixture(scope="module")
def large(corpus: list[Path], small_tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Shards:
    folder = tmp_path_factory.mktemp("large") / "tokens"
    tokenizer = small_tokenizer.extended([f"<unused {n}>" for n in range(66_000)])
    write_shards(corpus, tokenizer, folder, sequence_length=32, hold_out=0)
    return open_shards(folder)


@pytest.mark.parametrize("name", ["megatron", "datatrove"])
def test_a_large_vocabulary_goes_and_comes_in_32_bits(large: Shards, name: str, tmp_path: Path) -> None:
    export_shards(large.folder, tmp_path / "out", name)
    file = tmp_path / "out" / TRAIN[name]
    assert file.stat().st_size == 4 * large.counts.tokens
    assert import_shards([file], large.tokenizer, tmp_path / "back") == large.manifest
    assert digests(tmp_path / "back") == digests(large.folder)


def test_a_vocabulary_that_16_bits_cannot_hold_is_refused(large: Shards, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"hold 16-bit ids, this vocabulary has 66,400"):
        export_shards(large.folder, tmp_path / "out", "nanogpt")
    assert not list((tmp_path / "out").iterdir())


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(st.integers(3, 299), max_size=6), min_size=1, max_size=12),
    st.sampled_from(["none", "end", "both"]),
    st.sampled_from(["megatron", "datatrove"]),
)
def test_documents_of_others_are_closed_and_empty_ones_left_out(
    tmp_path_factory: pytest.TempPathFactory, documents: list[list[int]], frame: str, name: str
) -> None:
    tokenizer = _tokenizer(tmp_path_factory)
    begin, end = tokenizer.begin, tokenizer.end
    assert begin is not None
    framed = [{"none": d, "end": [*d, end], "both": [begin, *d, end]}[frame] for d in documents]
    folder = tmp_path_factory.mktemp("others")
    writer = FORMATS[name].writer(folder / TRAIN[name], tokenizer.vocabulary)
    for document in framed:
        writer.add(np.array(document, np.int64), np.array([len(document)]))
    writer.finish()
    full = [document for document in documents if document]
    if not full:
        message = "is empty" if frame == "none" else "nothing to train on"
        with pytest.raises(UsageError, match=message):
            import_shards([folder / TRAIN[name]], tokenizer, folder / "tokens")
        return
    manifest = import_shards([folder / TRAIN[name]], tokenizer, folder / "tokens")
    wanted = [[begin, *d, end] if frame == "both" else [*d, end] for d in full]
    back = open_shards(folder / "tokens")
    assert documents_of(back) == wanted
    assert manifest.tokenizer.begin == (begin if frame == "both" else None)
    assert manifest.empty_documents == len(documents) - len(full)
    text = [tokenizer.reference.decode(d).encode() for d in full]
    if all(b"\xef\xbf\xbd" not in each for each in text):
        assert back.shards[0].text_bytes.tolist() == [len(each) for each in text]


_kept: list[Tokenizer] = []


def _tokenizer(factory: pytest.TempPathFactory) -> Tokenizer:
    from corpuskit.tokens import train_tokenizer

    if not _kept:
        _kept.append(train_tokenizer(["강물이 불어나 옛 다리가 무너졌다. The river rose."] * 5, 300))
    return _kept[0]


def test_documents_without_names_can_be_held_out_by_chance(rich: Shards, tmp_path: Path) -> None:
    export_shards(rich.folder, tmp_path / "out", "datatrove")
    (tmp_path / "out" / "train.documents.parquet").unlink()
    files = [tmp_path / "out" / "train.ds"]
    manifest = import_shards(files, rich.tokenizer, tmp_path / "back", hold_out=0.3, seed=4)
    assert manifest.train.documents + manifest.held_out.documents == rich.counts.documents
    assert 0.15 < manifest.held_out.documents / rich.counts.documents < 0.45
    assert import_shards(files, rich.tokenizer, tmp_path / "again", hold_out=0.3, seed=4) == manifest
    assert import_shards(files, rich.tokenizer, tmp_path / "other", hold_out=0.3, seed=5) != manifest


def _cut(path: Path, count: int) -> None:
    path.write_bytes(path.read_bytes()[:-count])


def _patch(path: Path, at: int, data: bytes) -> None:
    whole = bytearray(path.read_bytes())
    whole[at : at + len(data)] = data
    path.write_bytes(whole)


DAMAGE: list[tuple[str, Callable[[Path], None], str]] = [
    ("nanogpt", lambda f: _cut(f / "train.bin", 1), r"train\.bin has .* no whole number of 2-byte"),
    ("nanogpt", lambda f: (f / "train.bin").write_bytes(b""), r"train\.bin is empty"),
    ("nanogpt", lambda f: _patch(f / "train.bin", 0, struct.pack("<i", 20240520)), "is a file of llm.c"),
    ("nanogpt", lambda f: _patch(f / "train.bin", 2000, b"\xff\xff"), r"token 1,000 is 65535.*ids below 400"),
    ("megatron", lambda f: _cut(f / "train.bin", 2), r"train\.bin has .* tokens, and the index names"),
    ("megatron", lambda f: _cut(f / "train.idx", 8), r"train\.idx has .* bytes, and its head promises"),
    ("megatron", lambda f: _patch(f / "train.idx", 0, b"XXX"), "does not begin with MMIDIDX"),
    ("megatron", lambda f: _cut(f / "train.idx", (f / "train.idx").stat().st_size - 20), "does not begin with MMIDIDX"),
    ("megatron", lambda f: _patch(f / "train.idx", 9, b"\x02"), "version 2"),
    ("megatron", lambda f: _patch(f / "train.idx", 17, b"\x06"), "type 6 holds no token ids"),
    ("megatron", lambda f: _patch(f / "train.idx", 18, b"\xff" * 8), "cut short"),
    ("megatron", lambda f: _patch(f / "train.idx", 34, struct.pack("<i", -5)), "do not lie one after another"),
    ("megatron", lambda f: _patch(f / "train.idx", 34, struct.pack("<i", 7)), "do not lie one after another"),
    ("megatron", lambda f: _patch(f / "train.idx", (f / "train.idx").stat().st_size - 8, b"\x01"), "document edges"),
    ("datatrove", lambda f: _cut(f / "train.ds", 2), r"train\.ds has .* bytes, and its index promises"),
    ("datatrove", lambda f: _cut(f / "train.ds.index", 3), "no whole number of 8-byte"),
    ("datatrove", lambda f: (f / "train.ds.index").unlink(), "no index at"),
    ("datatrove", lambda f: _patch(f / "train.ds.index", 0, b"\xff" * 8), "ends past the last token"),
    ("datatrove", lambda f: _patch(f / "train.ds.index", 8, struct.pack("<Q", 1)), "does not cut"),
    ("datatrove", lambda f: (f / "train.ds.loss").write_bytes(b"\x01"), "masks some tokens' loss"),
]


@pytest.mark.parametrize(("name", "harm", "message"), DAMAGE)
def test_a_file_that_lies_about_itself_is_refused(
    rich: Shards, name: str, harm: Callable[[Path], None], message: str, tmp_path: Path
) -> None:
    export_shards(rich.folder, tmp_path, name)
    (tmp_path / "train.documents.parquet").unlink()
    harm(tmp_path)
    with pytest.raises(CorpuskitError, match=message):
        import_shards([tmp_path / TRAIN[name]], rich.tokenizer, tmp_path / "tokens")
    assert not (tmp_path / "tokens").exists()
    assert not list(tmp_path.glob(".*partial"))


def test_a_table_of_other_documents_is_refused(rich: Shards, tmp_path: Path) -> None:
    export_shards(rich.folder, tmp_path, "nanogpt")
    table = tmp_path / "train.documents.parquet"
    (tmp_path / "val.documents.parquet").rename(table)
    with pytest.raises(CorpuskitError, match=r"is not of train\.bin: the documents have other lengths"):
        import_shards([tmp_path / "train.bin"], rich.tokenizer, tmp_path / "tokens")
    pq.write_table(pq.read_table(table).drop(["url"]), table)
    with pytest.raises(CorpuskitError, match="is not the table of an export"):
        import_shards([tmp_path / "train.bin"], rich.tokenizer, tmp_path / "tokens")
    table.write_bytes(b"PAR1")
    with pytest.raises(CorpuskitError, match="remove it to go without"):
        import_shards([tmp_path / "train.bin"], rich.tokenizer, tmp_path / "tokens")
    table.unlink()
    export_shards(rich.folder, tmp_path / "two", "nanogpt")
    files = [tmp_path / "train.bin", tmp_path / "two" / "train.bin"]
    with pytest.raises(UsageError, match="or of some files only"):
        import_shards(files, rich.tokenizer, tmp_path / "tokens")


def test_what_cannot_be_taken_over(rich: Shards, tmp_path: Path) -> None:
    export_shards(rich.folder, tmp_path, "megatron")
    other = rich.tokenizer.extended(["<new>"])
    with pytest.raises(CorpuskitError, match="exported with another tokenizer"):
        import_shards([tmp_path / "train.bin"], other, tmp_path / "tokens")
    with pytest.raises(UsageError, match="no token file to import"):
        import_shards([], rich.tokenizer, tmp_path / "tokens")
    with pytest.raises(UsageError, match=r"no format 'megatrom'; did you mean 'megatron'\?"):
        export_shards(rich.folder, tmp_path, "megatrom")
    with pytest.raises(UsageError, match="holds the shards themselves"):
        export_shards(rich.folder, rich.folder, "megatron")
    with pytest.raises(UsageError, match=r"x\.npy is no token file"):
        import_shards([tmp_path / "x.npy"], rich.tokenizer, tmp_path / "tokens")
    with pytest.raises(UsageError, match="no token file at"):
        import_shards([tmp_path / "x.bin"], rich.tokenizer, tmp_path / "tokens")
    files = [tmp_path / "train.bin"]
    with pytest.raises(UsageError, match=r"hold_out is 0\.5"):
        import_shards(files, rich.tokenizer, tmp_path / "tokens", hold_out=0.5, held_out=files)
    assert read_manifest(rich.folder) == rich.manifest
