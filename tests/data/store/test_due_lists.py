"""The queue: highest risk first, then what is due soonest; pages that neither repeat nor lose a case."""

from datetime import timedelta
from typing import Any

import pytest

from data.store.records import CaseFilter, CaseOrder
from data.store.scope import ROOT
from data.store.unit_of_work import Store
from tests.data.store.cases import EAST, MONDAY, Clock, label, put, result, told, user_id
from tests.data.store.test_confirmations import look

FLAGS = {"fraud": ("E07",), "violence": ("E09",), "risk": ("P02",), "plain": ("X01",)}


@pytest.fixture
def bank(store: Store) -> dict[str, str]:
    """Each rank with what is due 9, 2 and 15 days ahead and what has no limit; name by number of the case."""
    supervisor, cases = user_id(store, "supervisor-east"), {}
    for risk, flags in FLAGS.items():
        for days in (9, 2, 15, None):
            ticket = MONDAY + timedelta(days=days) if days in (2, 9) else None
            case = put(store, f"{risk} {days}", result=result(flags=flags), ticket_due_at=ticket)
            cases[case.id] = f"{risk} {days}"
            if days is None:
                with store.writing() as work:
                    no_complaint = label(supervisor, order_type="consultation", flags=flags)
                    work.labels.add(case.id, no_complaint, within=EAST)
    return cases


def listed(store: Store, bank: dict[str, str], order: CaseOrder, limit: int = 50, **wanted: Any) -> list[str]:
    """Names of the cases on all pages."""
    found: list[str] = []
    after = None
    while True:
        with store.reading() as work:
            page = work.case_list.page(CaseFilter(**wanted), within=ROOT, limit=limit, after=after, order=order)
        found += [bank[case.id] for case in page.cases]
        after = page.next
        if after is None:
            return found


QUEUE = [f"{risk} {days}" for risk in FLAGS for days in (2, 9, 15, None)]


@pytest.mark.parametrize("limit", [1, 3, 4, 50])
def test_the_queue_is_by_risk_then_by_remaining_time(store: Store, bank: dict[str, str], limit: int) -> None:
    assert listed(store, bank, "queue", limit) == QUEUE


@pytest.mark.parametrize("limit", [1, 3, 4, 50])
def test_by_due_date_what_has_none_comes_last(store: Store, bank: dict[str, str], limit: int) -> None:
    found = listed(store, bank, "due", limit)
    assert [name.split()[1] for name in found] == ["2"] * 4 + ["9"] * 4 + ["15"] * 4 + ["None"] * 4
    assert len(set(found)) == 16


def test_filters_of_due_dates(store: Store, bank: dict[str, str], clock: Clock) -> None:
    def days(**wanted: Any) -> set[str]:
        return {name.split()[1] for name in listed(store, bank, "due", **wanted)}

    assert days(due_within_days=1) == set()
    assert days(due_within_days=2) == {"2"}
    assert days(due_within_days=14) == {"2", "9"}
    assert days(due_within_days=15) == {"2", "9", "15"}
    assert days(due_from=MONDAY + timedelta(days=9), due_until=MONDAY + timedelta(days=15)) == {"9"}
    assert days(is_overdue=True) == set()
    clock.advance(days=9)
    assert days(is_overdue=True) == {"2", "9"}
    assert days(is_overdue=False) == {"15", "None"}
    assert days(is_overdue=False, due_within_days=6) == {"15"}
    assert days(due_within_days=0) == {"2", "9"}, "what is late is among what is due today"
    assert days(order_type="consultation") == {"None"}


def test_a_closed_case_is_due_no_more(store: Store, bank: dict[str, str], clock: Clock) -> None:
    case_id = next(number for number, name in bank.items() if name == "fraud 2")
    clock.advance(days=3)
    look(store)
    with store.writing() as work:
        work.cases.close(case_id, told(clock()), actor_id="x", within=EAST)
    assert "fraud 2" not in listed(store, bank, "queue", is_overdue=True)
    assert listed(store, bank, "queue", status="open")[0] == "fraud 9"


def test_a_case_that_moves_between_pages_is_neither_repeated_nor_lost(store: Store, bank: dict[str, str]) -> None:
    """A page ends at a place in the order, not at a count."""
    with store.reading() as work:
        first = work.case_list.page(CaseFilter(), within=ROOT, limit=4, order="queue")
        assert first.next is not None
    put(store, "新来的", result=result(flags=("E01",)), ticket_due_at=MONDAY + timedelta(hours=1))
    with store.reading() as work:
        second = work.case_list.page(CaseFilter(), within=ROOT, limit=50, after=first.next, order="queue")
    assert [bank[case.id] for case in (*first.cases, *second.cases)] == QUEUE
