"""A report as PDF. In: a document. Out: A4 pages set by Typst in Noto Sans CJK, the font inside.

The words reach Typst as data, never as markup, so that nothing in them is read as a command.
"""

import json
import os
from importlib.metadata import files
from pathlib import Path
from typing import Any

import typst

from data.errors import ReportFileError
from serving.reports.document import Document, Table, shown

TEMPLATE = Path(__file__).with_name("templates") / "report.typ"
FONT_PACKAGE, FONT_SUFFIX = "noto-cjk-sans-otc", ".ttc"


def report_pdf(document: Document) -> bytes:
    """Raises ReportFileError without the font."""
    return bytes(
        typst.compile(
            str(TEMPLATE),
            font_paths=[str(font_folder())],
            ignore_system_fonts=True,
            sys_inputs={"report": json.dumps(_content(document), ensure_ascii=False)},
        )
    )


def font_folder() -> Path:
    """Where the font is installed; the package is read as data, nothing of it is run."""
    for file in files(FONT_PACKAGE) or ():
        if file.name.endswith(FONT_SUFFIX):
            return Path(os.fspath(file.locate().parent))  # type: ignore[attr-defined]
    raise ReportFileError(
        f"the font of {FONT_PACKAGE} is missing; install xiaobao[reports] anew", "缺少中文字体，请重新安装"
    )


def _content(document: Document) -> dict[str, Any]:
    return {
        "title": document.title,
        "subtitle": document.subtitle,
        "mark": document.mark,
        "sections": [
            {
                "title": section.title,
                "paragraphs": list(section.paragraphs),
                "tables": [_table(table) for table in section.tables],
            }
            for section in document.sections
        ],
    }


def _table(table: Table) -> dict[str, Any]:
    return {
        "title": table.title,
        "columns": [{"title": column.title, "text": column.kind == "text"} for column in table.columns],
        "rows": [
            {
                "depth": row.depth,
                "total": row.is_total,
                "values": [shown(value, column.kind) for value, column in zip(row.values, table.columns, strict=True)],
            }
            for row in table.rows
        ],
    }
