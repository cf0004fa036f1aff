"""Token shards: the encoded corpus as Arrow files that are memory-mapped, with the name of every document.

A folder of shards:

    tokens/
      manifest.json            what is here, written last (`Manifest`)
      tokenizer.json           and tokenizer_config.json: `AutoTokenizer.from_pretrained` loads the folder
      train/00000.arrow …      documents to learn from
      held_out/00000.arrow …   documents that no training may see, drawn by document or cluster of duplicates

A shard is one Arrow IPC *stream* of one record batch, uncompressed, so that `datasets.Dataset.from_file` and
`datasets.load_from_disk(folder / "train")` map it into memory, and so do we. Its columns, one row a document:

    tokens      large_list<uint16>, or <uint32> where the vocabulary is larger than 65,536.
                [begin] + the ids of the text + [end]; no begin where the tokenizer has none
    id          the document's id
    url, source, language
    text_bytes  int64, UTF-8 bytes of the text
    cluster     the document's cluster of near-duplicates, or of exact ones where those alone were looked for; else null
    cluster_size  int64, documents of the corpus that the cluster had before any was dropped, itself counted; else 1
    decision    what an audit of an earlier model decided about the document ("goldfish", ...), else null

The documents of a shard come from one source, which the manifest names, apart from documents that were planted among
them (canaries): these keep their own name in the column `source`.
The schema's metadata states the tokenizer's SHA-256 and the ids that
frame documents. The list's offsets are the document index: token `t` of a shard belongs to the document
`searchsorted(offsets, t, side="right") - 1`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, ValidationError

from corpuskit.errors import CorpuskitError, UsageError, nearest
from corpuskit.tokens.tokenizer import Tokenizer, load_tokenizer

FORMAT = 2
MANIFEST = "manifest.json"
SplitName = Literal["train", "held_out"]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Counts(_Entry):
    documents: int = 0
    tokens: int = 0
    """Tokens with the framing ones."""
    text_bytes: int = 0
    """UTF-8 bytes of the texts."""

    @property
    def bytes_per_token(self) -> float:
        """UTF-8 bytes of text for each token, the framing ones counted; 0 where there is none."""
        return self.text_bytes / self.tokens if self.tokens else 0.0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            documents=self.documents + other.documents,
            tokens=self.tokens + other.tokens,
            text_bytes=self.text_bytes + other.text_bytes,
        )


class ShardEntry(Counts):
    file: str
    """Path inside the folder: 'train/00000.arrow'."""
    source: str
    """The source that the shard belongs to; planted documents in it may name another."""
    size: int
    """Bytes of the file."""
    sha256: str


class SplitEntry(Counts):
    shards: tuple[ShardEntry, ...]
    by_source: dict[str, Counts]
    by_language: dict[str, Counts]


class TokenizerEntry(_Entry):
    sha256: str
    """Of `tokenizer.json`."""
    vocabulary: int
    begin: int | None
    end: int
    pad: int


class Manifest(_Entry):
    format: int
    """Of the shards; this version reads `FORMAT`."""
    tokenizer: TokenizerEntry
    dtype: Literal["uint16", "uint32"]
    sequence_length: int
    """Tokens of a training window, where whoever trains or audits names no other."""
    seed: int
    hold_out: float
    """Share of the text's bytes that was asked to be held out."""
    empty_documents: int
    """Documents without text, which are in no shard."""
    train: SplitEntry
    held_out: SplitEntry
    fingerprint: str
    """SHA-256 over the tokenizer's digest and the shards' digests in order: the same tokens have the same name."""

    def split(self, name: SplitName) -> SplitEntry:
        if name not in ("train", "held_out"):
            raise UsageError(f"no split '{name}'{nearest(name, ('train', 'held_out'))}")
        return self.train if name == "train" else self.held_out


