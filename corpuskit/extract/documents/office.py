"""DOCX, PPTX and XLSX to text, in the order of the document."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from corpuskit.errors import require
from corpuskit.extract.documents.formats import members
from corpuskit.extract.result import Extracted

_MOST_ROWS = 200_000


def read_docx(data: bytes) -> Extracted:
    """Paragraphs and tables of a Word document; cells are separated by tabs."""
    members(data).close()
    document: Any = require("docx", "documents").Document(io.BytesIO(data))
    return _extracted("\n".join(_word(document, document)), document.core_properties, "docx")


def _word(parent: Any, document: Any) -> Iterator[str]:
    for part in parent.iter_inner_content():
        if hasattr(part, "rows"):
            for row in part.rows:
                cells: list[str] = []
                seen: list[Any] = []
                for cell in row.cells:
                    if cell._tc not in seen:  # a merged cell is listed once for each column
                        seen.append(cell._tc)
                        cells.append(" ".join(" ".join(_word(cell, document)).split()))
                yield "\t".join(cells)
        else:
            style = (part.style.name or "") if part.style is not None else ""
            text = part.text
            yield f"\n{text}" if style.startswith("Heading") and text else text


def read_pptx(data: bytes) -> Extracted:
    """The text of slides from top to bottom, their tables and notes."""
    members(data).close()
    slides: Any = require("pptx", "documents").Presentation(io.BytesIO(data))
    parts = []
    for slide in slides.slides:
        lines = list(_shapes(slide.shapes))
        if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
            lines.append(slide.notes_slide.notes_text_frame.text)
        parts.append("\n".join(line for line in lines if line.strip()))
    return _extracted("\n\n".join(part for part in parts if part), slides.core_properties, "pptx")


def _shapes(shapes: Any) -> Iterator[str]:
    for shape in sorted(shapes, key=lambda shape: (shape.top or 0, shape.left or 0)):
        if hasattr(shape, "shapes"):
            yield from _shapes(shape.shapes)
        elif getattr(shape, "has_table", False):
            for row in shape.table.rows:
                yield "\t".join(" ".join(cell.text.split()) for cell in row.cells)
        elif shape.has_text_frame:
            yield shape.text_frame.text.replace("\x0b", "\n")


def read_xlsx(data: bytes) -> Extracted:
    """The sheets of a workbook: its values, cells separated by tabs, rows by lines."""
    members(data).close()
    book: Any = require("openpyxl", "documents").load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    parts = []
    left = _MOST_ROWS
    for sheet in book.worksheets:
        rows = []
        for row in sheet.iter_rows(values_only=True, max_row=left or 1):
            cells = ["" if value is None else str(value) for value in row]
            if any(cells):
                rows.append("\t".join(cells).rstrip("\t"))
        left -= len(rows)
        if rows:
            parts.append("\n".join([sheet.title, *rows]))
    about = book.properties
    book.close()
    return _extracted("\n\n".join(parts), about, "xlsx")


def _extracted(text: str, about: Any, name: str) -> Extracted:
    from corpuskit.extract.page import composed

    author = getattr(about, "author", None) or getattr(about, "creator", None)
    made = about.created
    return Extracted(
        composed(text.strip()), about.title or None, author or None, made.date().isoformat() if made else None,
        None, None, name, name,
    )  # fmt: skip
