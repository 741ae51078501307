"""Rows of files that people have. In: JSONL, CSV or XLSX with a column `text` and perhaps `id`. Out: `Row`s.

Rows that cannot be read are described in `problems`, the rest goes on.
"""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.errors import InputFileError


@dataclass(frozen=True, kw_only=True)
class Row:
    """One input row; `line` counts from 1 as a person sees it in the file."""

    line: int
    id: str
    text: object


def read_rows(file: Path, problems: list[str]) -> Iterator[Row]:
    """Rows of a file by its ending. Raises InputFileError if the file as a whole cannot be read."""
    readers = {".jsonl": _read_jsonl, ".ndjson": _read_jsonl, ".csv": _read_csv, ".xlsx": _read_xlsx}
    reader = readers.get(file.suffix.lower())
    if reader is None:
        raise InputFileError(f"{file.name} ends in {file.suffix or 'nothing'}; expected .jsonl, .csv or .xlsx")
    try:
        yield from reader(file, problems)
    except csv.Error as error:
        raise InputFileError(f"{file.name} is damaged ({type(error).__name__}); save it again and retry") from error


def _read_jsonl(file: Path, problems: list[str]) -> Iterator[Row]:
    with file.open("rb") as stream:
        for number, raw in enumerate(stream, 1):
            if not raw.strip():
                continue
            try:
                content = json.loads(raw.decode("utf-8-sig"))
            except (ValueError, RecursionError) as error:
                problems.append(f"line {number}: not UTF-8 JSON ({type(error).__name__}); skipped")
                continue
            if not isinstance(content, dict) or "text" not in content:
                problems.append(f"line {number}: no field text; expected an object with text; skipped")
                continue
            yield Row(line=number, id=_row_id(content.get("id"), number), text=content["text"])


def _row_id(given: object, line: int) -> str:
    """The row's own id where it is a word or a number, else its line."""
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        return str(line)
    try:
        return str(given).encode().decode()
    except UnicodeEncodeError:  # half a character, as a cut JSON escape leaves it: no answer could be written with it
        return str(line)


def _read_csv(file: Path, problems: list[str]) -> Iterator[Row]:
    csv.field_size_limit(1 << 24)
    with file.open(encoding=_csv_encoding(file), newline="") as stream:
        reader = csv.reader(stream)
        header = next(reader, [])
        if "text" not in header:
            # Names are not repeated: without a header the first line is a complaint.
            raise InputFileError(
                f"{file.name} has no column named text among its {len(header)} columns; add a header line"
            )
        following = reader.line_num + 1
        for values in reader:
            number, following = following, reader.line_num + 1  # a quoted text may span lines: its first one counts
            if not values:  # a blank line
                continue
            record = dict(zip(header, values, strict=False))
            if "text" not in record:
                problems.append(f"line {number}: no value for text; skipped")
                continue
            yield Row(line=number, id=_row_id(record.get("id") or None, number), text=record["text"])


def _csv_encoding(file: Path) -> str:
    """UTF-8 with or without mark, else GB18030, in which Chinese spreadsheets save CSV. Raises InputFileError."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            with file.open(encoding=encoding) as stream:
                while stream.read(1 << 20):
                    pass
        except UnicodeDecodeError:
            continue
        return encoding
    raise InputFileError(f"{file.name} is neither UTF-8 nor GB18030; save it as UTF-8")


def _sheet_rows(file: Path) -> Iterator[tuple[Any, ...]]:
    """Rows of the first sheet. Raises InputFileError."""
    import openpyxl  # a third of the start of a command that reads no XLSX

    with file.open("rb") as stream:  # openpyxl leaves a damaged file open
        try:
            sheets = openpyxl.load_workbook(stream, read_only=True, data_only=True).worksheets
            if sheets:
                sheets[0].reset_dimensions()  # some writers state a wrong extent, which would hide rows
                yield from sheets[0].iter_rows(values_only=True)
        except Exception as error:  # openpyxl, zlib and XML raise many kinds, some at the last row
            raise InputFileError(
                f"{file.name} cannot be read as XLSX: {type(error).__name__}; save it again"
            ) from error
    if not sheets:
        raise InputFileError(f"{file.name} has no sheet of cells; expected one with a column text")


def _read_xlsx(file: Path, problems: list[str]) -> Iterator[Row]:
    rows = _sheet_rows(file)
    header: list[Any] = list(next(rows, ()))
    if "text" not in header:
        raise InputFileError(f"the first sheet of {file.name} has no column text in its first row")
    text_column, id_column = header.index("text"), header.index("id") if "id" in header else None
    for number, values in enumerate(rows, 2):
        text = values[text_column] if text_column < len(values) else None
        if text is None:
            if any(value is not None for value in values):
                problems.append(f"line {number}: no value for text; skipped")
            continue
        given = values[id_column] if id_column is not None and id_column < len(values) else None
        yield Row(line=number, id=_row_id(given, number), text=text)
