"""Answers as files. In: answers as JSON, problems of rows. Out: JSON Lines or Parquet, and beside it problems.

Parquet holds the codes as columns, for those who count, and the whole answer as JSON in `answer`.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any, Protocol

from serving.input_parquet import missing_extra
from serving.input_rows import PARQUET, RowProblem

ROW_GROUP = 4096
FACETS = ("order_type", "category", "leaf", "cause", "subcause", "channel")


class AnswerFile(Protocol):
    def write(self, answers: Sequence[bytes]) -> None: ...

    def close(self) -> None: ...


def open_answers(file: Path, *, ending: str) -> AnswerFile:
    """A new file; Parquet where `ending` says so, else JSON Lines. Raises InputFileError, OSError."""
    return _ParquetAnswers(file) if ending.lower() == PARQUET else _JsonAnswers(file)


class ProblemFile:
    """JSON Lines of line, code and problem; there is no file where there is no problem."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._stream: IO[str] | None = None
        self.count = 0

    def write(self, problems: Iterable[RowProblem]) -> None:
        for problem in problems:
            if self._stream is None:
                self._stream = self._file.open("w", encoding="utf-8")
            self._stream.write(json.dumps(asdict(problem), ensure_ascii=False) + "\n")
            self.count += 1

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()


class _JsonAnswers:
    def __init__(self, file: Path) -> None:
        self._stream = file.open("wb")

    def write(self, answers: Sequence[bytes]) -> None:
        self._stream.writelines(answer + b"\n" for answer in answers)

    def close(self) -> None:
        self._stream.close()


class _ParquetAnswers:
    """Row groups of `ROW_GROUP` answers."""

    def __init__(self, file: Path) -> None:
        try:
            import pyarrow as arrow
            from pyarrow.parquet import ParquetWriter
        except ImportError:
            raise missing_extra(file.name) from None
        columns = [(name, arrow.string()) for name in ("id", *FACETS, "priority", "band")]
        more = [("flags", arrow.list_(arrow.string())), ("amount", arrow.float64()), ("currency", arrow.string())]
        texts = [("redacted_text", arrow.string()), ("answer", arrow.string())]
        self._table, self._schema = arrow.Table, arrow.schema([*columns, *more, *texts])
        self._writer = ParquetWriter(file, self._schema, compression="zstd")
        self._rows: list[dict[str, Any]] = []

    def write(self, answers: Sequence[bytes]) -> None:
        self._rows += map(_columns, answers)
        if len(self._rows) >= ROW_GROUP:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._rows:
            self._writer.write_table(self._table.from_pylist(self._rows, schema=self._schema))
        self._rows = []


def _columns(answer: bytes) -> dict[str, Any]:
    content = json.loads(answer)
    amount = content["amount"] or {}
    return {
        "id": content["id"],
        **{facet: content[facet] and content[facet]["code"] for facet in FACETS},
        "priority": content["decision"]["priority"],
        "band": content["decision"]["band"],
        "flags": [flag["code"] for flag in content["flags"]],
        "amount": amount.get("value"),
        "currency": amount.get("currency"),
        "redacted_text": content["redacted_text"],
        "answer": answer.decode(),
    }
