"""Alerts sound on and on, higher each time, until a person takes them. With a clock that a test moves."""

import threading
from datetime import timedelta

import pytest

from data.errors import NotAllowedError, NotFoundError
from data.store.alerts import LIVE_FOR
from data.store.notification_tables import Alert
from data.store.outbox import ACKNOWLEDGED, HIGH_RISK, NOTICE
from data.store.scope import ROOT
from data.store.unit_of_work import Store
from tests.data.store.cases import EAST, WEST, Clock, label, put, result, user_id
from tests.data.store.test_outbox import messages

LEVELS = ["on_duty", "supervisor", "compliance", "head_office"]


def notify(store: Store) -> int:
    with store.writing() as work:
        return work.alerts.notify()


def told(store: Store) -> list[tuple[str, int]]:
    payloads = sorted((message.payload for message in messages(store, NOTICE)), key=lambda payload: payload["due_at"])
    return [(payload["level"], payload["repeat"]) for payload in payloads]


def alerts_of(store: Store, within: str = ROOT) -> list[Alert]:
    with store.reading() as work:
        return [alert for alert, _ in work.alerts.listed(within=within)]


def acknowledge(store: Store, alert_id: str, login: str = "supervisor-east", within: str = EAST) -> Alert:
    user = user_id(store, login)
    with store.writing() as work:
        return work.alerts.acknowledge(alert_id, user_id=user, within=within)[0]


def test_ten_minutes_unacknowledged_the_next_level_is_told_and_the_last_again_and_again(
    store: Store, clock: Clock
) -> None:
    case = put(store)
    expected = [(level, 0) for level in LEVELS] + [("head_office", repeat) for repeat in range(1, 4)]
    for count in range(1, len(expected) + 1):
        assert notify(store) == 1
        assert notify(store) == 0
        assert told(store) == expected[:count]
        assert alerts_of(store)[0].level == expected[count - 1][0]
        clock.advance(minutes=9, seconds=59)
        assert notify(store) == 0
        clock.advance(seconds=1)
    payload = messages(store, NOTICE)[1].payload
    [alert] = alerts_of(store)
    assert payload == {
        "alert_id": alert.id,
        "case_id": case.id,
        "unit_id": "east",
        "flags": ["E07"],
        "raised_at": "2026-11-30T02:00:00+00:00",
        "level": "supervisor",
        "repeat": 0,
        "due_at": "2026-11-30T02:10:00+00:00",
    }


def test_acknowledged_it_is_silent(store: Store, clock: Clock) -> None:
    case = put(store)
    notify(store)
    clock.advance(minutes=10)
    notify(store)
    [alert] = alerts_of(store)
    clock.advance(minutes=3)
    assert acknowledge(store, alert.id).acknowledged_at == clock()
    clock.advance(hours=5)
    with store.reading() as work:
        assert not work.alerts.is_due()
        assert work.alerts.count_open(within=ROOT) == 0
        assert work.alerts.listed(within=ROOT, is_open=True) == []
        [event] = [e for e in work.events.of_case(case.id, within=EAST) if e.kind == "alert_acknowledged"]
    assert notify(store) == 0
    assert event.actor_id == user_id(store, "supervisor-east")
    [message] = messages(store, ACKNOWLEDGED)
    assert message.payload["user_id"] == event.actor_id


def test_a_second_acknowledgement_is_noted_and_changes_nothing(store: Store, clock: Clock) -> None:
    put(store)
    [alert] = alerts_of(store)
    first = acknowledge(store, alert.id).acknowledged_at
    clock.advance(minutes=1)
    for _ in range(2):
        assert acknowledge(store, alert.id, "compliance", within=ROOT).acknowledged_at == first
    assert len(messages(store, ACKNOWLEDGED)) == 1


def test_a_worker_that_was_down_sends_the_newest_of_each_level_only(store: Store, clock: Clock) -> None:
    put(store)
    notify(store)
    clock.advance(hours=2, minutes=1)
    assert notify(store) == 3
    assert told(store)[1:] == [("supervisor", 0), ("compliance", 0), ("head_office", 9)]
    assert notify(store) == 0
    clock.advance(minutes=9)
    assert notify(store) == 1
    assert told(store)[-1] == ("head_office", 10)


def test_a_new_flag_raises_a_new_alert_even_after_the_first_was_taken(store: Store) -> None:
    case = put(store)
    acknowledge(store, alerts_of(store)[0].id)
    supervisor = user_id(store, "supervisor-east")
    for flags in (("E07",), (), ("E07", "E01"), ("E01",)):
        with store.writing() as work:
            work.labels.add(case.id, label(supervisor, flags=flags), within=EAST)
    assert sorted(alert.flags for alert in alerts_of(store)) == [["E01"], ["E07"]]
    assert [alert.flags for alert in alerts_of(store) if alert.acknowledged_at is None] == [["E01"]]


def test_several_flags_at_once_are_one_alert(store: Store) -> None:
    put(store, result=result(flags=("E09", "P02", "E01")))
    [alert] = alerts_of(store)
    assert sorted(alert.flags) == ["E01", "E09"]


def test_only_people_of_the_own_part_acknowledge(store: Store) -> None:
    put(store)
    [alert] = alerts_of(store)
    assert alerts_of(store, WEST) == []
    with pytest.raises(NotFoundError):
        acknowledge(store, alert.id, "supervisor-west", within=WEST)
    for actor in ("hotline-key", user_id(store, "system")):
        with pytest.raises(NotAllowedError), store.writing() as work:
            work.alerts.acknowledge(alert.id, user_id=actor, within=EAST)
    assert alerts_of(store)[0].acknowledged_at is None


def test_an_alert_follows_its_case_to_another_unit(store: Store) -> None:
    case = put(store, unit_id="east-1")
    with store.writing() as work:
        work.cases.hand_over(case.id, unit_id="head", actor_id="x", within=ROOT)
    notify(store)
    assert [message.unit_id for message in messages(store, NOTICE)] == ["head"]
    assert alerts_of(store, EAST) == []


def test_many_workers_send_each_notice_once(store: Store, clock: Clock) -> None:
    for _ in range(20):
        put(store)
    clock.advance(minutes=25)
    threads = [threading.Thread(target=notify, args=(store,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told(store)) == 60
    assert notify(store) == 0


def test_of_a_complaint_of_long_ago_nobody_is_told(store: Store, clock: Clock) -> None:
    put(store, received_at=clock.now - LIVE_FOR - timedelta(minutes=1))
    assert alerts_of(store) == []
    assert messages(store, HIGH_RISK) == []
    put(store, received_at=clock.now - LIVE_FOR)
    assert len(alerts_of(store)) == 1
