"""Cases: taken in once, closed, reopened, handed over. In: a complaint and its answer. Out: the case."""

import secrets
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from data.days import CHINA
from data.errors import StoreError
from data.policy.case_clocks import trigger_of
from data.redaction.spans import PiiSpan
from data.store.alerts import AlertRepository
from data.store.clock_records import NewClosing, Reopening
from data.store.clock_tables import ClockFact, Closing
from data.store.closings import Closings
from data.store.customers import customer_key
from data.store.due_dates import DueDates
from data.store.events import EventRepository
from data.store.flags import flags_of, set_facets
from data.store.free_text import checked_reason, storable
from data.store.insertion import insert_if_new
from data.store.organisation import WORKING_ROLES, active_user, check_unit
from data.store.originals import OriginalRepository
from data.store.records import NewCase, NewTriageResult, StoredCase
from data.store.scope import not_found, open_case, units_within, visible_case
from data.store.search import index_text
from data.store.sketch import bands, sketch
from data.store.tables import OPEN, Assignment, Case, SketchBand, Unit
from data.store.triage_results import TriageResultRepository
from data.store.versions import ESCALATED, HANDED_OVER, TAKEN_BACK, check_version, version_of

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
        due_dates: DueDates,
        closings: Closings,
        alerts: AlertRepository,
        now: Callable[[], datetime],
    ) -> None:
        self._session = session
        self._customer_secret = customer_secret
        self._originals = originals
        self._results = results
        self._events = events
        self._due_dates = due_dates
        self._closings = closings
        self._alerts = alerts
        self._now = now

    def add(self, new: NewCase, result: NewTriageResult, *, actor_id: str, within: str) -> StoredCase:
        """Take a complaint in, once per source system and `external_id`; what must be told of it goes along.

        From now on its clocks run.

        Raises NotFoundError if the unit is not in the caller's part of the organisation, StoreError
        `external_id_taken` if the earlier case is not, PolicyError if the answer's policy is not at hand.
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
        self._start_clocks(case, actor_id)
        self._events.record(case_id, "received", actor_id=actor_id)
        self._alerts.follow(case, result.facets.flags)
        self._session.flush()
        return StoredCase(case=case, is_new=True)

    def get(self, case_id: str, *, within: str) -> Case:
        """One case. Raises NotFoundError."""
        return visible_case(self._session, case_id, within=within)

    def is_visible(self, case_id: str, *, within: str) -> bool:
        """Whether a case is there and in the caller's part of the organisation."""
        query = select(Case.id).where(Case.id == case_id, Case.unit_id.in_(units_within(within)))
        return self._session.scalar(query) is not None

    def customer_key(self, reference: str | None, *, original: str, pii: Iterable[PiiSpan]) -> str | None:
        """What a case with this reference or text would be recognised by; None where nothing tells who it is."""
        return customer_key(self._customer_secret, reference=reference, original=original, pii=pii)

    def by_external_id(self, source_system: str, external_id: str, *, within: str) -> Case | None:
        """The case that a system stored under its own number, if the caller sees it."""
        query = select(Case).where(Case.source_system == source_system, Case.external_id == external_id)
        return self._session.scalar(query.where(Case.unit_id.in_(units_within(within))))

    def flags(self, case_id: str, *, within: str) -> tuple[str, ...]:
        """The flags that stand on a case. Raises NotFoundError."""
        return flags_of(self._session, [self.get(case_id, within=within).id])[case_id]

    def version(self, case_id: str, *, within: str) -> str:
        """What `expect` compares. Raises NotFoundError."""
        return version_of(self._session, self.get(case_id, within=within).id)

    def expect(self, case_id: str, *, version: str | None, within: str) -> Case:
        """Lock a case that is to be changed, until the end of the transaction; None takes it as it is.

        Raises StoreError `version_stale`, `case_erased`, NotFoundError.
        """
        case = visible_case(self._session, case_id, within=within, for_update=True)
        if case.erased_at is not None:
            raise StoreError("this complaint was erased", "该投诉已按规定删除", code="case_erased")
        if version is not None:
            check_version(self._session, case_id, version)
        return case

    def close(
        self,
        case_id: str,
        closing: NewClosing,
        *,
        actor_id: str,
        within: str,
        note: str = "",
        rectification: int | None = None,
    ) -> Case:
        """Close an open case: its clocks end, a request for more time lapses.

        `rectification` is the item of 溯源整改 that was put down with it and is dropped where the closing is undone.

        Raises NotFoundError, StoreError `case_closed`, `clock_open` (a limit of the bank would run on), `pause_open`,
        `time_invalid`.
        """
        case = open_case(self._session, case_id, within=within)
        self._closings.close(case, closing, actor_id=actor_id, note=note, rectification=rectification)
        return case

    def closings(self, case_id: str, *, within: str) -> Sequence[Closing]:
        """How a case was closed, oldest first; only the last may still stand. Raises NotFoundError."""
        return self._closings.of_case(self.get(case_id, within=within).id)

    def reopen(self, case_id: str, reopening: Reopening, *, actor_id: str, within: str, note: str = "") -> Case:
        """Open a closed case again. Raises NotFoundError, StoreError `case_open`, `time_invalid`."""
        case = visible_case(self._session, case_id, within=within, for_update=True)
        if case.status == OPEN:
            raise StoreError("the case is open already", "案件未办结，无需重开", code="case_open")
        self._closings.reopen(case, reopening, actor_id=actor_id, note=note)
        return case

    def hand_over(self, case_id: str, *, unit_id: str, actor_id: str, within: str, note: str = "") -> Case:
        """Give a case to a unit below the caller's or to one above it (支行→分行→总行); its assignment ends.

        Raises NotFoundError for units elsewhere, StoreError `case_closed`.
        """
        case = open_case(self._session, case_id, within=within)
        target = self._session.get(Unit, unit_id)
        if target is None or not (target.path.startswith(within) or within.startswith(target.path)):
            raise not_found("unit", "机构")
        self._give_to(case, target, HANDED_OVER, actor_id=actor_id, note=note)
        return case

    def escalate(
        self, case_id: str, *, reason: str, responsible_id: str | None = None, actor_id: str, within: str
    ) -> Case:
        """Give a case to the unit right above its own (支行→分行→总行); `responsible_id` is who answers for it there.

        Raises NotFoundError, StoreError `case_closed`, `top_unit`, `assignee_invalid`, NotAllowedError without a
        reason.
        """
        reason = checked_reason(reason)
        case = open_case(self._session, case_id, within=within)
        above = self.above(case)
        if above is None:
            raise StoreError("the case is at the head office already", "案件已在最高层级，无法再升级", code="top_unit")
        if responsible_id is not None:
            self._check_responsible(responsible_id, above)
        self._give_to(case, above, ESCALATED, actor_id=actor_id, note=reason, responsible=responsible_id)
        return case

    def _check_responsible(self, user_id: str, above: Unit) -> None:
        user = active_user(self._session, user_id)
        if user.unit_id != above.id or user.role not in WORKING_ROLES:
            raise StoreError(
                "the responsible person is a handler or supervisor of the unit above",
                "责任人须为上级机构的经办或主管",
                code="assignee_invalid",
            )

    def above(self, case: Case) -> Unit | None:
        """The unit right above that of a case in hand; None at the head office."""
        parent_id = self._session.get_one(Unit, case.unit_id).parent_id
        return None if parent_id is None else self._session.get_one(Unit, parent_id)

    def link_repeat(self, case_id: str, earlier_id: str | None, *, actor_id: str, within: str) -> Case:
        """Say that a case repeats an earlier one, or (None) none; both go on and count.

        Raises NotFoundError, StoreError `repeat_invalid` for a case that is not earlier.
        """
        case = visible_case(self._session, case_id, within=within, for_update=True)
        if earlier_id is not None:
            earlier = visible_case(self._session, earlier_id, within=within)
            if earlier.id == case.id or earlier.received_at > case.received_at:
                raise StoreError("a case repeats an earlier one", "只能关联更早收到的案件", code="repeat_invalid")
        before, case.repeats_case_id = case.repeats_case_id, earlier_id
        kind = "repeat_unlinked" if earlier_id is None else "repeat_linked"
        self._events.record(case_id, kind, actor_id=actor_id, details={"from": before, "case": earlier_id or before})
        return case

    def repeats(self, case_id: str, *, within: str) -> Sequence[Case]:
        """Later cases that were found to repeat this one, latest first. Raises NotFoundError."""
        visible_case(self._session, case_id, within=within)
        query = select(Case).where(Case.repeats_case_id == case_id, Case.unit_id.in_(units_within(within)))
        return self._session.scalars(query.order_by(Case.received_at.desc())).all()

    def _give_to(
        self, case: Case, target: Unit, kind: str, *, actor_id: str, note: str, responsible: str | None = None
    ) -> None:
        before = {
            "from": case.unit_id, "to": target.id, "assignee": case.assignee_id, "concerned": case.concerned_unit_id,
            "responsible": responsible,
        }  # fmt: skip
        if not self._goes_up(case, target):
            case.concerned_unit_id = target.id
        case.unit_id, case.assignee_id, now = target.id, responsible, self._now()
        current = (Assignment.case_id == case.id) & Assignment.ended_at.is_(None)
        self._session.execute(update(Assignment).where(current).values(ended_at=now))
        if responsible is not None:
            self._session.add(
                Assignment(case_id=case.id, user_id=responsible, assigned_by=actor_id, assigned_at=now, ended_at=None)
            )
        self._events.record(case.id, kind, actor_id=actor_id, details=before, note=note)

    def take_back(
        self, case_id: str, *, unit_id: str, concerned: str | None = None, actor_id: str, within: str
    ) -> Case:
        """Undo a handing-over to a unit that the caller may not see: back to `unit_id`, which they do see.

        `concerned` is the unit that it was about before, None where handing over did not change that.

        For who has just handed it over and knows that nothing happened since. Raises NotFoundError.
        """
        check_unit(self._session, unit_id, within)
        case = self._session.get(Case, case_id, with_for_update=True)
        if case is None:
            raise not_found("case", "案件")
        case.unit_id, case.concerned_unit_id, case.assignee_id = unit_id, concerned or case.concerned_unit_id, None
        current = (Assignment.case_id == case_id) & Assignment.ended_at.is_(None)
        self._session.execute(update(Assignment).where(current).values(ended_at=self._now()))
        self._events.record(case_id, TAKEN_BACK, actor_id=actor_id, details={"to": unit_id})
        self._session.flush()
        return case

    def _goes_up(self, case: Case, target: Unit) -> bool:
        """Whether a unit stands above the one that a complaint is about: then it is about that one still."""
        concerned = self._session.get(Unit, case.concerned_unit_id)
        return concerned is not None and concerned.path.startswith(target.path) and concerned.id != target.id

    def _start_clocks(self, case: Case, actor_id: str) -> None:
        fact = ClockFact(
            case_id=case.id, kind="trigger", code=trigger_of(case.source), at=case.received_at,
            due_at=case.ticket_due_at, recorded_at=case.stored_at, actor_id=actor_id,
        )  # fmt: skip
        self._session.add(fact)
        self._session.flush()
        self._due_dates.refresh(case)

    def _earlier(self, new: NewCase, within: str) -> Case:
        case = self.by_external_id(new.source_system, new.external_id or "", within=within)
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
            "concerned_unit_id": new.unit_id,
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
            "queue_rank": 0,  # by its flags as soon as they stand
            "policy_version": result.policy,
        }


def _new_id(received_at: datetime) -> str:
    """Date of receipt in China and 40 random bits: 20261129-7K3QF9AB."""
    date = received_at.astimezone(CHINA).strftime("%Y%m%d")
    return f"{date}-{''.join(secrets.choice(_LETTERS) for _ in range(8))}"
