"""Early warnings in the store: raised once, continued, owned, ended for a reason; a day is one process's."""

from datetime import date, timedelta
from typing import Any

import pytest

from data.errors import NotAllowedError, NotFoundError, StoreError
from data.store.scope import ROOT
from data.store.unit_of_work import Store
from data.store.warning_records import Finding
from data.store.warning_tables import EarlyWarning
from tests.data.store.cases import EAST, HEAD, MONDAY, WEST, Clock, put, record_warnings, user_id

DAY = date(2026, 11, 29)


def finding(*cases: str, **changes: Any) -> Finding:
    values: dict[str, Any] = {
        "kind": "spike", "key": "spike/east/B03B/C07", "unit_id": "east", "case_ids": cases, "window_days": 7,
        "count": len(cases), "customers": 0, "expected": 1.5, "limit": 6, "category": "B03B", "cause": "C07",
    }  # fmt: skip
    return Finding(**(values | changes))


def record(store: Store, *findings: Finding) -> list[EarlyWarning]:
    with store.writing() as work:
        return list(record_warnings(work, *findings))


def cases(store: Store, count: int, **more: Any) -> list[str]:
    return [put(store, **more).id for _ in range(count)]


def test_an_open_warning_is_continued_and_not_raised_again(store: Store, clock: Clock) -> None:
    first = cases(store, 6)
    [warning] = record(store, finding(*first))
    assert (warning.grade, warning.count, warning.owner_id) == ("early", 6, None)
    clock.advance(days=1)
    later = cases(store, 3)
    assert record(store, finding(*first[3:], *later, reasons=("Z1",))) == []
    with store.reading() as work:
        [found] = work.warnings.listed(within=EAST, is_open=True)
        assert (found.id, found.grade, found.reasons, found.seen_at - found.raised_at) == (
            warning.id, "major", ["Z1"], timedelta(days=1),
        )  # fmt: skip
        assert set(work.warnings.case_ids(found.id, within=EAST)) == {*first, *later}
        assert work.warnings.cases_counted([found.id], within=EAST) == {found.id: 9}
        assert [w.id for w in work.warnings.of_case(later[0], within=EAST)] == [warning.id]
        assert work.warnings.count_open(within=ROOT) == (1, 1)


def test_a_template_is_the_same_when_it_shares_its_cases(store: Store) -> None:
    first = cases(store, 8)
    template: dict[str, Any] = {"kind": "template", "category": None, "cause": None}
    [warning] = record(store, finding(*first, key=f"template/{first[0]}", **template))
    assert record(store, finding(*first[2:], *cases(store, 2), key=f"template/{first[2]}", **template)) == []
    assert len(record(store, finding(*cases(store, 5), key="template/other", **template))) == 1
    with store.reading() as work:
        assert len(work.warnings.case_ids(warning.id, within=ROOT)) == 10


def test_it_is_taken_taken_over_and_ended_by_its_owner_for_a_reason(store: Store) -> None:
    [warning] = record(store, finding(*cases(store, 5)))
    east, compliance = user_id(store, "supervisor-east"), user_id(store, "compliance")
    with store.writing() as work:
        assert work.warnings.acknowledge(warning.id, user_id=east, within=EAST).owner_id == east
        assert work.warnings.acknowledge(warning.id, user_id=compliance, within=HEAD).owner_id == east
    with pytest.raises(StoreError) as error, store.writing() as work:
        work.warnings.end(warning.id, ending="handled", reason="已约谈网点", user_id=compliance, within=HEAD)
    assert error.value.code == "warning_not_owned"
    with store.writing() as work:
        work.warnings.take_over(warning.id, user_id=compliance, within=HEAD)
    for ending, reason, refused in (("handled", "无", NotAllowedError), ("over", "已约谈网点", StoreError)):
        with pytest.raises(refused), store.writing() as work:
            work.warnings.end(warning.id, ending=ending, reason=reason, user_id=compliance, within=HEAD)
    with store.writing() as work:
        ended = work.warnings.end(
            warning.id, ending="handled", reason="已约谈，联系13800138000核实", user_id=compliance, within=HEAD
        )
        assert "13800138000" not in ended.end_reason
        assert ended.ended_by == compliance
    with pytest.raises(StoreError) as error, store.writing() as work:
        work.warnings.take_over(warning.id, user_id=east, within=EAST)
    assert error.value.code == "warning_ended"
    with store.reading() as work:
        assert work.warnings.count_open(within=ROOT) == (0, 0)
        entries = work.audit.entries(within=ROOT, subject=warning.id)
        week = work.warnings.week(MONDAY - timedelta(days=1), MONDAY + timedelta(days=1), within=ROOT)
    assert [(e.action, e.actor_id) for e in entries] == [
        ("warning.ended", compliance), ("warning.taken_over", compliance), ("warning.acknowledged", east),
    ]  # fmt: skip
    assert "13800138000" not in entries[0].details
    assert ([w.id for w in week.raised], [w.id for w in week.ended], list(week.open)) == (
        [warning.id], [warning.id], [],
    )  # fmt: skip


