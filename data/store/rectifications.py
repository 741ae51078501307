"""溯源整改. In: a root cause found in a case, who mends it by when. Out: items, and whether the complaints came back.

A complaint counts where it came about (`Case.concerned_unit_id`), also after it went up to a higher unit.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from data.days import china_day
from data.errors import StoreError
from data.quarter import Quarter
from data.store.audit import AuditLog, Scalar
from data.store.day_columns import between
from data.store.events import EventRepository
from data.store.free_text import checked_reason, redacted
from data.store.organisation import WORKING_ROLES, active_user, check_unit
from data.store.rectification_tables import DROPPED, FINISHED, UNDER_WAY, Rectification
from data.store.scope import not_found, units_within, visible_case
from data.store.tables import Case, Unit, User
from data.taxonomy import default_taxonomy

WATCHED = timedelta(days=90)
"""How far complaints are looked at before an item was opened and after it was finished."""
RATE_DAYS = 30
LEAST_DAYS = 7
"""A shorter time says nothing about a rate."""
LONGEST_TEXT = 2000


@dataclass(frozen=True, kw_only=True)
class NewRectification:
    """`measure` is a person's words; it is redacted. `unit_id`: None for the unit that the complaint is about."""

    subcause: str
    owner_id: str
    due_on: date
    measure: str = field(repr=False)
    unit_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class RectificationFilter:
    """Conditions that all hold; None does not matter. `below`: path of a unit, with all below it."""

    status: str | None = None
    subcause: str | None = None
    owner_id: str | None = None
    below: str | None = None
    is_overdue: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Complaints:
    """How many came in `days`. `per_30_days` is None where the time is too short to tell."""

    count: int
    days: float

    @property
    def per_30_days(self) -> float | None:
        return self.count * RATE_DAYS / self.days if self.days >= LEAST_DAYS else None


@dataclass(frozen=True, kw_only=True)
class Recurrence:
    """Complaints of an item's sub-cause about its unit and those below; `after` is None until it is finished."""

    before: Complaints
    after: Complaints | None


@dataclass(frozen=True, kw_only=True)
class Mending:
    """What became of the items that one unit, without those below it, was given in a quarter."""

    opened: int = 0
    in_time: int = 0
    """Finished by the due date."""
    late: int = 0
    """Finished after it, or under way and past it."""

    def plus(self, other: "Mending") -> "Mending":
        return Mending(**{name: getattr(self, name) + getattr(other, name) for name in vars(self)})


