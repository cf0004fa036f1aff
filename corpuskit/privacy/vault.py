"""Originals of scrubbed texts, encrypted, so that an authorised person can undo what scrubbing did.

A vault is a folder with one file a batch: AES-256-GCM (NIST SP 800-38D) over JSON lines, one a document. A file's name
is the digest of its documents' ids, so a run that is repeated or resumed writes the same files again. The key is a
file of its own; who has the vault without it has nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from corpuskit.errors import CorpuskitError, UsageError, require

_NONCE = 12
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
    """The 32 bytes of a key file. Raises UsageError where it is missing or is none."""
    try:
        key = bytes.fromhex(Path(path).read_text(encoding="ascii").strip())
    except FileNotFoundError as error:
        raise UsageError(
            f"key file {path} does not exist: `corpuskit privacy vault new-key {path}` makes one"
        ) from error
    except (ValueError, OSError) as error:
        raise UsageError(f"key file {path} cannot be read as a key: {type(error).__name__}") from error
    if len(key) != 32:
        raise UsageError(f"key file {path} holds {len(key)} bytes; a key has 32, as 64 hexadecimal digits")
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
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_suffix(f".{os.getpid()}.tmp")
    temporary.write_bytes(sealed)
    temporary.replace(target)
    return target


def open_vault(folder: str | Path, key: bytes) -> Iterator[Sealed]:
    """Every document of a vault. Raises CorpuskitError for a wrong key or a file that was changed."""
    for path in sorted(Path(folder).glob("*.vault")):
        content = path.read_bytes()
        if not content.startswith(_MAGIC):
            raise CorpuskitError(f"{path} is no vault file")
        nonce, rest = content[len(_MAGIC) : len(_MAGIC) + _NONCE], content[len(_MAGIC) + _NONCE :]
        from cryptography.exceptions import InvalidTag

        try:
            plain = _cipher(key).decrypt(nonce, rest, _MAGIC + path.stem.encode())  # type: ignore[attr-defined]
        except InvalidTag as error:
            raise CorpuskitError(f"{path} does not open with this key, or it was changed") from error
        for line in plain.decode().splitlines():
            row = json.loads(line)
            yield Sealed(row["id"], tuple(Original(**item) for item in row["originals"]))


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
