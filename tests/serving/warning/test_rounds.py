"""The daily look at a real store: what begins is raised once, with its cases and its unit, whoever looks."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from data.errors import StoreError
from data.store.outbox import WARNING
from data.store.scope import ROOT
from data.store.tables import Case
from data.store.unit_of_work import Store
from data.store.warning_records import Finding
from data.store.warning_tables import EarlyWarning
from serving.warning import rounds
from serving.warning.detection import common_path, find_all
from serving.warning.rounds import look_for_warnings, look_in_the_morning
from tests.data.store.cases import Clock, record_warnings
from tests.serving.warning.conftest import put_rows

LAST = date(2026, 11, 29)
COUNTER = {"category": "B06", "leaf": "B06.02", "cause": "C05", "subcause": "C05.1"}
LETTER = "委托代理人{}现就信用卡协商分期事宜投诉，要求贵行按政策停息挂账并书面答复，否则将逐级举报，请三日内处理。"
AGENTS = "李王张赵钱孙周"
PLACES = "柜台大厅自助机网银手机热线邮件上门"
NUMBERS = "一二三四五六七八九十"


def listed(store: Store) -> list[EarlyWarning]:
    with store.reading() as work:
        return list(work.warnings.listed(within=ROOT))


def various(n: int) -> str:
    """No two are near-identical."""
    return f"{PLACES[n % 16 :]}{NUMBERS[n % 10] * 3}{PLACES[: n % 16]}{NUMBERS[(n * 7) % 10] * 2}办理理财"


def test_a_quiet_quarter_brings_nothing(quiet: Store) -> None:
    assert find_all(quiet, LAST) == []
    assert look_for_warnings(quiet) == 0
    assert look_for_warnings(quiet) is None
    assert listed(quiet) == []


def test_an_empty_store_brings_nothing(store: Store) -> None:
    assert look_in_the_morning(store) is None
    assert look_for_warnings(store) == 0


def test_a_spike_is_raised_with_its_cases_in_its_unit(quiet: Store, clock: Clock) -> None:
    new = put_rows(quiet, 18, unit_id="east-1", text=various, customer_key="K", **COUNTER)
    assert look_for_warnings(quiet) == 1
    [warning] = listed(quiet)
    assert (warning.kind, warning.unit_id, warning.category, warning.cause) == ("spike", "east-1", "B06", "C05")
    assert (warning.count, warning.customers, warning.grade) == (18, 1, "early")
    assert warning.expected is not None
    assert warning.limit is not None
    assert warning.expected < 1 < warning.limit < 18
    with quiet.reading() as work:
        assert set(work.warnings.case_ids(warning.id, within=ROOT)) == set(new)
    clock.advance(days=1)
    assert look_for_warnings(quiet) == 0
    assert len(listed(quiet)) == 1


def told(store: Store, *, within: str = ROOT) -> list[dict[str, Any]]:
    with store.writing() as work:
        work.outbox.dispatch()
    with store.reading() as work:
        return [message.payload for message in work.outbox.after(0, [WARNING], within=within)]


def test_webhooks_are_told_once_of_each_grade(quiet: Store, clock: Clock) -> None:
    put_rows(quiet, 18, unit_id="east-1", text=various, customer_key="K", **COUNTER)
    look_for_warnings(quiet)
    [first] = told(quiet)
    assert (first["kind"], first["grade"], first["unit_id"], first["count"]) == ("spike", "early", "east-1", 18)
    assert told(quiet, within="/head/east/") == [first]
    assert told(quiet, within="/head/west/") == []
    clock.advance(days=1)
    look_for_warnings(quiet)
    assert told(quiet) == [first]


def test_webhooks_never_get_the_word_of_a_term(quiet: Store) -> None:
    put_rows(
        quiet, 8, days_ago=1, text=lambda n: f"{various(n)}说海豚礼遇卡{various(n + 3)}", cause=None, subcause=None
    )
    look_for_warnings(quiet)
    [message] = told(quiet)
    assert message["kind"] == "term"
    assert "海豚" not in str(message)


def test_a_warning_that_becomes_major_is_told_again(quiet: Store, clock: Clock) -> None:
    with quiet.writing() as work:
        early = Finding(
            kind="group", key="group/east-1/B06.02/C05.1", unit_id="east-1", case_ids=(), window_days=7, count=6,
            customers=6, expected=0.1, limit=3,
        )  # fmt: skip
        record_warnings(work, early)
        major = replace(early, customers=60, reasons=("Z1",))
        record_warnings(work, major)
        record_warnings(work, major)
    assert sorted((one["grade"], one["reasons"]) for one in told(quiet)) == [("early", []), ("major", ["Z1"])]


def test_a_group_of_customers_is_told_instead_of_a_spike(quiet: Store) -> None:
    new = put_rows(quiet, 24, unit_id="east-1", text=various, **COUNTER)
    look_for_warnings(quiet)
    [warning] = listed(quiet)
    assert (warning.kind, warning.unit_id, warning.leaf, warning.subcause) == (
        "group", "east-1", "B06.02", "C05.1",
    )  # fmt: skip
    assert (warning.grade, warning.reasons, warning.customers) == ("major", ["Z1", "Z2"], 24)
    with quiet.reading() as work:
        assert set(work.warnings.case_ids(warning.id, within=ROOT)) == set(new)


def test_letters_of_two_branches_are_one_template_of_the_head_office(quiet: Store) -> None:
    east = put_rows(quiet, 3, days_ago=9, text=lambda n: LETTER.format(AGENTS[n]))
    west = put_rows(quiet, 3, days_ago=3, unit_id="west", text=lambda n: LETTER.format(AGENTS[n + 3]))
    look_for_warnings(quiet)
    [warning] = listed(quiet)
    assert (warning.kind, warning.unit_id, warning.count, warning.category) == ("template", "head", 6, "B03B")
    with quiet.reading() as work:
        assert set(work.warnings.case_ids(warning.id, within=ROOT)) == {*east, *west}


def test_a_new_word_is_raised_as_a_term(quiet: Store) -> None:
    put_rows(
        quiet, 8, days_ago=1, text=lambda n: f"{various(n)}说海豚礼遇卡{various(n + 3)}", cause=None, subcause=None
    )
    look_for_warnings(quiet)
    [warning] = listed(quiet)
    assert (warning.kind, warning.count) == ("term", 8)
    assert "海豚礼遇卡" in (warning.term or "")


def test_erased_and_foreign_orders_are_not_read(quiet: Store) -> None:
    put_rows(quiet, 30, unit_id="east-1", text=various, order_type="consultation", **COUNTER)
    put_rows(quiet, 8, days_ago=40, text=lambda n: LETTER.format(AGENTS[n % 7]))
    assert look_for_warnings(quiet) == 0


def test_a_look_that_fails_is_done_again(quiet: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(rounds, "find_all", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            look_for_warnings(quiet)
    assert look_for_warnings(quiet) == 0


def test_a_day_that_is_not_over_is_refused_and_looked_at_later(quiet: Store, clock: Clock) -> None:
    for day in (LAST + timedelta(days=1), LAST + timedelta(days=2)):
        with pytest.raises(StoreError) as error:
            look_for_warnings(quiet, last=day)
        assert error.value.code == "day_not_over"
    clock.advance(days=1)
    assert look_for_warnings(quiet) == 0


def test_the_service_looks_after_six_in_the_morning(quiet: Store, clock: Clock) -> None:
    clock.advance(hours=-5)  # five in China
    assert look_in_the_morning(quiet) is None
    clock.advance(hours=1)
    assert look_in_the_morning(quiet) == 0
    assert look_in_the_morning(quiet) is None


def test_a_purged_case_leaves_its_warning(quiet: Store) -> None:
    new = put_rows(quiet, 18, unit_id="east-1", text=various, customer_key="K", **COUNTER)
    look_for_warnings(quiet)
    with quiet.writing() as work:
        for case_id in new:
            work.session.delete(work.session.get_one(Case, case_id))
    [warning] = listed(quiet)
    with quiet.reading() as work:
        assert work.warnings.case_ids(warning.id, within=ROOT) == []


def test_cases_lie_with_the_lowest_unit_that_holds_them_all() -> None:
    assert common_path(["/head/east/", "/head/east/one/"]) == "/head/east/"
    assert common_path(["/head/east/", "/head/west/one/"]) == "/head/"
    assert common_path(["/a/b/", "/c/"]) == "/a/"
