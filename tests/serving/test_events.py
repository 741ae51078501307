"""The event stream over a real server: what happened in the caller's units, from where the client left off."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

import httpx
import pytest

from data.store.unit_of_work import Store
from models.predictor import Predictor
from serving.api import events
from tests.data.store.cases import TEXT, put, result, user_id
from tests.serving.banks import Bank, served
from tests.serving.notifications.test_delivery import until

HIGH = result(flags=("P02",))
Lines = Iterator[str]


@dataclass(frozen=True, kw_only=True)
class Event:
    id: int
    kind: str
    case_id: str


@pytest.fixture
def service(url: str, tiny_predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Store]]:
    monkeypatch.setattr(events, "LOOK_SECONDS", 0.05)
    with served(url, tiny_predictor, event_streams=2) as opened:
        yield opened


def follower(store: Store, unit: str = "east") -> dict[str, str]:
    return Bank(client=None, store=store).key(unit, scopes=["alerts.follow"])  # type: ignore[arg-type]


@contextmanager
def following(address: str, headers: dict[str, str], after: int | None = None) -> Iterator[Lines]:
    more = {} if after is None else {"Last-Event-ID": str(after)}
    with (
        httpx.Client(trust_env=False, timeout=10) as client,
        client.stream("GET", f"{address}/v1/events", headers=headers | more) as response,
    ):
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        lines = response.iter_lines()
        assert next(lines) == ": following"
        yield lines


def next_event(lines: Lines) -> Event:
    """The next one with data."""
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "data" in fields:
            data = json.loads(fields["data"])
            assert data["type"] == fields["event"]
            return Event(id=int(fields["id"]), kind=fields["event"], case_id=data["data"]["case_id"])
        else:
            fields = {}
    raise AssertionError("the stream ended")


def test_only_what_happens_from_now_on_and_in_the_own_units(service: tuple[str, Store]) -> None:
    address, store = service
    put(store, result=HIGH)
    until(lambda: _is_dispatched(store))
    with following(address, follower(store)) as lines:
        put(store, unit_id="west", result=HIGH)
        own = put(store, unit_id="east-1", result=HIGH)
        event = next_event(lines)
    assert (event.kind, event.case_id) == ("case.high_risk", own.id)


def test_alerts_and_their_acknowledgement_are_followed(service: tuple[str, Store]) -> None:
    address, store = service
    with following(address, follower(store)) as lines:
        put(store)
        assert {next_event(lines).kind for _ in range(2)} == {"case.high_risk", "alert.notice"}
        with store.writing() as work:
            [(alert, _)] = work.alerts.listed(within="/")
            user = work.users.by_login("supervisor-east", within="/").id
            work.alerts.acknowledge(alert.id, user_id=user, within="/")
        assert next_event(lines).kind == "alert.acknowledged"
    assert user == user_id(store, "supervisor-east")


def test_it_goes_on_where_the_client_left_off(service: tuple[str, Store], monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing twice, nothing lost, over more than one page."""
    monkeypatch.setattr(events, "PAGE", 2)
    address, store = service
    headers = follower(store)
    cases = [put(store, result=HIGH).id for _ in range(4)]
    until(lambda: _is_dispatched(store))
    with following(address, headers, after=0) as lines:
        first = next_event(lines)
    cases.append(put(store, result=HIGH).id)
    with following(address, headers, after=first.id) as lines:
        rest = [next_event(lines) for _ in range(4)]
    ids = [event.id for event in (first, *rest)]
    assert ids == sorted(set(ids))
    assert {event.case_id for event in (first, *rest)} == set(cases)


def test_a_position_of_the_future_hides_nothing(service: tuple[str, Store]) -> None:
    """As after a restore from a backup."""
    address, store = service
    with following(address, follower(store), after=10**6) as lines:
        case = put(store, result=HIGH)
        assert next_event(lines).case_id == case.id


def test_no_text_in_the_stream(service: tuple[str, Store]) -> None:
    address, store = service
    with following(address, follower(store), after=0) as lines:
        put(store, TEXT, external_id="王丽的来电")
        data = list(islice((line for line in lines if line.startswith("data:")), 2))
    assert all(line.isascii() for line in data)


def test_heartbeats_and_an_end_that_asks_for_the_right_anew(
    service: tuple[str, Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, store = service
    monkeypatch.setattr(events, "HEARTBEAT_SECONDS", 0.1)
    monkeypatch.setattr(events, "LONGEST_SECONDS", 0.6)
    with following(address, follower(store)) as lines:
        rest = list(lines)
    assert len([line for line in rest if line.startswith(": ping")]) >= 2


def test_streams_are_limited(service: tuple[str, Store]) -> None:
    address, store = service
    headers = follower(store)
    with following(address, headers), following(address, headers):
        refused = httpx.get(f"{address}/v1/events", headers=headers, trust_env=False)
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "streams_full")
        assert refused.headers["Retry-After"] == "10"
    until(lambda: _opens(address, headers))


def test_who_may_follow(service: tuple[str, Store]) -> None:
    address, store = service
    keys = Bank(client=None, store=store)  # type: ignore[arg-type]
    for headers, status in (({}, 401), (keys.key(scopes=["triage"]), 403), (keys.key(role="engineer"), 403)):
        assert httpx.get(f"{address}/v1/events", headers=headers, trust_env=False).status_code == status
    wrong = {**follower(store), "Last-Event-ID": "abc"}
    answer = httpx.get(f"{address}/v1/events", headers=wrong, trust_env=False)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "request_invalid")


def _is_dispatched(store: Store) -> bool:
    with store.reading() as work:
        return work.outbox.last_position(within="/") > 0 and work.outbox.waiting_since() is None


def _opens(address: str, headers: dict[str, str]) -> bool:
    with httpx.Client(trust_env=False) as client:
        request = client.build_request("GET", f"{address}/v1/events", headers=headers)
        response = client.send(request, stream=True)
        response.close()
        return response.status_code == 200
