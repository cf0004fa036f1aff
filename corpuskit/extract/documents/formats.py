"""Which format a document is in, by its bytes first and then by what is said of it, and who reads it."""

from __future__ import annotations

import importlib
import io
import zipfile
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from corpuskit.errors import MissingExtra
from corpuskit.extract.errors import Unreadable
from corpuskit.extract.result import Extracted

READERS: Final[dict[str, str]] = {
    "pdf": "corpuskit.extract.documents.pdf:read",
    "docx": "corpuskit.extract.documents.office:read_docx",
    "pptx": "corpuskit.extract.documents.office:read_pptx",
    "xlsx": "corpuskit.extract.documents.office:read_xlsx",
    "epub": "corpuskit.extract.documents.books:read_epub",
    "hwp": "corpuskit.extract.documents.hangul:read_hwp",
    "hwpx": "corpuskit.extract.documents.hangul:read_hwpx",
    "eml": "corpuskit.extract.documents.mail:read_eml",
    "mbox": "corpuskit.extract.documents.mail:read_mbox",
    "markdown": "corpuskit.extract.documents.marked:read",
}
"""The function that reads each format: `read(data) -> Extracted`."""
MEDIA_TYPES: Final[dict[str, str]] = {
    "application/pdf": "pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/epub+zip": "epub",
    "application/x-hwp": "hwp",
    "application/haansofthwp": "hwp",
    "application/vnd.hancom.hwp": "hwp",
    "application/vnd.hancom.hwpx": "hwpx",
    "application/hwp+zip": "hwpx",
    "message/rfc822": "eml",
    "application/mbox": "mbox",
    "text/markdown": "markdown",
    "text/x-markdown": "markdown",
}
MOST_UNPACKED: Final = 256 << 20
"""Bytes that the members of a packed document may have in all."""
_SUFFIXES = {"md": "markdown", "markdown": "markdown", "eml": "eml", "mbox": "mbox"}
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HWP = "HwpSummaryInformation".encode("utf-16-le")


def document_format(data: bytes, media_type: str | None = None, url: str | None = None) -> str | None:
    """The format of a document, a key of READERS; None for HTML, plain text and what is not known.

    Raises Unreadable for a packed file that is cut off or holds no document.
    """
    if data[:1024].lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"%PDF-"):
        return "pdf"
    if data.startswith(b"PK\x03\x04"):
        return _packed(data)
    if data.startswith(_OLE) and _HWP in data:
        return "hwp"
    if data.startswith(b"From ") and b"\n\n" in data.replace(b"\r\n", b"\n")[:65536] and b"\nFrom:" in data[:65536]:
        return "mbox"
    told = MEDIA_TYPES.get((media_type or "").split(";")[0].strip().lower())
    if told in ("eml", "mbox", "markdown"):
        return told
    if media_type is None:
        suffix = urlsplit(url or "").path.rsplit(".", 1)[-1].lower()
        if suffix in _SUFFIXES:
            return _SUFFIXES[suffix]
    return None


def read_document(data: bytes, name: str, url: str | None = None) -> Extracted:
    """The text of a document in a format of READERS.

    Raises Unreadable for one that is damaged, encrypted or empty of text, and MissingExtra where its library is not
    installed.
    """
    module, function = READERS[name].split(":")
    read: Callable[[bytes], Extracted] = getattr(importlib.import_module(module), function)
    try:
        return read(data)
    except (Unreadable, MissingExtra, MemoryError):
        raise
    except Exception as error:  # the libraries raise errors of every kind on damaged files
        raise Unreadable(f"damaged {name} document: {type(error).__name__}: {error}") from error


def members(data: bytes) -> zipfile.ZipFile:
    """A packed document, whose members are not larger than allowed.

    Raises Unreadable for one that is cut off or unpacks to too much.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        raise Unreadable(f"damaged packed document: {error}") from None
    size = sum(member.file_size for member in archive.infolist())
    if size > MOST_UNPACKED:
        raise Unreadable(f"the packed document unpacks to {size} bytes, more than {MOST_UNPACKED}")
    return archive


def _packed(data: bytes) -> str:
    archive = members(data)
    names = set(archive.namelist())
    if "mimetype" in names:
        kind = archive.read("mimetype").strip().decode("latin-1")
        if kind in MEDIA_TYPES:
            return MEDIA_TYPES[kind]
    for member, name in (("word/document.xml", "docx"), ("ppt/presentation.xml", "pptx"), ("xl/workbook.xml", "xlsx")):
        if member in names:
            return name
    if "META-INF/container.xml" in names and any(name.endswith(".opf") for name in names):
        return "epub"
    if "Contents/section0.xml" in names or "Contents/content.hpf" in names:
        return "hwpx"
    raise Unreadable("binary data: a packed file that is no document")
