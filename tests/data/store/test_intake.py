"""A complaint is stored once, with every answer; what a person decides stays."""

import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from data.days import CHINA
from data.errors import NotFoundError, StoreError
from data.store.clock_records import Reopening
from data.store.records import NewTriageResult, StoredCase
from data.store.scope import ROOT
from data.store.unit_of_work import Store
from models.predictor import Predictor
from tests.data.store.cases import (
    EAST,
    HEAD,
    NOVEMBER,
    SECRET,
    SECRET_TEXT,
    TEXT,
    Clock,
    all_values,
    label,
    new_case,
    put,
    result,
    told,
    user_id,
)


def test_a_case_comes_back_as_it_was_stored(store: Store) -> None:
    due = datetime(2026, 12, 10, 12, 30, tzinfo=CHINA)
    case_id = put(store, external_id="H-1", source="12345", ticket_due_at=due).id
    with store.reading() as work:
        case = work.cases.get(case_id, within=HEAD)
        assert work.cases.flags(case_id, within=HEAD) == ("E07", "P02")
        [answer] = work.triage_results.of_case(case_id, within=HEAD)
        assert [event.kind for event in work.events.of_case(case_id, within=HEAD)] == ["received"]
    assert case_id.startswith("20261130-")
    assert (case.external_id, case.source, case.category, case.leaf) == ("H-1", "12345", "B03A", "B03A.05")
    assert (case.status, case.month, case.priority) == ("open", "2026-11", "urgent")
    assert case.redacted_text == new_case().prepared.redacted_text
    assert "13800138000" not in case.redacted_text
    assert case.ticket_due_at == due
    assert case.ticket_due_at is not None
    assert case.ticket_due_at.tzinfo is UTC
    assert (answer.version, answer.bundle) == (1, "2026-11-29b")
    assert answer.probabilities == result().probabilities


def test_months_are_counted_in_china(store: Store) -> None:
    case = put(store, received_at=datetime(2026, 11, 30, 16, 30, tzinfo=UTC))
    assert (case.month, case.id[:8]) == ("2026-12", "20261201")


def test_a_case_stored_twice_under_one_external_id_is_one_case(store: Store) -> None:
    first = put(store, external_id="H-1")
    with store.writing() as work:
        again = work.cases.add(new_case("另一段话", external_id="H-1"), result(), actor_id="key", within=EAST)
    assert (again.is_new, again.case.id) == (False, first.id)
    other_system = put(store, external_id="H-1", source_system="counter")
    unnumbered = {put(store).id for _ in range(2)}
    assert len({first.id, other_system.id, *unnumbered}) == 4
    with store.reading() as work:
        assert work.overview.count(NOVEMBER, within=ROOT) == 4


