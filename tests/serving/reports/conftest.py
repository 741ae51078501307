"""A store on both databases with a quarter that was counted by hand."""

from collections.abc import Iterator

import pytest

from data.store.unit_of_work import Store, open_store
from data.taxonomy import default_taxonomy
from serving.reports.headings import ReportFiles, read_report_files
from tests.data.store.cases import Clock, build_organisation, masters


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(url: str, clock: Clock) -> Iterator[Store]:
    opened = open_store(url, masters("2026a"), now=clock)
    build_organisation(opened)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def files() -> ReportFiles:
    return read_report_files(None, default_taxonomy())
