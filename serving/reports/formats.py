"""The formats of a report. In: a document, a format. Out: a file's bytes, its media type, its name.

What a format needs is imported when it is asked for; without the extra `reports` only HTML and CSV can be had.
"""

from dataclasses import dataclass
from typing import Literal, get_args

from data.errors import ReportFileError
from serving.reports.document import Document

Format = Literal["html", "pdf", "xlsx", "docx", "csv"]
FORMATS: tuple[Format, ...] = get_args(Format)
MEDIA_TYPES: dict[Format, str] = {
    "html": "text/html; charset=utf-8",
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "csv": "application/zip",
}


@dataclass(frozen=True, kw_only=True)
class ReportFile:
    content: bytes
    media_type: str
    suffix: str


def write_report(document: Document, wanted: Format) -> ReportFile:
    """Raises ReportFileError where the extra is missing."""
    try:
        content = _write(document, wanted)
    except ModuleNotFoundError as error:
        raise ReportFileError(
            f"{wanted} needs {error.name}; install xiaobao[reports]", f"{wanted} 格式需要安装 xiaobao[reports]"
        ) from error
    return ReportFile(content=content, media_type=MEDIA_TYPES[wanted], suffix="zip" if wanted == "csv" else wanted)


def _write(document: Document, wanted: Format) -> bytes:
    if wanted == "html":
        from serving.reports.html import report_page

        return report_page(document)
    if wanted == "pdf":
        from serving.reports.pdf import report_pdf

        return report_pdf(document)
    if wanted == "xlsx":
        from serving.reports.workbook import report_workbook

        return report_workbook(document)
    if wanted == "docx":
        from serving.reports.word import report_word

        return report_word(document)
    from serving.reports.csv_files import csv_archive

    return csv_archive(document)
