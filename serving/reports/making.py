"""Any of the three documents. In: what is asked for. Out: the document, ready for any format."""

from data.errors import ReportFileError
from data.quarter import Quarter
from data.store.unit_of_work import UnitOfWork
from serving.reports.compose import compose
from serving.reports.disclosure import disclosure
from serving.reports.document import Document
from serving.reports.headings import ReportFiles
from serving.reports.regulator import regulator_file
from serving.reports.report import build_report

KINDS = ("report", "regulator", "disclosure")


def make_document(
    work: UnitOfWork, quarter: Quarter, *, kind: str, unit_id: str, within: str, files: ReportFiles, is_exact: bool
) -> Document:
    """Raises NotFoundError for a unit that the caller does not see."""
    if kind == "regulator":
        return regulator_file(work, quarter, unit_id=unit_id, within=within, files=files)
    if kind == "disclosure":
        return disclosure(work, quarter.year, unit_id=unit_id, within=within, files=files)
    if kind != "report":
        raise ReportFileError(
            f"unknown kind; expected one of {', '.join(KINDS)}", "未知的报告种类", code="value_invalid"
        )
    return compose(build_report(work, quarter, unit_id=unit_id, within=within, files=files, is_exact=is_exact))
