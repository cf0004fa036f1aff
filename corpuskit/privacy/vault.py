"""Originals of scrubbed texts, encrypted, so that an authorised person can undo what scrubbing did.

A vault is a folder with one file a batch: AES-256-GCM (NIST SP 800-38D) over JSON lines, one a document. A file's name
is the digest of its documents' ids, so a run that is repeated or resumed writes the same files again. The key is a
file of its own; the vault alone reveals nothing. Keys and vault files are readable by their owner alone.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from corpuskit.document import SCHEMA
from corpuskit.engine.ledger import open_run, tables
from corpuskit.errors import CorpuskitError, UsageError, require
from corpuskit.privacy.redact import map_strings, string_columns

_NONCE = 12
_TAG = 16
_MAGIC = b"corpuskit vault 1\n"


@dataclass(frozen=True)
class Original:
    """What stood at a changed place: `before[start:end]` was `original` and became `replacement`."""

    start: int
    end: int
    type: str
    replacement: str
    original: str
    column: str = "text"
    """The document's column, or the dotted path of a field inside one (`meta.contact`)."""
    item: int = 0
    """Which of the document's strings under that path, where a list holds several."""


@dataclass(frozen=True)
class Sealed:
    """A document's originals."""

    id: str
    originals: tuple[Original, ...]


def new_key(path: str | Path) -> None:
    """Write a fresh random key to a file that its owner alone can read. Raises UsageError where the file exists."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise UsageError(f"{path} exists: a key that is overwritten makes its vault unreadable") from error
    with os.fdopen(descriptor, "w") as file:
        file.write(os.urandom(32).hex() + "\n")


def read_key(path: str | Path) -> bytes:
    """The 32 bytes of a key file.

    Raises UsageError where it is missing, is not a key, or may be read by others than its owner.
    """
    try:
        mode = os.stat(path).st_mode
        key = bytes.fromhex(Path(path).read_text(encoding="ascii").strip())
    except FileNotFoundError as error:
        raise UsageError(
            f"key file {path} does not exist: `corpuskit privacy vault new-key {path}` makes one"
        ) from error
    except (ValueError, OSError) as error:
        raise UsageError(f"key file {path} cannot be read as a key: {type(error).__name__}") from error
    if len(key) != 32:
        raise UsageError(f"key file {path} holds {len(key)} bytes; a key has 32, as 64 hexadecimal digits")
    if os.name == "posix" and mode & 0o077:
        raise UsageError(f"key file {path} can be read by others: `chmod 600 {path}`, or make a new key")
    return key


def _cipher(key: bytes) -> object:
    aead = require("cryptography.hazmat.primitives.ciphers.aead", "privacy")
    return aead.AESGCM(hashlib.blake2b(b"vault", key=key, digest_size=32).digest())


def seal(folder: str | Path, key: bytes, documents: Iterable[Sealed]) -> Path | None:
    """Write documents' originals to the vault; the file, or None where there was nothing to write."""
    documents = list(documents)
    if not documents:
        return None
    plain = "\n".join(json.dumps(asdict(document), ensure_ascii=True) for document in documents).encode()
    name = hashlib.blake2b("\n".join(document.id for document in documents).encode(), digest_size=16).hexdigest()
    nonce = os.urandom(_NONCE)
    sealed = _MAGIC + nonce + _cipher(key).encrypt(nonce, plain, _MAGIC + name.encode())  # type: ignore[attr-defined]
    target = Path(folder) / f"{name}.vault"
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = target.with_suffix(f".{os.getpid()}.tmp")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(sealed)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(target)
    return target


def open_vault(folder: str | Path, key: bytes) -> Iterator[Sealed]:
    """Every document of a vault.

    Raises CorpuskitError where no vault is, for a wrong key, and for a file that was cut short or changed.
    """
    paths = sorted(Path(folder).glob("*.vault"))
    if not paths:
        missing = "has no vault files" if Path(folder).is_dir() else "does not exist"
        raise CorpuskitError(f"vault {folder} {missing}; --vault names the folder that holds them")
    for path in paths:
        yield from _opened(path, key)


def _opened(path: Path, key: bytes) -> list[Sealed]:
    from cryptography.exceptions import InvalidTag

    content = path.read_bytes()
    if not content.startswith(_MAGIC):
        raise CorpuskitError(f"{path} is not a vault file")
    nonce, rest = content[len(_MAGIC) : len(_MAGIC) + _NONCE], content[len(_MAGIC) + _NONCE :]
    if len(rest) <= _TAG:
        raise CorpuskitError(f"{path} is cut short: {len(content)} bytes are no whole vault file")
    try:
        plain = _cipher(key).decrypt(nonce, rest, _MAGIC + path.stem.encode())  # type: ignore[attr-defined]
    except InvalidTag as error:
        raise CorpuskitError(f"{path} does not open with this key, or it was cut short or changed") from error
    rows = [json.loads(line) for line in plain.decode().splitlines()]
    return [Sealed(row["id"], tuple(Original(**item) for item in row["originals"])) for row in rows]


