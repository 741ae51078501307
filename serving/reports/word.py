"""A report as a Word file. In: a document. Out: DOCX with real headings and tables, its heads repeated on each page."""

import io

from docx import Document as new_document
from docx.document import Document as WordDocument
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt
from docx.table import _Cell, _Row

from serving.reports.document import Document, Table, shown

LATIN, CHINESE = "Arial", "Microsoft YaHei"


def report_word(document: Document) -> bytes:
    word = new_document()
    _set_page(word, document)
    for text, style in ((document.title, "Title"), (document.subtitle, "Subtitle")):
        word.add_paragraph(text, style=style).alignment = WD_ALIGN_PARAGRAPH.CENTER
    for section in document.sections:
        word.add_heading(section.title, level=1)
        for paragraph in section.paragraphs:
            word.add_paragraph(paragraph)
        for table in section.tables:
            _add_table(word, table)
    written = io.BytesIO()
    word.save(written)
    return written.getvalue()


def _set_page(word: WordDocument, document: Document) -> None:
    page = word.sections[0]
    page.page_width, page.page_height = Mm(210), Mm(297)
    page.left_margin = page.right_margin = Mm(18)
    page.header.paragraphs[0].text = document.mark
    word.core_properties.title = f"{document.title} {document.subtitle}"
    for name in ("Normal", "Title", "Subtitle", "Heading 1", "Heading 2"):
        style = word.styles[name]
        style.font.name = LATIN
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for theme in ("w:asciiTheme", "w:hAnsiTheme", "w:eastAsiaTheme", "w:cstheme"):
            fonts.attrib.pop(qn(theme), None)
        fonts.set(qn("w:eastAsia"), CHINESE)
    word.styles["Normal"].font.size = Pt(10.5)


def _add_table(word: WordDocument, table: Table) -> None:
    word.add_heading(table.title, level=2)
    grid = word.add_table(rows=1, cols=len(table.columns), style="Light Grid Accent 1")
    for cell, column in zip(grid.rows[0].cells, table.columns, strict=True):
        _fill(cell, column.title, is_number=column.kind != "text", is_bold=True)
    _repeat(grid.rows[0])
    for row in table.rows:
        cells = grid.add_row().cells
        for place, (cell, value, column) in enumerate(zip(cells, row.values, table.columns, strict=True)):
            indent = "　" * row.depth if place == 0 else ""
            text = f"{indent}{shown(value, column.kind)}"
            _fill(cell, text, is_number=column.kind != "text", is_bold=row.is_total)


def _fill(cell: _Cell, text: str, *, is_number: bool, is_bold: bool) -> None:
    paragraph = cell.paragraphs[0]
    run = paragraph.add_run(text)
    run.bold, run.font.size = is_bold, Pt(9)
    paragraph.paragraph_format.space_after = Pt(0)
    if is_number:
        paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT


def _repeat(row: _Row) -> None:
    """The row stands on top of each page that the table goes over."""
    mark = OxmlElement("w:tblHeader")
    mark.set(qn("w:val"), "true")
    row._tr.get_or_add_trPr().append(mark)
