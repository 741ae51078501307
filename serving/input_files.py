"""Rows of files that people have. In: JSONL, CSV or XLSX with a column for the text. Out: records by field.

The first line names the columns (serving.input_columns), and may stand below a title. CSV may be UTF-8 with or without
mark, UTF-16 with it or GB18030, its cells separated by comma, semicolon or tab. Rows that cannot be read are told as
`BadRow`, the rest goes on.
"""

import codecs
import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, BinaryIO, Literal

from data.errors import InputFileError
from serving.input_columns import TEXT, Columns, Names, recognise
from serving.input_workbook import check_unpacked_size, sheet_rows

FileFormat = Literal["jsonl", "csv", "xlsx"]
FORMAT_OF_ENDING: Mapping[str, FileFormat] = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".xlsx": "xlsx"}
DELIMITERS = (",", ";", "\t")
# Titles and empty lines above the names; objects of JSONL that may lack a text before the file is refused.
HEADER_WITHIN = 10
_SAMPLE = 1 << 16


@dataclass(frozen=True, kw_only=True)
class Record:
    """The values of a row by field; fields without a value are left out."""

    line: int
    values: Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class BadRow:
    """A row that cannot be read, and why; its text is not repeated."""

    line: int
    problem: str
    problem_zh: str


@dataclass(frozen=True, kw_only=True)
class FileLimits:
    """None does not limit."""

    columns: int | None = None
    unpacked_bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class Table:
    """An opened file; its records can be read once. `encoding` and `delimiter` are those found in CSV."""

    columns: Columns
    records: Iterator[Record | BadRow]
    encoding: str | None = None
    delimiter: str | None = None


NO_LIMITS = FileLimits()
Line = tuple[int, Sequence[Any]]


def open_table(
    stream: BinaryIO, file_format: FileFormat, *, name: str, names: Names, limits: FileLimits = NO_LIMITS
) -> Table:
    """Find the columns of a file. Raises InputFileError, also while its records are read."""
    if file_format == "jsonl":
        return _open_jsonl(stream, name, names)
    if file_format == "csv":
        return _open_csv(stream, name, names, limits)
    return _open_xlsx(stream, name, names, limits)


def _open_jsonl(stream: BinaryIO, name: str, names: Names) -> Table:
    """Each line names its own fields; the first objects tell what the file is."""
    lines = _json_lines(stream)
    first = list(islice(lines, HEADER_WITHIN))
    columns = _json_columns([found[1] for found in first if isinstance(found, tuple)], names)
    if columns.header and TEXT not in columns.places:
        raise no_text_column(name, columns, "fields")
    return Table(columns=columns, records=_json_records(chain(first, lines), names))


def _json_columns(objects: Sequence[Mapping[str, Any]], names: Names) -> Columns:
    """What any of the objects names, and what it stands for there."""
    fields: dict[str, str | None] = {}
    for content in objects:
        columns = recognise(tuple(content), names)
        for place, key in enumerate(columns.header):
            fields[key] = columns.fields.get(place) or fields.get(key)
    return Columns(header=tuple(fields), fields={i: field for i, field in enumerate(fields.values()) if field})


def _json_lines(stream: BinaryIO) -> Iterator[tuple[int, dict[str, Any]] | BadRow]:
    for number, raw in enumerate(stream, 1):
        if not raw.strip():
            continue
        try:
            content = json.loads(raw.decode("utf-8-sig"))
        except (ValueError, RecursionError) as error:
            kind = type(error).__name__
            yield BadRow(
                line=number, problem=f"not UTF-8 JSON ({kind})", problem_zh=f"不是 UTF-8 编码的 JSON（{kind}）"
            )
            continue
        if isinstance(content, dict):
            yield number, content
        else:
            yield _without_text(number)


def _json_records(lines: Iterator[tuple[int, dict[str, Any]] | BadRow], names: Names) -> Iterator[Record | BadRow]:
    known: dict[tuple[str, ...], Columns] = {}
    for found in lines:
        if isinstance(found, BadRow):
            yield found
            continue
        number, content = found
        keys = tuple(content)
        if keys not in known:
            known.clear()  # a file has one set of keys, or each line its own
            known[keys] = recognise(keys, names)
        places = known[keys].places
        if TEXT not in places:
            yield _without_text(number)
            continue
        values = {field: content[keys[place]] for field, place in places.items()}
        yield Record(line=number, values={f: value for f, value in values.items() if f == TEXT or value is not None})


def _without_text(line: int) -> BadRow:
    return BadRow(
        line=line,
        problem="no field text; expected an object with text",
        problem_zh="没有 text（投诉内容）字段，应为含 text 的对象",
    )


