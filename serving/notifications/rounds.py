"""What is looked after every second. In: a store. Out: notices, the day's audit head, positions and deliveries.

Each first only reads, so that an idle service takes no lock; several replicas may do all of this at once.
"""

from datetime import timedelta

from data.days import china_day
from data.store.outbox import AUDIT_HEAD
from data.store.scope import ROOT
from data.store.unit_of_work import Store, UnitOfWork
from serving.telemetry import Telemetry

QUALITY_DAYS = 90


def notify_alerts(store: Store) -> None:
    """Put the notices that are due into the outbox."""
    with store.reading() as work:
        is_due = work.alerts.is_due()
    if is_due:
        with store.writing() as work:
            work.alerts.notify()


def note_audit_head(store: Store) -> None:
    """Once a day in China, tell how far the audit log has come: noted elsewhere, it shows a tail that was cut off."""
    with store.reading() as work:
        is_noted = work.outbox.has(AUDIT_HEAD, _today(work))
    if is_noted:
        return
    with store.writing() as work:
        day, head = _today(work), work.audit.head()
        work.outbox.put(AUDIT_HEAD, {"date": day, "seq": head.seq, "hash": head.hash, "head": str(head)}, key=day)


def dispatch(store: Store, *, by_mail: bool = False) -> None:
    """Give new messages their positions, deliveries and, where mail is sent, letters."""
    with store.reading() as work:
        is_waiting = work.outbox.waiting_since() is not None
    while is_waiting:
        with store.writing() as work:
            is_waiting = work.outbox.dispatch(by_mail=by_mail) > 0


def measure(store: Store, telemetry: Telemetry) -> None:
    """Set the gauges of outbox and alerts."""
    with store.reading() as work:
        state = work.deliveries.state(within=ROOT)
        telemetry.alerts_open.set(work.alerts.count_open(within=ROOT))
        telemetry.outbox_waiting.set(state.waiting)
        telemetry.outbox_dead.set(state.dead)
        since = china_day(work.now()) - timedelta(days=QUALITY_DAYS)
        waiting, read = work.quality.counts(since=since, within=ROOT)
        telemetry.quality_waiting.set(waiting)
        telemetry.quality_read.set(read)
        letters = work.letters.state()
        telemetry.mails_waiting.set(letters.waiting)
        telemetry.mails_dead.set(letters.dead)
        oldest = min(filter(None, (state.oldest, work.outbox.waiting_since())), default=work.now())
        telemetry.outbox_oldest.set((work.now() - oldest).total_seconds())


def _today(work: UnitOfWork) -> str:
    return china_day(work.now()).isoformat()
