"""Who works on a case. In: a case and a user. Out: the assignment; the one before ends."""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from data.errors import StoreError
from data.store.events import EventRepository
from data.store.organisation import active_user
from data.store.scope import not_found, units_within, visible_case
from data.store.tables import Assignment, Case, Unit
from data.store.versions import ASSIGNED, RELEASED


class AssignmentRepository:
    def __init__(self, session: Session, *, events: EventRepository, now: Callable[[], datetime]) -> None:
        self._session = session
        self._events = events
        self._now = now

    def assign(self, case_id: str, *, user_id: str, actor_id: str, within: str) -> Assignment:
        """Give a case to a user of the caller's part of the organisation. Raises NotFoundError, NotAllowedError."""
        case = visible_case(self._session, case_id, within=within, for_update=True)
        user = active_user(self._session, user_id)
        if self._session.scalar(units_within(within).where(Unit.id == user.unit_id)) is None:
            raise not_found("user", "用户")
        return self._give(case, user.id, actor_id)

    def claim(self, case_id: str, *, user_id: str, within: str) -> None:
        """Take a case that nobody has; taking one's own again changes nothing.

        Raises StoreError `case_taken`, NotFoundError, NotAllowedError.
        """
        case = visible_case(self._session, case_id, within=within, for_update=True)
        user = active_user(self._session, user_id)
        if case.assignee_id is None:
            self._give(case, user.id, user.id)
        elif case.assignee_id != user.id:
            raise StoreError("somebody else has this case", "该案件已由他人处理", code="case_taken")

    def release(self, case_id: str, *, actor_id: str, within: str) -> None:
        """Take a case from whoever has it. Raises NotFoundError."""
        case = visible_case(self._session, case_id, within=within, for_update=True)
        self._end(case_id, self._now())
        before, case.assignee_id = case.assignee_id, None
        self._events.record(case_id, RELEASED, actor_id=actor_id, details={"from": before})

    def of_case(self, case_id: str, *, within: str) -> Sequence[Assignment]:
        """All assignments, oldest first; the current one has no end. Raises NotFoundError."""
        visible_case(self._session, case_id, within=within)
        query = select(Assignment).where(Assignment.case_id == case_id).order_by(Assignment.id)
        return self._session.scalars(query).all()

    def _give(self, case: Case, user_id: str, actor_id: str) -> Assignment:
        now = self._now()
        self._end(case.id, now)
        row = Assignment(case_id=case.id, user_id=user_id, assigned_by=actor_id, assigned_at=now, ended_at=None)
        self._session.add(row)
        before, case.assignee_id = case.assignee_id, user_id
        self._events.record(case.id, ASSIGNED, actor_id=actor_id, details={"from": before, "to": user_id})
        self._session.flush()
        return row

    def _end(self, case_id: str, at: datetime) -> None:
        is_current = (Assignment.case_id == case_id) & Assignment.ended_at.is_(None)
        self._session.execute(update(Assignment).where(is_current).values(ended_at=at))
