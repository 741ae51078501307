"""Reports for the console, one at a time. In: what is asked for. Out: a document; the same again for a few minutes.

A report on a large bank takes seconds, so it is made on a thread of its own and not among the store's, whose answers
are due at once. What was made is kept for a while, so that the page and its downloads agree; it holds counts, no texts.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from data.quarter import Quarter
from data.taxonomy import default_taxonomy
from serving.errors import ServiceError
from serving.reports.document import Document
from serving.reports.formats import Format, ReportFile, write_report
from serving.reports.headings import read_report_files
from serving.reports.making import make_document
from serving.stored import StoreAccess

KEPT_SECONDS = 300.0
MOST_KEPT = 8
MOST_WAITING = 4
Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """`within` is the path of who asks: nobody gets what was made for somebody who sees more."""

    kind: str
    quarter: Quarter
    unit_id: str
    within: str
    is_exact: bool


class ReportDesk:
    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="reports")
        self._waiting = 0
        self._made: dict[Asked, tuple[float, Document]] = {}

    async def document(self, access: StoreAccess, asked: Asked) -> Document:
        """Raises ServiceError `reports_busy`, NotFoundError, ReportFileError, StoreUnavailableError."""
        return await self._run(partial(self._document, access, asked))

    async def file(self, access: StoreAccess, asked: Asked, wanted: Format) -> ReportFile:
        """Raises what `document` does."""
        return await self._run(lambda: write_report(self._document(access, asked), wanted))

    async def _run(self, work: Callable[[], Result]) -> Result:
        if self._waiting >= MOST_WAITING:
            raise ServiceError(
                "reports_busy", "other reports are being made; try again shortly", "正在生成其他通报，请稍后重试"
            )
        self._waiting += 1
        try:
            return await asyncio.wrap_future(self._thread.submit(work))
        finally:
            self._waiting -= 1

    def _document(self, access: StoreAccess, asked: Asked) -> Document:
        now = time.monotonic()
        self._made = {key: kept for key, kept in self._made.items() if now - kept[0] < KEPT_SECONDS}
        if asked not in self._made:
            made = self._make(access, asked)
            for oldest in list(self._made)[: max(0, len(self._made) - MOST_KEPT + 1)]:
                del self._made[oldest]
            self._made[asked] = (time.monotonic(), made)
        return self._made[asked][1]

    def _make(self, access: StoreAccess, asked: Asked) -> Document:
        files = read_report_files(self._folder, default_taxonomy())
        with access.store.reading() as work:
            return make_document(
                work,
                asked.quarter,
                kind=asked.kind,
                unit_id=asked.unit_id,
                within=asked.within,
                files=files,
                is_exact=asked.is_exact,
            )
