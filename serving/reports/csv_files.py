"""The tables of a report as CSV. In: a document. Out: a ZIP with one file a table, as spreadsheets open them."""

import io
import zipfile
from pathlib import PurePath

from serving.reports.document import Document, Table, Value
from serving.reports.figures import Mark
from serving.spreadsheets import csv_bytes, harmless


def csv_archive(document: Document) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for table in document.tables:
            archive.writestr(str(PurePath(f"{table.name}.csv")), csv_file(table))
    return packed.getvalue()


def csv_file(table: Table) -> bytes:
    """Shares are fractions of 1."""
    rows = ([plain(value) for value in row.values] for row in table.rows)
    return csv_bytes([[column.title for column in table.columns], *rows])


def plain(value: Value) -> object:
    """A value for a spreadsheet: none of a person's words becomes a formula."""
    if isinstance(value, Mark):
        return value.value
    return round(value, 6) if isinstance(value, float) else harmless(value)
