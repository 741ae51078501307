"""Rows from memory bind only once a person in compliance has confirmed them."""

from typing import Any

import pytest

from data.errors import NotAllowedError, NotFoundError, StoreError
from data.policy.schema import default_policy
from data.store.clock_records import Reopening
from data.store.clock_tables import PolicyConfirmation
from data.store.scope import ROOT
from data.store.tables import Case
from data.store.unit_of_work import Store
from tests.data.policy.cases import changed_policy
from tests.data.store.cases import EAST, Clock, put, told, user_id
from tests.data.store.test_case_clocks import due, with_book


def confirm(store: Store, code: str, who: str = "compliance") -> PolicyConfirmation:
    with store.writing() as work:
        return work.confirmations.confirm(code, user_id=user_id(store, who))


def withdraw(store: Store, code: str, who: str = "compliance") -> None:
    with store.writing() as work:
        work.confirmations.withdraw(code, user_id=user_id(store, who))


def look(store: Store, limit: int = 200) -> int:
    """Let the worker look at all clocks; returns how many cases it looked at."""
    total = 0
    while True:
        with store.writing() as work:
            count = len(work.reminders.take(within=ROOT, limit=limit).cases)
        total += count
        if count == 0:
            return total


def under_review(store: Store, clock: Clock) -> Case:
    """A case whose outcome is being reviewed: D7.2, thirty days, from memory."""
    case = put(store)
    with store.writing() as work:
        work.cases.close(case.id, told(clock()), actor_id="x", within=EAST)
        reopening = Reopening(reason="trigger", trigger="review_applied", at=clock())
        work.cases.reopen(case.id, reopening, actor_id="x", within=EAST)
    return case


def test_confirming_makes_a_limit_bind_and_withdrawing_ends_that(store: Store, clock: Clock) -> None:
    cases = [under_review(store, clock) for _ in range(5)]
    assert {due(store, case) for case in cases} == {(None, None)}
    assert confirm(store, "D7.2").policy_version == default_policy().version
    assert look(store, limit=2) == 5
    assert {due(store, case) for case in cases} == {("D7.2", "2026-12-30")}
    assert confirm(store, "D7.2").confirmed_at == clock()
    assert look(store) == 0, "confirming again changes nothing"
    withdraw(store, "D7.2")
    look(store)
    assert {due(store, case) for case in cases} == {(None, None)}
    with store.reading() as work:
        actions = [entry.action for entry in work.audit.entries(within=ROOT, subject="D7.2")]
        assert work.confirmations.standing(default_policy()) == []
    assert actions == ["policy.confirmation_withdrawn", "policy.confirmed"]


def test_a_row_that_is_no_clock_touches_no_case(store: Store) -> None:
    put(store)
    look(store)
    confirm(store, "D8")
    assert look(store) == 0


@pytest.mark.parametrize("who", ["supervisor-east", "admin", "engineer", "auditor", "system"])
def test_only_compliance_confirms(store: Store, who: str) -> None:
    with pytest.raises(NotAllowedError):
        confirm(store, "D7.2", who)
    confirm(store, "D7.2")
    with pytest.raises(NotAllowedError):
        withdraw(store, "D7.2", who)


def test_only_rows_from_memory_are_confirmed(store: Store) -> None:
    with pytest.raises(StoreError) as caught:
        confirm(store, "D1")
    assert caught.value.code == "not_confirmable"
    for call in (lambda: confirm(store, "D99"), lambda: withdraw(store, "D7.2")):
        with pytest.raises(NotFoundError):
            call()


@pytest.mark.parametrize(("limit", "is_confirmed"), [(30, True), (40, False)])
def test_a_confirmation_covers_a_later_version_that_says_the_same(
    store: Store, clock: Clock, limit: int, is_confirmed: bool
) -> None:
    def change(content: Any) -> None:
        content["version"] = "2.0.0"
        content["clocks"][0]["limit"] = 16
        next(row for row in content["clocks"] if row["code"] == "D7.2")["limit"] = limit

    confirm(store, "D7.2")
    later = with_book(store, clock, default_policy(), changed_policy(change))
    with later.reading() as work:
        assert work.confirmations.confirmed(later.book.current) == ({"D7.2"} if is_confirmed else set())
        assert work.confirmations.confirmed(default_policy()) == {"D7.2"}, "old cases keep theirs"
    later.close()
