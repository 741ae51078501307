"""What happens to the clocks of a case. In: facts with their times. Out: stored facts, clocks, refreshed due dates.

Every fact that a person records stands in the timeline and, since it moves a limit, in the audit log.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import get_args

from sqlalchemy import select
from sqlalchemy.orm import Session

from data.days import china_day
from data.errors import NotAllowedError, StoreError
from data.policy.case_times import PauseKind
from data.policy.clocks import deciding_clock
from data.policy.schema import TICKET, TriggerKind
from data.store.audit import AuditLog, Scalar
from data.store.clock_records import CaseClocks
from data.store.clock_tables import ClockExtension, ClockFact, ClockPause
from data.store.confirmations import ConfirmationRepository
from data.store.due_dates import DueDates
from data.store.events import EventRepository
from data.store.free_text import checked_reason
from data.store.organisation import active_user
from data.store.scope import not_found, open_case, visible_case
from data.store.tables import Case

VOIDING_ROLES = frozenset({"supervisor", "compliance"})


class ClockRepository:
    def __init__(
        self,
        session: Session,
        *,
        due_dates: DueDates,
        confirmations: ConfirmationRepository,
        events: EventRepository,
        audit: AuditLog,
        now: Callable[[], datetime],
    ) -> None:
        self._session = session
        self._due_dates = due_dates
        self._confirmations = confirmations
        self._events = events
        self._audit = audit
        self._now = now

    def of_case(self, case_id: str, *, within: str) -> CaseClocks:
        """The clocks of a case as they are now. Raises NotFoundError, PolicyError where its version is missing."""
        case = visible_case(self._session, case_id, within=within)
        times = self._due_dates.times([case])[case.id]
        clocks, policy = self._due_dates.clocks(case, times), self._due_dates.policy(case)
        query = select(ClockExtension).where(ClockExtension.case_id == case_id).order_by(ClockExtension.id)
        return CaseClocks(
            policy=policy,
            clocks=clocks,
            deciding=deciding_clock(clocks),
            times=times,
            extensions=self._session.scalars(query).all(),
            confirmed=self._confirmations.confirmed(policy),
        )

    def opening(
        self,
        source: str | None,
        *,
        received_at: datetime,
        due_at: datetime | None = None,
        decided_order_type: str | None = None,
    ) -> CaseClocks:
        """The clocks that a case would open with; nothing is stored. Raises ClockError."""
        times, clocks = self._due_dates.opening(
            source, received_at=received_at, due_at=due_at, decided_order_type=decided_order_type
        )
        policy = self._due_dates.book.current
        return CaseClocks(
            policy=policy,
            clocks=clocks,
            deciding=deciding_clock(clocks),
            times=times,
            extensions=(),
            confirmed=self._confirmations.confirmed(policy),
        )

    def facts(self, case_id: str, *, within: str) -> Sequence[ClockFact]:
        """All facts as recorded, oldest first, voided ones too. Raises NotFoundError."""
        visible_case(self._session, case_id, within=within)
        query = select(ClockFact).where(ClockFact.case_id == case_id).order_by(ClockFact.id)
        return self._session.scalars(query).all()

    def add_trigger(
        self,
        case_id: str,
        kind: TriggerKind,
        *,
        at: datetime,
        due_at: datetime | None = None,
        actor_id: str,
        within: str,
    ) -> ClockFact:
        """Something that starts clocks came in on an open case: an authority's forward, an objection.

        Raises NotFoundError, StoreError `case_closed`, `time_invalid`, `clock_unknown`.
        """
        case = open_case(self._session, case_id, within=within)
        if kind not in get_args(TriggerKind):
            raise _unknown("trigger", get_args(TriggerKind))
        fact = ClockFact(case_id=case_id, kind="trigger", code=kind, at=self._past(case, at), due_at=due_at)
        return self._record(case, fact, actor_id)

    def add_new_facts(self, case_id: str, *, at: datetime, actor_id: str, within: str) -> ClockFact:
        """New facts and reasons were received. Raises as `add_trigger`."""
        case = open_case(self._session, case_id, within=within)
        return self._record(case, ClockFact(case_id=case_id, kind="new_facts", at=self._past(case, at)), actor_id)

    def add_fulfilment(self, case_id: str, code: str, *, at: datetime, actor_id: str, within: str) -> ClockFact:
        """The duty of clock `code` was done before the case is closed. Raises as `add_trigger`."""
        case = open_case(self._session, case_id, within=within)
        known = (TICKET, *self._due_dates.policy(case).clock_rows)
        if code not in known:
            raise _unknown("clock", known)
        fact = ClockFact(case_id=case_id, kind="fulfilment", code=code, at=self._past(case, at))
        return self._record(case, fact, actor_id)

    def begin_pause(
        self,
        case_id: str,
        kind: PauseKind,
        *,
        began_at: datetime,
        notified_on: date,
        actor_id: str,
        within: str,
    ) -> ClockPause:
        """Appraisal, testing, assessment or mediation outside began, and the complainant was told.

        Raises as `add_trigger`, StoreError `pause_open` while one runs.
        """
        case = open_case(self._session, case_id, within=within)
        if kind not in get_args(PauseKind):
            raise _unknown("pause", get_args(PauseKind))
        if self.open_pause(case_id, within=within) is not None:
            raise StoreError("a pause runs already; end it first", "已有中止期间尚未结束", code="pause_open")
        if not china_day(case.received_at) <= notified_on <= china_day(self._now()):
            raise _time_invalid()
        pause = ClockPause(
            case_id=case_id, kind=kind, began_at=self._past(case, began_at), ended_at=None, notified_on=notified_on,
            actor_id=actor_id,
        )  # fmt: skip
        self._session.add(pause)
        self._changed(case, "clock_paused", actor_id, {"kind": kind, "at": began_at.isoformat()})
        return pause

    def end_pause(self, case_id: str, *, ended_at: datetime, actor_id: str, within: str) -> ClockPause:
        """The running pause is over. Raises as `add_trigger`, StoreError `pause_not_open`."""
        case = open_case(self._session, case_id, within=within)
        pause = self.open_pause(case_id, within=within)
        if pause is None:
            raise StoreError("no pause runs", "没有进行中的中止期间", code="pause_not_open")
        if self._past(case, ended_at) < pause.began_at:
            raise _time_invalid()
        pause.ended_at = ended_at
        self._changed(case, "clock_resumed", actor_id, {"kind": pause.kind, "at": ended_at.isoformat()})
        return pause

    def open_pause(self, case_id: str, *, within: str) -> ClockPause | None:
        """The pause that runs. Raises NotFoundError."""
        visible_case(self._session, case_id, within=within)
        query = select(ClockPause).where(ClockPause.case_id == case_id, ClockPause.ended_at.is_(None))
        return self._session.scalar(query)

    def void(self, case_id: str, fact_id: int, *, user_id: str, reason: str, within: str) -> ClockFact:
        """A fact was recorded by mistake and counts no longer; the reason goes into the audit log.

        Raises NotAllowedError (role, no reason), NotFoundError, StoreError `fact_needed` for the last trigger and for
        facts of a closing, which reopening undoes.
        """
        user = active_user(self._session, user_id)
        if user.role not in VOIDING_ROLES:
            raise NotAllowedError("only a supervisor or compliance may void a fact", "只有主管或合规人员可以作废记录")
        reason = checked_reason(reason)
        case = open_case(self._session, case_id, within=within)
        standing = {fact.id: fact for fact in self.facts(case_id, within=within) if fact.voided_at is None}
        if fact_id not in standing:
            raise not_found("fact", "记录")
        fact = standing.pop(fact_id)
        if fact.closing_id is not None or not any(other.kind == "trigger" for other in standing.values()):
            raise StoreError(
                "a case keeps at least one trigger, and facts of a closing are undone by reopening",
                "案件须保留至少一个起算事由；办结产生的记录请通过重开撤销",
                code="fact_needed",
            )
        fact.voided_at = self._now()
        self._changed(case, "clock_fact_voided", user.id, {"fact": fact_id, "kind": fact.kind}, reason=reason)
        return fact

    def _record(self, case: Case, fact: ClockFact, actor_id: str) -> ClockFact:
        fact.actor_id, fact.recorded_at = actor_id, self._now()
        self._session.add(fact)
        details = {"kind": fact.kind, "at": fact.at.isoformat()}
        self._changed(case, "clock_fact", actor_id, details | ({"code": fact.code} if fact.code else {}))
        return fact

    def _changed(
        self, case: Case, kind: str, actor_id: str, details: Mapping[str, Scalar], *, reason: str | None = None
    ) -> None:
        self._session.flush()
        self._due_dates.refresh(case)
        self._events.record(case.id, kind, actor_id=actor_id, details=details)
        reasons = {} if reason is None else {"reason": reason}
        self._audit.append(f"case.{kind}", actor_id=actor_id, subject=case.id, details={**details, **reasons})

    def _past(self, case: Case, at: datetime) -> datetime:
        """The moment itself. Raises StoreError for one before the case or after now."""
        return past_moment(at, case=case, now=self._now())


def past_moment(at: datetime, *, case: Case, now: datetime) -> datetime:
    """The moment itself. Raises StoreError `time_invalid` for one before the receipt, after now or without zone."""
    if at.utcoffset() is None or not case.received_at <= at <= now:
        raise _time_invalid()
    return at


def _time_invalid() -> StoreError:
    return StoreError(
        "a time lies before the complaint was received, in the future, before its beginning, or has no zone",
        "时间须带时区，不早于收到投诉之时，不晚于现在，且结束不早于开始",
        code="time_invalid",
    )


def _unknown(what: str, known: Sequence[str]) -> StoreError:
    return StoreError(
        f"unknown {what}; expected one of {', '.join(known)}",
        f"代码不正确，应为 {'、'.join(known)}",
        code="clock_unknown",
    )
