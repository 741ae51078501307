"""Who must have been told of an urgent case. In: when the alert was raised, acknowledgements, now. Out: `Notice`s.

    raised 10:00   10:10        10:20        10:30         10:40 …
    on duty        supervisor   compliance   head office   head office again …

Nothing sleeps here: a worker asks which notices are due, sends those it has not sent, and asks `next_notice` when to
ask again. The first acknowledgement ends it; one at the very moment of a notice is in time.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from data.days import require_zone
from data.policy.schema import AlertRules


@dataclass(frozen=True, kw_only=True)
class Acknowledgement:
    """A person has taken the alert; `user` is who."""

    user: str
    at: datetime

    def __post_init__(self) -> None:
        require_zone(self.at)


@dataclass(frozen=True, kw_only=True)
class Notice:
    """Level `level` is told at `at`; `repeat` is 0 the first time."""

    level: str
    name: str
    at: datetime
    repeat: int


def alerting_flags(flags: Iterable[str], rules: AlertRules) -> tuple[str, ...]:
    """Those flags of a case that raise an alert, in its order."""
    return tuple(flag for flag in flags if flag in rules.flags)


def notices_until(
    now: datetime, *, raised_at: datetime, acknowledgements: Sequence[Acknowledgement] = (), rules: AlertRules
) -> tuple[Notice, ...]:
    """Every notice that must have been sent by `now`, in order. Raises ClockError for moments without a time zone."""
    require_zone(now, raised_at)
    ended_at = _acknowledged_at(acknowledgements, raised_at)
    notices = []
    for notice in _notices(raised_at, rules):
        if notice.at > now or (ended_at is not None and notice.at >= ended_at and notice.at > raised_at):
            break
        notices.append(notice)
    return tuple(notices)


def notices_to_send(due: Iterable[Notice], sent: Collection[Notice]) -> tuple[Notice, ...]:
    """Those that are due and not sent. After a standstill only the newest of each level: ten calls help nobody."""
    newest = {notice.level: notice for notice in due}
    return tuple(notice for notice in newest.values() if notice not in sent)


def next_notice(
    now: datetime, *, raised_at: datetime, acknowledgements: Sequence[Acknowledgement] = (), rules: AlertRules
) -> Notice | None:
    """The first notice behind `now`; None once somebody has acknowledged."""
    require_zone(now, raised_at)
    ended_at = _acknowledged_at(acknowledgements, raised_at)
    if ended_at is not None and ended_at <= now:
        return None
    return next(notice for notice in _notices(raised_at, rules) if notice.at > now)


def _acknowledged_at(acknowledgements: Sequence[Acknowledgement], raised_at: datetime) -> datetime | None:
    return min((given.at for given in acknowledgements if given.at >= raised_at), default=None)


def _notices(raised_at: datetime, rules: AlertRules) -> Iterator[Notice]:
    """All notices of an alert that nobody acknowledges: endless."""
    wait, again = timedelta(minutes=rules.acknowledge_minutes), timedelta(minutes=rules.repeat_minutes)
    at = raised_at
    for step, level in enumerate(rules.levels):
        at = raised_at + step * wait
        yield Notice(level=level.code, name=level.name, at=at, repeat=0)
    top, repeat = rules.levels[-1], 0
    while True:
        repeat += 1
        yield Notice(level=top.code, name=top.name, at=at + repeat * again, repeat=repeat)
