"""Answers of models, every version. In: an answer. Out: the stored result."""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from data.store.alerts import AlertRepository
from data.store.due_dates import DueDates
from data.store.flags import set_facets
from data.store.records import NewTriageResult
from data.store.scope import visible_case
from data.store.tables import Case, TriageResult


class TriageResultRepository:
    def __init__(
        self, session: Session, *, due_dates: DueDates, alerts: AlertRepository, now: Callable[[], datetime]
    ) -> None:
        self._session = session
        self._due_dates = due_dates
        self._alerts = alerts
        self._now = now

    def add(self, case_id: str, result: NewTriageResult, *, within: str) -> TriageResult:
        """A later model's answer. What a person has decided stays; else the case follows the new answer."""
        case = visible_case(self._session, case_id, within=within, for_update=True)
        row = self.record(case, result)
        if case.labelled_at is None:
            set_facets(self._session, case, result.facets)
            case.band = result.band
            self._due_dates.refresh(case)
            self._alerts.follow(case, result.facets.flags)
        return row

    def record(self, case: Case, result: NewTriageResult) -> TriageResult:
        """Store an answer of a case that the caller has in hand, without applying it."""
        last = self._session.scalar(select(func.max(TriageResult.version)).where(TriageResult.case_id == case.id))
        row = TriageResult(
            case_id=case.id,
            version=(last or 0) + 1,
            created_at=self._now(),
            bundle=result.bundle,
            taxonomy=result.taxonomy,
            redaction=result.redaction,
            policy=result.policy,
            answer=dict(result.answer),
            probabilities=dict(result.probabilities),
        )
        self._session.add(row)
        self._session.flush()
        return row

    def of_case(self, case_id: str, *, within: str) -> Sequence[TriageResult]:
        """All answers, oldest first. Raises NotFoundError."""
        visible_case(self._session, case_id, within=within)
        query = select(TriageResult).where(TriageResult.case_id == case_id).order_by(TriageResult.version)
        return self._session.scalars(query).all()
