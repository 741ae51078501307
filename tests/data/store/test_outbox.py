"""What must be told is written with its case, once, without text, and goes to whom it concerns."""

import json
import threading
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import select

from data.errors import KeyMaterialError, NotFoundError, StoreError
from data.store.deliveries import LEASE
from data.store.maintenance import rotate
from data.store.notification_tables import OutboxMessage
from data.store.outbox import AUDIT_HEAD, HIGH_RISK, KINDS, NOTICE
from data.store.records import NewTriageResult
from data.store.scope import ROOT
from data.store.unit_of_work import Store, open_store
from tests.data.store.cases import (
    EAST,
    EAST_ONE,
    HEAD,
    TEXT,
    WEST,
    Clock,
    all_values,
    label,
    masters,
    new_case,
    put,
    result,
    user_id,
)

URL = "http://receiver.bank/hook"
HIGH = result(flags=("P02",))
CALM = result(flags=())


def messages(store: Store, kind: str = HIGH_RISK) -> Sequence[OutboxMessage]:
    with store.reading() as work:
        query = select(OutboxMessage).where(OutboxMessage.kind == kind).order_by(OutboxMessage.created_at)
        return work.session.scalars(query).all()


def priorities(store: Store) -> list[str]:
    return sorted(message.payload["priority"] for message in messages(store))


def dispatch(store: Store) -> int:
    with store.writing() as work:
        work.alerts.notify()
        return work.outbox.dispatch()


def add_webhook(store: Store, unit: str = "head", *, kinds: Sequence[str] = (HIGH_RISK,)) -> str:
    with store.writing() as work:
        return work.webhooks.add(name="测试", url=URL, unit_id=unit, kinds=kinds, within=ROOT)[0].id


def test_a_high_risk_case_is_told_with_codes_only(store: Store) -> None:
    case = put(store, result=HIGH)
    [message] = messages(store)
    assert message.payload == {
        "case_id": case.id,
        "unit_id": "east",
        "priority": "high",
        "flags": ["P02"],
        "order_type": "complaint",
        "category": "B03A",
        "received_at": "2026-11-30T02:00:00+00:00",
    }
    assert (message.case_id, message.unit_id, message.position) == (case.id, "east", None)


def test_no_text_and_nothing_personal_in_any_message(store: Store) -> None:
    put(store, external_id="客户王丽的来电", customer_reference="110101199003070134", region="河边")
    dispatch(store)
    texts = [json.dumps(message.payload, ensure_ascii=False) for kind in KINDS for message in messages(store, kind)]
    assert len(texts) == 2
    for text in texts:
        assert not {"王丽", "征信", "河边", "138"} & {text[i : i + n] for n in (2, 3) for i in range(len(text))}
        assert text.isascii()
    assert TEXT not in "".join(texts)


def test_a_calm_case_is_not_told(store: Store) -> None:
    put(store, result=CALM)
    put(store, result=result(flags=("X01",)))
    assert messages(store) == []
    with store.reading() as work:
        assert work.alerts.listed(within=ROOT) == []


def test_rolled_back_with_its_case(store: Store) -> None:
    def fail() -> None:
        with store.writing() as work:
            work.cases.add(new_case(), result(), actor_id="x", within=ROOT)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert messages(store) == []
    with store.reading() as work:
        assert work.alerts.listed(within=ROOT) == []


def test_the_same_complaint_twice_is_told_once(store: Store) -> None:
    for _ in range(2):
        put(store, external_id="H1")
    assert len(messages(store)) == 1
    with store.reading() as work:
        assert len(work.alerts.listed(within=ROOT)) == 1


