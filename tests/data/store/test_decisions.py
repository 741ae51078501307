"""Decisions of people on one case: nobody overwrites another unseen, alerting flags are lowered by two."""

import threading
from collections.abc import Callable

import pytest

from data.errors import NotAllowedError, NotFoundError, StoreError
from data.store.health import examine
from data.store.records import CaseFilter
from data.store.scope import ROOT
from data.store.tables import KeyMaterial
from data.store.unit_of_work import Store, UnitOfWork
from tests.data.store.cases import EAST, WEST, Clock, label, masters, put, result, user_id

Change = Callable[[UnitOfWork, str, str], object]
CHANGES: dict[str, Change] = {
    "claim": lambda work, case, user: work.assignments.claim(case, user_id=user, within=EAST),
    "label": lambda work, case, user: work.labels.add(case, label(user), within=EAST),
    "release": lambda work, case, user: work.assignments.release(case, actor_id=user, within=EAST),
    "new answer": lambda work, case, user: work.triage_results.add(case, result("2026-12-11"), within=EAST),
    "hand over": lambda work, case, user: work.cases.hand_over(case, unit_id="east-1", actor_id=user, within=EAST),
    "erase": lambda work, case, user: work.originals.erase(case, actor_id=user, reason="客户要求", within=EAST),
}
NO_CHANGES: dict[str, Change] = {
    "note": lambda work, case, user: work.events.add(case, "noted", actor_id=user, within=EAST, note="已回电"),
    "blind reading": lambda work, case, user: work.labels.add(case, label(user, is_blind=True), within=EAST),
    "reveal": lambda work, case, user: work.originals.reveal(case, user_id=user, reason="核对身份", within=EAST),
}


def version(store: Store, case_id: str) -> str:
    with store.reading() as work:
        return work.cases.version(case_id, within=EAST)


