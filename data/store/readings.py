"""What people decided beside what the model had answered. In: a bundle or days, a unit. Out: the two, field by field.

The latest label of each case that stands; blind ones, made without the model's answer in sight, are told apart: who
sees an answer tends to agree. Of erased cases the answer is gone, so that they do not count.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from data.store.day_columns import between
from data.store.label_tables import Label
from data.store.scope import units_within
from data.store.tables import Case, TriageResult

FIELDS = ("order_type", "category", "leaf", "cause", "subcause", "channel", "flags")
BANDS = ("auto", "suggest", "human")
MOST_READ = 2000
"""The latest: an answer is read as a whole."""


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One field of one case: what the model said and how sure it was, what a person decided."""

    case_id: str
    field: str
    band: str
    is_blind: bool
    model: str
    person: str

    @property
    def agrees(self) -> bool:
        """Of `flags`: the two sets are the same."""
        return self.model == self.person


class ReadingRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    def bundles(self, *, within: str) -> Sequence[tuple[str, int]]:
        """Bundles whose answers people have decided on, and how many labels each has, the latest used first."""
        query = (
            select(Label.bundle, func.count())
            .join(Case, Case.id == Label.case_id)
            .where(Label.withdrawn_at.is_(None), *_counted(within))
            .group_by(Label.bundle)
            .order_by(func.max(Label.id).desc())
        )
        return [(bundle, count) for bundle, count in self._session.execute(query)]

    def of_bundle(self, bundle: str, *, is_blind: bool, within: str) -> Sequence[Compared]:
        """Every field of the latest labels on its answers."""
        return self._compared(Label.bundle == bundle, Label.is_blind == is_blind, within=within)

    def of_days(self, first: date, last: date, *, within: str) -> Sequence[Compared]:
        """Every field of the latest labels that were made on these days, both included."""
        return self._compared(*between(first, last, Label.created_at), within=within)

    def _compared(self, *conditions: ColumnElement[bool], within: str) -> Sequence[Compared]:
        latest = (
            select(func.max(Label.id))
            .where(Label.withdrawn_at.is_(None), *conditions)
            .group_by(Label.case_id, Label.is_blind)
        )
        query = (
            select(Label, TriageResult.answer)
            .join(Case, Case.id == Label.case_id)
            .join(
                TriageResult,
                (TriageResult.case_id == Label.case_id) & (TriageResult.version == Label.triage_version),
            )
            .where(Label.id.in_(latest), *_counted(within))
            .order_by(Label.id.desc())
            .limit(MOST_READ)
        )
        return [one for label, answer in self._session.execute(query) for one in compare(label, answer)]


def compare(label: Label, answer: Mapping[str, Any]) -> Sequence[Compared]:
    """Field by field."""
    found = []
    for field in FIELDS:
        if field == "flags":
            model = " ".join(sorted(flag["code"] for flag in answer["flags"]))
            band = answer["decision"]["band"]
        else:
            part = answer[field] or {}
            model, band = part.get("code", ""), part.get("band", "human")
        found.append(
            Compared(
                case_id=label.case_id, field=field, band=band, is_blind=label.is_blind, model=model,
                person=decided(label, field),
            )
        )  # fmt: skip
    return found


def decided(label: Label, field: str) -> str:
    """A person's code of a field, or their flags; empty for none."""
    return " ".join(sorted(label.flags)) if field == "flags" else getattr(label, field) or ""


def _counted(within: str) -> tuple[ColumnElement[bool], ...]:
    return Case.erased_at.is_(None), Case.unit_id.in_(units_within(within))
