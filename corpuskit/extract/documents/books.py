"""ePub to text: the chapters in the order of the spine, through the parser and serializer of pages."""

from __future__ import annotations

import posixpath
from urllib.parse import unquote

from corpuskit.errors import require
from corpuskit.extract.blocks import blocks
from corpuskit.extract.documents.formats import members
from corpuskit.extract.errors import Unreadable
from corpuskit.extract.evidence.charset import decode
from corpuskit.extract.evidence.dates import parse_date
from corpuskit.extract.parse import parse
from corpuskit.extract.result import Extracted

_OPF = "{http://www.idpf.org/2007/opf}"
_DC = "{http://purl.org/dc/elements/1.1/}"
_CONTAINER = "{urn:oasis:names:tc:opendocument:xmlns:container}"


def read_epub(data: bytes) -> Extracted:
    """All chapters of a book, with what its package says of it. Navigation documents are left out.

    Raises Unreadable for a book whose chapters are encrypted or missing.
    """
    from corpuskit.extract.page import composed

    etree = require("defusedxml.ElementTree", "documents")
    archive = members(data)
    container = etree.fromstring(archive.read("META-INF/container.xml"))
    package_path = container.find(f".//{_CONTAINER}rootfile").attrib["full-path"]
    package = etree.fromstring(archive.read(package_path))
    if (
        "META-INF/encryption.xml" in archive.namelist()
        and b"font" not in archive.read("META-INF/encryption.xml").lower()
    ):
        raise Unreadable("the book is encrypted")
    items = {item.attrib["id"]: item.attrib for item in package.iter(f"{_OPF}item")}
    parts = []
    for reference in package.iter(f"{_OPF}itemref"):
        item = items.get(reference.attrib.get("idref", ""))
        if item is None or "nav" in item.get("properties", "").split():
            continue
        path = posixpath.normpath(posixpath.join(posixpath.dirname(package_path), unquote(item["href"])))
        if path in archive.namelist():
            text, _ = decode(archive.read(path), "application/xhtml+xml")
            parts.append(blocks(parse(text.encode("utf-8", "replace"), is_xml=True)).text())
    text = composed("\n\n".join(part for part in parts if part))
    if not text:
        raise Unreadable("the book holds no text")

    def told(name: str) -> str | None:
        found = package.find(f".//{_DC}{name}")
        return " ".join(found.text.split()) if found is not None and found.text else None

    language = (told("language") or "")[:2].lower() or None
    return Extracted(
        text, told("title"), told("creator"), parse_date(told("date")), language, told("rights"), "epub", "epub"
    )
