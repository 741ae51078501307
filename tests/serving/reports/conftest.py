"""A store on both databases with a quarter that was counted by hand."""

import pytest

from data.taxonomy import default_taxonomy
from serving.reports.headings import ReportFiles, read_report_files


@pytest.fixture(scope="session")
def files() -> ReportFiles:
    return read_report_files(None, default_taxonomy())
