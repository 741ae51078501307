"""An alert that nobody acknowledges goes up a level every ten minutes and repeats at the top. The clock is fake."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import ClockError
from data.policy.alerts import Acknowledgement, alerting_flags, next_notice, notices_to_send, notices_until
from data.policy.schema import default_policy
from tests.data.policy.cases import at, changed_policy

RULES = default_policy().alerts
RAISED = at("2026-12-31 23:50")


def _told(minutes: float, acknowledged: list[float] | None = None) -> list[tuple[str, float, int]]:
    """Level, minute and repeat of every notice by `minutes` after the alert."""
    notices = notices_until(
        RAISED + timedelta(minutes=minutes),
        raised_at=RAISED,
        acknowledgements=[Acknowledgement(user="u1", at=_minute(given)) for given in acknowledged or []],
        rules=RULES,
    )
    return [(notice.level, (notice.at - RAISED) / timedelta(minutes=1), notice.repeat) for notice in notices]


def _minute(minutes: float) -> datetime:
    return RAISED + timedelta(minutes=minutes)


LADDER = [
    ("on_duty", 0, 0),
    ("supervisor", 10, 0),
    ("compliance", 20, 0),
    ("head_office", 30, 0),
    ("head_office", 40, 1),
    ("head_office", 50, 2),
]


@pytest.mark.parametrize(
    ("minutes", "count"),
    [(-1, 0), (0, 1), (9.99, 1), (10, 2), (19.99, 2), (20, 3), (30, 4), (39.9, 4), (40, 5), (55, 6)],
)
def test_up_a_level_every_ten_minutes_then_again(minutes: float, count: int) -> None:
    """Over the turn of a year, too: the alert was raised at 23:50 on 31 December."""
    assert _told(minutes) == LADDER[:count]


@pytest.mark.parametrize(
    ("acknowledged", "count"),
    [([0], 1), ([5], 1), ([10], 1), ([10.01], 2), ([25, 12], 2), ([45], 5), ([-3], 6)],
)
def test_the_first_acknowledgement_ends_it(acknowledged: list[float], count: int) -> None:
    """One at the very moment of a notice is in time; one before the alert means another alert."""
    assert _told(55, acknowledged) == LADDER[:count]


def test_next_notice_says_when_to_ask_again() -> None:
    for minutes, level, following in [(-5, "on_duty", 0), (0, "supervisor", 10), (35, "head_office", 40)]:
        notice = next_notice(_minute(minutes), raised_at=RAISED, rules=RULES)
        assert notice is not None
        assert (notice.level, notice.at) == (level, _minute(following))
    taken = [Acknowledgement(user="u1", at=_minute(12))]
    assert next_notice(_minute(15), raised_at=RAISED, acknowledgements=taken, rules=RULES) is None


def test_a_worker_sends_each_notice_once_and_after_a_standstill_only_the_newest() -> None:
    first = notices_to_send(notices_until(RAISED, raised_at=RAISED, rules=RULES), sent=[])
    assert [notice.level for notice in first] == ["on_duty"]
    assert notices_to_send(notices_until(_minute(5), raised_at=RAISED, rules=RULES), sent=first) == ()
    late = notices_to_send(notices_until(_minute(65), raised_at=RAISED, rules=RULES), sent=first)
    assert [(notice.level, notice.repeat) for notice in late] == [
        ("supervisor", 0),
        ("compliance", 0),
        ("head_office", 3),
    ]


def test_a_banks_own_ladder() -> None:
    def change(content: dict[str, dict[str, object]]) -> None:
        content["alerts"] |= {
            "acknowledge_minutes": 3,
            "repeat_minutes": 1,
            "levels": [{"code": "a", "name": "甲"}, {"code": "b", "name": "乙"}],
        }

    notices = notices_until(_minute(5), raised_at=RAISED, rules=changed_policy(change).alerts)
    assert [(notice.name, notice.at, notice.repeat) for notice in notices] == [
        ("甲", _minute(0), 0),
        ("乙", _minute(3), 0),
        ("乙", _minute(4), 1),
        ("乙", _minute(5), 2),
    ]


def test_which_flags_raise_one() -> None:
    assert alerting_flags(["P01", "E09", "X01", "E01", "E04"], RULES) == ("E09", "E01")


def test_moments_need_a_time_zone() -> None:
    with pytest.raises(ClockError, match="without a time zone"):
        notices_until(datetime(2026, 1, 1, 10), raised_at=RAISED, rules=RULES)


@given(now=st.floats(0, 600), later=st.floats(0, 600), acknowledged=st.lists(st.floats(0, 700), max_size=3))
@settings(deadline=None)
def test_notices_only_grow_and_stop_at_the_acknowledgement(now: float, later: float, acknowledged: list[float]) -> None:
    early, late = _told(now, acknowledged), _told(now + later, acknowledged)
    assert late[: len(early)] == early
    assert all(minute == 0 or minute < min(acknowledged, default=10_000) for _, minute, _ in late)
