"""What people decided beside what the model had answered. In: a part of the bank, a bundle. Out: pairs to compare.

The latest label of each case that stands; blind ones, made without the model's answer, are asked for separately. Of
erased cases the answer is gone, so that they do not count.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from data.store.scope import units_within
from data.store.tables import Case, Label, TriageResult

MOST_READ = 2000


@dataclass(frozen=True, kw_only=True)
class Reading:
    label: Label
    answer: dict[str, Any]


class ReadingRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    def bundles(self, *, within: str) -> Sequence[tuple[str, int]]:
        """Bundles whose answers people have decided on, and how many labels each has, the latest used first."""
        query = (
            select(Label.bundle, func.count())
            .join(Case, Case.id == Label.case_id)
            .where(Label.withdrawn_at.is_(None), *_read(within))
            .group_by(Label.bundle)
            .order_by(func.max(Label.id).desc())
        )
        return [(bundle, count) for bundle, count in self._session.execute(query)]

    def of_bundle(self, bundle: str, *, is_blind: bool, within: str, limit: int = MOST_READ) -> Sequence[Reading]:
        """The latest `limit`."""
        latest = (
            select(func.max(Label.id))
            .where(Label.bundle == bundle, Label.withdrawn_at.is_(None), Label.is_blind == is_blind)
            .group_by(Label.case_id)
        )
        query = (
            select(Label, TriageResult.answer)
            .join(Case, Case.id == Label.case_id)
            .join(
                TriageResult,
                (TriageResult.case_id == Label.case_id) & (TriageResult.version == Label.triage_version),
            )
            .where(Label.id.in_(latest), *_read(within))
            .order_by(Label.id.desc())
            .limit(limit)
        )
        return [Reading(label=label, answer=answer) for label, answer in self._session.execute(query)]


def _read(within: str) -> tuple[ColumnElement[bool], ...]:
    return Case.erased_at.is_(None), Case.unit_id.in_(units_within(within))