def test_a_later_answer_or_label_that_raises_the_risk_is_told_once(store: Store) -> None:
    case = put(store, result=CALM)
    supervisor = user_id(store, "supervisor-east")
    later: list[NewTriageResult] = [HIGH, HIGH, CALM, HIGH]
    for answer in later:
        with store.writing() as work:
            work.triage_results.add(case.id, answer, within=ROOT)
    assert priorities(store) == ["high"]
    for flags in (("E01", "P02"), (), ("E01",), ("P02",)):
        with store.writing() as work:
            work.labels.add(case.id, label(supervisor, flags=flags), within=EAST)
    assert priorities(store) == ["high", "urgent"]
    with store.reading() as work:
        [(alert, _)] = work.alerts.listed(within=ROOT)
    assert alert.flags == ["E01"]


def test_after_urgent_high_is_not_told(store: Store) -> None:
    case = put(store)
    with store.writing() as work:
        work.triage_results.add(case.id, HIGH, within=ROOT)
    assert priorities(store) == ["urgent"]


def test_what_changes_nothing_tells_nothing(store: Store) -> None:
    """A blind reading, and a model's answer after a person has decided."""
    case = put(store, result=CALM)
    supervisor = user_id(store, "supervisor-east")
    with store.writing() as work:
        work.labels.add(case.id, label(supervisor, flags=("E01",), is_blind=True), within=EAST)
        work.labels.add(case.id, label(supervisor, flags=()), within=EAST)
        work.triage_results.add(case.id, result(flags=("E01",)), within=ROOT)
    assert messages(store) == []


def test_a_webhook_gets_its_own_part_and_its_kinds_only(store: Store) -> None:
    hooks = {unit: add_webhook(store, unit) for unit in ("head", "east", "east-1", "west")}
    alerts_only = add_webhook(store, kinds=[NOTICE])
    switched_off = add_webhook(store)
    with store.writing() as work:
        work.webhooks.switch(switched_off, is_active=False, within=ROOT)
    cases = {unit: put(store, unit_id=unit, result=HIGH).id for unit in ("head", "east", "east-1", "west")}
    assert dispatch(store) == 4
    with store.reading() as work:
        got = {
            unit: {row.case_id for row in work.deliveries.of_webhook(hook, within=ROOT)} for unit, hook in hooks.items()
        }
        for hook in (alerts_only, switched_off):
            assert work.deliveries.of_webhook(hook, within=ROOT) == []
    assert got == {
        "head": set(cases.values()),
        "east": {cases["east"], cases["east-1"]},
        "east-1": {cases["east-1"]},
        "west": {cases["west"]},
    }


def test_followers_see_their_own_part_in_order(store: Store) -> None:
    for unit in ("east", "west", "east-1"):
        put(store, unit_id=unit, result=HIGH)
    with store.writing() as work:
        work.outbox.put(AUDIT_HEAD, {"seq": 0}, key="2026-11-30")
    with store.reading() as work:
        assert work.outbox.after(0, KINDS, within=ROOT) == []
    dispatch(store)
    with store.reading() as work:
        seen = {
            within: [message.unit_id for message in work.outbox.after(0, KINDS, within=within)]
            for within in (HEAD, EAST, EAST_ONE, WEST)
        }
        everything = work.outbox.after(0, KINDS, within=ROOT)
        assert [message.position for message in everything] == [1, 2, 3, 4]
        assert [message.position for message in work.outbox.after(1, KINDS, within=ROOT, limit=2)] == [2, 3]
        assert work.outbox.last_position(within=WEST) == next(m.position for m in everything if m.unit_id == "west")
    assert (len(seen[HEAD]), sorted(map(str, seen[EAST])), seen[EAST_ONE], seen[WEST]) == (
        3, ["east", "east-1"], ["east-1"], ["west"],
    )  # fmt: skip


def test_a_commit_that_comes_late_is_not_lost_to_a_reader(store: Store, url: str) -> None:
    """Its message was written first and is seen last: position is given after the commit."""
    if url.startswith("sqlite"):
        pytest.skip("SQLite has one writer at a time")
    with store.writing() as late:
        first = late.cases.add(new_case(), HIGH, actor_id="x", within=ROOT).case
        second = put(store, result=HIGH)
        dispatch(store)
        with store.reading() as work:
            [seen] = work.outbox.after(0, KINDS, within=ROOT)
        assert seen.case_id == second.id
    dispatch(store)
    with store.reading() as work:
        assert [message.case_id for message in work.outbox.after(seen.position or 0, KINDS, within=ROOT)] == [first.id]


