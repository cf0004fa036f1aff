"""What becomes of the files of a run's steps once its corpus is published: deleted, encrypted, or kept.

Their receipts stay and say that the files were released, so that a finished run is known as finished. What changes
later is computed from the first step whose files are gone.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

from corpuskit.engine.files import read_json, replacing, write_json
from corpuskit.engine.owned import remove
from corpuskit.errors import CorpuskitError, require

Intermediate = Literal["delete", "encrypt", "keep"]

SEALED = ".sealed"
_MAGIC = b"corpuskit sealed 1\n"
_BLOCK = 8 << 20
_NONCE, _TAG = 12, 16


def release(steps: Iterable[Path], key: bytes | None = None) -> None:
    """Delete the files that the receipts of steps name, or encrypt them where there is a key. The receipts stay."""
    for folder in steps:
        for path, receipt in _receipts(folder):
            if not receipt.get("released"):
                write_json(path, {**receipt, "released": True})  # first: whoever reads it now expects nothing
            names = [name for name in receipt["outputs"] if (folder / name).exists()]
            if key is not None:
                for name in names:
                    _seal(folder / name, key)
            remove(folder, names)


def restore(steps: Iterable[Path], key: bytes) -> None:
    """Decrypt the files of steps again. Raises CorpuskitError for another key."""
    for folder in steps:
        for path, receipt in _receipts(folder):
            sealed = [name for name in receipt["outputs"] if (folder / f"{name}{SEALED}").exists()]
            for name in sealed:
                _open(folder / f"{name}{SEALED}", folder / name, key)
            if sealed:
                write_json(path, {**receipt, "released": False})
                remove(folder, [f"{name}{SEALED}" for name in sealed])


def released(path: Path, key: str) -> bool:
    """Whether a task of this key was done, and its files were deleted."""
    receipt = read_json(path)
    return isinstance(receipt, dict) and receipt.get("key") == key and bool(receipt.get("released"))


def _receipts(folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    for path in sorted(folder.glob("*.json")):
        value = read_json(path)
        if isinstance(value, dict) and isinstance(value.get("outputs"), dict):
            yield path, value


def _cipher(key: bytes) -> Any:
    import hashlib

    aead = require("cryptography.hazmat.primitives.ciphers.aead", "privacy")
    return aead.AESGCM(hashlib.blake2b(b"intermediate", key=key, digest_size=32).digest())


def _seal(path: Path, key: bytes) -> None:
    """Encrypt a file beside itself with AES-256-GCM, block by block: no block can be moved, left out or cut off."""
    cipher, left = _cipher(key), path.stat().st_size
    with replacing(path.with_name(path.name + SEALED)) as target, path.open("rb") as plain, target.open("wb") as out:
        out.write(_MAGIC)
        number = 0
        while number == 0 or left > 0:
            block = plain.read(_BLOCK)
            left -= len(block)
            nonce = os.urandom(_NONCE)
            sealed = cipher.encrypt(nonce, block, _place(path.name, number, left <= 0))
            out.write(len(sealed).to_bytes(4, "little") + nonce + sealed)
            number += 1


def _open(sealed: Path, path: Path, key: bytes) -> None:
    from cryptography.exceptions import InvalidTag

    cipher, left = _cipher(key), sealed.stat().st_size - len(_MAGIC)
    with replacing(path) as target, sealed.open("rb") as source, target.open("wb") as out:
        source.read(len(_MAGIC))
        number = 0
        while number == 0 or left > 0:
            size = int.from_bytes(source.read(4), "little")
            nonce, block = source.read(_NONCE), source.read(size)
            left -= 4 + _NONCE + size
            try:
                out.write(cipher.decrypt(nonce, block, _place(path.name, number, left <= 0)))
            except (InvalidTag, ValueError) as error:
                raise CorpuskitError(f"{sealed} does not open with this key, or it was changed") from error
            number += 1


def _place(name: str, number: int, last: bool) -> bytes:
    return _MAGIC + f"{name}:{number}:{last}".encode()