def test_two_threads_with_one_external_id_store_one_case(store: Store) -> None:
    found: list[StoredCase] = []
    start = threading.Barrier(6)

    def deliver() -> None:
        start.wait()
        for number in range(5):
            with store.writing() as work:
                new = new_case(external_id=f"H-{number}")
                stored = work.cases.add(new, result(), actor_id="key", within=EAST)
            found.append(stored)

    threads = [threading.Thread(target=deliver) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 30
    assert len({stored.case.id for stored in found}) == 5
    assert sum(stored.is_new for stored in found) == 5
    with store.reading() as work:
        assert work.overview.count(NOVEMBER, within=ROOT) == 5


def test_nothing_of_a_failed_intake_is_left(store: Store) -> None:
    class StopError(Exception):
        pass

    def fail() -> None:
        with store.writing() as work:
            work.cases.add(new_case(external_id="H-1"), result(), actor_id="key", within=EAST)
            raise StopError

    with pytest.raises(StopError):
        fail()
    with store.reading() as work:
        assert work.overview.count(NOVEMBER, within=ROOT) == 0
    assert put(store, external_id="H-1").external_id == "H-1"


def test_an_earlier_case_of_another_branch_is_not_handed_out(store: Store) -> None:
    put(store, external_id="H-1")
    new = new_case(external_id="H-1", unit_id="west")
    with pytest.raises(StoreError) as caught, store.writing() as work:
        work.cases.add(new, result(), actor_id="key", within="/head/west/")
    assert caught.value.code == "external_id_taken"


def test_a_case_is_stored_only_inside_the_callers_part(store: Store) -> None:
    with pytest.raises(NotFoundError), store.writing() as work:
        work.cases.add(new_case(unit_id="west"), result(), actor_id="key", within=EAST)


def test_credentials_stand_in_no_column(store: Store) -> None:
    """Neither as received nor typed later into a note, a label or a reason; decrypted originals included."""
    case = put(store, SECRET_TEXT)
    supervisor = user_id(store, "supervisor-east")
    with store.writing() as work:
        work.events.add(case.id, "noted", actor_id=supervisor, within=EAST, note=f"客户说{SECRET_TEXT}")
        work.labels.add(case.id, label(supervisor, reason=f"因为{SECRET_TEXT}"), within=EAST)
        original = work.originals.reveal(case.id, user_id=supervisor, reason=f"核对：{SECRET_TEXT}", within=EAST)
    values = all_values(store)
    for secret in (SECRET, "Qz7!kd92"):
        assert secret in SECRET_TEXT
        assert [table for table, value in values if secret in value] == []
        assert secret not in original
    assert "〔密码验证码〕" in original
    assert "13900139000" in original
    assert [table for table, value in values if "13900139000" in value] == []


def test_text_that_databases_refuse_is_stored(store: Store) -> None:
    """U+0000, lone surrogates, characters beyond the basic plane."""
    case = put(store, "卡被\0盗刷\ud83d，𠮷野家😀消费")
    with store.reading() as work:
        assert work.cases.get(case.id, within=ROOT).redacted_text == "卡被\ufffd盗刷\ufffd，𠮷野家😀消费"


def test_the_models_own_answer_is_taken(store: Store, shipped_predictor: Predictor) -> None:
    """With `detail=full`; the redacted text stands in the case only."""
    answer = shipped_predictor.triage([TEXT], full=True)[0].model_dump(mode="json")
    case = put(store, result=NewTriageResult.from_answer(answer))
    with store.reading() as work:
        [stored] = work.triage_results.of_case(case.id, within=ROOT)
    assert stored.probabilities == answer["probabilities"]
    assert stored.answer["order_type"] == answer["order_type"]
    assert "redacted_text" not in stored.answer
    assert case.order_type == answer["order_type"]["code"]


def test_a_later_answer_is_a_new_version_and_moves_an_undecided_case(store: Store) -> None:
    case_id = put(store).id
    with store.writing() as work:
        work.triage_results.add(case_id, result("2026-12-10", category="B02", flags=("E01",)), within=EAST)
    with store.reading() as work:
        assert [row.bundle for row in work.triage_results.of_case(case_id, within=EAST)] == [
            "2026-11-29b",
            "2026-12-10",
        ]
        assert work.cases.get(case_id, within=EAST).category == "B02"
        assert work.cases.flags(case_id, within=EAST) == ("E01",)


def test_a_persons_decision_stands_against_later_answers(store: Store) -> None:
    case_id = put(store).id
    supervisor = user_id(store, "supervisor-east")
    with store.writing() as work:
        work.labels.add(case_id, label(supervisor, category="B12", flags=("S01",)), within=EAST)
        work.triage_results.add(case_id, result("2026-12-10", category="B02"), within=EAST)
    with store.reading() as work:
        [stored] = work.labels.of_case(case_id, within=EAST)
        assert work.cases.get(case_id, within=EAST).category == "B12"
        assert work.cases.flags(case_id, within=EAST) == ("E07", "S01")  # E07 waits for a second person
    assert (stored.user_id, stored.bundle, stored.triage_version) == (supervisor, "2026-11-29b", 1)
    assert (stored.seconds_spent, stored.flags, stored.is_blind) == (12.5, ["S01"], False)


def test_a_blind_reading_measures_and_changes_nothing(store: Store) -> None:
    case_id = put(store).id
    with store.writing() as work:
        work.labels.add(case_id, label(user_id(store, "handler-east"), category="B12", is_blind=True), within=EAST)
    with store.reading() as work:
        case = work.cases.get(case_id, within=EAST)
        assert len(work.labels.of_case(case_id, within=EAST)) == 1
    assert (case.category, case.labelled_at) == ("B03A", None)


def test_assigning_closing_and_reopening_stand_in_the_timeline(store: Store, clock: Clock) -> None:
    case_id = put(store).id
    supervisor, handler = user_id(store, "supervisor-east"), user_id(store, "handler-east")
    with store.writing() as work:
        work.assignments.assign(case_id, user_id=supervisor, actor_id=supervisor, within=EAST)
        clock.advance(hours=2)
        work.assignments.assign(case_id, user_id=handler, actor_id=supervisor, within=EAST)
        clock.advance(days=3)
        work.cases.close(case_id, told(clock()), actor_id=handler, within=EAST)
    with pytest.raises(StoreError, match="closed"), store.writing() as work:
        work.cases.close(case_id, told(clock()), actor_id=handler, within=EAST)
    with store.reading() as work:
        first, second = work.assignments.of_case(case_id, within=EAST)
        case = work.cases.get(case_id, within=EAST)
    assert (first.ended_at, second.ended_at) == (second.assigned_at, None)
    assert (case.assignee_id, case.status, case.closed_at) == (handler, "closed", clock())
    with store.writing() as work:
        work.cases.reopen(case_id, Reopening(reason="mistake"), actor_id=supervisor, within=EAST)
        work.assignments.release(case_id, actor_id=supervisor, within=EAST)
    with store.reading() as work:
        kinds = [event.kind for event in work.events.of_case(case_id, within=EAST)]
        case = work.cases.get(case_id, within=EAST)
    assert kinds == ["received", "assigned", "assigned", "closed", "reopened", "released"]
    assert (case.status, case.closed_at, case.assignee_id) == ("open", None, None)


def test_only_people_decide(store: Store) -> None:
    case_id = put(store).id
    for nobody in (user_id(store, "system"), "hotline-key"):
        with pytest.raises(StoreError), store.writing() as work:
            work.labels.add(case_id, label(nobody), within=ROOT)


def test_a_file_of_sqlite_is_its_owners_alone(sqlite_template: Path) -> None:
    assert sqlite_template.stat().st_mode & 0o077 == 0


def test_times_without_zone_are_refused(store: Store) -> None:
    with pytest.raises(Exception, match="zone"):
        put(store, ticket_due_at=datetime(2026, 12, 1))
