"""What ML engineers take out of the store. In: reviewed and unreviewed cases. Out: codes and redacted texts, in pages.

Originals, notes and reasons stay where they are. Erased cases are left out, and `gone` tells which of earlier exports
are gone since: of all rows that bear a case number, also those that came back from another tool.
"""

import re
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from data.store.crypto import keyed_hash
from data.store.label_tables import Label
from data.store.scope import units_within
from data.store.tables import Case, TriageResult

if TYPE_CHECKING:
    from data.store.unit_of_work import Store

PAGE = 500
_CASE_NUMBER = re.compile(r"[0-9]{8}-[0-9A-Z]{8}")


@dataclass(frozen=True, kw_only=True)
class ExportDesk:
    """What commands of other packages get: the way to the store, and whom the audit log is to name."""

    opened: "Callable[[], AbstractContextManager[Store]]"
    actor: Callable[[], str]


@dataclass(frozen=True, kw_only=True)
class ReviewedCase:
    """A case with the decision that stands, blind second readings, and the answer that stood beside the decision."""

    case: Case = field(repr=False)
    label: Label = field(repr=False)
    readings: Sequence[Label] = field(repr=False)
    probabilities: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class AnsweredCase:
    """A case with the model's latest probabilities."""

    id: str
    text: str = field(repr=False)
    probabilities: dict[str, Any] = field(repr=False)


def is_case_number(name: str) -> bool:
    """Whether a row's id is that of a case."""
    return _CASE_NUMBER.fullmatch(name) is not None


class LabelExport:
    """Pages follow each other by the last id; a page shorter than `limit` is the last one."""

    def __init__(self, session: Session, *, key: bytes) -> None:
        self._session = session
        self._key = key

    def pseudonym(self, user_id: str) -> str:
        """The same for the same person; who has no key of the store cannot tell whose it is."""
        return f"r{keyed_hash(self._key, user_id.encode())[:8]}"

    def reviewed(self, after: str = "", *, within: str, limit: int = PAGE) -> list[ReviewedCase]:
        """Cases that a person has decided, in the order of their ids."""
        query = self._cases(after, within=within, limit=limit).where(Case.labelled_at.is_not(None))
        cases = {case.id: case for case in self._session.scalars(query)}
        labels = self._session.scalars(
            select(Label).where(Label.case_id.in_(cases), Label.withdrawn_at.is_(None)).order_by(Label.id)
        ).all()
        standing = {label.case_id: label for label in labels if not label.is_blind}
        answers = self._answers(cases)
        return [
            ReviewedCase(
                case=cases[case_id],
                label=label,
                readings=[other for other in labels if other.case_id == case_id and other.is_blind],
                probabilities=answers.get((case_id, label.triage_version), {}),
            )
            for case_id, label in sorted(standing.items())
        ]

    def waiting(self, after: str = "", *, within: str, limit: int = PAGE) -> list[AnsweredCase]:
        """Cases that nobody has decided, in the order of their ids."""
        return self._answered(self._cases(after, within=within, limit=limit).where(Case.labelled_at.is_(None)))

    def received(
        self, since: datetime, until: datetime, after: str = "", *, within: str, limit: int = PAGE
    ) -> list[AnsweredCase]:
        """Cases received from `since` and before `until`, in the order of their ids."""
        query = self._cases(after, within=within, limit=limit)
        return self._answered(query.where(Case.received_at >= since, Case.received_at < until))

    def _answered(self, query: Select[Case]) -> list[AnsweredCase]:
        cases = {case.id: case for case in self._session.scalars(query)}
        latest = {case_id: p for (case_id, _), p in sorted(self._answers(cases).items())}
        return [
            AnsweredCase(id=case_id, text=case.redacted_text, probabilities=latest.get(case_id, {}))
            for case_id, case in sorted(cases.items())
        ]

    def gone(self, case_ids: Collection[str], *, within: str) -> set[str]:
        """Of these ids those whose case was erased, deleted or is no longer visible."""
        ids, present = sorted(case_ids), set[str]()
        for start in range(0, len(ids), PAGE):
            query = select(Case.id).where(
                Case.id.in_(ids[start : start + PAGE]), Case.erased_at.is_(None), Case.unit_id.in_(units_within(within))
            )
            present.update(self._session.scalars(query))
        return set(ids) - present

    def _cases(self, after: str, *, within: str, limit: int) -> Select[Case]:
        seen = Case.unit_id.in_(units_within(within))
        return select(Case).where(Case.id > after, Case.erased_at.is_(None), seen).order_by(Case.id).limit(limit)

    def _answers(self, case_ids: Collection[str]) -> dict[tuple[str, int], dict[str, Any]]:
        columns = (TriageResult.case_id, TriageResult.version, TriageResult.probabilities)
        rows = self._session.execute(select(*columns).where(TriageResult.case_id.in_(case_ids)))
        return {(row.case_id, row.version): dict(row.probabilities) for row in rows}
