"""The timeline of a case. In: what happened. Out: events in order."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from data.store.free_text import redacted
from data.store.scope import visible_case
from data.store.tables import Event


class EventRepository:
    def __init__(self, session: Session, *, now: Callable[[], datetime]) -> None:
        self._session = session
        self._now = now

    def add(
        self,
        case_id: str,
        kind: str,
        *,
        actor_id: str,
        within: str,
        details: Mapping[str, Any] = {},
        note: str = "",
    ) -> Event:
        """One line. `details` hold codes and numbers only; a person's words go into `note` and are redacted."""
        visible_case(self._session, case_id, within=within)
        event = self.record(case_id, kind, actor_id=actor_id, details=details, note=note)
        self._session.flush()
        return event

    def record(
        self,
        case_id: str,
        kind: str,
        *,
        actor_id: str,
        details: Mapping[str, Any] = {},
        note: str = "",
    ) -> Event:
        """One line on a case that the caller has in hand."""
        event = Event(
            case_id=case_id, at=self._now(), kind=kind, actor_id=actor_id, details=dict(details), note=redacted(note)
        )
        self._session.add(event)
        return event

    def of_case(self, case_id: str, *, within: str) -> Sequence[Event]:
        """All events, oldest first. Raises NotFoundError."""
        visible_case(self._session, case_id, within=within)
        return self._session.scalars(select(Event).where(Event.case_id == case_id).order_by(Event.id)).all()
