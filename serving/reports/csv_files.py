"""The tables of a report as CSV. In: a document. Out: a ZIP with one file a table, as spreadsheets open them."""

import csv
import io
import zipfile
from pathlib import PurePath

from serving.reports.document import Document, Table, Value
from serving.reports.figures import Mark

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_archive(document: Document) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for table in document.tables:
            archive.writestr(str(PurePath(f"{table.name}.csv")), csv_file(table))
    return packed.getvalue()


def csv_file(table: Table) -> bytes:
    """With a byte order mark, without which spreadsheets misread Chinese. Shares are fractions of 1."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([column.title for column in table.columns])
    writer.writerows([plain(value) for value in row.values] for row in table.rows)
    return text.getvalue().encode("utf-8-sig")


def plain(value: Value) -> str | int | float:
    """A value for a spreadsheet: none of a person's words becomes a formula."""
    if isinstance(value, Mark):
        return value.value
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return round(value, 6) if isinstance(value, float) else value