def restored(
    run: str | Path, key: str | Path, vault: str | Path | None = None
) -> Iterator[tuple[dict[str, Any], str | None]]:
    """Each document of a run's corpus with its originals, and what stood in the way of it.

    A row has the id and every column with text, nested ones too. A document that cannot be restored stays as it is,
    with the reason: it was rewritten after it was scrubbed, or the vault has no originals of it. `vault` is the folder
    that the run's recipe named where not given. Raises UsageError where there is no run or no key, CorpuskitError where
    the vault is missing, empty or damaged, and for a wrong key.
    """
    settings = _settings(Path(run))
    folder = vault if vault is not None else settings.get("vault")
    if folder is None:
        raise UsageError(f"{run}: its recipe names no vault, so nothing was kept; --vault names another folder")
    sealed: dict[str, list[Sealed]] = {}
    for item in open_vault(folder, read_key(key)):
        sealed.setdefault(item.id, []).append(item)
    kept = "keep" in (settings.get("mode"), *(settings.get("actions") or {}).values())
    for path in tables(Path(run), "corpus"):
        with pq.ParquetFile(path) as file:
            names = _text_columns(file.schema_arrow)
            for batch in file.iter_batches(columns=["id", *names, _MEASURED]):
                rows = batch.select(["id", *names])
                for number, row in enumerate(rows.to_pylist()):
                    found = batch.column(_MEASURED)[number].as_py()
                    expected = bool(found and found["findings"]) and not kept
                    yield _restored(rows.slice(number, 1), row, sealed.get(row["id"], []), expected)


_MEASURED = "personal_data"


def _text_columns(schema: pa.Schema) -> list[str]:
    """The columns with text of a corpus, without those of stages, which are structs that hold measurements."""
    names = [*SCHEMA.names, *(n for n in schema.names if not pa.types.is_struct(schema.field(n).type))]
    strings = set(string_columns(schema, ("id", "provenance", _MEASURED)))
    return list(dict.fromkeys(name for name in [*names, *schema.names] if name in strings))


def _restored(
    batch: pa.RecordBatch, row: dict[str, Any], candidates: list[Sealed], expected: bool
) -> tuple[dict[str, Any], str | None]:
    """Equal records have one id and may have been scrubbed under different settings: the one that fits is taken."""
    if not candidates:
        return row, f"document {row['id']}: the vault has no originals of it" if expected else None
    problem = None
    for item in candidates:
        try:
            return _with_originals(batch, item), None
        except CorpuskitError as error:
            problem = str(error)
    return row, problem


def _with_originals(batch: pa.RecordBatch, sealed: Sealed) -> dict[str, Any]:
    paths = {original.column for original in sealed.originals}
    seen: Counter[str] = Counter()

    def original(texts: list[str | None], path: str, rows: list[int]) -> list[str | None]:
        after: list[str | None] = []
        for text in texts:
            after.append(restore(text, sealed, path, seen[path]) if text is not None and path in paths else text)
            seen[path] += 1
        return after

    columns = {name: map_strings(batch.column(name), original, name).to_pylist()[0] for name in batch.schema.names}
    unknown = paths - set(seen)
    if unknown:
        raise CorpuskitError(f"document {sealed.id}: the corpus has no column '{min(unknown)}' any more")
    return columns


def _settings(run: Path) -> dict[str, Any]:
    """The settings of the stage in a run's recipe; empty where it has none."""
    recipe = open_run(run).get("recipe")
    stages = recipe.get("stages", []) if isinstance(recipe, dict) else []
    for stage in stages:
        settings = stage.get(_MEASURED) if isinstance(stage, dict) else None
        if isinstance(settings, dict):
            return settings
    return {}


def restore(text: str, sealed: Sealed, column: str = "text", number: int = 0) -> str:
    """A document's text, or the string with a number under another path, as it was before.

    Raises CorpuskitError where it has changed since.
    """
    pieces: list[str] = []
    position = drift = 0
    for item in sealed.originals:
        if item.column != column or item.item != number:
            continue
        start = item.start + drift
        end = start + len(item.replacement)
        if text[start:end] != item.replacement or start < position:
            raise CorpuskitError(f"document {sealed.id}: its {column} has changed since it was scrubbed, near {start}")
        pieces += (text[position:start], item.original)
        position = end
        drift += len(item.replacement) - (item.end - item.start)
    return "".join([*pieces, text[position:]])
