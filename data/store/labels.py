"""Decisions of people on cases. In: a label. Out: the stored label; the case follows it.

A flag that raises alerts is not lowered by one person: the label says so, the flag stands until a second one confirms.
What waits for a second person is seen from the data: such a flag stands, and the latest label does not have it.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Text, cast, exists, func, select
from sqlalchemy.orm import Session, aliased

from data.errors import NotAllowedError, StoreError
from data.store.alerts import AlertRepository
from data.store.due_dates import DueDates
from data.store.events import EventRepository
from data.store.flags import facets_of, flags_of, set_facets
from data.store.free_text import redacted
from data.store.label_tables import Label
from data.store.organisation import active_user
from data.store.records import Facets, NewLabel
from data.store.scope import units_within, visible_case
from data.store.tables import OPEN, Case, CaseFlag, TriageResult
from data.store.versions import CONFIRMED, LABELLED, WITHDRAWN

MOST_LISTED = 200


class LabelRepository:
    def __init__(
        self,
        session: Session,
        *,
        four_eyes: frozenset[str],
        due_dates: DueDates,
        events: EventRepository,
        alerts: AlertRepository,
        now: Callable[[], datetime],
    ) -> None:
        self._session = session
        self._four_eyes = four_eyes
        self._due_dates = due_dates
        self._events = events
        self._alerts = alerts
        self._now = now

    def add(self, case_id: str, new: NewLabel, *, within: str) -> Label:
        """Record what a person decided, with the model's version that stood; unless blind, the case follows it.

        A flag that raises alerts stands until `confirm`, even if the label does not have it. The event keeps the
        codes that stood before.
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
        self._session.flush()
        details: dict[str, Any] = {"label": label.id}
        if not new.is_blind:
            details["before"] = asdict(facets_of(self._session, case))
            case.labelled_at = label.created_at
            facets = self._with_what_waits(case, facets)
            set_facets(self._session, case, facets)
            self._due_dates.refresh(case)
            self._alerts.follow(case, facets.flags)
        kind = "read_blind" if new.is_blind else LABELLED
        self._events.record(case_id, kind, actor_id=user.id, details=details)
        self._session.flush()
        return label

    def confirm(self, case_id: str, *, user_id: str, within: str) -> tuple[str, ...]:
        """Lower the flags that the latest label does not have and that waited for a second person; returns them.

        Raises StoreError `nothing_to_confirm`, NotFoundError, NotAllowedError `second_person_needed` for who labelled.
        """
        user = active_user(self._session, user_id)
        case = visible_case(self._session, case_id, within=within, for_update=True)
        label = self._latest(case_id)
        waiting = self._waiting(case_id, label)
        if label is None or not waiting:
            raise StoreError("no flag waits for a second person", "没有待复核的风险标记", code="nothing_to_confirm")
        if label.user_id == user.id:
            raise NotAllowedError(
                "who lowered the flag cannot confirm it; a second person must",
                "须由另一人复核",
                code="second_person_needed",
            )
        set_facets(self._session, case, _facets_of(label))
        self._due_dates.refresh(case)
        self._events.record(case_id, CONFIRMED, actor_id=user.id, details={"lowered": list(waiting)})
        self._session.flush()
        return waiting

    def withdraw(self, case_id: str, before: Facets, *, user_id: str, within: str) -> None:
        """Take the user's decision back: the case is again what it was `before`.

        Raises NotFoundError, StoreError `undo_refused` if the decision that stands is not theirs.
        """
        case = visible_case(self._session, case_id, within=within, for_update=True)
        label = self._latest(case_id)
        if label is None or label.user_id != user_id:
            raise StoreError("this decision no longer stands", "该确认已被更新，无法撤销", code="undo_refused")
        label.withdrawn_at = self._now()
        self._session.flush()
        earlier = self._latest(case_id)
        case.labelled_at = earlier.created_at if earlier else None
        set_facets(self._session, case, before)
        self._due_dates.refresh(case)
        self._alerts.follow(case, before.flags)
        self._events.record(case_id, WITHDRAWN, actor_id=user_id, details={"label": label.id})

    def standing(self, case_id: str, *, within: str) -> Label | None:
        """The decision that the case follows, None while it follows the model. Raises NotFoundError."""
        visible_case(self._session, case_id, within=within)
        return self._latest(case_id)

    def unconfirmed(self, case_id: str, *, within: str) -> tuple[str, ...]:
        """Flags that stand although the latest label does not have them: they wait for `confirm`."""
        visible_case(self._session, case_id, within=within)
        return self._waiting(case_id, self._latest(case_id))

    def waiting_for_second(
        self, user_id: str, *, within: str, limit: int = MOST_LISTED
    ) -> Sequence[tuple[Case, Label, tuple[str, ...]]]:
        """Open cases on which this person may `confirm`, the label that left flags out, the flags; oldest first."""
        query = select(Case, Label).join(Label, Label.case_id == Case.id).where(*self._may_confirm(user_id, within))
        found = self._session.execute(query.order_by(Case.labelled_at, Case.id).limit(limit)).all()
        flags = flags_of(self._session, [case.id for case, _ in found])
        return [(case, label, self._left_out(label, flags[case.id])) for case, label in found]

    def count_for_second(self, user_id: str, *, within: str) -> int:
        """How many cases those are."""
        query = select(func.count()).select_from(Case).join(Label, Label.case_id == Case.id)
        return self._session.scalar(query.where(*self._may_confirm(user_id, within))) or 0

    def _may_confirm(self, user_id: str, within: str) -> tuple[ColumnElement[bool], ...]:
        """The label is a case's latest and another person's; a flag that needs two stands, and the label lacks it."""
        later = aliased(Label)
        is_latest = ~exists().where(
            later.case_id == Case.id, later.id > Label.id, later.withdrawn_at.is_(None), later.is_blind.is_(False)
        )
        is_left_out = exists().where(
            CaseFlag.case_id == Case.id,
            CaseFlag.flag.in_(self._four_eyes),
            # A list of codes in JSON is its text: ["E07", "P02"].
            ~cast(Label.flags, Text).contains('"' + CaseFlag.flag + '"'),
        )
        return (
            Case.status == OPEN, Case.erased_at.is_(None), Case.unit_id.in_(units_within(within)),
            Case.labelled_at.is_not(None),
            Label.withdrawn_at.is_(None), Label.is_blind.is_(False), Label.user_id != user_id,
            is_latest, is_left_out,
        )  # fmt: skip

    def _left_out(self, label: Label, flags: Sequence[str]) -> tuple[str, ...]:
        return tuple(flag for flag in flags if flag in self._four_eyes and flag not in label.flags)

    def of_case(self, case_id: str, *, within: str) -> Sequence[Label]:
        """All labels of a case, oldest first. Raises NotFoundError."""
        visible_case(self._session, case_id, within=within)
        return self._session.scalars(select(Label).where(Label.case_id == case_id).order_by(Label.id)).all()

    def _latest(self, case_id: str) -> Label | None:
        stands = (Label.case_id == case_id) & Label.withdrawn_at.is_(None) & Label.is_blind.is_(False)
        query = select(Label).where(stands)
        return self._session.scalar(query.order_by(Label.id.desc()).limit(1))

    def _waiting(self, case_id: str, label: Label | None) -> tuple[str, ...]:
        if label is None:
            return ()
        return tuple(flag for flag in self._held(case_id) if flag not in label.flags)

    def _held(self, case_id: str) -> tuple[str, ...]:
        return tuple(flag for flag in flags_of(self._session, [case_id])[case_id] if flag in self._four_eyes)

    def _with_what_waits(self, case: Case, facets: Facets) -> Facets:
        return replace(facets, flags=tuple(dict.fromkeys((*facets.flags, *self._held(case.id)))))


def _facets_of(label: Label) -> Facets:
    return Facets(
        order_type=label.order_type,
        category=label.category,
        leaf=label.leaf,
        cause=label.cause,
        subcause=label.subcause,
        channel=label.channel,
        flags=tuple(label.flags),
    )
