"""Files as banks send them, for tests."""

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence

import openpyxl

from serving.imports.upload import Upload
from serving.input_files import FileFormat
from serving.settings import Settings

COMPLAINTS = (
    "信用卡被盗刷三千元，打客服没人管，电话13912345678",
    "存三年定期，柜员说换个产品利息更高，回家一看是保险",
    "手机银行转账失败，钱扣了没到账，要去银保监投诉",
)
HEADER = ("工单号", "受理时间", "投诉内容（必填）", "经办人")


def csv_file(rows: Iterable[Sequence[object]], *, encoding: str = "utf-8", delimiter: str = ",") -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows(rows)
    return text.getvalue().encode(encoding)


def jsonl_file(rows: Iterable[Mapping[str, object]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def xlsx_file(rows: Iterable[Sequence[object]]) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(list(row))
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def complaints(count: int, *, first: int = 1) -> list[list[object]]:
    """A line of names and rows that all differ."""
    rows: list[list[object]] = [["工单号", "投诉内容"]]
    rows += [[f"H{i}", f"{COMPLAINTS[i % len(COMPLAINTS)]}，这是第{i}件"] for i in range(first, first + count)]
    return rows


def repacked(file: bytes, replaced: Mapping[str, bytes]) -> bytes:
    """A workbook with some parts replaced or added."""
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(file)) as plain,
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as changed,
    ):
        for name in dict.fromkeys([*plain.namelist(), *replaced]):
            changed.writestr(name, replaced[name] if name in replaced else plain.read(name))
    return stream.getvalue()


def zip_bomb() -> bytes:
    """A workbook of some kilobytes that unpacks to 50 megabytes."""
    return repacked(xlsx_file([["text"], ["好"]]), {"xl/media/image1.png": bytes(50_000_000)})


def upload(content: bytes, file_format: FileFormat = "csv", name: str | None = None) -> Upload:
    return Upload(name=name or f"投诉.{file_format}", format=file_format, content=content)


def settings(**changes: object) -> Settings:
    return Settings(environment="development", store="off", **changes)  # type: ignore[arg-type]
