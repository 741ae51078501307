"""Rows of a file to triage, one after the other. In: JSONL, CSV, XLSX or Parquet. Out: a text with its id, or why not.

Nothing is kept of what was read: memory does not grow with the file.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from data.errors import InputFileError
from serving.input_columns import PREDICT_NAMES, TEXT
from serving.input_files import FORMAT_OF_ENDING, BadRow, Record, Table, open_table

PARQUET = ".parquet"


@dataclass(frozen=True, kw_only=True)
class Row:
    """A text to triage; `line` counts from 1 as a person sees it in the file, in Parquet rows."""

    line: int
    id: str
    text: str


@dataclass(frozen=True, kw_only=True)
class RowProblem:
    """A row that gets no answer, and why; its text is not repeated."""

    line: int
    code: str
    problem: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.problem}; skipped"


def read_rows(file: Path) -> Iterator[Row | RowProblem]:
    """Rows of a file by its ending. Raises InputFileError if the file as a whole cannot be read."""
    with _open(file) as table:
        for record in table.records:
            yield (
                RowProblem(line=record.line, code="row_invalid", problem=record.problem)
                if isinstance(record, BadRow)
                else _row(record)
            )


def internal_error(line: int, kind: str) -> RowProblem:
    """What is said where a text made xiaobao itself fail: the error's class, not its message."""
    problem = f"internal_error: unexpected {kind} on this text; expected an answer"
    return RowProblem(line=line, code="internal_error", problem=problem)


@contextmanager
def _open(file: Path) -> Iterator[Table]:
    ending = file.suffix.lower()
    file_format = FORMAT_OF_ENDING.get(ending)
    if file_format is None and ending != PARQUET:
        raise InputFileError(
            f"{file.name} ends in {file.suffix or 'nothing'}; expected .jsonl, .csv, .xlsx or .parquet"
        )
    with file.open("rb") as stream:
        if file_format is not None:
            yield open_table(stream, file_format, name=file.name, names=PREDICT_NAMES)
        else:
            from serving.input_parquet import open_parquet  # an extra

            yield open_parquet(stream, name=file.name, names=PREDICT_NAMES)


def _row(record: Record) -> Row | RowProblem:
    text = record.values.get(TEXT)
    if text is None:
        return RowProblem(line=record.line, code="text_missing", problem="no value for text")
    if not isinstance(text, str):
        found = type(text).__name__
        return RowProblem(line=record.line, code="text_type", problem=f"text is {found}, expected a string")
    return Row(line=record.line, id=_row_id(record.values.get("id"), record.line), text=text)


def _row_id(given: object, line: int) -> str:
    """The row's own id where it is a word or a number, else its line."""
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        return str(line)
    try:
        return str(given).encode().decode()
    except UnicodeEncodeError:  # half a character, as a cut JSON escape leaves it: no answer could be written with it
        return str(line)
