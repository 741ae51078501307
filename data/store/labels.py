"""Decisions of people on cases. In: a label. Out: the stored label; the case follows it."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from data.errors import StoreError
from data.store.alerts import AlertRepository
from data.store.due_dates import DueDates
from data.store.events import EventRepository
from data.store.flags import facets_of, set_facets
from data.store.free_text import redacted
from data.store.organisation import active_user
from data.store.records import Facets, NewLabel
from data.store.scope import units_within, visible_case
from data.store.tables import Case, Label, TriageResult


class LabelRepository:
    def __init__(
        self,
        session: Session,
        *,
        due_dates: DueDates,
        events: EventRepository,
        alerts: AlertRepository,
        now: Callable[[], datetime],
    ) -> None:
        self._session = session
        self._due_dates = due_dates
        self._events = events
        self._alerts = alerts
        self._now = now

    def add(self, case_id: str, new: NewLabel, *, within: str) -> Label:
        """Record what a person decided, with the model's version that stood; unless blind, the case follows it.

        The event keeps the codes that stood before. Raises NotFoundError, NotAllowedError if the user is no active
        person, StoreError `label_conflict` if somebody has decided since the label that the user saw.
        """
        user = active_user(self._session, new.user_id)
        case = visible_case(self._session, case_id, within=within, for_update=True)
        if new.seen_label is not None and new.seen_label != _id(self._standing(case_id)):
            raise StoreError(
                "somebody else has decided on this case meanwhile; nothing was stored; look at their decision",
                "其他人刚刚已确认该案件，您的修改未保存，请先查看其结果",
                code="label_conflict",
            )
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
        self._session.flush()
        details: dict[str, Any] = {"label": label.id}
        if not new.is_blind:
            details["before"] = asdict(facets_of(self._session, case))
            case.labelled_at = label.created_at
            set_facets(self._session, case, facets)
            self._due_dates.refresh(case)
            self._alerts.follow(case, facets.flags)
        kind = "read_blind" if new.is_blind else "labelled"
        self._events.record(case_id, kind, actor_id=user.id, details=details)
        self._session.flush()
        return label

    def withdraw(self, case_id: str, before: Facets, *, user_id: str, within: str) -> None:
        """Take the user's decision back: the case is again what it was `before`.

        Raises NotFoundError, StoreError `label_conflict` if the decision that stands is not theirs.
        """
        case = visible_case(self._session, case_id, within=within, for_update=True)
        label = self._standing(case_id)
        if label is None or label.user_id != user_id:
            raise StoreError("this decision no longer stands", "该确认已被更新，无法撤销", code="label_conflict")
        label.withdrawn_at = self._now()
        self._session.flush()
        earlier = self._standing(case_id)
        case.labelled_at = earlier.created_at if earlier else None
        set_facets(self._session, case, before)
        self._due_dates.refresh(case)
        self._alerts.follow(case, before.flags)
        self._events.record(case_id, "label_withdrawn", actor_id=user_id, details={"label": label.id})

    def standing(self, case_id: str, *, within: str) -> Label | None:
        """The decision that the case follows, None while it follows the model. Raises NotFoundError."""
        visible_case(self._session, case_id, within=within)
        return self._standing(case_id)

    def _standing(self, case_id: str) -> Label | None:
        stands = (Label.case_id == case_id) & Label.withdrawn_at.is_(None) & ~Label.is_blind
        return self._session.scalar(select(Label).where(stands).order_by(Label.id.desc()).limit(1))

    def of_case(self, case_id: str, *, within: str) -> Sequence[Label]:
        """All labels of a case, oldest first. Raises NotFoundError."""
        visible_case(self._session, case_id, within=within)
        return self._session.scalars(select(Label).where(Label.case_id == case_id).order_by(Label.id)).all()

    def since(self, label_id: int, *, within: str, limit: int = 1000) -> Sequence[Label]:
        """Labels after one, oldest first, without those taken back: what an export reads step by step."""
        query = (
            select(Label)
            .join(Case, Case.id == Label.case_id)
            .where(Label.id > label_id, Label.withdrawn_at.is_(None), Case.unit_id.in_(units_within(within)))
            .order_by(Label.id)
            .limit(limit)
        )
        return self._session.scalars(query).all()


def _id(label: Label | None) -> int:
    return 0 if label is None else label.id
