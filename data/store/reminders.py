"""Who has to be reminded of a limit. In: now. Out: reminders, each once; due dates that time has changed, refreshed.

    with store.writing() as work:
        check = work.reminders.take(within=ROOT)
        …                                        # put check.reminders into an outbox, in the same transaction

Several workers may do this at once: each case is locked by one, and the database refuses a reminder twice. After a
standstill a case gives the reminder of the stage it is in, not of all it went through.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from data.errors import XiaobaoError
from data.policy.case_clocks import STAGES
from data.policy.case_times import CaseTimes
from data.policy.clocks import Clock
from data.store.clock_records import ClockCheck, DueReminder
from data.store.clock_tables import Reminder
from data.store.due_dates import DueDates
from data.store.events import EventRepository
from data.store.flags import flags_of
from data.store.insertion import insert_if_new
from data.store.scope import units_within, visible_case
from data.store.tables import OPEN, Case

RETRY = timedelta(hours=1)
SYSTEM = "system"


class ReminderRepository:
    def __init__(
        self, session: Session, *, due_dates: DueDates, events: EventRepository, now: Callable[[], datetime]
    ) -> None:
        self._session = session
        self._due_dates = due_dates
        self._events = events
        self._now = now

    def take(self, *, within: str, limit: int = 200) -> ClockCheck:
        """Look at up to `limit` cases whose clocks may have changed; fewer came back only if no more wait."""
        cases = self._waiting(within, limit)
        all_times = self._due_dates.times(cases)
        all_flags = flags_of(self._session, [case.id for case in cases])
        reminders, problems = [], []
        for case in cases:
            try:
                reminder = self._look_at(case, all_times[case.id], all_flags[case.id])
            except XiaobaoError as error:  # one case that cannot be computed holds up no other
                case.clock_check_at = self._now() + RETRY
                problems.append((case.id, error.code))
            else:
                reminders += [reminder] if reminder else []
        self._session.flush()
        return ClockCheck(cases=cases, reminders=tuple(reminders), problems=tuple(problems))

    def is_waiting(self, *, within: str) -> bool:
        """Whether there is anything to look at; for a worker that would rather only read."""
        return self._session.scalar(self._due(within).limit(1)) is not None

    def of_case(self, case_id: str, *, within: str) -> Sequence[Reminder]:
        """The reminders of a case, oldest first. Raises NotFoundError."""
        visible_case(self._session, case_id, within=within)
        return self._session.scalars(select(Reminder).where(Reminder.case_id == case_id).order_by(Reminder.id)).all()

    def _waiting(self, within: str, limit: int) -> Sequence[Case]:
        query = self._due(within).order_by(Case.clock_check_at).limit(limit).with_for_update(of=Case, skip_locked=True)
        return self._session.scalars(query).all()

    def _due(self, within: str) -> Select[Case]:
        is_due = (Case.status == OPEN) & (Case.clock_check_at <= self._now())
        return select(Case).where(is_due, Case.unit_id.in_(units_within(within)))

    def _look_at(self, case: Case, times: CaseTimes, flags: Sequence[str]) -> DueReminder | None:
        clock = self._due_dates.apply(case, times=times, flags=flags, is_reminded=True)
        return self._new(case, clock) if clock is not None else None

    def _new(self, case: Case, clock: Clock) -> DueReminder | None:
        if clock.state not in STAGES:
            return None
        assert clock.due_at is not None
        due_at = clock.due_at.astimezone(UTC)
        values = {
            "case_id": case.id, "code": clock.code, "due_at": due_at, "stage": clock.state,
            "recorded_at": self._now(),
        }  # fmt: skip
        if not insert_if_new(self._session, Reminder, values, unique=["case_id", "code", "due_at", "stage"]):
            return None
        self._events.record(case.id, "reminded", actor_id=SYSTEM, details={"code": clock.code, "stage": clock.state})
        return DueReminder(
            case_id=case.id,
            unit_id=case.unit_id,
            assignee_id=case.assignee_id,
            code=clock.code,
            name=clock.name,
            stage=clock.state,
            due_at=due_at,
        )
