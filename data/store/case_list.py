"""Find cases: lists with filters, the same customer, the same wording. In: conditions. Out: cases that may be seen."""

from collections.abc import Iterator, Sequence

from sqlalchemy import ColumnElement, select, tuple_
from sqlalchemy.orm import Session

from data.store.flags import flags_of
from data.store.records import CaseFilter, CasePage, PageKey, SimilarCase
from data.store.scope import units_within, visible_case
from data.store.search import holds_words
from data.store.sketch import similarity
from data.store.tables import Case, CaseFlag, SketchBand

MOST_ON_PAGE = 200
LEAST_SIMILARITY = 0.5
# A template sent a thousand times is recognised by its latest few hundred.
_MOST_CANDIDATES = 500


class CaseList:
    def __init__(self, session: Session) -> None:
        self._session = session

    def page(self, wanted: CaseFilter, *, within: str, limit: int = 50, after: PageKey | None = None) -> CasePage:
        """Cases that meet the filter, latest received first; `after` is the `next` of the page before.

        Raises StoreError `query_invalid` on words that cannot be searched.
        """
        limit = max(1, min(limit, MOST_ON_PAGE))
        query = select(Case).where(Case.unit_id.in_(units_within(within)), *self._conditions(wanted))
        if after is not None:
            query = query.where(tuple_(Case.received_at, Case.id) < (after.received_at, after.case_id))
        found = self._session.scalars(query.order_by(Case.received_at.desc(), Case.id.desc()).limit(limit + 1)).all()
        cases = found[:limit]
        more = len(found) > limit
        return CasePage(
            cases=cases,
            flags=flags_of(self._session, [case.id for case in cases]),
            next=PageKey(received_at=cases[-1].received_at, case_id=cases[-1].id) if more else None,
        )

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
        for name in ("status", "source", "category", "cause", "channel", "band", "priority", "assignee_id"):
            value = getattr(wanted, name)
            if value is not None:
                yield getattr(Case, name) == value
        if wanted.flag is not None:
            yield Case.id.in_(select(CaseFlag.case_id).where(CaseFlag.flag == wanted.flag))
        if wanted.below is not None:
            yield Case.unit_id.in_(units_within(wanted.below))
        if wanted.received_from is not None:
            yield Case.received_at >= wanted.received_from
        if wanted.received_until is not None:
            yield Case.received_at < wanted.received_until
        if wanted.words is not None:
            yield holds_words(self._session.connection(), wanted.words)
