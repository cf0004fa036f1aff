"""Documents that are no HTML: each is written here with its own library or by hand, and read through `extract`."""

from __future__ import annotations

import io
import zipfile
from email.message import EmailMessage
from pathlib import Path

import pytest
from small_pdf import small_pdf

from corpuskit.extract import Sandbox, Unreadable, extract

LEFT = [
    "The harbour council met on Tues-",
    "day evening to decide whether the",
    "old ferry should be repaired at",
    "once. Most people wanted that.",
]
RIGHT = [
    "A new ferry would cost more than",
    "the island earns in a year, the",
    "treasurer said, and nobody could",
    "say who would pay for the rest.",
]


def test_a_pdf_is_read_column_by_column_and_cut_words_are_mended() -> None:
    lines = [(50, 780, "The ferry question")]
    for number, (left, right) in enumerate(zip(LEFT, RIGHT, strict=True)):
        lines += [(50, 740 - 14 * number, left), (320, 740 - 14 * number, right)]
    found = extract(small_pdf([lines]))
    assert "met on Tuesday evening to decide whether the old ferry should be repaired at once." in found.text
    assert found.text.index("who would pay") > found.text.index("Most people wanted that.")
    assert found.title == "A title"
    assert found.published == "2024-03-02"
    assert found.method == "pdf"