def test_many_dispatchers_give_each_position_once(store: Store) -> None:
    hook = add_webhook(store)
    for _ in range(30):
        put(store, result=HIGH)
    threads = [threading.Thread(target=dispatch, args=(store,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    dispatch(store)
    assert sorted(message.position or 0 for message in messages(store)) == list(range(1, 31))
    with store.reading() as work:
        assert len(work.deliveries.of_webhook(hook, within=ROOT)) == 30


def test_a_claim_is_one_workers_until_its_lease_runs_out(store: Store, clock: Clock) -> None:
    hook = add_webhook(store)
    put(store, result=HIGH)
    dispatch(store)
    with store.writing() as work:
        [first] = work.deliveries.claim(hook, limit=5)
    with store.writing() as work:
        assert work.deliveries.claim(hook, limit=5) == []
        assert work.deliveries.due_webhooks() == []
    clock.advance(seconds=LEASE.total_seconds())
    with store.writing() as work:
        [second] = work.deliveries.claim(hook, limit=5)
        work.deliveries.delivered(second, "200")
    with store.writing() as work:
        work.deliveries.failed(first, "timeout", retry_after=timedelta(seconds=5), is_down=True)
    with store.reading() as work:
        [row] = work.deliveries.of_webhook(hook, within=ROOT)
    assert (first.message_id, row.state) == (second.message_id, "delivered")


def test_a_signing_secret_is_nowhere_in_clear_and_survives_rotation(store: Store, url: str) -> None:
    put(store)
    with store.writing() as work:
        hook, secret = work.webhooks.add(name="x", url=URL, unit_id="east", kinds=[HIGH_RISK], within=EAST)
    assert len(secret) == 32
    forms = (secret.hex(), secret.decode("utf-8", "replace"))
    assert [table for table, value in all_values(store) if value in forms] == []
    assert str(secret) not in repr(hook)
    both = open_store(url, masters("2026b", "2026a"))
    assert rotate(both, actor_id="cli") == 3
    both.close()
    rotated = open_store(url, masters("2026b"))
    with rotated.writing() as work:
        assert work.webhooks.secret(hook.id) == secret
        work.webhooks.remove(hook.id, within=EAST)
        with pytest.raises(NotFoundError):
            work.webhooks.secret(hook.id)
    rotated.close()
    with pytest.raises(KeyMaterialError):
        open_store(url, masters("2026a"))


def test_webhooks_are_managed_only_in_the_own_part(store: Store) -> None:
    other = add_webhook(store, "east")
    with store.writing() as work:
        for refused in (
            lambda: work.webhooks.add(name="x", url=URL, unit_id="east", kinds=[HIGH_RISK], within=WEST),
            lambda: work.webhooks.get(other, within=WEST),
            lambda: work.webhooks.switch(other, is_active=False, within=WEST),
            lambda: work.webhooks.remove(other, within=WEST),
            lambda: work.deliveries.of_webhook(other, within=WEST),
            lambda: work.deliveries.resend(other, within=WEST),
        ):
            with pytest.raises(NotFoundError):
                refused()
        assert work.webhooks.all(within=WEST) == []


@pytest.mark.parametrize(("unit", "kinds"), [("head", []), ("head", ["case.deleted"]), ("east", [AUDIT_HEAD])])
def test_kinds_are_checked(store: Store, unit: str, kinds: list[str]) -> None:
    """The audit head is the whole bank's: no branch gets it."""
    with pytest.raises(StoreError) as caught:
        add_webhook(store, unit, kinds=kinds)
    assert caught.value.code == "webhook_kind_invalid"
