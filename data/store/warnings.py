"""Early warnings from their raising to their end. In: findings of a day, what people do. Out: warnings with owners.

    with store.writing() as work:
        hold = work.warnings.claim(day)       # then look, in a transaction that only reads
    with store.writing() as work:
        work.warnings.record(findings, hold=hold)

An open warning of the same matter is continued, not raised again. One that was ended stays quiet for a week, and as
long as hardly any case is new.
"""

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.orm import Session

from data.errors import StoreError
from data.store.audit import AuditLog
from data.store.free_text import checked_reason
from data.store.insertion import insert_if_new
from data.store.organisation import active_user
from data.store.outbox import WARNING, OutboxRepository
from data.store.scope import not_found, units_within
from data.store.tables import Case
from data.store.warning_records import DayHold, Finding, Week
from data.store.warning_tables import EARLY, ENDINGS, MAJOR, TEMPLATE, TERM, EarlyWarning, WarningCase, WarningDay

LEASE = timedelta(minutes=30)
QUIET = timedelta(days=7)
LEAST_NEW_CASES = 5
MOST_LISTED = 200
TOLD = (
    "kind", "grade", "reasons", "unit_id", "category", "leaf", "cause", "subcause", "window_days", "count", "customers",
    "expected", "limit",
)  # fmt: skip
"""What webhooks get to know of a warning."""
_SAME_CASES = 0.5
_BATCH = 500


