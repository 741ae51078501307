"""The daily draw: random by a keyed hash, once, the same for every process; readings that change nothing."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from data.days import china_day
from data.errors import NotFoundError
from data.store.records import NewTriageResult
from data.store.supervision_tables import MISSED, SECOND
from data.store.unit_of_work import Store
from serving.quality_rounds import draw_for_quality
from tests.data.store.cases import EAST, WEST, Clock, label, put, result, user_id


def answer(*flags: str, band: str = "suggest") -> NewTriageResult:
    part: dict[str, Any] = {"code": "x"}
    found = {"flags": [{"code": flag} for flag in flags], "decision": {"band": band}, "category": part}
    return replace(result(flags=flags), answer=found)


def waiting(store: Store, login: str, within: str = EAST) -> set[tuple[str, str]]:
    with store.reading() as work:
        found = work.quality.waiting(user_id(store, login), within=within)
        return {(draw.case_id, draw.purpose) for draw, _ in found}


def put_several(store: Store, answers: Sequence[NewTriageResult]) -> list[str]:
    return [put(store, result=item).id for item in answers]


def test_a_day_is_drawn_from_once_when_it_is_over(store: Store, clock: Clock) -> None:
    unflagged, prefilled, flagged = put_several(store, [answer(), answer("P02", band="auto"), answer("P02")])
    assert draw_for_quality(store, 1.0) == 0  # the day is not over
    clock.advance(days=1)
    assert [draw_for_quality(store, 1.0) for _ in range(2)] == [2, 0]
    assert waiting(store, "handler-east") == {(unflagged, MISSED), (prefilled, MISSED)}
    assert waiting(store, "handler-west", WEST) == set()
    with store.writing() as work:
        work.labels.add(flagged, label(user_id(store, "handler-east"), flags=("P02",)), within=EAST)
    clock.advance(days=3)
    assert draw_for_quality(store, 1.0) == 1
    assert (flagged, SECOND) not in waiting(store, "handler-east")  # who decided reads no second time
    assert (flagged, SECOND) in waiting(store, "supervisor-east")


def test_two_processes_draw_the_same_share(store: Store, clock: Clock) -> None:
    ids = put_several(store, [answer()] * 60)
    with store.reading() as work:
        draws = [{case_id for case_id in ids if work.quality._is_drawn(MISSED, case_id, share)} for share in (0.2, 0.4)]
        assert draws[0] == {case_id for case_id in ids if work.quality._is_drawn(MISSED, case_id, 0.2)}
    assert draws[0] < draws[1] < set(ids)
    clock.advance(days=1)
    assert draw_for_quality(store, 0.4) == len(draws[1])
    assert {case_id for case_id, _ in waiting(store, "handler-east")} == draws[1]
    assert draw_for_quality(store, 1.0) == 0


def test_a_reading_changes_nothing_and_is_given_once(store: Store, clock: Clock) -> None:
    [case_id] = put_several(store, [answer()])
    clock.advance(days=1)
    draw_for_quality(store, 1.0)
    new = label(user_id(store, "handler-east"), flags=("E01",), is_blind=True)
    with store.writing() as work:
        before = work.cases.version(case_id, within=EAST)
        reading = work.quality.record(case_id, MISSED, new, within=EAST)
        assert work.cases.version(case_id, within=EAST) == before
        assert work.cases.flags(case_id, within=EAST) == ()
    assert waiting(store, "supervisor-east") == set()
    other = label(user_id(store, "supervisor-east"), is_blind=True)
    with store.writing() as work, pytest.raises(NotFoundError):
        work.quality.record(case_id, MISSED, other, within=EAST)
    since = china_day(clock.now) - timedelta(days=2)
    with store.reading() as work:
        [found] = work.quality.readings(MISSED, since=since, within=EAST)
        assert (found.label.id, found.answer["flags"], found.first) == (reading.id, [], None)
        assert work.quality.readings(MISSED, since=since, within=WEST) == []
        assert work.quality.counts(since=since, within=EAST) == (0, 1)


def test_a_second_reading_stands_beside_the_first_decision(store: Store, clock: Clock) -> None:
    [case_id] = put_several(store, [answer("P02")])
    handler, supervisor = user_id(store, "handler-east"), user_id(store, "supervisor-east")
    with store.writing() as work:
        work.labels.add(case_id, label(handler, flags=("P02",), channel="electronic"), within=EAST)
    clock.advance(days=1)
    draw_for_quality(store, 1.0)
    with store.writing() as work:
        blind = label(supervisor, flags=(), channel="counter", is_blind=True)
        work.quality.record(case_id, SECOND, blind, within=EAST)
        work.labels.add(case_id, label(handler, flags=("P02",), channel="third_party"), within=EAST)
    with store.reading() as work:
        [found] = work.quality.readings(SECOND, since=china_day(clock.now) - timedelta(days=2), within=EAST)
    assert found.first is not None
    assert (found.first.channel, found.label.channel) == ("electronic", "counter")
