"""What has to be done about clocks again and again. In: a store. Out: due dates that follow time, reminders told once.

A reminder is told in the transaction that records it: both are there afterwards, or neither.
"""

import logging
from collections.abc import Callable

from data.store.clock_records import DueReminder
from data.store.outbox import REMINDER
from data.store.scope import ROOT
from data.store.unit_of_work import Store, UnitOfWork

logger = logging.getLogger("xiaobao")

BATCH = 200


def put_into_outbox(work: UnitOfWork, reminder: DueReminder) -> None:
    """Tell webhooks and event streams: codes and times, no text."""
    due_at = reminder.due_at.isoformat()
    payload = {
        "case_id": reminder.case_id,
        "unit_id": reminder.unit_id,
        "assignee_id": reminder.assignee_id,
        "clock": reminder.code,
        "stage": reminder.stage,
        "due_at": due_at,
    }
    key = f"{reminder.case_id}/{reminder.code}/{due_at}/{reminder.stage}"
    work.outbox.put(REMINDER, payload, key=key, case=work.cases.get(reminder.case_id, within=ROOT))


def look_at_clocks(store: Store, tell: Callable[[UnitOfWork, DueReminder], object] = put_into_outbox) -> int:
    """Refresh every case whose clocks may have changed, a batch a transaction; returns how many reminders were told.

    Only reads where nothing waits; several replicas may do this at once. Raises StoreError.
    """
    with store.reading() as work:
        is_waiting = work.reminders.is_waiting(within=ROOT)
    told = 0
    while is_waiting:
        with store.writing() as work:
            check = work.reminders.take(within=ROOT, limit=BATCH)
            for reminder in check.reminders:
                tell(work, reminder)
        told += len(check.reminders)
        is_waiting = len(check.cases) == BATCH
        for case_id, code in check.problems:
            logger.error("the clocks of case %s cannot be computed: %s", case_id, code)
    return told
