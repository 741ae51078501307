"""The week in early warnings, for each unit's supervisors and compliance. In: a store, a week. Out: letters, once.

Monday to Sunday in China. A letter goes through the outbox to those of the unit who have an address, so that it is sent
once whoever is first, the service on Monday morning or `xiaobao digest`. Numbers and codes alone: rising words stay in
the console, e-mail leaves the bank's own doors.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from data.days import CHINA, china_day, start_of
from data.errors import StoreError
from data.store.outbox import DIGEST
from data.store.overview import Period
from data.store.scope import ROOT
from data.store.tables import Unit
from data.store.unit_of_work import Store, UnitOfWork
from data.store.warning_signals import COMPLAINT
from data.store.warning_tables import EarlyWarning
from serving.access.permissions import PERMISSIONS_OF_ROLE
from serving.warning.rounds import FIRST_HOUR

MOST_LISTED = 15
WEEK = timedelta(days=7)


@dataclass(frozen=True, kw_only=True)
class Digest:
    unit_id: str
    payload: Mapping[str, Any]


def send_on_mondays(store: Store) -> int:
    """The service's own round; returns how many letters are new."""
    with store.reading() as work:
        now = work.now().astimezone(CHINA)
    return send_digests(store, monday_before(now.date())) if now.weekday() == 0 and now.hour >= FIRST_HOUR else 0


def send_digests(store: Store, monday: date) -> int:
    """Write the week's messages that are not there yet; returns how many. Raises StoreError as `check_week`."""
    with store.reading() as work:
        check_week(work, monday)
        readers = _readers(work)
        # Before anything is counted: the service asks all Monday long.
        waiting = {unit: to for unit, to in readers.items() if not work.outbox.has(DIGEST, _key(unit, monday))}
        found = digests(work, monday, waiting) if waiting else ()
    if not found:
        return 0
    with store.writing() as work:
        return sum(work.outbox.put(DIGEST, one.payload, key=_key(one.unit_id, monday)) for one in found)


def check_week(work: UnitOfWork, monday: date) -> None:
    """A week is told once, when it is over. Raises StoreError `week_invalid`."""
    if monday.weekday() != 0 or monday + WEEK > china_day(work.now()):
        raise StoreError(
            f"{monday} is no Monday of a week that is over; expected {monday_of_last_week(work)} or an earlier one",
            f"{monday} 不是已结束一周的星期一",
            code="week_invalid",
        )


def digests(work: UnitOfWork, monday: date, readers: Mapping[str, Sequence[str]]) -> Sequence[Digest]:
    """One for each unit, to the people named."""
    units = {unit.id: unit for unit in work.units.all(within=ROOT)}
    return [
        Digest(unit_id=unit_id, payload={"to": sorted(to), **digest_of(work, units[unit_id], monday)})
        for unit_id, to in sorted(readers.items())
    ]


def _readers(work: UnitOfWork) -> Mapping[str, Sequence[str]]:
    """By unit, who takes care of warnings and has an address."""
    readers: dict[str, list[str]] = {}
    for user in work.users.all(within=ROOT):
        if user.is_active and user.email and "warnings.handle" in PERMISSIONS_OF_ROLE[user.role]:
            readers.setdefault(user.unit_id, []).append(user.id)
    return readers


def digest_of(work: UnitOfWork, unit: Unit, monday: date) -> dict[str, Any]:
    """What a unit's letter says of the week from `monday`."""
    sunday = monday + WEEK - timedelta(days=1)
    week = work.warnings.week(start_of(monday), start_of(monday + WEEK), within=unit.path)
    new = {warning.id for warning in week.raised}
    periods = [
        Period(first=first, last=first + WEEK - timedelta(days=1), order_type=COMPLAINT)
        for first in (monday, monday - WEEK)
    ]
    received, before = (work.overview.count(period, within=unit.path) for period in periods)
    waiting = work.overview.open_now(within=unit.path, soon_days=0).values()
    return {
        "first": str(monday),
        "last": str(sunday),
        "unit": unit.name,
        "received": received,
        "received_before": before,
        "overdue": sum(one.overdue for one in waiting),
        "raised": len(week.raised),
        "ended": len(week.ended),
        "open": len(week.open),
        "unseen": sum(warning.acknowledged_at is None for warning in week.open),
        "warnings": [_line(warning, warning.id in new) for warning in week.open[:MOST_LISTED]],
    }


def monday_before(day: date) -> date:
    """Of the last full week."""
    return day - timedelta(days=day.weekday()) - WEEK


def monday_of_last_week(work: UnitOfWork) -> date:
    """The same, today."""
    return monday_before(china_day(work.now()))


def _line(warning: EarlyWarning, is_new: bool) -> dict[str, Any]:
    names = ("kind", "grade", "category", "leaf", "cause", "subcause", "count", "window_days", "expected")
    return {name: getattr(warning, name) for name in names} | {"is_new": is_new}


def _key(unit_id: str, monday: date) -> str:
    return f"{monday}/{unit_id}"
