"""The formats by name, and which one a file is of."""

from __future__ import annotations

from pathlib import Path

from corpuskit.errors import UsageError, nearest
from corpuskit.exchange.datatrove import DATATROVE
from corpuskit.exchange.foreign import Format
from corpuskit.exchange.megatron import MEGATRON
from corpuskit.exchange.nanogpt import NANOGPT

FORMATS = {form.name: form for form in (NANOGPT, MEGATRON, DATATROVE)}


def format_named(name: str) -> Format:
    """Raises UsageError where there is no such format."""
    if name not in FORMATS:
        raise UsageError(f"no format '{name}'{nearest(name, FORMATS)}")
    return FORMATS[name]


def format_of(path: Path) -> Format:
    """What a file's name says: `.ds` is datatrove's, `.bin` Megatron's with an `.idx` beside it, else nanoGPT's.

    Raises UsageError for another name.
    """
    if path.suffix == ".ds":
        return DATATROVE
    if path.suffix != ".bin":
        raise UsageError(f"{path} is no token file: '.bin' (nanoGPT, or Megatron with an .idx) and '.ds' are known")
    return MEGATRON if path.with_suffix(".idx").is_file() else NANOGPT
