"""A target of its own: the texts of a JSON Lines file, as token shards, alone or as one more source of a corpus's."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from corpuskit.document import document_id, documents
from corpuskit.errors import CorpuskitError, UsageError
from corpuskit.tokens.shards import (
    MANIFEST,
    Counts,
    Manifest,
    ShardEntry,
    SplitEntry,
    SplitName,
    fingerprint,
    open_shards,
    read_manifest,
)
from corpuskit.tokens.tokenizer import Tokenizer
from corpuskit.tokens.write import write_shards
from corpuskit.training.adapters.config import TARGET
from corpuskit.training.instruct.dialogues import read_texts

SPLITS: tuple[SplitName, ...] = ("train", "held_out")


def add_target(
    shards: str | Path, file: str | Path, folder: str | Path, hold_out: float = 0.1, language: str | None = None
) -> Manifest:
    """Token shards that hold those of a corpus and, as the source `target`, the texts of a JSON Lines file.

    `file` and `hold_out` as in `write_target`. What the corpus holds out stays held out. Raises UsageError as it does.
    """
    folder, manifest = Path(folder), read_manifest(Path(shards))
    if TARGET in manifest.train.by_source:
        raise UsageError(f"{shards} has a source '{TARGET}' already, and the texts of {file} would get that name")
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    tokenizer = open_shards(shards, verify=False).tokenizer
    write_target(file, tokenizer, partial / "alone", manifest.sequence_length, hold_out, language)
    joined = join_shards([Path(shards), partial / "alone"], partial / "joined")
    shutil.rmtree(folder, ignore_errors=True)
    (partial / "joined").rename(folder)
    shutil.rmtree(partial)
    return joined


def write_target(
    file: str | Path,
    tokenizer: Tokenizer,
    folder: str | Path,
    sequence_length: int,
    hold_out: float = 0.1,
    language: str | None = None,
) -> Manifest:
    """Token shards of the texts of a file, as the source `target`.

    A record has a `text`, or is a conversation of any layout that `corpuskit.training.instruct.dialogues` reads; turns
    are joined by line breaks. `hold_out`: share of the texts that is held out. Raises UsageError that names the place
    and the field of a record that is none of these.
    """
    folder = Path(folder)
    # not the whole path: what is held out must not depend on where the file lies
    rows = [
        {
            "id": document_id(f"{Path(file).name}:{number}", text.encode()),
            "text": text,
            "source": TARGET,
            "language": language,
        }
        for number, text in enumerate(read_texts(file), 1)
    ]
    folder.parent.mkdir(parents=True, exist_ok=True)
    corpus = folder.with_name(f".{folder.name}.parquet")
    pq.write_table(pa.Table.from_batches([documents(rows)]), corpus)
    try:
        return write_shards([corpus], tokenizer, folder, sequence_length=sequence_length, hold_out=hold_out)
    finally:
        corpus.unlink()


def join_shards(folders: Sequence[Path], out: Path) -> Manifest:
    """The shards of several folders in one, split by split. Files are linked where the file system allows it.

    Raises CorpuskitError for folders of different tokenizers.
    """
    manifests = [read_manifest(folder) for folder in folders]
    first = manifests[0]
    for folder, manifest in zip(folders, manifests, strict=True):
        if (manifest.tokenizer, manifest.dtype) != (first.tokenizer, first.dtype):
            raise CorpuskitError(f"{folder} was written with another tokenizer than {folders[0]}")
    splits: dict[str, SplitEntry] = {}
    for name in SPLITS:
        (out / name).mkdir(parents=True)
        entries: list[ShardEntry] = []
        for folder, manifest in zip(folders, manifests, strict=True):
            for entry in manifest.split(name).shards:
                file = f"{name}/{len(entries):05d}.arrow"
                _link(folder / entry.file, out / file)
                entries.append(entry.model_copy(update={"file": file}))
        parts = [manifest.split(name) for manifest in manifests]
        splits[name] = SplitEntry(
            **_total(parts).model_dump(),
            shards=tuple(entries),
            by_source=_added([part.by_source for part in parts]),
            by_language=_added([part.by_language for part in parts]),
        )
    for other in folders[0].iterdir():  # the tokenizer
        if other.is_file() and other.name != MANIFEST:
            shutil.copy2(other, out / other.name)
    joined = first.model_copy(
        update={
            **splits,
            "empty_documents": sum(manifest.empty_documents for manifest in manifests),
            "fingerprint": fingerprint(
                first.tokenizer.sha256, [entry for name in SPLITS for entry in splits[name].shards]
            ),
        }
    )
    (out / MANIFEST).write_text(joined.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return joined


def _total(parts: Iterable[Counts]) -> Counts:
    whole = Counts()
    for part in parts:
        whole += Counts(documents=part.documents, tokens=part.tokens, text_bytes=part.text_bytes)
    return whole


def _added(groups: Sequence[Mapping[str, Counts]]) -> dict[str, Counts]:
    names = sorted({name for group in groups for name in group})
    return {name: _total([group[name] for group in groups if name in group]) for name in names}


def _link(file: Path, to: Path) -> None:
    try:
        os.link(file, to)
    except OSError:
        shutil.copy2(file, to)
