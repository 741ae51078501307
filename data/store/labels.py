"""Decisions of people on cases. In: a label. Out: the stored label; the case follows it."""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from data.store.due_dates import DueDates
from data.store.events import EventRepository
from data.store.flags import set_facets
from data.store.free_text import redacted
from data.store.organisation import active_user
from data.store.records import NewLabel
from data.store.scope import units_within, visible_case
from data.store.tables import Case, Label, TriageResult


class LabelRepository:
    def __init__(
        self, session: Session, *, due_dates: DueDates, events: EventRepository, now: Callable[[], datetime]
    ) -> None:
        self._session = session
        self._due_dates = due_dates
        self._events = events
        self._now = now

    def add(self, case_id: str, new: NewLabel, *, within: str) -> Label:
        """Record what a person decided, with the model's version that stood; unless blind, the case follows it.

        Raises NotFoundError, NotAllowedError if the user is no active person.
        """
        user = active_user(self._session, new.user_id)
        case = visible_case(self._session, case_id, within=within, for_update=True)
        result = self._session.scalars(
            select(TriageResult).where(TriageResult.case_id == case_id).order_by(TriageResult.version.desc()).limit(1)
        ).one()
        facets = new.facets
        label = Label(
            case_id=case_id,
            user_id=user.id,
            created_at=self._now(),
            bundle=result.bundle,
            triage_version=result.version,
            seconds_spent=new.seconds_spent,
            is_blind=new.is_blind,
            order_type=facets.order_type,
            category=facets.category,
            leaf=facets.leaf,
            cause=facets.cause,
            subcause=facets.subcause,
            channel=facets.channel,
            causes2=list(new.causes2),
            flags=sorted(set(facets.flags)),
            reason=redacted(new.reason),
        )
        self._session.add(label)
        if not new.is_blind:
            case.labelled_at = label.created_at
            set_facets(self._session, case, facets)
            self._due_dates.refresh(case)
        self._events.record(case_id, "read_blind" if new.is_blind else "labelled", actor_id=user.id)
        self._session.flush()
        return label

    def of_case(self, case_id: str, *, within: str) -> Sequence[Label]:
        """All labels of a case, oldest first. Raises NotFoundError."""
        visible_case(self._session, case_id, within=within)
        return self._session.scalars(select(Label).where(Label.case_id == case_id).order_by(Label.id)).all()

    def since(self, label_id: int, *, within: str, limit: int = 1000) -> Sequence[Label]:
        """Labels after one, oldest first: what an export reads step by step."""
        query = (
            select(Label)
            .join(Case, Case.id == Label.case_id)
            .where(Label.id > label_id, Case.unit_id.in_(units_within(within)))
            .order_by(Label.id)
            .limit(limit)
        )
        return self._session.scalars(query).all()
