"""Look a file through before it is queued. In: an upload. Out: how many rows it holds, or its first rows; or a refusal.

The whole file is read once, so that one that is damaged at its end or too long is refused before anything is stored.
"""

import io
from itertools import islice

from pydantic import AwareDatetime, BaseModel

from data.errors import InputFileError, TextError
from data.preparation import prepare_text
from data.store.free_text import storable
from data.taxonomy import default_taxonomy
from models.predictor import check_text
from serving.api.requests import TriageRequest
from serving.errors import ErrorContent, error_content
from serving.imports.cells import RowError, read_external_id, read_request
from serving.imports.upload import Upload
from serving.input_columns import IMPORT_NAMES
from serving.input_files import BadRow, FileFormat, FileLimits, Record, Table, open_table
from serving.settings import Settings

PREVIEW_ROWS = 20


class PreviewRow(BaseModel):
    """One row as it would be taken, or why not. `text` is redacted."""

    row: int
    external_id: str | None = None
    received_at: AwareDatetime | None = None
    due_at: AwareDatetime | None = None
    source: str | None = None
    text: str | None = None
    error: ErrorContent | None = None


class Preview(BaseModel):
    """What would be read of a file. `columns`: the field of each column that is understood, by its name in the file."""

    file_name: str
    format: FileFormat
    encoding: str | None
    delimiter: str | None
    columns: dict[str, str]
    unknown_columns: list[str]
    rows: list[PreviewRow]


def open_import(content: bytes, file_format: FileFormat, *, name: str, settings: Settings) -> Table:
    """The records of an uploaded file, within the limits of the settings. Raises InputFileError."""
    limits = FileLimits(columns=settings.import_max_columns, unpacked_bytes=settings.import_max_unpacked_bytes)
    return open_table(io.BytesIO(content), file_format, name=name, names=IMPORT_NAMES, limits=limits)


def count_rows(upload: Upload, settings: Settings) -> int:
    """How many rows an upload holds, bad ones included. Raises InputFileError if it cannot be imported."""
    table = open_import(upload.content, upload.format, name=upload.name, settings=settings)
    count = sum(1 for _ in islice(table.records, settings.import_max_rows + 1))
    if count > settings.import_max_rows:
        raise InputFileError(
            f"{upload.name} has more than {settings.import_max_rows} rows; split it into several files",
            f"{upload.name} 超过 {settings.import_max_rows} 行，请拆分为多个文件",
            code="file_too_many_rows",
        )
    if count == 0:
        raise InputFileError(
            f"{upload.name} holds no rows; expected complaints below the line of names",
            f"{upload.name} 没有数据行，表头下方应为投诉",
            code="file_empty",
        )
    return count


def preview(upload: Upload, settings: Settings) -> Preview:
    """The first rows of an upload. Raises InputFileError."""
    table = open_import(upload.content, upload.format, name=upload.name, settings=settings)
    rows = [_preview_row(record, settings) for record in islice(table.records, PREVIEW_ROWS)]
    return Preview(
        file_name=upload.name,
        format=upload.format,
        encoding=table.encoding,
        delimiter=table.delimiter,
        columns=table.columns.recognised,
        unknown_columns=table.columns.unknown,
        rows=rows,
    )


def read_record(record: Record | BadRow, settings: Settings) -> TriageRequest:
    """The request of a row. Raises RowError, TextError."""
    if isinstance(record, BadRow):
        raise RowError("row_unreadable", record.problem, record.problem_zh)
    return read_request(record.values, most_characters=settings.import_max_cell_characters)


def external_id_of(record: Record | BadRow) -> str | None:
    """The row's own number where it can be read."""
    return read_external_id(record.values) if isinstance(record, Record) else None


def _preview_row(record: Record | BadRow, settings: Settings) -> PreviewRow:
    external_id = external_id_of(record)
    try:
        request = read_record(record, settings)
        check_text(request.text)
    except (RowError, TextError) as error:
        return PreviewRow(row=record.line, external_id=external_id, error=error_content(error))
    return PreviewRow(
        row=record.line,
        external_id=external_id,
        received_at=request.received_at,
        due_at=request.due_at,
        source=request.source,
        text=storable(prepare_text(request.text, default_taxonomy()).redacted_text),
    )