class RectificationRepository:
    def __init__(
        self, session: Session, *, events: EventRepository, audit: AuditLog, now: Callable[[], datetime]
    ) -> None:
        self._session = session
        self._events = events
        self._audit = audit
        self._now = now

    def open(self, case_id: str, new: NewRectification, *, actor_id: str, within: str) -> Rectification:
        """Put an item down for a case, open or closed. Raises NotFoundError, StoreError `rectification_invalid`."""
        case = visible_case(self._session, case_id, within=within, for_update=True)
        if new.subcause not in {entry.code for entry in default_taxonomy().subcauses}:
            raise _invalid("the root cause is a sub-cause of the taxonomy", "整改根因须为投诉原因的细类")
        unit_id = new.unit_id or case.concerned_unit_id or case.unit_id
        check_unit(self._session, unit_id, within)
        self._check_due(new.due_on)
        item = Rectification(
            case_id=case_id, subcause=new.subcause, unit_id=unit_id,
            owner_id=self._owner(new.owner_id, within).id, due_on=new.due_on, status=UNDER_WAY,
            measure=_text(new.measure), result="", opened_by=active_user(self._session, actor_id).id,
            opened_at=self._now(),
        )  # fmt: skip
        self._session.add(item)
        self._written(item, "rectification_opened", actor_id, note=item.measure)
        return item

    def change(
        self, item_id: int, *, owner_id: str | None = None, due_on: date | None = None, actor_id: str, within: str
    ) -> Rectification:
        """Give an item to somebody else, or another day. Raises NotFoundError, StoreError as `open` and `finish`."""
        item = self._under_way(item_id, within)
        if owner_id is not None:
            item.owner_id = self._owner(owner_id, within).id
        if due_on is not None and due_on != item.due_on:
            self._check_due(due_on)
            item.due_on = due_on
        self._written(item, "rectification_changed", actor_id)
        return item

    def finish(self, item_id: int, *, result: str, actor_id: str, within: str) -> Rectification:
        """It is mended; from now on recurrence is counted. Raises NotFoundError, StoreError `rectification_ended`."""
        return self._end(item_id, FINISHED, result=_text(result), actor_id=actor_id, within=within)

    def drop(self, item_id: int, *, reason: str, actor_id: str, within: str) -> Rectification:
        """Nothing is to be mended after all. Raises as `finish`, NotAllowedError without a reason."""
        return self._end(item_id, DROPPED, result=checked_reason(reason), actor_id=actor_id, within=within)

    def resume(self, item_id: int, *, actor_id: str, within: str) -> Rectification:
        """An ended item goes on. Raises NotFoundError, StoreError `rectification_under_way`."""
        item = self.get(item_id, within=within, for_update=True)
        if item.status == UNDER_WAY:
            raise StoreError("the item is under way already", "该整改事项正在进行", code="rectification_under_way")
        item.status, item.result, item.ended_by, item.ended_at = UNDER_WAY, "", None, None
        self._written(item, "rectification_resumed", actor_id)
        return item

    def get(self, item_id: int, *, within: str, for_update: bool = False) -> Rectification:
        """One item. Raises NotFoundError, the same for one of another branch as for one that never was."""
        query = select(Rectification).where(Rectification.id == item_id, _seen(within))
        item = self._session.scalar(query.with_for_update() if for_update else query)
        if item is None:
            raise not_found("rectification item", "整改事项")
        return item

    def of_case(self, case_id: str, *, within: str) -> Sequence[Rectification]:
        """Items that came of a case, oldest first. Raises NotFoundError."""
        visible_case(self._session, case_id, within=within)
        query = select(Rectification).where(Rectification.case_id == case_id).order_by(Rectification.id)
        return self._session.scalars(query).all()

    def listed(
        self, wanted: RectificationFilter, *, within: str, limit: int = 200, after: int | None = None
    ) -> Sequence[Rectification]:
        """By number, latest first; `after` is the last number of the page before."""
        query = select(Rectification).where(_seen(within), *self._conditions(wanted))
        if after is not None:
            query = query.where(Rectification.id < after)
        return self._session.scalars(query.order_by(Rectification.id.desc()).limit(limit)).all()

    def count_mending(self, quarter: Quarter, *, within: str) -> Mapping[str, Mending]:
        """By unit, of the items opened in the quarter, as they stand now."""
        columns = (Rectification.unit_id, Rectification.status, Rectification.due_on, Rectification.ended_at)
        opened = between(quarter.first_day, quarter.last_day, Rectification.opened_at)
        found: dict[str, Mending] = {}
        for unit_id, status, due_on, ended_at in self._session.execute(select(*columns).where(_seen(within), *opened)):
            ended_on = china_day(ended_at or self._now())
            item = Mending(
                opened=1,
                in_time=int(status == FINISHED and ended_on <= due_on),
                late=int(status != DROPPED and ended_on > due_on),
            )
            found[unit_id] = found.get(unit_id, Mending()).plus(item)
        return found

    def recurrence(self, item: Rectification, *, within: str) -> Recurrence:
        """How often the same was complained about before the item was opened and after it was finished.

        Raises NotFoundError. The time before begins no earlier than the first case of the unit that is stored.
        """
        path = self._session.get_one(Unit, self.get(item.id, within=within).unit_id).path
        about = Case.concerned_unit_id.in_(units_within(path))
        first = self._session.scalar(select(func.min(Case.received_at)).where(about)) or item.opened_at
        same = about & (Case.subcause == item.subcause)
        before = self._complaints(same, max(first, item.opened_at - WATCHED), item.opened_at)
        if item.status != FINISHED or item.ended_at is None:
            return Recurrence(before=before, after=None)
        until = min(self._now(), item.ended_at + WATCHED)
        return Recurrence(before=before, after=self._complaints(same, item.ended_at, until))

    def _complaints(self, same: ColumnElement[bool], begin: datetime, end: datetime) -> Complaints:
        in_time = (Case.received_at >= begin) & (Case.received_at < end)
        count = self._session.scalar(select(func.count()).select_from(Case).where(same, in_time)) or 0
        return Complaints(count=count, days=max(0.0, (end - begin) / timedelta(days=1)))

    def _conditions(self, wanted: RectificationFilter) -> list[ColumnElement[bool]]:
        names = ("status", "subcause", "owner_id")
        conditions = [
            getattr(Rectification, name) == value for name in names if (value := getattr(wanted, name)) is not None
        ]
        if wanted.below is not None:
            conditions.append(Rectification.unit_id.in_(units_within(wanted.below)))
        if wanted.is_overdue is not None:
            late = (Rectification.status == UNDER_WAY) & (Rectification.due_on < china_day(self._now()))
            conditions.append(late if wanted.is_overdue else ~late)
        return conditions

    def _end(self, item_id: int, status: str, *, result: str, actor_id: str, within: str) -> Rectification:
        item = self._under_way(item_id, within)
        item.status, item.result, item.ended_at = status, result, self._now()
        item.ended_by = active_user(self._session, actor_id).id
        self._written(item, f"rectification_{status}", actor_id, note=result)
        return item

    def _under_way(self, item_id: int, within: str) -> Rectification:
        item = self.get(item_id, within=within, for_update=True)
        if item.status != UNDER_WAY:
            raise StoreError(
                "the item was finished or dropped; resume it first",
                "该整改事项已结束，请先恢复",
                code="rectification_ended",
            )
        return item

    def _owner(self, user_id: str, within: str) -> User:
        """Somebody who works on complaints in the caller's part of the organisation."""
        user = active_user(self._session, user_id)
        check_unit(self._session, user.unit_id, within)
        if user.role not in WORKING_ROLES:
            raise _invalid("an owner is a handler or a supervisor", "整改责任人须为经办或主管")
        return user

    def _check_due(self, due_on: date) -> None:
        if due_on < china_day(self._now()):
            raise _invalid("the due date lies in the past", "整改期限不能早于今天")

    def _written(self, item: Rectification, kind: str, actor_id: str, *, note: str = "") -> None:
        self._session.flush()
        details: dict[str, Scalar] = {
            "rectification": item.id, "subcause": item.subcause, "unit": item.unit_id, "owner": item.owner_id,
            "due_on": item.due_on.isoformat(),
        }  # fmt: skip
        if item.case_id is not None:
            self._events.record(item.case_id, kind, actor_id=actor_id, details=details, note=note)
        self._audit.append(f"case.{kind}", actor_id=actor_id, subject=item.case_id or "", details=details)


def _seen(within: str) -> ColumnElement[bool]:
    return Rectification.unit_id.in_(units_within(within))


def _text(words: str) -> str:
    if not 1 <= len(words.strip()) <= LONGEST_TEXT:
        raise _invalid(
            f"a measure or result has 1 to {LONGEST_TEXT} characters", f"整改措施或结果须为 1 至 {LONGEST_TEXT} 个字"
        )
    return redacted(words)


def _invalid(message: str, message_zh: str) -> StoreError:
    return StoreError(message, message_zh, code="rectification_invalid")
