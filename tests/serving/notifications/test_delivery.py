"""Messages reach a real receiver, signed, each once as far as possible and never lost."""

import json
import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import BinaryIO

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from data.errors import StoreUnavailableError
from data.store.deliveries import LEASE, ListedDelivery
from data.store.outbox import HIGH_RISK, KINDS
from data.store.scope import ROOT
from data.store.unit_of_work import Store, open_store
from serving.notifications.delivery import DeliveryWorker
from serving.notifications.rounds import dispatch, measure, notify_alerts
from serving.notifications.service import Notifications
from serving.settings import Settings
from serving.telemetry import Telemetry
from tests.data.store.cases import Clock, masters, put, result
from tests.serving.notifications.receiver import Receiver, receiving

HIGH = result(flags=("P02",))
RETRIES = Settings().webhook_retry_seconds


def settings(*receivers: Receiver, timeout: float = 1.0) -> Settings:
    return Settings(webhook_hosts=tuple(receiver.host for receiver in receivers), webhook_timeout_seconds=timeout)


def worker(store: Store, *receivers: Receiver, timeout: float = 1.0) -> DeliveryWorker:
    return DeliveryWorker(lambda: store, settings(*receivers, timeout=timeout), Telemetry(), jitter=lambda: 1.0)


def add_webhook(
    store: Store, receiver: Receiver, unit: str = "head", *, kinds: Sequence[str] = (HIGH_RISK,)
) -> tuple[str, bytes]:
    with store.writing() as work:
        webhook, secret = work.webhooks.add(name="测试", url=receiver.url, unit_id=unit, kinds=kinds, within=ROOT)
        return webhook.id, secret


def put_high(store: Store, count: int = 1) -> None:
    for _ in range(count):
        put(store, result=HIGH)
    dispatch(store)


def deliveries(store: Store, webhook_id: str) -> Sequence[ListedDelivery]:
    with store.reading() as work:
        return work.deliveries.of_webhook(webhook_id, within=ROOT)


