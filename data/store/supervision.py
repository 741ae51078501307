"""督办: who was reminded and has not acted, what supervisors write to them. In: a part of the bank. Out: rows, counts.

A reminder counts while the due date it spoke of is the case's own. Somebody has acted once a person has done anything
to the case since the latest one; being pressed again is not acting.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, select
from sqlalchemy.orm import Session

from data.errors import NotAllowedError, StoreError
from data.store.clock_tables import Reminder
from data.store.events import EventRepository
from data.store.free_text import redacted
from data.store.organisation import active_user
from data.store.outbox import DIRECTIVE, OutboxRepository
from data.store.scope import not_found, open_case, units_within
from data.store.supervision_tables import Directive
from data.store.tables import OPEN, Case, Event, User

SUPERVISED, ACKNOWLEDGED = "supervised", "supervision_acknowledged"
NOT_ACTING = (SUPERVISED, "read_blind", "alert_acknowledged")
MOST_COUNTED = 100
"""A page's head needs no more than »99+«."""
MOST_LISTED = 200
LONGEST_TEXT = 1000


@dataclass(frozen=True, kw_only=True)
class Reminded:
    """A case and the latest reminder of its due date; `acted_at` is when a person first did something after it."""

    case: Case
    stage: str
    reminded_at: datetime
    acted_at: datetime | None


class SupervisionRepository:
    def __init__(
        self, session: Session, *, outbox: OutboxRepository, events: EventRepository, now: Callable[[], datetime]
    ) -> None:
        self._session = session
        self._outbox = outbox
        self._events = events
        self._now = now

    def reminded(
        self, *, within: str, assignee_id: str | None = None, is_acted: bool | None = None, limit: int = MOST_LISTED
    ) -> Sequence[Reminded]:
        """Open cases that somebody was reminded of, the soonest due first."""
        acted_at = select(func.min(Event.at)).where(*_acts()).correlate(Case, Reminder).scalar_subquery()
        query = _reminded(select(Case, Reminder.stage, Reminder.recorded_at, acted_at), within, assignee_id)
        if is_acted is not None:
            query = query.where(_has_acted() if is_acted else ~_has_acted())
        rows = self._session.execute(query.order_by(Case.due_at, Case.id).limit(limit)).all()
        return [Reminded(case=case, stage=stage, reminded_at=at, acted_at=acted) for case, stage, at, acted in rows]

    def count_waiting(self, *, within: str, assignee_id: str | None = None) -> int:
        """Cases reminded of on which nobody has acted; counted up to MOST_COUNTED."""
        query = _reminded(select(Case.id), within, assignee_id).where(~_has_acted()).limit(MOST_COUNTED)
        return self._session.scalar(select(func.count()).select_from(query.subquery())) or 0

    def write(
        self, case_id: str, *, to_user: str, text: str, from_user: str, within: str, entry: str | None = None
    ) -> Directive:
        """Press somebody to act on an open case; they are told at once.

        `entry` names the form that was sent: however often it is sent, it is one note.

        Raises NotFoundError, NotAllowedError, StoreError `case_closed`, `directive_invalid`.
        """
        sender, receiver = active_user(self._session, from_user), active_user(self._session, to_user)
        case = open_case(self._session, case_id, within=within)  # locked: of two clicks one waits here
        told = self._outbox.payload(DIRECTIVE, entry) if entry else None
        if told is not None:
            return self._session.get_one(Directive, told["directive"])
        if not 1 <= len(text.strip()) <= LONGEST_TEXT:
            raise StoreError(
                f"a note to the responsible person has 1 to {LONGEST_TEXT} characters",
                f"督办意见须为 1 至 {LONGEST_TEXT} 个字",
                code="directive_invalid",
            )
        directive = Directive(
            case_id=case.id, from_user=sender.id, to_user=receiver.id, created_at=self._now(), text=redacted(text)
        )
        self._session.add(directive)
        self._session.flush()
        details = {"directive": directive.id, "to": receiver.id}
        self._events.record(case.id, SUPERVISED, actor_id=sender.id, details=details, note=text)
        payload = {
            "case_id": case.id, "unit_id": case.unit_id, "directive": directive.id, "from": sender.id,
            "to": [receiver.id], "due_at": case.due_at and case.due_at.isoformat(),
        }  # fmt: skip
        self._outbox.put(DIRECTIVE, payload, key=entry or str(directive.id), case=case)
        return directive

    def acknowledge(self, directive_id: int, *, user_id: str, within: str) -> Directive:
        """The one it is for has taken note; a second time changes nothing. Raises NotFoundError, NotAllowedError."""
        visible = select(Directive).join(Case).where(Case.unit_id.in_(units_within(within)))
        query = visible.where(Directive.id == directive_id).with_for_update(of=Directive)
        directive = self._session.scalar(query)
        if directive is None:
            raise not_found("note", "督办意见")
        if directive.to_user != user_id:
            raise NotAllowedError("only the one it is for acknowledges it", "只有被督办人本人可以签收")
        if directive.acknowledged_at is None:
            directive.acknowledged_at = self._now()
            details = {"directive": directive.id}
            self._events.record(directive.case_id, ACKNOWLEDGED, actor_id=user_id, details=details)
            self._session.flush()
        return directive

    def waiting_for(self, user_id: str, *, within: str) -> Sequence[tuple[Directive, Case]]:
        """What somebody has to acknowledge, oldest first."""
        query = select(Directive, Case).join(Case).where(*_unacknowledged(user_id, within)).order_by(Directive.id)
        return [(directive, case) for directive, case in self._session.execute(query.limit(MOST_LISTED))]

    def count_for(self, user_id: str, *, within: str) -> int:
        """How many notes somebody has to acknowledge."""
        query = select(func.count()).select_from(Directive).join(Case).where(*_unacknowledged(user_id, within))
        return self._session.scalar(query) or 0

    def written(self, *, within: str, limit: int = 50) -> Sequence[tuple[Directive, Case]]:
        """Notes on cases that the caller sees, those not acknowledged first, then the latest."""
        query = (
            select(Directive, Case)
            .join(Case)
            .where(Case.unit_id.in_(units_within(within)))
            .order_by(Directive.acknowledged_at.is_not(None), Directive.id.desc())
            .limit(limit)
        )
        return [(directive, case) for directive, case in self._session.execute(query)]


