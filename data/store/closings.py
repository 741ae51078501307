"""How cases end and go on. In: a case in hand, a closing or a reopening. Out: the closing; its clocks follow.

Closing fulfils what the bank owes: telling the complainant, telling the authority, ending on a withdrawal. A case whose
limit would go on running cannot be closed, so that nothing late drops out of the lists.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from data.errors import StoreError
from data.policy.clocks import Clock
from data.policy.schema import TICKET
from data.store.audit import AuditLog, Scalar
from data.store.clock_records import NewClosing, Reopening
from data.store.clock_tables import ClockExtension, ClockFact, ClockPause, Closing
from data.store.clocks import past_moment
from data.store.due_dates import DueDates
from data.store.events import EventRepository
from data.store.tables import CLOSED, OPEN, Case


class Closings:
    """For `CaseRepository`, which has checked that the caller sees the case."""

    def __init__(
        self,
        session: Session,
        *,
        due_dates: DueDates,
        events: EventRepository,
        audit: AuditLog,
        now: Callable[[], datetime],
    ) -> None:
        self._session = session
        self._due_dates = due_dates
        self._events = events
        self._audit = audit
        self._now = now

    def close(self, case: Case, new: NewClosing, *, actor_id: str, note: str, rectification: int | None) -> Closing:
        """Close an open case. Raises StoreError `clock_open`, `pause_open`, `time_invalid`.

        What went with it stands in the event, so that undoing finds it.
        """
        self._check(case, new)
        closing = Closing(
            case_id=case.id, closed_at=self._now(), actor_id=actor_id, outcome=new.outcome,
            redress_fen=new.redress_fen, told_at=new.told_at, fed_back_at=new.fed_back_at,
            withdrawn_at=new.withdrawn_at, satisfaction=new.satisfaction, is_responsible=new.is_responsible,
        )  # fmt: skip
        self._session.add(closing)
        self._session.flush()
        self._session.add_all(self._facts(case, closing))
        self._session.flush()
        clocks = [clock for clock in self._due_dates.clocks(case) if clock.is_binding]
        self._refuse_open(clocks)
        closing.is_in_time = all(clock.is_in_time is not False for clock in clocks) if clocks else None
        case.status, case.closed_at = CLOSED, closing.closed_at
        went_along = {"rectification": rectification, "extension": self._lapse_request(case)}
        self._written(case, "closed", actor_id, {**_details(closing), **went_along}, note)
        return closing

    def reopen(self, case: Case, reopening: Reopening, *, actor_id: str, note: str) -> None:
        """Open a closed case again. Raises StoreError `time_invalid`."""
        closing = self.standing(case.id)
        now = self._now()
        if closing is not None:
            closing.reopened_at = now
            if reopening.reason == "mistake":
                of_closing = (ClockFact.closing_id == closing.id) & ClockFact.voided_at.is_(None)
                self._session.execute(update(ClockFact).where(of_closing).values(voided_at=now))
        if reopening.at is not None:
            fact = ClockFact(
                case_id=case.id, kind=reopening.reason, code=reopening.trigger, due_at=reopening.due_at,
                at=past_moment(reopening.at, case=case, now=now), recorded_at=now, actor_id=actor_id,
            )  # fmt: skip
            self._session.add(fact)
        case.status, case.closed_at = OPEN, None
        details = {"reason": reopening.reason, "trigger": reopening.trigger}
        self._written(case, "reopened", actor_id, details, note)

    def standing(self, case_id: str) -> Closing | None:
        """The closing that holds; None for an open case."""
        query = select(Closing).where(Closing.case_id == case_id, Closing.reopened_at.is_(None))
        return self._session.scalars(query.order_by(Closing.id.desc())).first()

    def of_case(self, case_id: str) -> Sequence[Closing]:
        """All closings, oldest first."""
        return self._session.scalars(select(Closing).where(Closing.case_id == case_id).order_by(Closing.id)).all()

    def _check(self, case: Case, new: NewClosing) -> None:
        for at in (new.told_at, new.fed_back_at, new.withdrawn_at):
            if at is not None:
                past_moment(at, case=case, now=self._now())
        running = select(ClockPause.id).where(ClockPause.case_id == case.id, ClockPause.ended_at.is_(None))
        if self._session.scalar(running) is not None:
            raise StoreError("a pause still runs; end it first", "中止期间尚未结束，请先结束", code="pause_open")

    def _facts(self, case: Case, closing: Closing) -> Iterator[ClockFact]:
        """What the closing says about the clocks."""

        def fact(kind: str, code: str | None, at: datetime) -> ClockFact:
            return ClockFact(
                case_id=case.id, kind=kind, code=code, at=at, closing_id=closing.id, recorded_at=closing.closed_at,
                actor_id=closing.actor_id,
            )  # fmt: skip

        for code, at in self._fulfilled(case, closing):
            yield fact("fulfilment", code, at)
        if closing.withdrawn_at is not None:
            yield fact("withdrawal", None, closing.withdrawn_at)
        if closing.told_at is not None:
            yield fact("trigger", "outcome_told", closing.told_at)

    def _fulfilled(self, case: Case, closing: Closing) -> Iterator[tuple[str, datetime]]:
        rows = self._due_dates.policy(case).clock_rows
        running = {c.code for c in self._due_dates.clocks(case) if c.duty == "bank" and c.state != "ended"}
        for code in sorted(running):
            if code == TICKET:
                at = closing.fed_back_at or closing.told_at
            else:
                at = closing.fed_back_at if rows[code].told == "authority" else closing.told_at
            if at is not None:
                yield code, at

    def _refuse_open(self, clocks: Sequence[Clock]) -> None:
        running = [clock for clock in clocks if clock.state != "ended"]
        if running:
            raise StoreError(
                f"limits still run: {', '.join(clock.code for clock in running)}; give told_at, when the complainant "
                "was told, fed_back_at, when the authority was told, neither before the limit's start",
                f"以下期限尚未完成：{'、'.join(clock.name for clock in running)}；请填写告知投诉人或反馈转办单位的时间",
                code="clock_open",
            )

    def _lapse_request(self, case: Case) -> int | None:
        """The one that waited; none waits beside it."""
        waiting = select(ClockExtension).where(ClockExtension.case_id == case.id, ClockExtension.status == "requested")
        row = self._session.scalar(waiting)
        if row is None:
            return None
        row.status = "lapsed"
        return row.id

    def _written(self, case: Case, kind: str, actor_id: str, details: Mapping[str, Scalar], note: str) -> None:
        self._session.flush()
        self._due_dates.refresh(case)
        known = {key: value for key, value in details.items() if value is not None}
        self._events.record(case.id, kind, actor_id=actor_id, details=known, note=note)
        self._audit.append(f"case.{kind}", actor_id=actor_id, subject=case.id, details=known)


def _details(closing: Closing) -> Mapping[str, Scalar]:
    return {
        "outcome": closing.outcome, "redress_fen": closing.redress_fen, "is_in_time": closing.is_in_time,
        "satisfaction": closing.satisfaction, "is_responsible": closing.is_responsible,
    }  # fmt: skip
