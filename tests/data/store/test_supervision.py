"""Who was reminded and has not acted; notes that press somebody, until they acknowledge."""

import pytest

from data.errors import NotAllowedError, NotFoundError, StoreError
from data.store.outbox import DIRECTIVE
from data.store.scope import ROOT
from data.store.unit_of_work import Store
from serving.clock_rounds import look_at_clocks
from tests.data.store.cases import EAST, WEST, Clock, put, result, told, user_id

CALM = result(flags=("P02",))


def waiting(store: Store, within: str = EAST, **more: object) -> set[tuple[str, str, bool]]:
    with store.reading() as work:
        found = work.supervision.reminded(within=within, **more)  # type: ignore[arg-type]
        return {(item.case.id, item.stage, item.acted_at is not None) for item in found}


def test_only_an_act_of_a_person_since_the_latest_reminder_counts(store: Store, clock: Clock) -> None:
    first, second = put(store, result=CALM), put(store, result=CALM)
    handler = user_id(store, "handler-east")
    with store.writing() as work:
        work.assignments.assign(first.id, user_id=handler, actor_id=handler, within=EAST)
    assert waiting(store) == set()
    clock.advance(days=8)
    look_at_clocks(store)
    assert waiting(store) == {(first.id, "half_time", False), (second.id, "half_time", False)}
    assert waiting(store, assignee_id=handler) == {(first.id, "half_time", False)}
    assert waiting(store, WEST) == set()
    with store.writing() as work:
        work.events.add(first.id, "noted", actor_id=handler, within=EAST, note="已联系客户")
        work.events.add(second.id, "noted", actor_id="hotline-key", within=EAST, note="系统")
    assert waiting(store, is_acted=False) == {(second.id, "half_time", False)}
    assert waiting(store, is_acted=True) == {(first.id, "half_time", True)}
    clock.advance(days=8)
    look_at_clocks(store)
    assert waiting(store, is_acted=False) == {(first.id, "overdue", False), (second.id, "overdue", False)}
    with store.reading() as work:
        assert work.supervision.count_waiting(within=EAST) == 2
        assert work.supervision.count_waiting(within=EAST, assignee_id=handler) == 1
    with store.writing() as work:
        work.cases.close(second.id, told(clock.now), actor_id=handler, within=EAST)
    assert waiting(store) == {(first.id, "overdue", False)}


def test_a_note_stands_until_the_one_it_is_for_acknowledges(store: Store, clock: Clock) -> None:
    case = put(store)
    supervisor, handler = user_id(store, "supervisor-east"), user_id(store, "handler-east")
    given = {"to_user": handler, "text": "请今日联系客户13800138000", "from_user": supervisor, "within": EAST}
    with store.writing() as work:
        note = work.supervision.write(case.id, entry="form-1", **given)
    with store.writing() as work:
        assert work.supervision.write(case.id, entry="form-1", **given).id == note.id  # a double click
    with store.reading() as work:
        assert "13800138000" not in note.text
        assert [found.id for found, _ in work.supervision.waiting_for(handler, within=EAST)] == [note.id]
        assert work.supervision.count_for(supervisor, within=EAST) == 0
        assert work.supervision.written(within=WEST) == []
    with store.writing() as work:
        with pytest.raises(NotAllowedError, match="only the one"):
            work.supervision.acknowledge(note.id, user_id=supervisor, within=EAST)
        with pytest.raises(NotFoundError):
            work.supervision.acknowledge(note.id, user_id=handler, within=WEST)
        for _ in range(2):
            work.supervision.acknowledge(note.id, user_id=handler, within=EAST)
            clock.advance(minutes=1)
        work.outbox.dispatch()
    with store.reading() as work:
        assert work.supervision.count_for(handler, within=EAST) == 0
        kinds = [event.kind for event in work.events.of_case(case.id, within=EAST)]
        assert kinds == ["received", "supervised", "supervision_acknowledged"]
        [message] = work.outbox.after(0, [DIRECTIVE], within=ROOT)
        assert message.payload["to"] == [handler]
        assert "客户" not in str(message.payload)


def test_an_empty_note_and_a_closed_case_are_refused(store: Store, clock: Clock) -> None:
    case = put(store)
    people = {"to_user": user_id(store, "handler-east"), "from_user": user_id(store, "supervisor-east")}
    with store.writing() as work, pytest.raises(StoreError, match="1 to 1000"):
        work.supervision.write(case.id, text=" ", within=EAST, **people)
    with store.writing() as work:
        work.cases.close(case.id, told(clock.now), actor_id="t", within=EAST)
    with store.writing() as work, pytest.raises(StoreError, match="closed"):
        work.supervision.write(case.id, text="请办理", within=EAST, **people)