class WarningRepository:
    def __init__(
        self, session: Session, *, audit: AuditLog, outbox: OutboxRepository, now: Callable[[], datetime]
    ) -> None:
        self._session = session
        self._audit = audit
        self._outbox = outbox
        self._now = now

    def is_finished(self, day: date) -> bool:
        """Whether this day was looked at."""
        found = self._session.get(WarningDay, day.isoformat())
        return found is not None and found.finished_at is not None

    def claim(self, day: date) -> DayHold | None:
        """Take a day to look at; None where it is finished or another process has it in hand."""
        now = self._now()
        hold = DayHold(day=day, until=now + LEASE)
        values = {"day": day.isoformat(), "lease_until": hold.until, "finished_at": None, "raised": 0}
        if insert_if_new(self._session, WarningDay, values, unique=["day"]):
            return hold
        # Let go of by a process that died; of two that come for it the database lets one have it.
        lost = (WarningDay.day == day.isoformat()) & WarningDay.finished_at.is_(None) & (WarningDay.lease_until <= now)
        taken = update(WarningDay).where(lost).values(lease_until=hold.until).returning(WarningDay.day)
        return hold if self._session.execute(taken).first() is not None else None

    def release(self, hold: DayHold) -> None:
        """The look failed: somebody may take the day again at once. Who has lost it by now changes nothing."""
        self._session.execute(update(WarningDay).where(*_held(hold)).values(lease_until=self._now()))

    def record(self, findings: Iterable[Finding], *, hold: DayHold) -> Sequence[EarlyWarning]:
        """Continue what is open, raise what is new, and note the day as finished; returns the new ones.

        Webhooks are told of a new one, and of one that becomes 重大. Raises StoreError `day_lost`: the look took longer
        than the lease, and another process has the day in hand or has finished it.
        """
        finished = update(WarningDay).where(*_held(hold)).values(finished_at=self._now()).returning(WarningDay.day)
        if self._session.execute(finished).first() is None:
            raise StoreError(
                f"the look at {hold.day} took too long, another process does it; nothing was recorded",
                "该日预警分析已由其他进程接手，本次结果未保存",
                code="day_lost",
            )
        raised = [warning for finding in findings if (warning := self._record(finding))]
        self._session.execute(
            update(WarningDay).where(WarningDay.day == hold.day.isoformat()).values(raised=len(raised))
        )
        self._session.flush()
        return raised

    def listed(
        self, *, within: str, is_open: bool | None = None, owner_id: str | None = None,
        limit: int = MOST_LISTED,
    ) -> Sequence[EarlyWarning]:  # fmt: skip
        """Warnings of the caller's units: 重大 first, then those nobody has taken, then the latest."""
        query = select(EarlyWarning).where(_visible(within))
        if is_open is not None:
            query = query.where(EarlyWarning.ended_at.is_(None) if is_open else EarlyWarning.ended_at.is_not(None))
        if owner_id is not None:
            query = query.where(EarlyWarning.owner_id == owner_id)
        order = (
            EarlyWarning.grade == EARLY,
            EarlyWarning.acknowledged_at.is_not(None),
            EarlyWarning.raised_at.desc(),
            EarlyWarning.id,
        )
        return self._session.scalars(query.order_by(*order).limit(min(limit, MOST_LISTED))).all()

    def count_open(self, *, within: str) -> tuple[int, int]:
        """How many are open, and how many of them nobody has acknowledged."""
        row = self._session.execute(
            select(func.count(), func.count().filter(EarlyWarning.acknowledged_at.is_(None))).where(
                EarlyWarning.ended_at.is_(None), _visible(within)
            )
        ).one()
        return row[0], row[1]

    def get(self, warning_id: str, *, within: str) -> EarlyWarning:
        """One warning. Raises NotFoundError."""
        return self._one(warning_id, within, for_update=False)

    def case_ids(self, warning_id: str, *, within: str) -> Sequence[str]:
        """Its cases that the caller sees, latest first. Raises NotFoundError."""
        self.get(warning_id, within=within)
        query = (
            select(Case.id)
            .join(WarningCase, WarningCase.case_id == Case.id)
            .where(WarningCase.warning_id == warning_id, Case.unit_id.in_(units_within(within)))
            .order_by(Case.received_at.desc(), Case.id)
        )
        return self._session.scalars(query).all()

    def cases_counted(self, warning_ids: Iterable[str], *, within: str) -> Mapping[str, int]:
        """How many cases each has that the caller sees."""
        query = (
            select(WarningCase.warning_id, func.count())
            .join(Case, Case.id == WarningCase.case_id)
            .where(WarningCase.warning_id.in_(list(warning_ids)), Case.unit_id.in_(units_within(within)))
            .group_by(WarningCase.warning_id)
        )
        return {row[0]: row[1] for row in self._session.execute(query)}

    def of_case(self, case_id: str, *, within: str) -> Sequence[EarlyWarning]:
        """Open warnings that a case belongs to."""
        query = (
            select(EarlyWarning)
            .join(WarningCase, WarningCase.warning_id == EarlyWarning.id)
            .where(WarningCase.case_id == case_id, EarlyWarning.ended_at.is_(None), _visible(within))
            .order_by(EarlyWarning.raised_at.desc(), EarlyWarning.id)
        )
        return self._session.scalars(query).all()

    def acknowledge(self, warning_id: str, *, user_id: str, within: str) -> EarlyWarning:
        """A person has seen it and becomes its owner. A second one changes nothing.

        Raises NotFoundError, NotAllowedError, StoreError `warning_ended`.
        """
        warning = self._open(warning_id, within)
        user = active_user(self._session, user_id)
        if warning.acknowledged_at is None:
            warning.acknowledged_at, warning.owner_id = self._now(), user.id
            self._note("warning.acknowledged", warning, user.id)
        return warning

    def take_over(self, warning_id: str, *, user_id: str, within: str) -> EarlyWarning:
        """Another person becomes its owner. Raises as `acknowledge`."""
        warning = self._open(warning_id, within)
        user = active_user(self._session, user_id)
        if warning.owner_id != user.id:
            before, warning.owner_id = warning.owner_id, user.id
            warning.acknowledged_at = warning.acknowledged_at or self._now()
            self._note("warning.taken_over", warning, user.id, owner_before=before or "")
        return warning

    def end(self, warning_id: str, *, ending: str, reason: str, user_id: str, within: str) -> EarlyWarning:
        """It is over: what was found and done, or why it was none. The owner alone does it; who is not takes it over
        first, so that two people never end each other's work unseen.

        Raises as `acknowledge`, NotAllowedError `reason_missing`, StoreError `warning_not_owned`, `query_invalid`.
        """
        warning = self._open(warning_id, within)
        user = active_user(self._session, user_id)
        if ending not in ENDINGS:
            raise StoreError(
                f"unknown ending; expected one of {', '.join(ENDINGS)}", "未知的结束方式", code="query_invalid"
            )
        if warning.owner_id != user.id:
            raise StoreError(
                "only its owner ends a warning; take it over first",
                "仅负责人可结束预警，请先接手",
                code="warning_not_owned",
            )
        warning.end_reason = checked_reason(reason)
        warning.ended_at, warning.ended_by, warning.ending = self._now(), user.id, ending
        self._note("warning.ended", warning, user.id, ending=ending, reason=warning.end_reason)
        return warning

    def week(self, begins: datetime, ends: datetime, *, within: str) -> Week:
        """What a digest of this period tells."""

        def found(*conditions: ColumnElement[bool]) -> Sequence[EarlyWarning]:
            query = select(EarlyWarning).where(_visible(within), *conditions)
            return self._session.scalars(
                query.order_by(EarlyWarning.grade == EARLY, EarlyWarning.raised_at, EarlyWarning.id)
            ).all()

        return Week(
            begins=begins,
            ends=ends,
            raised=found(EarlyWarning.raised_at >= begins, EarlyWarning.raised_at < ends),
            ended=found(EarlyWarning.ended_at >= begins, EarlyWarning.ended_at < ends),
            open=found(
                EarlyWarning.raised_at < ends, or_(EarlyWarning.ended_at.is_(None), EarlyWarning.ended_at >= ends)
            ),
        )

    def _record(self, finding: Finding) -> EarlyWarning | None:
        """The warning if it is a new one."""
        earlier = self._earlier(finding)
        standing = next((warning for warning in earlier if warning.ended_at is None), None)
        if standing is not None:
            self._continue(standing, finding)
            return None
        if earlier and not self._may_be_raised_again(earlier[0], finding):
            return None
        now = self._now()
        warning = EarlyWarning(
            id=secrets.token_hex(8), kind=finding.kind, key=finding.key, grade=_grade(finding),
            reasons=list(finding.reasons), unit_id=finding.unit_id, category=finding.category, leaf=finding.leaf,
            cause=finding.cause, subcause=finding.subcause, term=finding.term, window_days=finding.window_days,
            count=finding.count, customers=finding.customers, expected=finding.expected, limit=finding.limit,
            raised_at=now, seen_at=now, end_reason="",
        )  # fmt: skip
        self._session.add(warning)
        self._session.flush()
        self._add_cases(warning, finding)
        self._tell(warning)
        return warning

    def _earlier(self, finding: Finding) -> Sequence[EarlyWarning]:
        """Warnings of the same matter, latest first. Templates and terms are the same when they share their cases."""
        query = (
            select(EarlyWarning)
            .where(EarlyWarning.kind == finding.kind)
            .order_by(EarlyWarning.raised_at.desc(), EarlyWarning.id)
        )
        if finding.kind not in (TEMPLATE, TERM):
            return self._session.scalars(query.where(EarlyWarning.key == finding.key)).all()
        shared = (
            select(WarningCase.warning_id)
            .where(WarningCase.case_id.in_(finding.case_ids[:_BATCH]))
            .group_by(WarningCase.warning_id)
            .having(func.count() >= min(LEAST_NEW_CASES, _SAME_CASES * len(finding.case_ids)))
        )
        return self._session.scalars(
            query.where(or_(EarlyWarning.id.in_(shared), EarlyWarning.key == finding.key))
        ).all()

    def _continue(self, warning: EarlyWarning, finding: Finding) -> None:
        warning.seen_at = self._now()
        warning.count, warning.customers = finding.count, finding.customers
        warning.expected, warning.limit, warning.window_days = finding.expected, finding.limit, finding.window_days
        if finding.is_major:
            warning.grade, warning.reasons = MAJOR, list(finding.reasons)
            self._tell(warning)
        self._add_cases(warning, finding)

    def _may_be_raised_again(self, ended: EarlyWarning, finding: Finding) -> bool:
        assert ended.ended_at is not None
        before = set(self._session.scalars(select(WarningCase.case_id).where(WarningCase.warning_id == ended.id)))
        new = len(set(finding.case_ids) - before)
        if finding.is_major and ended.grade == EARLY:
            return new > 0
        return new >= LEAST_NEW_CASES and self._now() - ended.ended_at >= QUIET

    def _add_cases(self, warning: EarlyWarning, finding: Finding) -> None:
        for case_id in finding.case_ids:
            values = {"warning_id": warning.id, "case_id": case_id}
            insert_if_new(self._session, WarningCase, values, unique=["warning_id", "case_id"])

    def _tell(self, warning: EarlyWarning) -> None:
        """Once in each grade. The word of a term stays here: it comes from complaints."""
        payload = {"warning_id": warning.id} | {name: getattr(warning, name) for name in TOLD}
        self._outbox.put(WARNING, payload, key=f"{warning.id}/{warning.grade}", unit_id=warning.unit_id)

    def _open(self, warning_id: str, within: str) -> EarlyWarning:
        """Locked until the end of the transaction. Raises NotFoundError, StoreError `warning_ended`."""
        warning = self._one(warning_id, within, for_update=True)
        if warning.ended_at is not None:
            raise StoreError("the warning was ended already", "该预警已结束", code="warning_ended")
        return warning

    def _one(self, warning_id: str, within: str, *, for_update: bool) -> EarlyWarning:
        query = select(EarlyWarning).where(EarlyWarning.id == warning_id, _visible(within))
        warning = self._session.scalar(query.with_for_update() if for_update else query)
        if warning is None:
            raise not_found("warning", "预警")
        return warning

    def _note(self, action: str, warning: EarlyWarning, actor_id: str, **details: str) -> None:
        self._session.flush()
        self._audit.append(action, actor_id=actor_id, subject=warning.id, details={"kind": warning.kind, **details})


def _visible(within: str) -> ColumnElement[bool]:
    return EarlyWarning.unit_id.in_(units_within(within))


def _held(hold: DayHold) -> tuple[ColumnElement[bool], ...]:
    return (
        WarningDay.day == hold.day.isoformat(),
        WarningDay.lease_until == hold.until,
        WarningDay.finished_at.is_(None),
    )


def _grade(finding: Finding) -> str:
    return MAJOR if finding.is_major else EARLY
