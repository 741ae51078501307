"""The quality queue: a random slice of each day, read by people without the model's answer. In: a day. Out: readings.

    missed   cases that came in that day and in which the model saw no flag, or which it would prefill
    second   cases that a person decided on that day; another person reads them again

A case is drawn by a keyed hash of its id: nobody who writes complaints or works on them can tell which, and two
processes draw the same.
"""

import hmac
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session

from data.days import china_day, end_of, start_of
from data.store.insertion import insert_if_new
from data.store.label_tables import Label
from data.store.labels import LabelRepository
from data.store.records import NewLabel
from data.store.scope import not_found, units_within
from data.store.supervision_tables import MISSED, SECOND, QualityDay, QualityDraw
from data.store.tables import Case, Event, TriageResult

DAYS_BACK = 7
"""So many days are made up for after a standstill."""
MOST_LISTED = 100
MOST_READ = 2000
ONE_DAY = timedelta(days=1)
PREFILL = "auto"


@dataclass(frozen=True, kw_only=True)
class BlindReading:
    """`answer` is the model's, `first` the decision that was read a second time."""

    draw: QualityDraw
    label: Label
    answer: dict[str, Any]
    first: Label | None


class QualityRepository:
    def __init__(self, session: Session, *, key: bytes, labels: LabelRepository, now: Callable[[], datetime]) -> None:
        self._session = session
        self._key = key
        self._labels = labels
        self._now = now

    def days_to_draw(self) -> Sequence[date]:
        """The days of the last week, up to yesterday in China, that nobody has drawn from."""
        today = china_day(self._now())
        days = [today - ONE_DAY * back for back in range(DAYS_BACK, 0, -1)]
        drawn = set(self._session.scalars(select(QualityDay.day).where(QualityDay.day.in_(days))))
        return [day for day in days if day not in drawn]

    def draw(self, day: date, *, share: float) -> int:
        """Draw from one day, once; returns how many cases were drawn."""
        values = {"day": day, "share": share, "drawn_at": self._now()}
        if not insert_if_new(self._session, QualityDay, values, unique=["day"]):
            return 0
        drawn = [(MISSED, case_id) for case_id in self._unflagged(day, share)]
        drawn += [(SECOND, case_id) for case_id in self._decided(day, share)]
        for purpose, case_id in drawn:
            values = {"case_id": case_id, "purpose": purpose, "day": day, "label_id": None}
            insert_if_new(self._session, QualityDraw, values, unique=["case_id", "purpose"])
        return len(drawn)

    def waiting(self, user_id: str, *, within: str) -> Sequence[tuple[QualityDraw, Case]]:
        """What somebody may read: oldest day first, nothing that they have worked on or decided."""
        query = select(QualityDraw, Case).join(Case).where(*_open_to(user_id, within))
        rows = self._session.execute(query.order_by(QualityDraw.day, QualityDraw.case_id).limit(MOST_LISTED))
        return [(draw, case) for draw, case in rows]

    def next_for(self, user_id: str, case_id: str, purpose: str, *, within: str) -> tuple[QualityDraw, Case]:
        """One of them. Raises NotFoundError, also where another person was faster."""
        query = select(QualityDraw, Case).join(Case).where(*_open_to(user_id, within))
        query = query.where(QualityDraw.case_id == case_id, QualityDraw.purpose == purpose)
        row = self._session.execute(query).first()
        if row is None:
            raise not_found("case in the quality queue", "待质检案件")
        return row[0], row[1]

    def record(self, case_id: str, purpose: str, new: NewLabel, *, within: str) -> Label:
        """Store a blind reading. Raises NotFoundError, NotAllowedError."""
        assert new.is_blind
        draw, _ = self.next_for(new.user_id, case_id, purpose, within=within)
        locked = self._session.get_one(QualityDraw, (draw.case_id, draw.purpose), with_for_update=True)
        if locked.label_id is not None:
            raise not_found("case in the quality queue", "待质检案件")
        label = self._labels.add(case_id, new, within=within)
        locked.label_id = label.id
        self._session.flush()
        return label

    def readings(self, purpose: str, *, since: date, within: str) -> Sequence[BlindReading]:
        """Those of draws from `since` on, the latest first."""
        query = (
            select(QualityDraw, Label, TriageResult.answer)
            .join(Case, Case.id == QualityDraw.case_id)
            .join(Label, Label.id == QualityDraw.label_id)
            .join(
                TriageResult,
                (TriageResult.case_id == Label.case_id) & (TriageResult.version == Label.triage_version),
            )
            .where(QualityDraw.purpose == purpose, QualityDraw.day >= since, *_counted(within))
            .order_by(Label.id.desc())
            .limit(MOST_READ)
        )
        rows = self._session.execute(query).all()
        firsts = self._first_decisions([label for _, label, _ in rows]) if purpose == SECOND else {}
        return [
            BlindReading(draw=draw, label=label, answer=answer, first=firsts.get(label.id))
            for draw, label, answer in rows
        ]

    def counts(self, *, since: date, within: str) -> tuple[int, int]:
        """How many draws from `since` on wait, and how many were read."""
        drawn = (
            select(func.count(), func.count(QualityDraw.label_id))
            .join(Case, Case.id == QualityDraw.case_id)
            .where(QualityDraw.day >= since, *_counted(within))
        )
        all_draws, read = self._session.execute(drawn).one()
        return all_draws - read, read

    def _unflagged(self, day: date, share: float) -> Iterator[str]:
        begins, ends = start_of(day), end_of(day)
        arrived = select(Case.id).where(Case.stored_at >= begins, Case.stored_at < ends, Case.erased_at.is_(None))
        for case_id in self._session.scalars(arrived).all():
            if not self._is_drawn(MISSED, case_id, share):
                continue
            query = select(TriageResult.answer).where(TriageResult.case_id == case_id)
            answer = self._session.scalars(query.order_by(TriageResult.version.desc()).limit(1)).one()
            if not answer["flags"] or answer["decision"]["band"] == PREFILL:
                yield case_id

    def _decided(self, day: date, share: float) -> Iterator[str]:
        begins, ends = start_of(day), end_of(day)
        decided = (
            select(Label.case_id)
            .join(Case, Case.id == Label.case_id)
            .where(Label.created_at >= begins, Label.created_at < ends, *_sighted(), Case.erased_at.is_(None))
            .distinct()
        )
        yield from (item for item in self._session.scalars(decided) if self._is_drawn(SECOND, item, share))

    def _is_drawn(self, purpose: str, case_id: str, share: float) -> bool:
        digest = hmac.new(self._key, f"{purpose}/{case_id}".encode(), sha256).digest()
        return int.from_bytes(digest[:8]) < share * 2**64

    def _first_decisions(self, readings: Sequence[Label]) -> dict[int, Label]:
        """The decision in sight of the answer that stood when each of them was read."""
        ids = {reading.case_id for reading in readings}
        query = select(Label).where(Label.case_id.in_(ids), *_sighted()).order_by(Label.id)
        decisions = self._session.scalars(query).all()
        return {
            reading.id: decision
            for reading in readings
            for decision in decisions
            if decision.case_id == reading.case_id and decision.id < reading.id
        }


def _sighted() -> tuple[ColumnElement[bool], ...]:
    return Label.is_blind.is_(False), Label.withdrawn_at.is_(None)


def _counted(within: str) -> tuple[ColumnElement[bool], ...]:
    """Of an erased case there is nothing to read, and no answer to compare a reading with."""
    return Case.erased_at.is_(None), Case.unit_id.in_(units_within(within))


def _open_to(user_id: str, within: str) -> tuple[ColumnElement[bool], ...]:
    worked = exists().where(Event.case_id == Case.id, Event.actor_id == user_id)
    return QualityDraw.label_id.is_(None), *_counted(within), ~worked
