"""Second thoughts: what was just done is undone exactly, by who did it, for a moment."""

import pytest

from data.errors import NotFoundError, StoreError
from data.store.records import CaseFilter
from data.store.scope import ROOT
from data.store.tables import Event
from data.store.undoing import POSSIBLE_FOR
from data.store.unit_of_work import Store
from tests.data.store.cases import EAST, EAST_ONE, HEAD, Clock, facets, label, put, result, told, user_id


def latest(store: Store, case_id: str, user: str) -> Event:
    with store.reading() as work:
        event = work.undoing.latest(case_id, user_id=user)
    assert event is not None
    return event


def undo(store: Store, case_id: str, user: str, *, within: str = EAST) -> None:
    event = latest(store, case_id, user)
    with store.writing() as work:
        work.undoing.undo(case_id, event.id, user_id=user, within=within)


def test_a_withdrawn_label_leaves_the_case_as_it_was(store: Store) -> None:
    case, user = put(store), user_id(store, "supervisor-east")
    with store.writing() as work:
        work.labels.add(case.id, label(user, leaf="B02.01", category="B02", flags=("P02",)), within=EAST)
    undo(store, case.id, user)
    with store.reading() as work:
        found = work.cases.get(case.id, within=EAST)
        assert (found.category, found.leaf, found.labelled_at) == (facets().category, facets().leaf, None)
        assert work.cases.flags(case.id, within=EAST) == facets().flags
        assert found.queue_rank == case.queue_rank
        assert work.labels.standing(case.id, within=EAST) is None
        assert len(work.labels.of_case(case.id, within=EAST)) == 1


def test_behind_a_withdrawn_label_the_earlier_one_stands(store: Store, clock: Clock) -> None:
    case, first, second = put(store), user_id(store, "handler-east"), user_id(store, "supervisor-east")
    with store.writing() as work:
        stands = work.labels.add(case.id, label(first, channel="counter"), within=EAST)
    clock.advance(minutes=5)
    with store.writing() as work:
        work.labels.add(case.id, label(second, channel="unknown", flags=()), within=EAST)
    undo(store, case.id, second)
    with store.reading() as work:
        found = work.cases.get(case.id, within=EAST)
        assert (found.channel, found.labelled_at) == ("counter", stands.created_at)


def test_assignments_and_notes_are_undone(store: Store) -> None:
    case, handler, supervisor = put(store), user_id(store, "handler-east"), user_id(store, "supervisor-east")
    with store.writing() as work:
        work.assignments.assign(case.id, user_id=handler, actor_id=handler, within=EAST)
    with store.writing() as work:
        work.assignments.assign(case.id, user_id=supervisor, actor_id=supervisor, within=EAST)
    undo(store, case.id, supervisor)
    with store.writing() as work:
        assert work.cases.get(case.id, within=EAST).assignee_id == handler
        work.assignments.release(case.id, actor_id=handler, within=EAST)
    undo(store, case.id, handler)
    with store.writing() as work:
        assert work.cases.get(case.id, within=EAST).assignee_id == handler
        work.events.add(case.id, "noted", actor_id=handler, within=EAST, note="已联系客户")
    undo(store, case.id, handler)
    with store.reading() as work:
        assert "已联系客户" not in {event.note for event in work.events.of_case(case.id, within=EAST)}


def test_a_case_handed_up_comes_back_with_its_assignee(store: Store) -> None:
    case, handler = put(store), user_id(store, "handler-east")
    with store.writing() as work:
        work.assignments.assign(case.id, user_id=handler, actor_id=handler, within=EAST)
    with store.writing() as work:
        work.cases.hand_over(case.id, unit_id="head", actor_id=handler, within=EAST)
    with store.reading() as work, pytest.raises(NotFoundError):
        work.cases.get(case.id, within=EAST)
    undo(store, case.id, handler)
    with store.reading() as work:
        found = work.cases.get(case.id, within=EAST)
        assert (found.unit_id, found.assignee_id) == ("east", handler)