def flags(store: Store, case_id: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Those that stand, and those of them that wait for a second person."""
    with store.reading() as work:
        return work.cases.flags(case_id, within=EAST), work.labels.unconfirmed(case_id, within=EAST)


@pytest.mark.parametrize("name", [*CHANGES, *NO_CHANGES])
def test_the_version_changes_with_what_others_must_have_seen(store: Store, name: str) -> None:
    case_id = put(store).id
    before = version(store, case_id)
    with store.writing() as work:
        (CHANGES | NO_CHANGES)[name](work, case_id, user_id(store, "supervisor-east"))
    assert (version(store, case_id) != before) == (name in CHANGES)


def test_of_two_who_saw_the_same_only_the_first_decides(store: Store) -> None:
    case_id = put(store).id
    seen = version(store, case_id)
    outcomes: list[str] = []

    def decide(login: str) -> None:
        try:
            with store.writing() as work:
                work.cases.expect(case_id, version=seen, within=EAST)
                work.labels.add(case_id, label(user_id(store, login)), within=EAST)
            outcomes.append("decided")
        except StoreError as error:
            outcomes.append(error.code)

    people = [threading.Thread(target=decide, args=(login,)) for login in ("supervisor-east", "handler-east")]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert sorted(outcomes) == ["decided", "version_stale"]
    with store.reading() as work:
        assert len(work.labels.of_case(case_id, within=EAST)) == 1


def test_a_case_is_claimed_once(store: Store) -> None:
    case_id = put(store).id
    handler, supervisor = user_id(store, "handler-east"), user_id(store, "supervisor-east")
    for _ in range(2):
        with store.writing() as work:
            work.assignments.claim(case_id, user_id=handler, within=EAST)
    with pytest.raises(StoreError) as caught, store.writing() as work:
        work.assignments.claim(case_id, user_id=supervisor, within=EAST)
    assert caught.value.code == "case_taken"
    with store.reading() as work:
        assert len(work.assignments.of_case(case_id, within=EAST)) == 1
        assert work.case_list.page(CaseFilter(assignee_id=handler), within=EAST).cases[0].id == case_id


def test_an_erased_case_is_not_worked_on(store: Store) -> None:
    case_id = put(store).id
    with store.writing() as work:
        work.originals.erase(case_id, actor_id="x", reason="客户要求", within=EAST)
    with pytest.raises(StoreError) as caught, store.writing() as work:
        work.cases.expect(case_id, version=None, within=EAST)
    assert caught.value.code == "case_erased"


def test_an_alerting_flag_stands_until_a_second_person_confirms(store: Store) -> None:
    """P02 raises no alert: one person lowers it. E07 does."""
    case_id = put(store).id
    handler, supervisor = user_id(store, "handler-east"), user_id(store, "supervisor-east")
    with store.writing() as work:
        work.labels.add(case_id, label(handler, flags=("S01",)), within=EAST)
    assert flags(store, case_id) == (("E07", "S01"), ("E07",))
    with pytest.raises(NotAllowedError) as caught, store.writing() as work:
        work.labels.confirm(case_id, user_id=handler, within=EAST)
    assert caught.value.code == "second_person_needed"
    assert flags(store, case_id)[0] == ("E07", "S01")
    with store.writing() as work:
        assert work.labels.confirm(case_id, user_id=supervisor, within=EAST) == ("E07",)
    assert flags(store, case_id) == (("S01",), ())
    with store.reading() as work:
        event = work.events.of_case(case_id, within=EAST)[-1]
    assert (event.kind, event.actor_id, event.details) == ("flags_confirmed", supervisor, {"lowered": ["E07"]})


def test_what_waits_for_a_second_person_is_counted_and_listed_oldest_first(store: Store, clock: Clock) -> None:
    """Not what was labelled with its flag, nor one's own, nor another branch's, nor a reading that changes nothing."""
    first, second, kept, own, erased = (put(store).id for _ in range(5))
    handler, supervisor = user_id(store, "handler-east"), user_id(store, "supervisor-east")
    decisions = ((second, handler, ()), (first, handler, ("S01",)), (kept, handler, ("E07",)), (own, supervisor, ()))
    for case_id, user, wanted in (*decisions, (erased, handler, ())):
        clock.advance(minutes=1)
        with store.writing() as work:
            work.labels.add(case_id, label(user, flags=wanted), within=EAST)
    with store.writing() as work:
        work.labels.add(first, label(supervisor, flags=("E07",), is_blind=True), within=EAST)
        work.originals.erase(erased, actor_id="cli", reason="客户要求", within=EAST)
    with store.reading() as work:
        found = work.labels.waiting_for_second(supervisor, within=EAST)
        assert [(case.id, flags) for case, _, flags in found] == [(second, ("E07",)), (first, ("E07",))]
        assert [case.id for case, *_ in work.labels.waiting_for_second(supervisor, within=EAST, limit=1)] == [second]
        assert work.labels.count_for_second(supervisor, within=EAST) == 2
        assert work.labels.count_for_second(supervisor, within=WEST) == 0


def test_who_disagrees_labels_again_and_nothing_waits(store: Store) -> None:
    case_id = put(store).id
    supervisor = user_id(store, "supervisor-east")
    with store.writing() as work:
        work.labels.add(case_id, label(user_id(store, "handler-east"), flags=()), within=EAST)
        work.labels.add(case_id, label(supervisor, flags=("E07",)), within=EAST)
    assert flags(store, case_id) == (("E07",), ())
    with pytest.raises(StoreError) as caught, store.writing() as work:
        work.labels.confirm(case_id, user_id=supervisor, within=EAST)
    assert caught.value.code == "nothing_to_confirm"


def test_the_proposer_does_not_become_the_second_person_by_labelling_again(store: Store) -> None:
    case_id = put(store).id
    supervisor = user_id(store, "supervisor-east")
    for _ in range(2):
        with store.writing() as work:
            work.labels.add(case_id, label(supervisor, flags=()), within=EAST)
    assert flags(store, case_id) == (("E07",), ("E07",))
    with pytest.raises(NotAllowedError), store.writing() as work:
        work.labels.confirm(case_id, user_id=supervisor, within=EAST)


@pytest.mark.parametrize("name", ["version", "expect", "claim", "confirm", "unconfirmed"])
def test_another_branchs_case_never_was(store: Store, name: str) -> None:
    case_id, western = put(store).id, user_id(store, "supervisor-west")
    calls: dict[str, Callable[[UnitOfWork], object]] = {
        "version": lambda work: work.cases.version(case_id, within=WEST),
        "expect": lambda work: work.cases.expect(case_id, version="0.0", within=WEST),
        "claim": lambda work: work.assignments.claim(case_id, user_id=western, within=WEST),
        "confirm": lambda work: work.labels.confirm(case_id, user_id=western, within=WEST),
        "unconfirmed": lambda work: work.labels.unconfirmed(case_id, within=WEST),
    }
    with pytest.raises(NotFoundError), store.writing() as work:
        calls[name](work)


def test_a_healthy_store_is_counted_and_a_lost_key_found(store: Store) -> None:
    case_id = put(store).id
    health = examine(store, masters("2026a"))
    assert (health.units, health.users, health.cases, health.problems) == (4, 9, 1, ())
    assert health.keys == {"2026a": 2}
    assert examine(store, masters("2026b")).problems == (
        "2 keys are wrapped with the master key 2026a, which is not given",
    )
    with store.writing() as work:
        work.session.delete(work.session.get_one(KeyMaterial, case_id))
    assert examine(store, masters("2026a")).problems == ("1 originals have no key and cannot be opened",)
    with store.reading() as work:
        assert work.cases.get(case_id, within=ROOT).id == case_id
