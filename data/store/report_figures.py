"""What the quarterly report counts. In: a quarter, a part of the bank. Out: counts, added up by the database.

Only complaints are counted (`count_order_types` says what else came in), by the month of receipt in China. What a case
is, is what its row holds true: the reviewer's label if one stands, else the model's answer; a label that was taken back
stands no longer. Purged cases count with what is left of them, so they have neither leaf nor sub-cause.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Subquery, and_, func, null, or_, select, union_all
from sqlalchemy.orm import Session

from data.quarter import Quarter
from data.store.clock_tables import ClockFact, Closing
from data.store.flags import flags_of
from data.store.label_tables import Label
from data.store.scope import units_within
from data.store.tables import OPEN, Case, PurgedCase, Unit

COMPLAINT = "complaint"
REGULATORS = ("nfra", "pboc")
"""Triggers of a case that a financial regulator forwarded; so does its reference number."""


@dataclass(frozen=True, kw_only=True)
class MatterCount:
    """Complaints about one business for one reason, in one unit. None where a purge kept no more."""

    unit_id: str
    category: str | None
    leaf: str | None
    cause: str | None
    subcause: str | None
    cases: int


@dataclass(frozen=True, kw_only=True)
class UnitFigures:
    """Complaints of one unit alone, without the units below it."""

    unit_id: str
    path: str
    cases: int
    purged: int
    open: int
    in_time: int
    late: int
    overdue: int
    """Still open, and late already."""
    satisfied: int
    rated: int
    forwarded: int
    """By a regulator."""
    repeats: int
    """The same customer had complained to this unit before, in this quarter or the one before."""
    responsible: int
    reviewed: int
    """A person's decision stands; the rest are a model's."""
    redress_fen: int


@dataclass(frozen=True, kw_only=True)
class UrgentCase:
    """A complaint of the highest priority. No text, no customer."""

    case_id: str
    received_at: datetime
    unit_id: str
    category: str | None
    leaf: str | None
    cause: str | None
    subcause: str | None
    flags: tuple[str, ...]
    status: str
    due_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class ReturnedCase:
    """What a regulator gets of one complaint."""

    case_id: str
    regulator_reference: str | None
    received_at: datetime
    unit_id: str
    region: str | None
    channel: str
    category: str | None
    leaf: str | None
    cause: str | None
    subcause: str | None
    status: str
    closed_at: datetime | None
    outcome: str | None
    is_in_time: bool | None
    satisfaction: str | None


class ReportRepository:
    def __init__(self, session: Session, *, now: Callable[[], datetime]) -> None:
        self._session = session
        self._now = now

    def count_order_types(self, quarter: Quarter, *, within: str) -> Mapping[str, int]:
        """All that came in, by order type; only `complaint` is counted elsewhere."""
        kept = select(Case.order_type.label("value")).where(*_in(Case, quarter, within))
        purged = select(PurgedCase.order_type.label("value")).where(*_in(PurgedCase, quarter, within))
        found = union_all(kept, purged).subquery()
        rows = self._session.execute(select(found.c.value, func.count()).group_by(found.c.value))
        return {row[0]: row[1] for row in rows}

    def count_matters(self, quarter: Quarter, *, within: str) -> Sequence[MatterCount]:
        """By unit, category, leaf, cause and sub-cause together."""
        names = ("unit_id", "category", "leaf", "cause", "subcause")
        kept = select(*(getattr(Case, name).label(name) for name in names)).where(*_complaints(Case, quarter, within))
        gone = {"leaf", "subcause"}
        purged = select(
            *(null().label(name) if name in gone else getattr(PurgedCase, name).label(name) for name in names)
        ).where(*_complaints(PurgedCase, quarter, within))
        return [MatterCount(**row) for row in self._grouped(union_all(kept, purged).subquery(), names)]

    def count_channels(self, quarter: Quarter, *, within: str) -> Mapping[str, int]:
        kept = select(Case.channel.label("channel")).where(*_complaints(Case, quarter, within))
        purged = select(PurgedCase.channel.label("channel")).where(*_complaints(PurgedCase, quarter, within))
        rows = self._grouped(union_all(kept, purged).subquery(), ("channel",))
        return {row["channel"]: row["cases"] for row in rows}

    def count_regions(self, quarter: Quarter, *, within: str) -> Mapping[str | None, int]:
        """By region as the deliverer named it; None: not named, or purged."""
        kept = select(Case.region.label("region")).where(*_complaints(Case, quarter, within))
        purged = select(null().label("region")).where(*_complaints(PurgedCase, quarter, within))
        rows = self._grouped(union_all(kept, purged).subquery(), ("region",))
        return {row["region"]: row["cases"] for row in rows}

    def assess_units(self, quarter: Quarter, *, within: str) -> Sequence[UnitFigures]:
        """Every unit that the caller sees, in the order of the tree, those without complaints too."""
        kept = {row.unit_id: dict(row._mapping) for row in self._session.execute(self._assessment(quarter, within))}
        purged = {row.unit_id: dict(row._mapping) for row in self._session.execute(_purged_assessment(quarter, within))}
        units = self._session.execute(select(Unit.id, Unit.path).where(Unit.id.in_(units_within(within))))
        return [
            _figures(unit_id, path, kept.get(unit_id, {}), purged.get(unit_id, {}))
            for unit_id, path in sorted(units, key=lambda unit: unit.path)
        ]

    def count_withdrawn_labels(self, quarter: Quarter, *, within: str) -> int:
        """Decisions on the quarter's complaints that were taken back and count nowhere."""
        query = (
            select(func.count())
            .select_from(Label)
            .join(Case, Case.id == Label.case_id)
            .where(Label.withdrawn_at.is_not(None), *_complaints(Case, quarter, within))
        )
        return self._session.scalar(query) or 0

    def urgent(self, quarter: Quarter, *, within: str, limit: int) -> tuple[int, Sequence[UrgentCase]]:
        """How many complaints have the highest priority, and the latest of them."""
        wanted = (Case.priority == "urgent", *_complaints(Case, quarter, within))
        total = self._session.scalar(select(func.count()).select_from(Case).where(*wanted)) or 0
        columns = [getattr(Case, name) for name in _URGENT_COLUMNS]
        query = select(Case.id.label("case_id"), *columns).where(*wanted)
        rows = self._session.execute(query.order_by(Case.received_at.desc(), Case.id.desc()).limit(limit)).all()
        flags = flags_of(self._session, [row.case_id for row in rows])
        return total, [UrgentCase(**row._mapping, flags=flags[row.case_id]) for row in rows]

    def each_complaint(self, quarter: Quarter, *, within: str) -> Sequence[ReturnedCase]:
        """The quarter's complaints in order of receipt, without purged ones."""
        of_closing = ("outcome", "is_in_time", "satisfaction")
        columns = [getattr(Closing if name in of_closing else Case, name) for name in _RETURNED]
        query = (
            select(Case.id.label("case_id"), *columns)
            .outerjoin(Closing, and_(Closing.case_id == Case.id, Closing.reopened_at.is_(None)))
            .where(*_complaints(Case, quarter, within))
            .order_by(Case.received_at, Case.id)
        )
        return [ReturnedCase(**row._mapping) for row in self._session.execute(query)]

    def sample_texts(self, quarter: Quarter, *, within: str, limit: int) -> Sequence[str]:
        """Redacted texts of at most `limit` complaints, spread evenly over the quarter; erased ones have none."""
        conditions = (Case.erased_at.is_(None), *_complaints(Case, quarter, within))
        ids = self._session.scalars(select(Case.id).where(*conditions).order_by(Case.received_at, Case.id)).all()
        step = max(1, -(-len(ids) // limit))
        chosen = ids[::step]
        texts: list[str] = []
        for start in range(0, len(chosen), _BATCH):
            texts += self._session.scalars(
                select(Case.redacted_text).where(Case.id.in_(chosen[start : start + _BATCH]))
            ).all()
        return texts

    def _grouped(self, found: Subquery, names: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        columns = [found.c[name] for name in names]
        query = select(*columns, func.count().label("cases")).group_by(*columns)
        return [dict(row._mapping) for row in self._session.execute(query)]

    def _assessment(self, quarter: Quarter, within: str) -> Any:
        repeats = _repeats(quarter, within).subquery()
        forwarded = or_(
            Case.regulator_reference.is_not(None),
            select(ClockFact.id)
            .where(
                ClockFact.case_id == Case.id,
                ClockFact.kind == "trigger",
                ClockFact.code.in_(REGULATORS),
                ClockFact.voided_at.is_(None),
            )
            .exists(),
        )
        parts = {
            "open": Case.status == OPEN,
            "in_time": Closing.is_in_time.is_(True),
            "late": Closing.is_in_time.is_(False),
            "overdue": and_(Case.status == OPEN, Case.due_at <= self._now()),
            "satisfied": Closing.satisfaction == "satisfied",
            "rated": Closing.satisfaction.is_not(None),
            "forwarded": forwarded,
            "repeats": repeats.c.id.is_not(None),
            "responsible": Closing.is_responsible.is_(True),
            "reviewed": Case.labelled_at.is_not(None),
        }
        counted = [func.count().filter(condition).label(name) for name, condition in parts.items()]
        redress = func.coalesce(func.sum(Closing.redress_fen), 0).label("redress_fen")
        return (
            select(Case.unit_id, func.count().label("cases"), *counted, redress)
            .select_from(Case)
            .outerjoin(Closing, and_(Closing.case_id == Case.id, Closing.reopened_at.is_(None)))
            .outerjoin(repeats, repeats.c.id == Case.id)
            .where(*_complaints(Case, quarter, within))
            .group_by(Case.unit_id)
        )


_BATCH = 500
_URGENT_COLUMNS = ("received_at", "unit_id", "category", "leaf", "cause", "subcause", "status", "due_at")
_RETURNED = tuple(part.name for part in fields(ReturnedCase) if part.name != "case_id")
_KEPT = ("open", "overdue", "forwarded", "repeats", "reviewed")
_BOTH = ("in_time", "late", "satisfied", "rated", "responsible", "redress_fen")


def _in(
    table: type[Case] | type[PurgedCase], quarter: Quarter, within: str, *, since: Quarter | None = None
) -> tuple[ColumnElement[bool], ...]:
    first = (since or quarter).first_month
    return table.month.between(first, quarter.last_month), table.unit_id.in_(units_within(within))


def _complaints(table: type[Case] | type[PurgedCase], quarter: Quarter, within: str) -> tuple[ColumnElement[bool], ...]:
    return table.order_type == COMPLAINT, *_in(table, quarter, within)


def _repeats(quarter: Quarter, within: str) -> Any:
    """Ids of the complaints whose customer had complained to the same unit before."""
    earlier = (
        select(
            Case.id,
            Case.month,
            func.row_number()
            .over(partition_by=(Case.customer_key, Case.unit_id), order_by=(Case.received_at, Case.id))
            .label("place"),
        )
        .where(
            Case.customer_key.is_not(None),
            Case.order_type == COMPLAINT,
            *_in(Case, quarter, within, since=quarter.before),
        )
        .subquery()
    )
    return select(earlier.c.id).where(earlier.c.place > 1, earlier.c.month >= quarter.first_month)


def _purged_assessment(quarter: Quarter, within: str) -> Any:
    parts = {
        "in_time": PurgedCase.is_in_time.is_(True),
        "late": PurgedCase.is_in_time.is_(False),
        "satisfied": PurgedCase.satisfaction == "satisfied",
        "rated": PurgedCase.satisfaction.is_not(None),
        "responsible": PurgedCase.is_responsible.is_(True),
    }
    return (
        select(
            PurgedCase.unit_id,
            func.count().label("cases"),
            *(func.count().filter(condition).label(name) for name, condition in parts.items()),
            func.coalesce(func.sum(PurgedCase.redress_fen), 0).label("redress_fen"),
        )
        .where(*_complaints(PurgedCase, quarter, within))
        .group_by(PurgedCase.unit_id)
    )


def _figures(unit_id: str, path: str, kept: Mapping[str, Any], purged: Mapping[str, Any]) -> UnitFigures:
    return UnitFigures(
        unit_id=unit_id,
        path=path,
        cases=kept.get("cases", 0) + purged.get("cases", 0),
        purged=purged.get("cases", 0),
        **{name: kept.get(name, 0) for name in _KEPT},
        **{name: int(kept.get(name, 0)) + int(purged.get(name, 0)) for name in _BOTH},
    )
