"""Cases: taken in once, closed, reopened, handed over. In: a complaint and its answer. Out: the case."""

import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from data.errors import StoreError
from data.store.alerts import AlertRepository
from data.store.columns import CHINA
from data.store.customers import customer_key
from data.store.events import EventRepository
from data.store.flags import flags_of, set_facets
from data.store.free_text import storable
from data.store.insertion import insert_if_new
from data.store.organisation import check_unit
from data.store.originals import OriginalRepository
from data.store.records import NewCase, NewTriageResult, StoredCase
from data.store.scope import not_found, units_within, visible_case
from data.store.search import index_text
from data.store.sketch import bands, sketch
from data.store.tables import CLOSED, OPEN, Assignment, Case, SketchBand, Unit
from data.store.triage_results import TriageResultRepository

# Without I, L, O and U, which are misread or misheard on the telephone.
_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class CaseRepository:
    def __init__(
        self,
        session: Session,
        *,
        customer_secret: bytes,
        originals: OriginalRepository,
        results: TriageResultRepository,
        events: EventRepository,
        alerts: AlertRepository,
        now: Callable[[], datetime],
    ) -> None:
        self._session = session
        self._customer_secret = customer_secret
        self._originals = originals
        self._results = results
        self._events = events
        self._alerts = alerts
        self._now = now

    def add(self, new: NewCase, result: NewTriageResult, *, actor_id: str, within: str) -> StoredCase:
        """Take a complaint in, once per source system and `external_id`; what must be told of it goes along.

        Raises NotFoundError if the unit is not in the caller's part of the organisation, StoreError
        `external_id_taken` if the earlier case is not.
        """
        case_id = _new_id(new.received_at)
        values = self._values(case_id, new, result)  # before the first statement: from there on SQLite is locked
        check_unit(self._session, new.unit_id, within)
        if not insert_if_new(self._session, Case, values, unique=["source_system", "external_id"]):
            return StoredCase(case=self._earlier(new, within), is_new=False)
        case = self._session.get_one(Case, case_id)
        set_facets(self._session, case, result.facets)
        self._results.record(case, result)
        self._originals.add(case_id, new)
        index_text(self._session, case_id, case.redacted_text)
        if case.sketch is not None:
            self._session.add_all(SketchBand(case_id=case_id, band=band) for band in set(bands(case.sketch)))
        self._events.record(case_id, "received", actor_id=actor_id)
        self._alerts.follow(case, result.facets.flags)
        self._session.flush()
        return StoredCase(case=case, is_new=True)

    def get(self, case_id: str, *, within: str) -> Case:
        """One case. Raises NotFoundError."""
        return visible_case(self._session, case_id, within=within)

    def flags(self, case_id: str, *, within: str) -> tuple[str, ...]:
        """The flags that stand on a case. Raises NotFoundError."""
        return flags_of(self._session, [self.get(case_id, within=within).id])[case_id]

    def close(self, case_id: str, *, actor_id: str, within: str, details: Mapping[str, Any] = {}) -> Case:
        """Close an open case. Raises StoreError `case_closed`, NotFoundError. `details`: codes and numbers only."""
        case = self._open_case(case_id, within)
        case.status, case.closed_at = CLOSED, self._now()
        self._events.record(case_id, "closed", actor_id=actor_id, details=details)
        return case

    def reopen(self, case_id: str, *, actor_id: str, within: str) -> Case:
        """Open a closed case again. Raises StoreError `case_open`, NotFoundError."""
        case = visible_case(self._session, case_id, within=within, for_update=True)
        if case.status == OPEN:
            raise StoreError("the case is open already", "案件未办结，无需重开", code="case_open")
        case.status, case.closed_at = OPEN, None
        self._events.record(case_id, "reopened", actor_id=actor_id)
        return case

    def hand_over(self, case_id: str, *, unit_id: str, actor_id: str, within: str) -> Case:
        """Give a case to a unit below the caller's or to one above it (支行→分行→总行); its assignment ends.

        Raises NotFoundError for units elsewhere, StoreError `case_closed`.
        """
        case = self._open_case(case_id, within)
        target = self._session.get(Unit, unit_id)
        if target is None or not (target.path.startswith(within) or within.startswith(target.path)):
            raise not_found("unit", "机构")
        before, case.unit_id, case.assignee_id = case.unit_id, target.id, None
        open_assignment = (Assignment.case_id == case_id) & Assignment.ended_at.is_(None)
        self._session.execute(update(Assignment).where(open_assignment).values(ended_at=self._now()))
        self._events.record(case_id, "handed_over", actor_id=actor_id, details={"from": before, "to": target.id})
        return case

    def _open_case(self, case_id: str, within: str) -> Case:
        case = visible_case(self._session, case_id, within=within, for_update=True)
        if case.status == CLOSED:
            raise StoreError("the case is closed; reopen it first", "案件已办结，请先重开", code="case_closed")
        return case

    def _earlier(self, new: NewCase, within: str) -> Case:
        query = select(Case).where(Case.source_system == new.source_system, Case.external_id == new.external_id)
        case = self._session.scalar(query.where(Case.unit_id.in_(units_within(within))))
        if case is None:
            raise StoreError(
                "this external_id belongs to a case of another part of the organisation",
                "该外部编号已被其他机构的案件使用",
                code="external_id_taken",
            )
        return case

    def _values(self, case_id: str, new: NewCase, result: NewTriageResult) -> dict[str, Any]:
        text = storable(new.prepared.redacted_text)
        facets = result.facets
        return {
            "id": case_id,
            "source_system": new.source_system,
            "external_id": new.external_id,
            "source": new.source,
            "branch": new.branch,
            "region": new.region,
            "regulator_reference": new.regulator_reference,
            "unit_id": new.unit_id,
            "status": OPEN,
            "received_at": new.received_at,
            "stored_at": self._now(),
            "ticket_due_at": new.ticket_due_at,
            "month": new.received_at.astimezone(CHINA).strftime("%Y-%m"),
            "redacted_text": text,
            "customer_key": customer_key(
                self._customer_secret,
                reference=new.customer_reference,
                original=new.original,
                pii=new.prepared.pii,
            ),
            "sketch": sketch(text),
            "order_type": facets.order_type,
            "channel": facets.channel,
            "band": result.band,
            "priority": result.priority,
        }


def _new_id(received_at: datetime) -> str:
    """Date of receipt in China and 40 random bits: 20261129-7K3QF9AB."""
    date = received_at.astimezone(CHINA).strftime("%Y%m%d")
    return f"{date}-{''.join(secrets.choice(_LETTERS) for _ in range(8))}"
