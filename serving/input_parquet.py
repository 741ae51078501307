"""Parquet files, as data lakes keep complaints. In: a file with a column for the text. Out: records by field.

Only the columns that are understood are read, a thousand rows at a time. Needs the extra `parquet`.
"""

from collections.abc import Iterator
from typing import BinaryIO

from data.errors import InputFileError
from serving.input_columns import TEXT, Columns, Names, recognise
from serving.input_files import Record, Table, no_text_column

BATCH_ROWS = 1024
BUFFER_BYTES = 1 << 20


def open_parquet(stream: BinaryIO, *, name: str, names: Names) -> Table:
    """Find the columns of a file. Raises InputFileError, also while its records are read."""
    try:
        import pyarrow as arrow
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise missing_extra(name) from None
    try:
        # Without pre-buffering: a row group may be a gigabyte.
        file = ParquetFile(stream, pre_buffer=False, buffer_size=BUFFER_BYTES)
    except (arrow.ArrowException, OSError) as error:
        raise _damaged(name, error) from error
    columns = recognise(file.schema_arrow.names, names)
    if TEXT not in columns.places:
        raise no_text_column(name, columns, "columns")
    return Table(columns=columns, records=_records(file, columns, name))


def missing_extra(name: str) -> InputFileError:
    """What to do where pyarrow is not installed."""
    return InputFileError(
        f"{name} is Parquet, for which the extra is not installed; pip install 'xiaobao[parquet]', or use JSONL or CSV",
        f"{name} 是 Parquet 文件，请先安装 xiaobao[parquet]，或改用 JSONL、CSV",
        code="extra_missing",
    )


def _records(file: object, columns: Columns, name: str) -> Iterator[Record]:
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    assert isinstance(file, ParquetFile)
    places = columns.places
    wanted = [columns.header[place] for place in places.values()]
    line = 0
    try:
        for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=wanted):
            cells = [batch.column(column).to_pylist() for column in wanted]
            for values in zip(*cells, strict=True):
                line += 1
                found = {field: value for field, value in zip(places, values, strict=True) if value is not None}
                yield Record(line=line, values=found)
    except (ArrowException, OSError, UnicodeDecodeError) as error:
        raise _damaged(name, error) from error


def _damaged(name: str, error: Exception) -> InputFileError:
    return InputFileError(
        f"{name} cannot be read as Parquet: {type(error).__name__}; write it again",
        f"{name} 无法按 Parquet 读取，请重新生成后再试",
        code="file_damaged",
    )