def fingerprint(tokenizer_sha256: str, shards: Sequence[ShardEntry]) -> str:
    lines = [tokenizer_sha256, *(f"{shard.file} {shard.sha256}" for shard in shards)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a shard folder. Raises UsageError where there is none, or one that this version cannot read."""
    file = folder / MANIFEST
    if not file.is_file():
        raise UsageError(f"no token shards at {folder}: it has no {MANIFEST} (a run that was cut off leaves none)")
    try:
        manifest = Manifest.model_validate_json(file.read_bytes())
    except ValidationError as error:
        raise UsageError(f"{file} is not a manifest of token shards: {error.errors()[0]['msg']}") from error
    if manifest.format != FORMAT:
        raise UsageError(f"{file} has format {manifest.format}, this version reads {FORMAT}: write the shards again")
    if manifest.tokenizer.vocabulary > np.iinfo(manifest.dtype).max + 1:
        raise UsageError(f"{file}: {manifest.dtype} cannot hold a vocabulary of {manifest.tokenizer.vocabulary:,}")
    return manifest


class Shard:
    """One shard, memory-mapped."""

    def __init__(self, path: Path) -> None:
        try:
            with pa.memory_map(str(path)) as source:
                table = pa.ipc.open_stream(source).read_all()
            if not table.num_rows:
                raise CorpuskitError(f"{path} is an empty token shard: write the shards again")
            tokens = table.column("tokens").chunk(0)
            self.table: pa.Table = table
            self.offsets: npt.NDArray[np.int64] = tokens.offsets.to_numpy()
            self.tokens: npt.NDArray[Any] = tokens.values.to_numpy(zero_copy_only=True)
        except (pa.ArrowInvalid, OSError, KeyError, IndexError) as error:
            raise CorpuskitError(f"{path} is not a token shard: {error}") from error
        self.path = path
        self.metadata = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @cached_property
    def text_bytes(self) -> npt.NDArray[np.int64]:
        column: npt.NDArray[np.int64] = self.table.column("text_bytes").to_numpy()
        return column

    @cached_property
    def cluster_sizes(self) -> npt.NDArray[np.int64]:
        column: npt.NDArray[np.int64] = self.table.column("cluster_size").to_numpy()
        return column

    def decided(self, action: str) -> npt.NDArray[np.bool_]:
        """bool[documents]: for which of them an audit decided on this action."""
        marked = pc.equal(self.table.column("decision"), action).fill_null(False)
        return np.asarray(marked.to_numpy())

    def document(self, row: int) -> npt.NDArray[Any]:
        """Tokens of one document, framing included (a view)."""
        return self.tokens[self.offsets[row] : self.offsets[row + 1]]

    def row_of(self, token: int | npt.NDArray[np.int64]) -> Any:
        """The row of the document that holds token number `token` of the shard."""
        return np.searchsorted(self.offsets, token, side="right") - 1

    def rows_with_id(self, document_id: str) -> list[int]:
        """Rows that hold this document (several, where copies of it were planted)."""
        matches = pc.equal(self.table.column("id"), document_id)
        return np.flatnonzero(matches.to_numpy()).tolist()

    def describe(self, row: int) -> dict[str, str | None]:
        """id, url, source and language of one document."""
        return {name: self.table.column(name)[row].as_py() for name in ("id", "url", "source", "language")}


@dataclass(frozen=True)
class Shards:
    """The shards of one split, in the manifest's order."""

    folder: Path
    name: SplitName
    manifest: Manifest

    @property
    def entries(self) -> tuple[ShardEntry, ...]:
        return self.manifest.split(self.name).shards

    @cached_property
    def shards(self) -> list[Shard]:
        """Raises CorpuskitError for a file that is no shard, or one of another tokenizer."""
        shards = [Shard(self.folder / entry.file) for entry in self.entries]
        for shard in shards:
            if shard.metadata.get("tokenizer_sha256") != self.manifest.tokenizer.sha256:
                raise CorpuskitError(f"{shard.path} was made with another tokenizer than the other shards")
            if shard.tokens.dtype != self.manifest.dtype:
                raise CorpuskitError(
                    f"{shard.path} holds {shard.tokens.dtype}, and the manifest has {self.manifest.dtype}"
                )
        return shards

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer in the folder. Raises CorpuskitError where it is not the one that they were made with."""
        entry = self.manifest.tokenizer
        text = load_tokenizer(self.folder).json
        tokenizer = Tokenizer(text, entry.begin, entry.end, entry.pad)
        if tokenizer.digest != entry.sha256:
            raise CorpuskitError(
                f"{self.folder}/tokenizer.json is not the tokenizer of these shards "
                f"(SHA-256 {tokenizer.digest[:12]}…, the manifest has {entry.sha256[:12]}…): write the shards again"
            )
        return tokenizer

    @property
    def counts(self) -> SplitEntry:
        return self.manifest.split(self.name)

    def documents(self) -> Iterator[tuple[Shard, int]]:
        """Every document as (shard, row)."""
        for shard in self.shards:
            for row in range(len(shard)):
                yield shard, row

    def verify(self) -> None:
        """Read every shard and compare its digest. Raises CorpuskitError that names the first one that differs."""
        for entry in self.entries:
            path = self.folder / entry.file
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            if digest != entry.sha256:
                raise CorpuskitError(
                    f"{path} is damaged: its SHA-256 is {digest[:12]}…, the manifest has {entry.sha256[:12]}…; "
                    "write the shards again"
                )


def open_shards(folder: str | Path, split: SplitName = "train", verify: bool = True) -> Shards:
    """The shards of one split ('train' or 'held_out'), memory-mapped.

    `verify` reads every byte once (about 1 GB/s) to compare digests; sizes are compared always. Raises UsageError where
    the folder holds no shards, CorpuskitError where a shard is missing, cut short or damaged.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    shards = Shards(folder, split, manifest)
    for entry in shards.entries:
        path = folder / entry.file
        size = path.stat().st_size if path.is_file() else None
        if size != entry.size:
            problem = "is missing" if size is None else f"has {size:,} bytes where the manifest has {entry.size:,}"
            raise CorpuskitError(f"{path} {problem}; write the shards again")
    if verify:
        shards.verify()
    return shards


@dataclass(frozen=True)
class Statistic:
    """Counts of a part of a split."""

    split: SplitName
    by: Literal["all", "source", "language"]
    name: str
    """The source or the language; 'all' for the whole split."""
    counts: Counts


def token_statistics(manifest: Manifest) -> list[Statistic]:
    """The counts of each split: whole, by source, by language. A split without documents has no rows."""
    rows: list[Statistic] = []
    splits: tuple[SplitName, ...] = ("train", "held_out")
    for split in splits:
        entry = manifest.split(split)
        if not entry.documents:
            continue
        whole = Counts(documents=entry.documents, tokens=entry.tokens, text_bytes=entry.text_bytes)
        rows.append(Statistic(split, "all", "all", whole))
        rows += [Statistic(split, "source", name, counts) for name, counts in entry.by_source.items()]
        rows += [Statistic(split, "language", name, counts) for name, counts in entry.by_language.items()]
    return rows