def test_what_was_ended_stays_quiet_for_a_week_and_without_new_cases(store: Store, clock: Clock) -> None:
    first = cases(store, 6)
    [warning] = record(store, finding(*first))
    owner = user_id(store, "supervisor-east")
    with store.writing() as work:
        work.warnings.acknowledge(warning.id, user_id=owner, within=EAST)
        work.warnings.end(warning.id, ending="false_alarm", reason="节后集中来件", user_id=owner, within=EAST)
    later = cases(store, 5)
    assert record(store, finding(*first, *later)) == []
    clock.advance(days=7)
    assert record(store, finding(*first, *later[:4])) == []
    [again] = record(store, finding(*first, *later))
    assert again.id != warning.id


def test_what_becomes_major_is_raised_at_once(store: Store) -> None:
    first = cases(store, 6)
    [warning] = record(store, finding(*first))
    owner = user_id(store, "supervisor-east")
    with store.writing() as work:
        work.warnings.acknowledge(warning.id, user_id=owner, within=EAST)
        work.warnings.end(warning.id, ending="handled", reason="已处置完毕", user_id=owner, within=EAST)
    assert len(record(store, finding(*first, *cases(store, 1), reasons=("Z1",)))) == 1


def test_another_branch_sees_neither_warning_nor_cases(store: Store) -> None:
    [eastern] = record(store, finding(*cases(store, 5)))
    mixed = [*cases(store, 3), *cases(store, 2, unit_id="west")]
    [whole] = record(store, finding(*mixed, key="spike/head/B03B/C07", unit_id="head"))
    western = user_id(store, "supervisor-west")
    for act in ("acknowledge", "take_over"):
        for warning in (eastern, whole):
            with pytest.raises(NotFoundError), store.writing() as work:
                getattr(work.warnings, act)(warning.id, user_id=western, within=WEST)
    with store.reading() as work:
        assert work.warnings.listed(within=WEST) == []
        assert work.warnings.cases_counted([whole.id], within=WEST) == {whole.id: 2}
        assert [w.id for w in work.warnings.listed(within=EAST)] == [eastern.id]
        assert len(work.warnings.listed(within=HEAD)) == 2


def test_a_day_is_taken_by_one_and_given_free_by_one_that_died(store: Store, clock: Clock) -> None:
    with store.writing() as work:
        lost = work.warnings.claim(DAY)
        assert lost is not None
    with store.writing() as work:
        assert work.warnings.claim(DAY) is None
    clock.advance(minutes=31)
    with store.writing() as work:
        hold = work.warnings.claim(DAY)
        assert hold is not None
        work.warnings.release(lost)
        assert work.warnings.claim(DAY) is None  # who has lost it gives nothing free …
    with pytest.raises(StoreError) as error, store.writing() as work:
        work.warnings.record([finding()], hold=lost)
    assert error.value.code == "day_lost"  # … and records nothing
    with store.writing() as work:
        work.warnings.release(hold)
        again = work.warnings.claim(DAY)
        assert again is not None
        assert work.warnings.record([], hold=again) == []
    with store.writing() as work:
        clock.advance(days=1)
        assert work.warnings.is_finished(DAY)
        assert work.warnings.claim(DAY) is None
