"""From a stored case to its clocks. In: where it came from, what it is, what happened. Out: clocks, the next change."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import Literal, get_args

from data.days import china_day, end_of, start_of
from data.policy.calendar import DAY, Calendar
from data.policy.case_times import CaseTimes
from data.policy.clocks import HOUR, Clock, clocks_of
from data.policy.schema import TICKET, Policy, TriggerKind

Stage = Literal["half_time", "three_days", "one_day", "overdue"]
STAGES: tuple[Stage, ...] = get_args(Stage)
"""States of a clock that somebody has to be reminded of, the mildest first."""

TRIGGER_OF_SOURCE: Mapping[str, TriggerKind] = MappingProxyType(
    {
        "hotline": "own", "counter": "own", "comment_book": "own", "web": "own", "mail": "own", "other": "own",
        "nfra": "nfra", "pboc": "pboc", "12345": "hotline_12345", "letter_visit": "petition",
        "court": "court_mediation", "media": "media",
    }
)  # fmt: skip


def trigger_of(source: str | None) -> TriggerKind:
    """What a case's source starts. One that nobody named reached the bank all the same: its own 15 days run."""
    return TRIGGER_OF_SOURCE.get(source or "other", "own")


def times_in_force(times: CaseTimes, *, decided_order_type: str | None, policy: Policy) -> CaseTimes:
    """Without the triggers that do not count; `decided_order_type` is what a person said, None before."""
    rule = policy.no_complaint
    if decided_order_type not in rule.order_types:
        return times
    return replace(times, triggers=[trigger for trigger in times.triggers if trigger.kind not in rule.triggers])


def clocks_in_force(
    times: CaseTimes,
    *,
    decided_order_type: str | None,
    policy: Policy,
    calendar: Calendar,
    now: datetime,
    confirmed: frozenset[str] = frozenset(),
) -> tuple[Clock, ...]:
    """The clocks of a case, the earliest first. A ticket's own due date holds for every order.

    Raises ClockError as `clocks_of` does.
    """
    compute = partial(clocks_of, policy=policy, calendar=calendar, now=now, confirmed=confirmed)
    counted = times_in_force(times, decided_order_type=decided_order_type, policy=policy)
    if counted is times:
        return compute(times)
    tickets = [clock for clock in compute(times) if clock.code == TICKET]
    found = [*(clock for clock in compute(counted) if clock.code != TICKET), *tickets]
    return tuple(sorted(found, key=lambda clock: (clock.due_at is None, clock.due_at or now)))


def next_change(times: CaseTimes, clocks: Sequence[Clock], *, calendar: Calendar, now: datetime) -> datetime | None:
    """When a clock's due date or state may next differ although nothing is recorded until then; None for never."""
    moments = [moment for clock in clocks for moment in _stage_moments(clock, calendar, now)]
    moments += [*_recorded_moments(times)]
    if any(pause.began_at <= now and (pause.ended_at is None or pause.ended_at > now) for pause in times.pauses):
        moments.append(end_of(china_day(now)))
    return min((moment for moment in moments if moment > now), default=None)


def _recorded_moments(times: CaseTimes) -> Iterator[datetime]:
    """What lies ahead where somebody's watch was fast, or the complainant is told tomorrow."""
    yield from (trigger.at for trigger in times.triggers)
    yield from (done.at for done in times.fulfilments)
    yield from (*times.new_facts_at, *times.withdrawn_at)
    for pause in times.pauses:
        yield from (pause.began_at, pause.ended_at or pause.began_at)
    for extension in times.extensions:
        yield from (extension.approved_at, end_of(extension.notified_on - DAY))


def _stage_moments(clock: Clock, calendar: Calendar, now: datetime) -> Iterator[datetime]:
    """Moments at which a running clock may enter another stage."""
    if clock.due_at is None or clock.due_on is None or clock.state in ("ended", "overdue", "paused", "unknown"):
        return
    yield clock.due_at
    if clock.unit == "hours":
        half = timedelta(hours=(clock.total or 0) / 2)
        yield from (clock.due_at - before for before in (half, 72 * HOUR, 24 * HOUR))
        return
    total = clock.total or (clock.due_on - china_day(clock.started_at)).days
    wanted = {total // 2, 3, 1}
    day = clock.due_on
    # Back from the last day: `left` units remain on each of these days.
    left = 0
    while day > china_day(now) and left <= max(wanted):
        if left in wanted:
            yield start_of(day)
        left += clock.unit != "working_days" or calendar.is_working_day(day)
        day -= DAY
