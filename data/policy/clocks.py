"""The clocks of a case. In: what happened (`CaseTimes`), policy, calendar, now. Out: one `Clock` for each limit.

    clocks = clocks_of(times, policy=policy, calendar=calendar, now=now, confirmed=confirmed)
    first = deciding_clock(clocks)

All functions are pure: the same case at the same moment gives the same clocks. A limit runs from the first trigger that
starts it. New facts restart it while it runs, never to an earlier date; one that has run out stays overdue. A trigger
or new facts behind its end start it anew. Only the bank's own limits bind, and rows from memory (confidence M) not
before a compliance user has confirmed them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal

from data.days import china_day, end_of
from data.errors import CalendarError, ClockError
from data.policy.calendar import Calendar
from data.policy.case_times import CaseTimes, Extension, Trigger
from data.policy.counting import DayRange, Due, due_after
from data.policy.extensions import refusal_of
from data.policy.schema import TICKET, ClockRow, Confidence, Duty, ExtensionStep, Policy, Unit

ClockState = Literal["running", "half_time", "three_days", "one_day", "overdue", "paused", "ended", "unknown"]
HOUR = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Clock:
    """One limit at one moment.

    `due_at` is the first moment that is too late. `days_left` counts the days behind today up to `due_on`, in the
    clock's unit (whole days for hours, 0 where overdue). `state` is `unknown`, and `problem` says why, where the
    holiday table lacks a year. `refused` holds recorded extensions that do not count. `is_binding`: being late is a
    breach; a clock that does not bind only warns.
    """

    code: str
    name: str
    duty: Duty
    confidence: Confidence | None
    is_binding: bool
    started_at: datetime
    total: int | None
    unit: Unit | None
    due_at: datetime | None
    due_on: date | None
    plain_due_on: date | None
    rolled_due_on: date | None
    days_left: int | None
    state: ClockState
    ended_at: datetime | None = None
    is_in_time: bool | None = None
    """Whether the end came in time; None while there is none."""
    refused: tuple[ClockError, ...] = ()
    problem: CalendarError | None = None


@dataclass(frozen=True, kw_only=True)
class _View:
    """A case as it was known at `now`."""

    times: CaseTimes
    policy: Policy
    calendar: Calendar
    now: datetime

    def at(self, moment: datetime) -> "_View":
        return replace(self, times=self.times.known_at(moment), now=moment)

    def limits(self, row: ClockRow) -> ClockRow:
        """The row whose limit, extensions and pauses hold."""
        return self.policy.clock_rows[row.follows] if row.follows else row

    def pauses(self, row: ClockRow) -> list[DayRange]:
        if row.code not in self.policy.rules.pause.clocks:
            return []
        return [(china_day(p.began_at), china_day(p.ended_at or self.now)) for p in self.times.pauses]

    def is_paused(self, row: ClockRow) -> bool:
        return row.code in self.policy.rules.pause.clocks and any(p.ended_at is None for p in self.times.pauses)

    def starts(self, row: ClockRow) -> list[tuple[datetime, bool]]:
        """Moments that may start a limit, in order, and whether they are new facts."""
        starts = [(trigger.at, False) for trigger in self.times.triggers if trigger.kind in row.triggers]
        if self.limits(row).code in self.policy.rules.restart.clocks:
            starts += [(at, True) for at in self.times.new_facts_at]
        return sorted(starts)

    def end_behind(self, row: ClockRow, start: datetime) -> datetime | None:
        """When the duty was done or the complaint withdrawn."""
        ends = [done.at for done in self.times.fulfilments if done.code == row.code]
        if row.code in self.policy.rules.withdrawal.clocks:
            ends += self.times.withdrawn_at
        return min((at for at in ends if at >= start), default=None)

    def due(self, row: ClockRow, start: datetime, total: int) -> Due:
        assert row.unit is not None
        return due_after(
            start,
            total,
            row.unit,
            counting=self.policy.counting,
            calendar=self.calendar,
            pauses=self.pauses(row),
        )


@dataclass(frozen=True, kw_only=True)
class _Period:
    """One run of a limit. `floor` is the due date before new facts restarted it: nobody loses time by them."""

    start: datetime
    floor: Due | None = None


@dataclass(frozen=True, kw_only=True)
class _Limit:
    """What a period comes to: the due date, the limit with its extensions, and the extensions that do not count."""

    due: Due
    total: int
    refused: tuple[ClockError, ...]


def clocks_of(
    times: CaseTimes,
    *,
    policy: Policy,
    calendar: Calendar,
    now: datetime,
    confirmed: frozenset[str] = frozenset(),
) -> tuple[Clock, ...]:
    """The clocks of a case at `now`, the earliest first; what happened later is not looked at.

    Raises ClockError for another policy than the case was opened with and for a moment without a time zone.
    """
    if times.policy_version != policy.version:
        raise ClockError(
            f"the case was opened with policy {times.policy_version}, found {policy.version}; use policy_of()",
            f"该投诉按政策版本 {times.policy_version} 受理，不能按 {policy.version} 计算期限",
            code="policy_version_differs",
        )
    view = _View(times=times.known_at(now), policy=policy, calendar=calendar, now=now)
    clocks = [clock for row in policy.clocks if (clock := _clock(row, view, confirmed))]
    clocks += [_ticket(trigger, view) for trigger in view.times.triggers if trigger.due is not None]
    return tuple(sorted(clocks, key=lambda clock: (clock.due_at is None, clock.due_at or now)))


def deciding_clock(clocks: Sequence[Clock]) -> Clock | None:
    """The earliest limit of the bank that is not done; one whose date is unknown cannot decide and is left out."""
    open_ = [clock for clock in clocks if clock.is_binding and clock.due_at and clock.state != "ended"]
    return min(open_, key=lambda clock: clock.due_at or clock.started_at, default=None)


def check_extension(extension: Extension, *, times: CaseTimes, policy: Policy, calendar: Calendar) -> None:
    """Whether an extension may be recorded. Raises ClockError that says what is wrong with it."""
    if extension.step not in policy.steps:
        raise ClockError(
            f"found extension {extension.step}; expected one of {', '.join(policy.steps)}",
            f"没有名为 {extension.step} 的延期；可用：{'、'.join(policy.steps)}",
            code="extension_unknown",
        )
    row, step = policy.steps[extension.step]
    view = _View(times=times, policy=policy, calendar=calendar, now=extension.approved_at).at(extension.approved_at)
    period = _last_period(row, view)
    if period is None or view.end_behind(row, period.start) is not None:
        raise ClockError(
            f"clock {row.code} does not run at {extension.approved_at.isoformat()}; only a running one can be extended",
            f"期限“{row.name}”当时未在计算中，不能延期",
            code="extension_without_clock",
        )
    refusal = refusal_of(extension, step, _limit(row, view, period).due, approvers=policy.approvers)
    if refusal:
        raise refusal


def phone_notice_made(attempts: int, *, policy: Policy, confirmed: frozenset[str] = frozenset()) -> bool:
    """Whether failed calls count as notice (D8); never before the row is confirmed."""
    rule = policy.rules.phone_notice
    return attempts >= rule.attempts and (rule.confidence != "M" or rule.code in confirmed)


def _clock(row: ClockRow, view: _View, confirmed: frozenset[str]) -> Clock | None:
    try:
        period = _last_period(row, view)
        if period is None:
            return None
        ended_at = view.end_behind(row, period.start)
        # As it was at its end: what came later moves nothing.
        limit = _limit(row, view if ended_at is None else view.at(ended_at), period)
    except CalendarError as error:
        return _unknown(row, view, confirmed, error)
    unit = view.limits(row).unit
    days_left = _days_left(limit.due, unit, view)
    return Clock(
        code=row.code,
        name=row.name,
        duty=row.duty,
        confidence=row.confidence,
        is_binding=_is_binding(row, confirmed),
        started_at=period.start,
        total=limit.total,
        unit=unit,
        due_at=limit.due.at,
        due_on=limit.due.on,
        plain_due_on=limit.due.plain_on,
        rolled_due_on=limit.due.rolled_on,
        days_left=days_left if ended_at is None else None,
        state="ended" if ended_at else _state(row, view, limit, days_left),
        ended_at=ended_at,
        is_in_time=ended_at < limit.due.at if ended_at else None,
        refused=limit.refused,
        problem=limit.due.problem,
    )


def _unknown(row: ClockRow, view: _View, confirmed: frozenset[str], error: CalendarError) -> Clock:
    """Running or done, but nobody can say until when."""
    start = view.starts(row)[0][0]
    ended_at = view.end_behind(row, start)
    return Clock(
        code=row.code,
        name=row.name,
        duty=row.duty,
        confidence=row.confidence,
        is_binding=_is_binding(row, confirmed),
        started_at=start,
        total=view.limits(row).limit,
        unit=view.limits(row).unit,
        due_at=None,
        due_on=None,
        plain_due_on=None,
        rolled_due_on=None,
        days_left=None,
        state="ended" if ended_at else "unknown",
        ended_at=ended_at,
        problem=error,
    )


def _ticket(trigger: Trigger, view: _View) -> Clock:
    """The due date that a forwarded ticket names itself."""
    assert trigger.due is not None
    at = trigger.due if isinstance(trigger.due, datetime) else end_of(trigger.due)
    day = china_day(at - timedelta(microseconds=1))
    due = Due(at=at, on=day, plain_on=day)
    ends = [done.at for done in view.times.fulfilments if done.code == TICKET and done.at >= trigger.at]
    ended_at = min(ends, default=None)
    days_left = _days_left(due, "calendar_days", view)
    total = (day - china_day(trigger.at)).days
    return Clock(
        code=TICKET,
        name="工单要求的答复期限",
        duty="bank",
        confidence=None,
        is_binding=True,
        started_at=trigger.at,
        total=None,
        unit=None,
        due_at=at,
        due_on=day,
        plain_due_on=day,
        rolled_due_on=None,
        days_left=None if ended_at else days_left,
        state="ended" if ended_at else "overdue" if view.now >= at else _stage(days_left, total),
        ended_at=ended_at,
        is_in_time=ended_at < at if ended_at else None,
    )


def _is_binding(row: ClockRow, confirmed: frozenset[str]) -> bool:
    return row.duty == "bank" and (row.confidence != "M" or row.code in confirmed)


def _last_period(row: ClockRow, view: _View) -> _Period | None:
    """The run of a limit that holds now. Raises CalendarError."""
    period: _Period | None = None
    for at, is_new_facts in view.starts(row):
        if period is None:
            period = None if is_new_facts else _Period(start=at)
        elif (end := view.end_behind(row, period.start)) and end <= at:
            period = _Period(start=at)
        elif is_new_facts:
            due = _limit(row, view, period, before=at).due
            # A limit that has run out was broken; new facts do not mend that.
            period = _Period(start=at, floor=due) if at < due.at else period
    return period


def _limit(row: ClockRow, view: _View, period: _Period, before: datetime | None = None) -> _Limit:
    """Due date of a period with the extensions approved in it, up to `before`. Raises CalendarError."""
    base = view.limits(row)
    assert base.limit is not None
    total, refused = base.limit, []
    due = _later(view.due(base, period.start, total), period.floor)
    for extension, step in _extensions(base, view, period.start, before):
        refusal = refusal_of(extension, step, due, approvers=view.policy.approvers)
        if refusal:
            refused.append(refusal)
            continue
        total = max(total, extension.total)
        due = _later(view.due(base, period.start, total), due)
    return _Limit(due=due, total=total, refused=tuple(refused))


def _extensions(
    row: ClockRow, view: _View, start: datetime, before: datetime | None
) -> Iterator[tuple[Extension, ExtensionStep]]:
    steps = {step.code: step for step in row.extensions}
    for extension in sorted(view.times.extensions, key=lambda extension: extension.approved_at):
        is_here = start <= extension.approved_at and (before is None or extension.approved_at < before)
        if is_here and extension.step in steps:
            yield extension, steps[extension.step]


def _later(due: Due, other: Due | None) -> Due:
    return other if other is not None and other.at > due.at else due


def _days_left(due: Due, unit: Unit | None, view: _View) -> int:
    if view.now >= due.at:
        return 0
    if unit == "hours":
        return int((due.at - view.now) / (24 * HOUR))
    today = china_day(view.now)
    if unit == "working_days":
        return view.calendar.working_days_between(today, due.on)
    return (due.on - today).days


def _state(row: ClockRow, view: _View, limit: _Limit, days_left: int) -> ClockState:
    base = view.limits(row)
    if view.now >= limit.due.at:
        return "overdue"
    if view.is_paused(base):
        return "paused"
    if base.unit == "hours":
        return _stage((limit.due.at - view.now) / (24 * HOUR), limit.total / 24)
    return _stage(days_left, limit.total)


def _stage(days_left: float, total: float) -> ClockState:
    if days_left <= 1:
        return "one_day"
    if days_left <= 3:
        return "three_days"
    return "half_time" if 2 * days_left <= total else "running"