def test_with_a_closing_the_request_for_more_time_comes_back(store: Store, clock: Clock) -> None:
    case, handler = put(store), user_id(store, "handler-east")
    with store.writing() as work:
        work.extensions.request(case.id, step="D2", total=30, reason="情况复杂", user_id=handler, within=EAST)
    with store.writing() as work:
        work.cases.close(case.id, told(clock.now), actor_id=handler, within=EAST)
        assert work.extensions.pending(within=EAST) == []
    undo(store, case.id, handler)
    with store.reading() as work:
        assert [row.case_id for row in work.extensions.pending(within=EAST)] == [case.id]


def test_nobody_else_and_nothing_later_or_old_is_undone(store: Store, clock: Clock) -> None:
    case, handler, supervisor = put(store), user_id(store, "handler-east"), user_id(store, "supervisor-east")
    with store.writing() as work:
        work.labels.add(case.id, label(handler), within=EAST)
    event = latest(store, case.id, handler)
    with store.reading() as work:
        assert work.undoing.latest(case.id, user_id=supervisor) is None
    with pytest.raises(StoreError), store.writing() as work:
        work.undoing.undo(case.id, event.id, user_id=supervisor, within=EAST)
    with store.writing() as work:
        work.events.add(case.id, "noted", actor_id=supervisor, within=EAST, note="看过")
    with pytest.raises(StoreError) as refusal, store.writing() as work:
        work.undoing.undo(case.id, event.id, user_id=handler, within=EAST)
    assert refusal.value.code == "undo_refused"
    clock.advance(seconds=POSSIBLE_FOR.total_seconds() + 1)
    with store.reading() as work:
        assert work.undoing.latest(case.id, user_id=supervisor) is None


def test_neighbours_walk_the_queue_both_ways(store: Store, clock: Clock) -> None:
    for flags in (("X01",), ("E07",), ("P02",), ("E01",)):
        clock.advance(hours=30)
        put(store, f"投诉{flags[0]}", received_at=clock.now, result=result(flags=flags))
    wanted = CaseFilter(status="open")
    with store.reading() as work:
        queue = [case.id for case in work.case_list.page(wanted, within=ROOT, order="queue").cases]
        around = [
            work.case_list.neighbours(work.cases.get(case_id, within=ROOT), wanted, within=ROOT) for case_id in queue
        ]
        flagged = work.case_list.page(CaseFilter(flag="E"), within=ROOT).cases
        assert len(flagged) == 2
    assert around == list(zip([None, *queue[:-1]], [*queue[1:], None], strict=True))


def test_open_counts_say_what_lists_hold(store: Store, clock: Clock) -> None:
    user = user_id(store, "handler-east")
    cases = [put(store, unit_id=unit) for unit in ("east", "east-1", "west")]
    with store.writing() as work:
        work.assignments.assign(cases[0].id, user_id=user, actor_id=user, within=EAST)
        work.labels.add(cases[1].id, label(user), within=EAST)
    clock.advance(days=40)
    with store.reading() as work:
        counts = work.case_list.open_counts(user, within=EAST)
        assert (counts.undecided, counts.mine, counts.overdue, counts.all) == (1, 1, 2, 2)
        assert work.case_list.open_counts(user, within=HEAD).all == 3
        assert work.case_list.open_counts(user, within=EAST_ONE).undecided == 0
        for wanted, expected in (
            (CaseFilter(is_labelled=False), 1),
            (CaseFilter(is_labelled=True), 1),
            (CaseFilter(is_assigned=False), 1),
        ):
            assert len(work.case_list.page(wanted, within=EAST).cases) == expected


def test_saved_views_are_ones_own(store: Store) -> None:
    handler, supervisor = user_id(store, "handler-east"), user_id(store, "supervisor-east")
    with store.writing() as work:
        work.saved_views.save(handler, name="我的急件", query="flag=E")
        work.saved_views.save(handler, name="我的急件", query="flag=E01")
        work.saved_views.save(supervisor, name="信用卡", query="category=B03B")
    with store.writing() as work:
        [view] = work.saved_views.of_user(handler)
        assert view.query == "flag=E01"
        work.saved_views.forget(view.id, user_id=supervisor)
        assert len(work.saved_views.of_user(handler)) == 1
        work.saved_views.forget(view.id, user_id=handler)
        assert work.saved_views.of_user(handler) == []
        with pytest.raises(StoreError):
            work.saved_views.save(handler, name="", query="")
