"""How far the audit log has come is told once a day, whoever looks after it."""

import threading

from data.store.outbox import AUDIT_HEAD
from data.store.scope import ROOT
from data.store.unit_of_work import Store, open_store
from serving.notifications.rounds import dispatch, note_audit_head
from tests.data.store.cases import Clock, masters
from tests.data.store.test_outbox import add_webhook, messages


def test_once_a_day_in_china(store: Store, clock: Clock) -> None:
    """The clock stands at ten in the morning in China."""
    with store.writing() as work:
        first = work.audit.append("user.changed", actor_id="cli")
    for _ in range(3):
        note_audit_head(store)
    clock.advance(hours=13, minutes=59)
    note_audit_head(store)
    [message] = messages(store, AUDIT_HEAD)
    assert message.payload == {"date": "2026-11-30", "seq": 1, "hash": first.hash, "head": f"1:{first.hash}"}
    clock.advance(minutes=1)
    with store.writing() as work:
        work.audit.append("user.changed", actor_id="cli")
    note_audit_head(store)
    assert [(m.payload["date"], m.payload["seq"]) for m in messages(store, AUDIT_HEAD)] == [
        ("2026-11-30", 1),
        ("2026-12-01", 2),
    ]


def test_two_replicas_tell_it_once(store: Store, url: str, clock: Clock) -> None:
    others = [open_store(url, masters("2026a"), now=clock) for _ in range(3)]
    threads = [threading.Thread(target=note_audit_head, args=(each,)) for each in (store, *others)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for other in others:
        other.close()
    assert len(messages(store, AUDIT_HEAD)) == 1


def test_it_goes_to_the_top_only(store: Store) -> None:
    subscribed, not_subscribed = add_webhook(store, kinds=[AUDIT_HEAD]), add_webhook(store)
    note_audit_head(store)
    dispatch(store)
    with store.reading() as work:
        assert len(work.deliveries.of_webhook(subscribed, within=ROOT)) == 1
        assert work.deliveries.of_webhook(not_subscribed, within=ROOT) == []
