"""Find cases: lists with filters, the same customer, the same wording. In: conditions. Out: cases that may be seen."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select, tuple_
from sqlalchemy import case as case_when
from sqlalchemy.orm import InstrumentedAttribute, Session

from data.days import china_day, end_of
from data.store.clock_tables import Closing
from data.store.flags import flags_of
from data.store.free_text import storable
from data.store.overview import closed_between
from data.store.records import CaseFilter, CaseOrder, CasePage, OpenCounts, PageKey, SimilarCase
from data.store.scope import units_within, visible_case
from data.store.search import holds_words
from data.store.sketch import similarity, sketch
from data.store.tables import OPEN, Case, CaseFlag, SketchBand
from data.store.warning_tables import WarningCase

MOST_ON_PAGE = 200
MOST_NEW = 100
LEAST_SIMILARITY = 0.5
# A template sent a thousand times is recognised by its latest few hundred.
_MOST_CANDIDATES = 500

_EQUAL = (
    "status",
    "source",
    "order_type",
    "unit_id",
    "category",
    "cause",
    "channel",
    "band",
    "priority",
    "assignee_id",
)
# NULLs sort first on SQLite and last on PostgreSQL; said outright, they come last on both.
_BY_DUE = (Case.due_at.is_(None), Case.due_at, Case.id)
_ORDERS: Mapping[CaseOrder, tuple[ColumnElement[Any] | InstrumentedAttribute[Any], ...]] = MappingProxyType(
    {
        "received": (Case.received_at.desc(), Case.id.desc()),
        "due": _BY_DUE,
        "queue": (Case.queue_rank, *_BY_DUE),
    }
)


class CaseList:
    def __init__(self, session: Session, *, now: Callable[[], datetime]) -> None:
        self._session = session
        self._now = now

    def page(
        self,
        wanted: CaseFilter,
        *,
        within: str,
        limit: int = 50,
        after: PageKey | None = None,
        order: CaseOrder = "received",
    ) -> CasePage:
        """Cases that meet the filter; `after` is the `next` of the page before, of the same order.

        Raises StoreError `query_invalid` on words that cannot be searched.
        """
        limit = max(1, min(limit, MOST_ON_PAGE))
        # Ids first: sorting rows with their texts and sketches would take most of the time.
        query = select(Case.id).where(Case.unit_id.in_(units_within(within)), *self._conditions(wanted))
        if after is not None:
            query = query.where(_behind(after, order))
        found = self._session.scalars(query.order_by(*_ORDERS[order]).limit(limit + 1)).all()
        cases = self._session.scalars(select(Case).where(Case.id.in_(found[:limit])).order_by(*_ORDERS[order])).all()
        return CasePage(
            cases=cases,
            flags=flags_of(self._session, [case.id for case in cases]),
            next=_key(cases[-1]) if len(found) > limit else None,
        )

    def neighbours(self, case: Case, wanted: CaseFilter, *, within: str) -> tuple[str | None, str | None]:
        """Ids of the cases right before and right after a case in the queue of those that meet the filter.

        The case itself need not meet it. Raises StoreError `query_invalid`.
        """
        ids = select(Case.id).where(Case.unit_id.in_(units_within(within)), *self._conditions(wanted)).limit(1)
        key, order = _key(case), _ORDERS["queue"]
        before = ids.where(_ahead(key)).order_by(*(part.desc() for part in order))
        behind = ids.where(_behind(key, "queue")).order_by(*order)
        return self._session.scalar(before), self._session.scalar(behind)

    def count_new(self, wanted: CaseFilter, *, since: datetime, within: str) -> int:
        """How many cases that meet the filter were stored after a moment; counted up to MOST_NEW.

        Raises StoreError `query_invalid`.
        """
        new = select(Case.id).where(Case.stored_at > since, Case.unit_id.in_(units_within(within)))
        query = new.where(*self._conditions(wanted)).limit(MOST_NEW)
        return self._session.scalar(select(func.count()).select_from(query.subquery())) or 0

    def open_counts(self, user_id: str, *, within: str) -> OpenCounts:
        """What stands beside the names of a person's lists."""
        is_open = Case.unit_id.in_(units_within(within)) & (Case.status == OPEN)
        late = and_(Case.due_at.is_not(None), Case.due_at <= self._now())
        parts = (Case.labelled_at.is_(None), Case.assignee_id == user_id, late)
        row = self._session.execute(
            select(*(func.count(case_when((part, 1))) for part in parts), func.count()).where(is_open)
        ).one()
        return OpenCounts(undecided=row[0], mine=row[1], overdue=row[2], all=row[3])

    def of_same_matter(self, case_id: str, *, within: str, limit: int = 5) -> Sequence[Case]:
        """Earlier cases about the same business and with the same sub-cause, latest first."""
        case = visible_case(self._session, case_id, within=within)
        query = (
            select(Case)
            .where(
                Case.leaf == case.leaf,
                Case.subcause == case.subcause,
                Case.received_at < case.received_at,
                Case.unit_id.in_(units_within(within)),
            )
            .order_by(Case.received_at.desc(), Case.id.desc())
            .limit(limit)
        )
        return self._session.scalars(query).all()

    def of_same_customer(self, case_id: str, *, within: str, limit: int = 20) -> Sequence[Case]:
        """Other cases of the same customer, latest first; empty where the customer is not known."""
        case = visible_case(self._session, case_id, within=within)
        if case.customer_key is None:
            return []
        query = (
            select(Case)
            .where(Case.customer_key == case.customer_key, Case.id != case_id, Case.unit_id.in_(units_within(within)))
            .order_by(Case.received_at.desc(), Case.id.desc())
            .limit(limit)
        )
        return self._session.scalars(query).all()

    def of_customer(self, key: str, redacted_text: str, *, within: str, limit: int = 5) -> Sequence[SimilarCase]:
        """Cases of a customer by the key of `CaseRepository.customer_key`, latest first, beside a text to come."""
        query = (
            select(Case)
            .where(Case.customer_key == key, Case.unit_id.in_(units_within(within)))
            .order_by(Case.received_at.desc(), Case.id.desc())
            .limit(limit)
        )
        wording = sketch(storable(redacted_text))
        return [
            SimilarCase(case=case, similarity=similarity(wording, case.sketch) if wording and case.sketch else 0.0)
            for case in self._session.scalars(query)
        ]

    def of_similar_wording(self, case_id: str, *, within: str, limit: int = 20) -> Sequence[SimilarCase]:
        """Other cases with nearly the same words, most similar first: a group complaint or a template."""
        case = visible_case(self._session, case_id, within=within)
        if case.sketch is None:
            return []
        bands = select(SketchBand.band).where(SketchBand.case_id == case_id)
        sharing = select(SketchBand.case_id).where(SketchBand.band.in_(bands))
        candidates = self._session.scalars(
            select(Case)
            .where(Case.id.in_(sharing), Case.id != case_id, Case.unit_id.in_(units_within(within)))
            .order_by(Case.received_at.desc(), Case.id.desc())
            .limit(_MOST_CANDIDATES)
        )
        scored = [
            SimilarCase(case=other, similarity=similarity(case.sketch, other.sketch or b"")) for other in candidates
        ]
        similar = [found for found in scored if found.similarity >= LEAST_SIMILARITY]
        return sorted(similar, key=lambda found: -found.similarity)[:limit]

    def _conditions(self, wanted: CaseFilter) -> Iterator[ColumnElement[bool]]:
        for name in _EQUAL:
            value = getattr(wanted, name)
            if value is not None:
                yield getattr(Case, name) == value
        if wanted.flag is not None:
            # A group's letter comes before its flags; codes are a letter and two digits.
            flagged = CaseFlag.flag.between(wanted.flag, f"{wanted.flag}99")
            yield select(CaseFlag).where(CaseFlag.case_id == Case.id, flagged).exists()
        for column, is_set in ((Case.assignee_id, wanted.is_assigned), (Case.labelled_at, wanted.is_labelled)):
            if is_set is not None:
                yield column.is_not(None) if is_set else column.is_(None)
        if wanted.below is not None:
            yield Case.unit_id.in_(units_within(wanted.below))
        if wanted.received_from is not None:
            yield Case.received_at >= wanted.received_from
        if wanted.received_until is not None:
            yield Case.received_at < wanted.received_until
        yield from closed_between(wanted.closed_first, wanted.closed_last)
        for name in ("is_in_time", "satisfaction"):
            if getattr(wanted, name) is not None:
                standing = (Closing.case_id == Case.id) & Closing.reopened_at.is_(None)
                yield select(Closing.id).where(standing, getattr(Closing, name) == getattr(wanted, name)).exists()
        if wanted.warning_id is not None:
            of_warning = select(WarningCase.case_id).where(WarningCase.warning_id == wanted.warning_id)
            yield Case.id.in_(of_warning)
        yield from self._due_conditions(wanted)
        if wanted.words is not None:
            yield holds_words(self._session.connection(), wanted.words)

    def _due_conditions(self, wanted: CaseFilter) -> Iterator[ColumnElement[bool]]:
        now = self._now()
        if wanted.due_from is not None:
            yield Case.due_at >= wanted.due_from
        if wanted.due_until is not None:
            yield Case.due_at < wanted.due_until
        if wanted.due_within_days is not None:
            yield Case.due_at <= end_of(china_day(now) + timedelta(days=wanted.due_within_days))
        if wanted.is_overdue is not None:
            is_late = and_(Case.due_at.is_not(None), Case.due_at <= now)
            yield is_late if wanted.is_overdue else or_(Case.due_at.is_(None), Case.due_at > now)


def _key(case: Case) -> PageKey:
    return PageKey(received_at=case.received_at, case_id=case.id, due_at=case.due_at, queue_rank=case.queue_rank)


def _behind(key: PageKey, order: CaseOrder) -> ColumnElement[bool]:
    """The cases that come after a page's last one."""
    if order == "received":
        return tuple_(Case.received_at, Case.id) < (key.received_at, key.case_id)
    if key.due_at is None:
        behind = and_(Case.due_at.is_(None), Case.id > key.case_id)
    else:
        behind = or_(Case.due_at.is_(None), tuple_(Case.due_at, Case.id) > (key.due_at, key.case_id))
    if order == "due":
        return behind
    return or_(Case.queue_rank > key.queue_rank, and_(Case.queue_rank == key.queue_rank, behind))


def _ahead(key: PageKey) -> ColumnElement[bool]:
    """The cases that come before one in the queue."""
    if key.due_at is None:
        ahead = or_(Case.due_at.is_not(None), and_(Case.due_at.is_(None), Case.id < key.case_id))
    else:
        ahead = tuple_(Case.due_at, Case.id) < (key.due_at, key.case_id)
    return or_(Case.queue_rank < key.queue_rank, and_(Case.queue_rank == key.queue_rank, ahead))
