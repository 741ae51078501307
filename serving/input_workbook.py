"""Sheets of Excel. In: an XLSX file. Out: the rows of its first sheet as values.

An XLSX file is a zip of XML, so a few kilobytes may unpack to gigabytes. A limit is checked twice: against the sizes
that the file states, and against what really comes out, without keeping it.
"""

import zipfile
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

from data.errors import InputFileError

LAST_LINE = 1_048_576
"""Of a sheet in Excel."""
MOST_PARTS = 1_000
# A formula that failed; no one means it as a text.
EXCEL_ERRORS = frozenset({"#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!"})
EXACT_DIGITS = 15
"""Of a number in Excel."""
_PIECE = 1 << 16

SheetRow = tuple[Any, ...]


def sheet_rows(stream: BinaryIO, name: str, *, most_columns: int | None = None) -> Iterator[tuple[int, SheetRow]]:
    """Line and values of each row of the first sheet; formulas give the value they were saved with.

    Raises InputFileError.
    """
    import openpyxl  # a third of the start of a command that reads no XLSX

    try:
        sheets = openpyxl.load_workbook(stream, read_only=True, data_only=True).worksheets
        if sheets:
            sheets[0].reset_dimensions()  # some writers state a wrong extent, which would hide rows
            rows = sheets[0].iter_rows(values_only=True, max_col=most_columns and most_columns + 1)
            for line, values in enumerate(rows, 1):
                if line > LAST_LINE:
                    break
                yield line, tuple(map(_as_kept, values))
            else:
                return
    except InputFileError:
        raise
    except Exception as error:  # openpyxl, zlib and XML raise many kinds, some at the last row
        raise InputFileError(
            f"{name} cannot be read as XLSX: {type(error).__name__}; save it again",
            f"{name} 无法按 XLSX 读取，请重新保存后再试",
            code="file_damaged",
        ) from error
    if not sheets:
        raise InputFileError(
            f"{name} has no sheet of cells; expected one with a column text",
            f"{name} 中没有工作表，请把投诉内容放在第一个工作表",
            code="file_damaged",
        )
    raise InputFileError(
        f"{name} names a line behind {LAST_LINE}, the last one of Excel; save it again",
        f"{name} 的行号超出 Excel 上限 {LAST_LINE}，请重新保存后再试",
        code="file_damaged",
    )


def _as_kept(value: Any) -> Any:
    """None for a formula that failed; a float for a whole number that Excel may have rounded.

    It writes those of 16 and 17 digits out, with zeros for the digits it lost, and longer ones as 1.23E+18.
    """
    if isinstance(value, int) and abs(value) >= 10**EXACT_DIGITS:
        lost = len(str(abs(value))) - EXACT_DIGITS
        return value if value % 10**lost else float(value)
    return None if value in EXCEL_ERRORS else value


def check_unpacked_size(stream: BinaryIO, name: str, *, most_bytes: int) -> None:
    """Refuse a file that unpacks to more than `most_bytes`, whatever it says of itself. Raises InputFileError."""
    try:
        with zipfile.ZipFile(stream) as archive:
            parts = archive.infolist()
            stated = sum(part.file_size for part in parts)
            if len(parts) > MOST_PARTS or stated > most_bytes:
                raise _too_large(name, most_bytes)
            _check_real_size(archive, name, most_bytes)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError) as error:
        raise InputFileError(
            f"{name} cannot be read as XLSX: {type(error).__name__}; save it again",
            f"{name} 无法按 XLSX 读取，请重新保存后再试",
            code="file_damaged",
        ) from error
    finally:
        stream.seek(0)


def _check_real_size(archive: zipfile.ZipFile, name: str, most_bytes: int) -> None:
    left = most_bytes
    for part in archive.infolist():
        with archive.open(part) as unpacked:
            while piece := unpacked.read(_PIECE):
                left -= len(piece)
                if left < 0:
                    raise _too_large(name, most_bytes)


def _too_large(name: str, most_bytes: int) -> InputFileError:
    return InputFileError(
        f"{name} unpacks to more than {most_bytes} bytes or {MOST_PARTS} parts; split it, or save the sheet as CSV",
        f"{name} 解压后超过 {most_bytes} 字节，请拆分文件，或另存为 CSV",
        code="file_unpacks_too_large",
    )
