"""The daily look for early warnings. In: a store. Out: warnings raised and continued, once a day whoever looks.

A process takes the day in a transaction of its own, looks in one that only reads, so that nobody waits for it, and
writes what it found in a third. One that dies loses the day after half an hour.
"""

import logging
from datetime import date, timedelta

from data.days import CHINA, china_day
from data.errors import StoreError
from data.store.scope import ROOT
from data.store.unit_of_work import Store
from serving.warning.detection import find_all

logger = logging.getLogger("xiaobao")

FIRST_HOUR = 6
"""In China; then the complaints of the day before are there, and nobody is at their desk yet."""


def look_for_warnings(store: Store, *, last: date | None = None) -> int | None:
    """Look at the days up to `last`, by default yesterday in China; returns how many warnings are new.

    None where the day was looked at, or another process does it. Raises StoreError, with `day_not_over` for a day whose
    complaints are not all there: it would count as looked at.
    """
    with store.reading() as work:
        today = china_day(work.now())
        last = last or today - timedelta(days=1)
        if last >= today:
            raise StoreError(
                f"{last} is not over in China; expected a day before {today}",
                f"{last} 尚未结束，请选择 {today} 之前的日期",
                code="day_not_over",
            )
        if work.warnings.is_finished(last):
            return None
    with store.writing() as work:
        hold = work.warnings.claim(last)
    if hold is None:
        return None
    try:
        findings = find_all(store, last)
    except BaseException:
        with store.writing() as work:
            work.warnings.release(hold)
        raise
    with store.writing() as work:
        raised = work.warnings.record(findings, hold=hold)
    logger.info("early warning up to %s: %d found, %d new", last, len(findings), len(raised))
    return len(raised)


def look_in_the_morning(store: Store) -> int | None:
    """The service's own round: nothing before six in China, nor where nothing came in yet."""
    with store.reading() as work:
        if work.now().astimezone(CHINA).hour < FIRST_HOUR:
            return None
        last = china_day(work.now()) - timedelta(days=1)
        first = None if work.warnings.is_finished(last) else work.warning_signals.first_day(within=ROOT)
    return look_for_warnings(store, last=last) if first is not None and first <= last else None