def _open_csv(stream: BinaryIO, name: str, names: Names, limits: FileLimits) -> Table:
    encoding = _csv_encoding(stream, name)
    delimiter = _csv_delimiter(stream, encoding, names)
    lines = _csv_lines(stream, encoding, delimiter, name)
    columns = _header(lines, name, names, limits)
    return Table(columns=columns, records=_records(lines, columns), encoding=encoding, delimiter=delimiter)


def _csv_lines(stream: BinaryIO, encoding: str, delimiter: str, name: str) -> Iterator[Line]:
    csv.field_size_limit(1 << 24)
    text = io.TextIOWrapper(stream, encoding=encoding, newline="")
    reader = csv.reader(text, delimiter=delimiter)
    following = 1
    try:
        for values in reader:
            number, following = following, reader.line_num + 1  # a quoted text may span lines: its first one counts
            yield number, values
    except csv.Error as error:
        raise InputFileError(
            f"{name} is damaged ({type(error).__name__}); save it again and retry",
            f"{name} 已损坏，请重新保存后再试",
            code="file_damaged",
        ) from error
    finally:
        with suppress(ValueError):  # closed before
            text.detach()  # it would close the caller's stream


def _csv_encoding(stream: BinaryIO, name: str) -> str:
    """UTF-8 with or without mark, else GB18030, in which Chinese spreadsheets save CSV. Raises InputFileError."""
    start = stream.read(2)
    marked = start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "gb18030"):
        stream.seek(0)
        decoder = codecs.getincrementaldecoder(encoding)()
        with suppress(UnicodeDecodeError):
            while piece := stream.read(1 << 20):
                decoder.decode(piece)
            decoder.decode(b"", final=True)
            stream.seek(0)
            return encoding
    raise InputFileError(
        f"{name} is neither UTF-8 nor GB18030; save it as UTF-8",
        f"{name} 既不是 UTF-8 也不是 GB18030 编码，请另存为 UTF-8",
        code="file_encoding_unknown",
    )


def _csv_delimiter(stream: BinaryIO, encoding: str, names: Names) -> str:
    """The one with which most columns are understood; a comma where none is."""
    sample = codecs.getincrementaldecoder(encoding)().decode(stream.read(_SAMPLE))
    stream.seek(0)

    def understood(delimiter: str) -> int:
        lines = islice(csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter), HEADER_WITHIN)
        with suppress(csv.Error):
            return max((len(recognise(values, names).places) for values in lines), default=0)
        return 0

    return max(DELIMITERS, key=understood)


def _open_xlsx(stream: BinaryIO, name: str, names: Names, limits: FileLimits) -> Table:
    if limits.unpacked_bytes is not None:
        check_unpacked_size(stream, name, most_bytes=limits.unpacked_bytes)
    lines = sheet_rows(stream, name, most_columns=limits.columns)
    columns = _header(lines, name, names, limits)
    return Table(columns=columns, records=_records(lines, columns))


def _header(lines: Iterator[Line], name: str, names: Names, limits: FileLimits) -> Columns:
    """The first line that names a text column; above it may stand a title. Raises InputFileError."""
    best = recognise((), names)
    for _, values in islice(lines, HEADER_WITHIN):
        _check_width(values, name, limits)
        columns = recognise(values, names)
        if TEXT in columns.places:
            return columns
        if not best.header or len(columns.places) > len(best.places):
            best = columns
    raise no_text_column(name, best, "columns")


def _check_width(values: Sequence[Any], name: str, limits: FileLimits) -> None:
    width = max((i for i, value in enumerate(values, 1) if value not in (None, "")), default=0)
    if limits.columns is not None and width > limits.columns:
        raise InputFileError(
            f"{name} has more than {limits.columns} columns; leave out those that xiaobao does not read",
            f"{name} 超过 {limits.columns} 列，请删去不需要的列",
            code="file_too_many_columns",
        )


def no_text_column(name: str, found: Columns, kind: str) -> InputFileError:
    """Said where no column holds the text.

    Names are repeated only where one is known: else it may be a complaint that stands in the first line.
    """
    listed = ", ".join([*found.recognised, *found.unknown][:HEADER_WITHIN]) if found.places else ""
    said, said_zh = (f" ({listed})", f"（{listed}）") if listed else ("", "")
    count = len([name for name in found.header if name.strip()])
    return InputFileError(
        f"{name} has no column named text among its {count} {kind}{said}; "
        "expected a first line with text, 投诉内容 or 内容; add a header line",
        f"{name} 的 {count} 列{said_zh}中没有投诉内容；首行应有列名 text、投诉内容或内容，请补上表头",
        code="text_column_missing",
    )


def _records(lines: Iterator[Line], columns: Columns) -> Iterator[Record]:
    """Values below the names; blank lines are passed over."""
    for number, values in lines:
        if all(value in (None, "") for value in values):
            continue
        found = {field: values[place] for field, place in columns.places.items() if place < len(values)}
        yield Record(line=number, values={field: value for field, value in found.items() if value is not None})