def _reminded(query: Any, within: str, assignee_id: str | None) -> Select[Any]:
    of_case = and_(Reminder.case_id == Case.id, Reminder.code == Case.due_code, Reminder.due_at == Case.due_at)
    later = Reminder.__table__.alias("later")
    is_latest = ~exists().where(
        later.c.case_id == Reminder.case_id, later.c.code == Reminder.code, later.c.due_at == Reminder.due_at,
        later.c.id > Reminder.id,
    )  # fmt: skip
    found: Select[Any] = query.join(Reminder, of_case).where(
        Case.status == OPEN, Case.unit_id.in_(units_within(within)), is_latest
    )
    return found if assignee_id is None else found.where(Case.assignee_id == assignee_id)


def _acts() -> tuple[ColumnElement[bool], ...]:
    """An event is a person's act on the case since its latest reminder."""
    return (
        Event.case_id == Case.id,
        Event.at >= Reminder.recorded_at,
        Event.kind.not_in(NOT_ACTING),
        Event.actor_id.in_(select(User.id)),
    )


def _has_acted() -> ColumnElement[bool]:
    return exists().where(*_acts())


def _unacknowledged(user_id: str, within: str) -> tuple[ColumnElement[bool], ...]:
    return (
        Directive.to_user == user_id, Directive.acknowledged_at.is_(None), Case.unit_id.in_(units_within(within)),
    )  # fmt: skip
