"""What has to be done about clocks again and again. In: a store. Out: due dates that follow time, reminders told once.

    Repeating("clocks", [lambda: look_at_clocks(get_store(), tell)], seconds=30)

`tell` is called in the transaction that records the reminder: what it puts into an outbox is there with it, or neither.
"""

import logging
from collections.abc import Callable

from data.store.clock_records import DueReminder
from data.store.scope import ROOT
from data.store.unit_of_work import Store, UnitOfWork

logger = logging.getLogger("xiaobao")

BATCH = 200
Tell = Callable[[UnitOfWork, DueReminder], object]


def look_at_clocks(store: Store, tell: Tell | None = None) -> int:
    """Refresh every case whose clocks may have changed, a batch a transaction; returns how many reminders were taken.

    Only reads where nothing waits; several replicas may do this at once. Raises StoreError.
    """
    with store.reading() as work:
        is_waiting = work.reminders.is_waiting(within=ROOT)
    taken = 0
    while is_waiting:
        with store.writing() as work:
            check = work.reminders.take(within=ROOT, limit=BATCH)
            for reminder in check.reminders:
                if tell is not None:
                    tell(work, reminder)
        taken += len(check.reminders)
        is_waiting = len(check.cases) == BATCH
        for case_id, code in check.problems:
            logger.error("the clocks of case %s cannot be computed: %s", case_id, code)
    return taken