def until(happened: Callable[[], object], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def test_a_message_arrives_signed(store: Store, receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    webhook_id, secret = add_webhook(store, receiver)
    put_high(store)
    worker(store, receiver).deliver_due()
    [(headers, body)] = receiver.requests
    content = Webhook(secret).verify(body, headers)
    assert (content["type"], content["id"]) == (HIGH_RISK, headers["webhook-id"])
    assert content["timestamp"] == "2026-11-30T02:00:00+00:00"
    assert headers["content-type"] == "application/json"
    [row] = deliveries(store, webhook_id)
    assert (row.state, row.attempts, row.last_status) == ("delivered", 1, "200")
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body.replace(b"P02", b"P03"), headers)
    worker(store, receiver).deliver_due()
    assert len(receiver.requests) == 1
    assert receiver.url not in caplog.text


def test_no_complaint_text_leaves(store: Store, receiver: Receiver) -> None:
    add_webhook(store, receiver, kinds=KINDS)
    put(store, external_id="王丽的来电")
    notify_alerts(store)
    dispatch(store)
    worker(store, receiver).deliver_due()
    assert {json.loads(body)["type"] for _, body in receiver.requests} == {"case.high_risk", "alert.notice"}
    for _, body in receiver.requests:
        assert body.isascii()


def test_a_redirect_is_not_followed(store: Store, receiver: Receiver) -> None:
    with receiving() as elsewhere:
        receiver.status, receiver.location = 307, elsewhere.url
        webhook_id, _ = add_webhook(store, receiver)
        put_high(store)
        worker(store, receiver, elsewhere).deliver_due()
        assert elsewhere.requests == []
    [row] = deliveries(store, webhook_id)
    assert (row.state, row.last_status) == ("waiting", "307")


def test_a_host_that_is_no_longer_allowed_is_refused_when_sending(store: Store, receiver: Receiver) -> None:
    webhook_id, _ = add_webhook(store, receiver)
    put_high(store)
    worker(store).deliver_due()
    assert receiver.requests == []
    assert [row.last_status for row in deliveries(store, webhook_id)] == ["host_refused"]


def test_proxies_of_the_environment_are_not_used(
    store: Store, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiving() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://{proxy.host}")
        add_webhook(store, receiver)
        put_high(store)
        worker(store, receiver).deliver_due()
        assert proxy.requests == []
    assert len(receiver.requests) == 1


def test_a_receiver_that_was_down_gets_everything_when_it_is_up(store: Store, clock: Clock) -> None:
    """While it is down each round tries one message, not all."""
    with receiving() as gone:
        pass
    webhook_id, _ = add_webhook(store, gone)
    put_high(store, 7)
    for _ in range(3):
        worker(store, gone).deliver_due()
        assert sum(row.attempts for row in deliveries(store, webhook_id)) == 1
    assert {row.last_status for row in deliveries(store, webhook_id)} == {"connect_failed", None}
    clock.advance(seconds=RETRIES[0])
    with receiving(gone.port) as back:
        worker(store, back).deliver_due()
        assert len(set(back.ids)) == len(back.ids) == 7
    assert {row.state for row in deliveries(store, webhook_id)} == {"delivered"}


def test_a_retry_has_the_same_id_and_a_new_signature(store: Store, receiver: Receiver, clock: Clock) -> None:
    _, secret = add_webhook(store, receiver)
    put_high(store)
    receiver.status = 500
    worker(store, receiver).deliver_due()
    clock.advance(seconds=RETRIES[0])
    receiver.status = 204
    worker(store, receiver).deliver_due()
    assert len(receiver.ids) == 2
    assert len(set(receiver.ids)) == 1
    for headers, body in receiver.requests:
        Webhook(secret).verify(body, headers)


def test_after_the_last_attempt_it_is_dead_and_can_be_sent_again(
    store: Store, receiver: Receiver, clock: Clock
) -> None:
    webhook_id, _ = add_webhook(store, receiver)
    put_high(store)
    receiver.status = 503
    for pause in RETRIES:
        worker(store, receiver).deliver_due()
        clock.advance(seconds=pause - 0.1)
        count = len(receiver.requests)
        worker(store, receiver).deliver_due()
        assert len(receiver.requests) == count
        clock.advance(seconds=60)  # a webhook that is down rests for up to a minute
    worker(store, receiver).deliver_due()
    [row] = deliveries(store, webhook_id)
    assert (row.state, row.attempts, row.last_status) == ("dead", len(RETRIES) + 1, "503")
    clock.advance(days=30)
    worker(store, receiver).deliver_due()
    assert len(receiver.requests) == len(RETRIES) + 1
    receiver.status = 200
    with store.writing() as work:
        assert work.deliveries.resend(webhook_id, within=ROOT, message_ids=["msg_unknown"]) == 0
        assert work.deliveries.resend(webhook_id, within=ROOT) == 1
    worker(store, receiver).deliver_due()
    assert [row.state for row in deliveries(store, webhook_id)] == ["delivered"]
    assert len(set(receiver.ids)) == 1


def test_pauses_are_jittered(store: Store, receiver: Receiver) -> None:
    webhook_id, _ = add_webhook(store, receiver)
    put_high(store, 12)
    receiver.status = 404
    DeliveryWorker(lambda: store, settings(receiver), Telemetry()).deliver_due()
    nexts = {row.next_attempt_at for row in deliveries(store, webhook_id)}
    assert len(nexts) > 6


def test_a_refusal_of_one_message_holds_up_no_other(store: Store, receiver: Receiver) -> None:
    """4xx says something of the message, not of the receiver."""
    webhook_id, _ = add_webhook(store, receiver)
    put_high(store, 3)
    receiver.status = 422
    worker(store, receiver).deliver_due()
    assert [row.attempts for row in deliveries(store, webhook_id)] == [1, 1, 1]


def test_a_slow_receiver_times_out_and_holds_up_no_other(store: Store, receiver: Receiver) -> None:
    with receiving() as slow:
        answer = threading.Event()
        slow.before_answer = lambda _stream: answer.wait(5)
        slow_id, _ = add_webhook(store, slow)
        add_webhook(store, receiver)
        put_high(store, 3)
        worker(store, receiver, slow, timeout=0.3).deliver_due()
        answer.set()
    assert len(receiver.requests) == 3
    assert len(slow.requests) == 1
    assert "timeout" in {row.last_status for row in deliveries(store, slow_id)}


def test_the_limit_of_time_is_for_the_whole_attempt(store: Store, receiver: Receiver) -> None:
    """Not for each piece: this one sends a byte again and again."""
    ended = threading.Event()

    def drip(stream: BinaryIO) -> None:
        stream.write(b"HTTP/1.1 200 OK\r\n")
        while not ended.wait(0.05):
            try:
                stream.write(b"X: y\r\n")
            except OSError:
                return

    receiver.before_answer = drip
    webhook_id, _ = add_webhook(store, receiver)
    put_high(store)
    worker(store, receiver, timeout=0.3).deliver_due()
    ended.set()
    assert [row.last_status for row in deliveries(store, webhook_id)] == ["timeout"]


def test_a_webhook_gets_its_own_part_only(store: Store, receiver: Receiver) -> None:
    add_webhook(store, receiver, "east")
    put(store, unit_id="west", result=HIGH)
    own = put(store, unit_id="east-1", result=HIGH)
    dispatch(store)
    worker(store, receiver).deliver_due()
    assert [json.loads(body)["data"]["case_id"] for _, body in receiver.requests] == [own.id]


def test_what_a_crashed_worker_had_in_hand_is_sent_after_its_lease(
    store: Store, receiver: Receiver, clock: Clock
) -> None:
    webhook_id, _ = add_webhook(store, receiver)
    put_high(store)
    with store.writing() as work:
        assert len(work.deliveries.claim(webhook_id, limit=5)) == 1
    worker(store, receiver).deliver_due()
    assert receiver.requests == []
    clock.advance(seconds=LEASE.total_seconds())
    worker(store, receiver).deliver_due()
    assert len(receiver.requests) == 1


def test_two_workers_deliver_each_message_once(store: Store, url: str, receiver: Receiver, clock: Clock) -> None:
    """As two replicas on one database; on SQLite as two processes."""
    add_webhook(store, receiver)
    put_high(store, 40)
    other = open_store(url, masters("2026a"), now=clock)
    workers = [worker(each, receiver) for each in (store, other)]
    threads = [threading.Thread(target=each.deliver_due) for each in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    assert len(receiver.ids) == len(set(receiver.ids)) == 40


def test_committed_before_the_start_it_is_sent_after_it(store: Store, receiver: Receiver) -> None:
    """The process died between commit and dispatch: the next one tells it. And a database that is away comes back."""
    add_webhook(store, receiver, kinds=KINDS)
    put(store)
    refusals = iter(range(4))

    def get_store() -> Store:
        if next(refusals, None) is not None:
            raise StoreUnavailableError("gone", "gone")
        return store

    notifications = Notifications(get_store, settings(receiver), Telemetry())
    notifications.start()
    until(lambda: len(receiver.requests) == 3)
    started = time.monotonic()
    notifications.stop()
    assert time.monotonic() - started < 2
    kinds = sorted(json.loads(body)["type"] for _, body in receiver.requests)
    assert kinds == ["alert.notice", "audit.head", "case.high_risk"]
    assert [thread.name for thread in threading.enumerate() if "webhook" in thread.name] == []


def test_stops_in_time_while_a_receiver_hangs(store: Store, receiver: Receiver) -> None:
    answer = threading.Event()
    receiver.before_answer = lambda _stream: answer.wait(8)
    webhook_id, _ = add_webhook(store, receiver)
    put_high(store)
    running = worker(store, receiver, timeout=5.0)
    running.start()
    until(lambda: receiver.requests)
    started = time.monotonic()
    running.stop()
    stopped = time.monotonic() - started
    answer.set()
    assert stopped < 2
    assert [row.state for row in deliveries(store, webhook_id)] == ["waiting"]


def test_a_webhook_that_is_off_keeps_no_alert_up(store: Store, receiver: Receiver, clock: Clock) -> None:
    webhook_id, _ = add_webhook(store, receiver)
    put_high(store)
    dispatch(store)
    clock.advance(hours=1)
    for is_active, oldest in ((True, clock.now - timedelta(hours=1)), (False, None)):
        with store.writing() as work:
            work.webhooks.switch(webhook_id, is_active=is_active, within=ROOT)
            state = work.deliveries.state(within=ROOT)
        assert (state.waiting, state.oldest) == (1, oldest)


def test_what_waits_is_measured(store: Store, receiver: Receiver, clock: Clock) -> None:
    add_webhook(store, receiver)
    put_high(store, 2)
    put(store)
    clock.advance(seconds=90)
    telemetry = Telemetry()
    measure(store, telemetry)

    def value(name: str, **labels: str) -> float | None:
        return telemetry.registry.get_sample_value(name, labels)

    assert (value("xiaobao_outbox_waiting"), value("xiaobao_outbox_oldest_seconds")) == (2, 90)
    assert (value("xiaobao_outbox_dead"), value("xiaobao_alerts_open")) == (0, 1)
    DeliveryWorker(lambda: store, settings(receiver), telemetry).deliver_due()
    measure(store, telemetry)
    assert (value("xiaobao_outbox_waiting"), value("xiaobao_outbox_oldest_seconds")) == (0, 90)  # not yet dispatched
    dispatch(store)
    DeliveryWorker(lambda: store, settings(receiver), telemetry).deliver_due()
    measure(store, telemetry)
    assert value("xiaobao_outbox_oldest_seconds") == 0
    assert value("xiaobao_webhook_attempts_total", outcome="delivered") == 3
