"""Second thoughts. In: what a person has just done to a case. Out: the case as it was before.

What is done is stored at once, so that nothing is lost with a browser; undoing it is a further line of the timeline. It
is open to who did it, for a moment, and only while nothing else has happened to the case.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from data.errors import StoreError
from data.store.assignments import AssignmentRepository
from data.store.cases import CaseRepository
from data.store.clock_records import Reopening
from data.store.events import EventRepository
from data.store.extensions import ExtensionRepository
from data.store.labels import LabelRepository
from data.store.records import Facets
from data.store.rectifications import RectificationRepository
from data.store.reminders import SYSTEM
from data.store.tables import Case, Event

SHOWN_FOR = timedelta(seconds=10)
# A page shows it for ten seconds; the way there and back takes some.
POSSIBLE_FOR = timedelta(seconds=20)
UNDONE = "办结已撤销"
"""Why an item of 溯源整改 was dropped."""
KINDS = frozenset(
    {
        "labelled", "assigned", "released", "handed_over", "escalated", "noted", "closed", "extension_requested",
        "repeat_linked", "repeat_unlinked",
    }
)  # fmt: skip


class UndoRepository:
    def __init__(
        self,
        session: Session,
        *,
        cases: CaseRepository,
        labels: LabelRepository,
        assignments: AssignmentRepository,
        extensions: ExtensionRepository,
        rectifications: RectificationRepository,
        events: EventRepository,
        now: Callable[[], datetime],
    ) -> None:
        self._session = session
        self._cases = cases
        self._labels = labels
        self._assignments = assignments
        self._extensions = extensions
        self._rectifications = rectifications
        self._events = events
        self._now = now

    def latest(self, case_id: str, *, user_id: str) -> Event | None:
        """The last thing that happened to a case, if this person did it right now and it can be undone.

        Says nothing about cases of others: who did it knows the case, even if they have just handed it over.
        """
        # What the service writes by itself, such as a reminder, changes nothing about the case.
        by_somebody = (Event.case_id == case_id) & (Event.actor_id != SYSTEM)
        event = self._session.scalar(select(Event).where(by_somebody).order_by(Event.id.desc()).limit(1))
        if event is None or event.actor_id != user_id or event.kind not in KINDS:
            return None
        return event if self._now() - event.at <= POSSIBLE_FOR else None

    def undo(self, case_id: str, event_id: int, *, user_id: str, within: str) -> Event:
        """Undo what the event says. Raises StoreError `undo_refused`, `label_conflict`, NotFoundError."""
        self._session.get(Case, case_id, with_for_update=True)
        event = self.latest(case_id, user_id=user_id)
        if event is None or event.id != event_id:
            raise StoreError(
                "this can no longer be undone: ten seconds are over or something else happened to the case; it stands",
                "已超过十秒或案件已有新的变化，无法撤销；原操作仍然有效",
                code="undo_refused",
            )
        if event.kind == "labelled":
            self._labels.withdraw(case_id, _facets(event), user_id=user_id, within=within)
        elif event.kind in ("handed_over", "escalated"):
            details = event.details
            self._cases.take_back(
                case_id, unit_id=details["from"], concerned=details.get("concerned"), actor_id=user_id, within=within
            )
            self._assign_again(case_id, event.details.get("assignee"), user_id, within)
        elif event.kind == "closed":
            self._reopen(case_id, event.details, user_id=user_id, within=within)
        elif event.kind == "extension_requested":
            self._extensions.withdraw(case_id, event.details["extension"], user_id=user_id, within=within)
        elif event.kind in ("repeat_linked", "repeat_unlinked"):
            self._cases.link_repeat(case_id, event.details["from"], actor_id=user_id, within=within)
        elif event.kind == "noted":
            event.note = ""
            self._events.record(case_id, "note_withdrawn", actor_id=user_id)
        else:
            self._assign_again(case_id, event.details.get("from"), user_id, within)
        return event

    def _reopen(self, case_id: str, closed: Mapping[str, Any], *, user_id: str, within: str) -> None:
        """With the request for more time that lapsed, without the item of 溯源整改 that was put down."""
        self._cases.reopen(case_id, Reopening(reason="mistake"), actor_id=user_id, within=within)
        if "extension" in closed:
            self._extensions.restore(case_id, closed["extension"], user_id=user_id, within=within)
        if "rectification" in closed:
            self._rectifications.drop(closed["rectification"], reason=UNDONE, actor_id=user_id, within=within)

    def _assign_again(self, case_id: str, assignee: str | None, user_id: str, within: str) -> None:
        case = self._session.get_one(Case, case_id)
        if assignee == case.assignee_id:
            return
        if assignee is None:
            self._assignments.release(case_id, actor_id=user_id, within=within)
            return
        self._assignments.assign(case_id, user_id=assignee, actor_id=user_id, within=within)


def _facets(event: Event) -> Facets:
    before = event.details["before"]
    return Facets(**before | {"flags": tuple(before["flags"])})