def test_running_heads_and_page_numbers_are_left_out() -> None:
    pages = [
        [(50, 800, "Island Gazette"), (50, 700, f"Body of page {word} is here."), (280, 30, str(number))]
        for number, word in enumerate(("one", "two", "three", "four"), 1)
    ]
    text = extract(small_pdf(pages)).text
    assert "Island Gazette" not in text
    assert [word in text for word in ("one", "two", "three", "four")] == [True] * 4


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"%PDF-1.7 \x00\x01\x02", "PDF cannot be opened"),
        (small_pdf([[]]), "PDF without text"),
        (b"PK\x03\x04 cut off", "damaged packed document"),
    ],
)
def test_a_damaged_document_says_so(data: bytes, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        extract(data)


def test_a_word_document_keeps_the_order_of_paragraphs_and_tables() -> None:
    docx = pytest.importorskip("docx")
    document = docx.Document()
    document.core_properties.title = "제목"
    document.core_properties.author = "김가상"
    document.add_heading("첫째 장", 1)
    document.add_paragraph("배가 아홉 시에 떠난다.")
    table = document.add_table(rows=2, cols=2)
    for row, names in zip(table.rows, (("이름", "값"), ("여객선", "3척")), strict=True):
        for cell, name in zip(row.cells, names, strict=True):
            cell.text = name
    document.add_paragraph("끝.")
    stream = io.BytesIO()
    document.save(stream)
    found = extract(stream.getvalue())
    assert found.text == "첫째 장\n배가 아홉 시에 떠난다.\n이름\t값\n여객선\t3척\n끝."
    assert (found.title, found.author, found.method) == ("제목", "김가상", "docx")


def test_slides_are_read_from_top_to_bottom_with_their_notes() -> None:
    pptx = pytest.importorskip("pptx")
    show = pptx.Presentation()
    slide = show.slides.add_slide(show.slide_layouts[5])
    for top, text in ((4_000_000, "아래"), (2_000_000, "위")):
        slide.shapes.add_textbox(0, top, 900_000, 900_000).text_frame.text = text
    slide.shapes.title.text = "표제"
    slide.notes_slide.notes_text_frame.text = "말할 것"
    stream = io.BytesIO()
    show.save(stream)
    assert extract(stream.getvalue()).text == "표제\n위\n아래\n말할 것"


def test_a_workbook_gives_its_rows() -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.title = "배편"
    for row in (["항구", "시각"], [None, None], ["가온", 9]):
        book.active.append(row)
    stream = io.BytesIO()
    book.save(stream)
    assert extract(stream.getvalue()).text == "배편\n항구\t시각\n가온\t9"


def packed(members: dict[str, str]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return stream.getvalue()


def test_a_book_is_read_in_the_order_of_its_spine() -> None:
    package = """<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" version="3.0"><metadata
      xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>섬</dc:title><dc:creator>Ada Quill</dc:creator>
      <dc:language>ko-KR</dc:language><dc:date>2023-05-06</dc:date></metadata><manifest>
      <item id="b" href="two.xhtml"/><item id="a" href="one.xhtml"/><item id="n" href="nav.xhtml" properties="nav"/>
      </manifest><spine><itemref idref="n"/><itemref idref="a"/><itemref idref="b"/></spine></package>"""
    chapter = "<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'><head><title/></head><body><p>%s</p></body></html>"
    found = extract(
        packed(
            {
                "mimetype": "application/epub+zip",
                "META-INF/container.xml": '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
                '<rootfile full-path="OEBPS/book.opf"/></rootfiles></container>',
                "OEBPS/book.opf": package,
                "OEBPS/two.xhtml": chapter % "둘째 장",
                "OEBPS/one.xhtml": chapter % "첫째 <b>장</b>",
                "OEBPS/nav.xhtml": chapter % "차례",
            }
        )
    )
    assert found.text == "첫째 장\n\n둘째 장"
    assert (found.title, found.author, found.published, found.language_hint) == ("섬", "Ada Quill", "2023-05-06", "ko")


def test_a_hangul_document_gives_its_paragraphs() -> None:
    pytest.importorskip("hwp_hwpx_parser")
    section = (
        '<?xml version="1.0"?><hs:sec xmlns:hs="http://www.hancom.co.kr/hwpml/2011/section" '
        'xmlns:hp="http://www.hancom.co.kr/hwpml/2011/paragraph"><hp:p><hp:run><hp:t>배가 아홉 시에 떠난다.</hp:t></hp:run></hp:p>'
        "<hp:p><hp:run><hp:t>둘째 문단</hp:t></hp:run></hp:p></hs:sec>"
    )
    found = extract(packed({"mimetype": "application/hwp+zip", "Contents/section0.xml": section}))
    assert found.text.split("\n") == ["배가 아홉 시에 떠난다.", "둘째 문단"]
    assert found.method == "hwpx"


def message(text: str, subject: str = "여객선") -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "Ada Quill <ada@mail.example>"
    mail["Subject"] = subject
    mail["Date"] = "Mon, 02 Mar 2026 15:00:00 +0900"
    mail.set_content(text)
    mail.add_attachment(b"\0\1", maintype="application", subtype="octet-stream", filename="x.bin")
    return mail


def test_a_message_gives_its_body_and_who_wrote_it_when() -> None:
    found = extract(bytes(message("배가 떠난다.")), media_type="message/rfc822")
    assert found.text == "배가 떠난다."
    assert (found.title, found.author, found.published) == ("여객선", "Ada Quill", "2026-03-02T15:00:00+09:00")


def test_a_mailbox_gives_its_messages_in_order() -> None:
    box = b"".join(
        b"From ada@mail.example Mon Mar  2 15:00:00 2026\n" + bytes(message(text, subject)) + b"\n"
        for text, subject in (("하나", "첫째"), ("둘", "둘째"))
    )
    found = extract(box)
    assert found.text == "첫째\n\n하나\n\n둘째\n\n둘"
    assert found.posts == 2


def test_markdown_is_read_as_it_would_be_shown() -> None:
    text = "---\ntitle: 머리말\nauthor: Ada Quill\ndate: 2023-05-06\n---\n# 제목\n\n가나 **다**라\n\n- 하나\n- 둘\n\n```\nif x:\n    y\n```\n"
    found = extract(text.encode(), media_type="text/markdown")
    assert found.text == "제목\n\n가나 다라\n\n하나\n둘\n\nif x:\n    y"
    assert (found.title, found.author, found.published) == ("머리말", "Ada Quill", "2023-05-06")


def test_a_document_that_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("corpuskit.extract.documents.formats.MOST_UNPACKED", 1000)
    with pytest.raises(Unreadable, match="unpacks to"):
        extract(packed({"word/document.xml": "x" * 2000}))


def test_documents_are_read_in_the_sandbox(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        assert sandbox.extract(small_pdf([[(50, 700, "Hello there")]])).text == "Hello there"
        with pytest.raises(Unreadable):
            sandbox.extract(b"%PDF-1.7 nothing")
