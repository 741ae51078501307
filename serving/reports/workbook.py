"""A report as a workbook. In: a document. Out: XLSX, a sheet with the words and one for each table.

Counts are numbers, shares are numbers shown as percents, so that a spreadsheet can go on computing with them.
"""

import io

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from serving.reports.csv_files import plain
from serving.reports.document import Document, Row, Table

FORMATS = {"count": "#,##0", "share": "0.0%", "change": "+0.0%;-0.0%;0.0%", "text": "@"}
HEAD = PatternFill("solid", fgColor="E3EAEB")
LONGEST_NAME = 31
WIDEST = 48


def report_workbook(document: Document) -> bytes:
    book = Workbook()
    words = book.active
    assert isinstance(words, Worksheet)
    _write_words(words, document)
    for table in document.tables:
        _write_table(book.create_sheet(_sheet_name(table.title)), table)
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def _sheet_name(title: str) -> str:
    """Excel takes 31 characters and none of []:*?/\\."""
    return "".join("、" if letter in "[]:*?/\\" else letter for letter in title)[:LONGEST_NAME]


def _write_words(sheet: Worksheet, document: Document) -> None:
    sheet.title = "通报"
    sheet.column_dimensions["A"].width = 100
    sheet.append([document.title])
    sheet.append([document.subtitle])
    sheet.append([document.mark])
    sheet["A1"].font = Font(bold=True, size=16)
    for section in document.sections:
        sheet.append([])
        sheet.append([section.title])
        sheet.cell(sheet.max_row, 1).font = Font(bold=True, size=12)
        for paragraph in section.paragraphs:
            sheet.append([plain(paragraph)])
            sheet.cell(sheet.max_row, 1).alignment = Alignment(wrap_text=True, vertical="top")


def _write_table(sheet: Worksheet, table: Table) -> None:
    sheet.append([column.title for column in table.columns])
    for cell in sheet[1]:
        cell.font, cell.fill = Font(bold=True), HEAD
    for row in table.rows:
        _write_row(sheet, table, row)
    sheet.freeze_panes = "B2"
    for number, column in enumerate(table.columns, 1):
        longest = max([_width(column.title), *(_width(str(plain(row.values[number - 1]))) for row in table.rows)])
        fits = longest + 2 if column.kind == "text" else max(10, _width(column.title) + 2)
        sheet.column_dimensions[get_column_letter(number)].width = min(fits, WIDEST)


def _write_row(sheet: Worksheet, table: Table, row: Row) -> None:
    sheet.append([plain(value) for value in row.values])
    for number, column in enumerate(table.columns, 1):
        cell = sheet.cell(sheet.max_row, number)
        if isinstance(cell.value, int | float):
            cell.number_format = FORMATS[column.kind]
        if column.kind != "text":
            cell.alignment = Alignment(horizontal="right")
        cell.font = Font(bold=row.is_total)
    if row.depth:
        sheet.cell(sheet.max_row, 1).alignment = Alignment(indent=row.depth * 2)


def _width(text: str) -> int:
    """A Chinese character takes two columns."""
    return sum(2 if ord(letter) > 0x2E7F else 1 for letter in text)
