"""A large file to triage. In: the corpus, a number of rows. Out: Parquet of so many texts, a few of them unreadable.

The corpus is repeated, each text with its row's number behind it, so that no two are the same. One row in `BAD_EVERY`
holds no visible character.
"""

from pathlib import Path

from data.dataset import read_corpus
from data.taxonomy import default_taxonomy

BAD_EVERY = 5_003
ROW_GROUP = 10_000


def write_texts(file: Path, rows: int) -> int:
    """Write the file group by group; how many rows are unreadable."""
    import pyarrow as arrow
    from pyarrow.parquet import ParquetWriter

    texts = [text.text for text in read_corpus(default_taxonomy())]
    schema = arrow.schema([("id", arrow.string()), ("text", arrow.string())])
    with ParquetWriter(file, schema) as writer:
        for first in range(0, rows, ROW_GROUP):
            numbers = range(first, min(first + ROW_GROUP, rows))
            columns = {"id": [name(i) for i in numbers], "text": [_text(texts, i) for i in numbers]}
            writer.write_table(arrow.table(columns, schema=schema))
    return len([i for i in range(rows) if is_bad(i)])


def name(row: int) -> str:
    return f"row-{row:07d}"


def is_bad(row: int) -> bool:
    return row % BAD_EVERY == BAD_EVERY - 1


def _text(texts: list[str], row: int) -> str:
    return "\u3000" if is_bad(row) else f"{texts[row % len(texts)]}（第{row + 1}件）"
