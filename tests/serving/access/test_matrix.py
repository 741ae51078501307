"""Every route × every kind of caller × own unit, unit below, other branch. The table is `matrix.py`."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import count

import pytest
from httpx import Response
from starlette.routing import BaseRoute, Mount

from data.days import china_day
from data.store.api_keys import NewApiKey
from data.store.organisation import WORKING_ROLES
from data.store.records import NewImport
from data.store.scope import ROOT
from data.store.unit_of_work import utc_now
from models.predictor import Predictor
from serving.access.permissions import PERMISSIONS, PERMISSIONS_OF_ROLE
from tests.conftest import new_database
from tests.data.store.cases import label, put, told, user_id
from tests.serving.access.matrix import ALL, KEYS, MATRIX, PERSONS, WITHOUT_TOKEN, On, Row
from tests.serving.banks import TOKEN, Bank, bearer, open_bank

OWN, BELOW, OTHER, NEVER = "east", "east-1", "west", "never-was"
PLACES = (OWN, BELOW, OTHER, NEVER)
BY_PATH = (On.CASE, On.USER, On.UNIT, On.KEY, On.ALERT, On.WEBHOOK, On.IMPORT)
LISTED = {
    On.LIST_CASES: On.CASE,
    On.LIST_USERS: On.USER,
    On.LIST_UNITS: On.UNIT,
    On.LIST_KEYS: On.KEY,
    On.LIST_ALERTS: On.ALERT,
    On.LIST_WEBHOOKS: On.WEBHOOK,
    On.LIST_IMPORTS: On.IMPORT,
}
RECEIVER = "127.0.0.1:9"
POLICY_ROWS = {"code": "D7.1", "unconfirmed": "D7.2"}
MOUNTS = ("/static-offline-docs/", "/console/")
_numbers = count()


@dataclass(frozen=True, kw_only=True)
class World:
    """A bank with one caller of each kind in the branch `east` and in `head`, and things in each unit."""

    bank: Bank
    callers: Mapping[str, Mapping[str, dict[str, str]]]
    marks: dict[tuple[On, str], str]
    handler: str
    """Of the branch `east`."""


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, tiny_predictor: Predictor
) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("matrix")
    with (
        new_database(request, folder, name="matrix") as url,
        open_bank(url, tiny_predictor, webhook_hosts=(RECEIVER,)) as bank,
    ):
        with bank.store.writing() as work:
            work.users.add(login="labeller", name="初审", role="handler", unit_id=OWN, within=ROOT)
        callers = {unit: _callers(bank, unit) for unit in (OWN, "head")}
        marks = {(on, place): _thing(bank, on, place) for on in BY_PATH for place in (OWN, BELOW, OTHER)}
        yield World(bank=bank, callers=callers, marks=marks, handler=user_id(bank.store, "handler-east"))


def _callers(bank: Bank, unit: str) -> dict[str, dict[str, str]]:
    persons = {role: _person(bank, role, unit) for role in PERSONS.split()}
    keys = {
        "key": bank.key(unit),
        "key-auditor": bank.key(unit, role="auditor"),
        "key-supervisor": bank.key(unit, role="supervisor"),
        "key-without-scopes": bank.key(unit, scopes=()),
    }
    assert set(keys) == set(KEYS.split())
    return {**persons, **keys, "settings-token": bearer(TOKEN), "nobody": {}, "wrong-token": bearer("xb_0_wrong")}


def _person(bank: Bank, role: str, unit: str) -> dict[str, str]:
    with bank.store.writing() as work:
        work.users.add(login=f"caller-{role}-{unit}", name="来人", role=role, unit_id=unit, within=ROOT)
    return _signed_in(bank, role, unit)


def _signed_in(bank: Bank, role: str, unit: str) -> dict[str, str]:
    with bank.store.writing() as work:
        user = work.users.by_login(f"caller-{role}-{unit}", within=ROOT)
        return bearer(work.sign_in.open_session(user.id))


def _thing(bank: Bank, on: On, place: str) -> str:
    """Something new in a unit, by its id; where it never was, an id of the same form."""
    if place == NEVER:
        return "20261130-00000000" if on is On.CASE else NEVER
    if on is On.CASE:
        return put(bank.store, unit_id=place, received_at=utc_now()).id
    number = next(_numbers)
    if on is On.ALERT:
        return _alert(bank, put(bank.store, unit_id=place).id)
    with bank.store.writing() as work:
        if on is On.WEBHOOK:
            hook = {"name": "某", "url": f"http://{RECEIVER}/", "kinds": ["case.high_risk"]}
            return work.webhooks.add(**hook, unit_id=place, within=ROOT)[0].id  # type: ignore[arg-type]
        if on is On.IMPORT:
            return work.imports.add(_file(number, place), within=ROOT).job.id
        if on is On.USER:
            return work.users.add(login=f"u{number}", name="某", role="handler", unit_id=place, within=ROOT).id
        if on is On.UNIT:
            return work.units.add(f"unit-{number}", name="某", parent_id=place, within=ROOT).id
        new = NewApiKey(name="某", source_system=f"s{number}", role="system", unit_id=place, scopes=PERMISSIONS)
        return work.api_keys.add(new, actor_id="test", within=ROOT).key.id


def _alert(bank: Bank, case_id: str) -> str:
    with bank.store.reading() as work:
        return next(alert.id for alert, case in work.alerts.listed(within=ROOT) if case.id == case_id)


def _file(number: int, unit_id: str) -> NewImport:
    content = f"text\n信用卡多收了 {number} 元\n".encode()
    return NewImport(
        actor_id="test", unit_id=unit_id, source_system="test", format="csv", file_name="a.csv",
        sha256=hashlib.sha256(content).hexdigest(), rows=1, content=content,
    )  # fmt: skip


def test_the_store_gives_cases_to_whom_the_service_lets_decide() -> None:
    assert {role for role, may in PERMISSIONS_OF_ROLE.items() if "cases.label" in may} == WORKING_ROLES


def test_every_route_stands_in_the_matrix(world: World) -> None:
    app = world.bank.client.app
    rows = {_pattern(row.route) for row in MATRIX}
    walked = {_pattern(route) for route in _routes(app.routes)}  # type: ignore[attr-defined]
    documented = {
        _pattern(f"{method.upper()} {path}")
        for path, operations in app.openapi()["paths"].items()  # type: ignore[attr-defined]
        for method in operations
    }
    assert walked | documented == rows


def _routes(routes: Iterable[BaseRoute]) -> Iterator[str]:
    for route in routes:
        included = getattr(route, "original_router", None)
        if included is not None:
            yield from _routes(included.routes)
        elif isinstance(route, Mount):
            yield f"GET {route.path}/"
        else:
            yield from (f"{method} {route.path}" for method in route.methods - {"HEAD"})  # type: ignore[attr-defined]


def _pattern(route: str) -> str:
    """A route without query and names; what lies below a mount is the mount."""
    method, path = route.split(" ", 1)
    bare = re.sub(r"\{[^}]*\}", "{}", path.split("?")[0])
    return f"{method} {next((mount for mount in MOUNTS if bare.startswith(mount)), bare)}"


@pytest.mark.parametrize("row", MATRIX, ids=lambda row: row.route)
def test_who_may_do_it_where(world: World, row: Row) -> None:
    if row.on is On.LIST_ALERTS:  # the list shows the latest alone, and every new case here raises one
        world.marks.update({(On.ALERT, place): _thing(world.bank, On.ALERT, place) for place in (OWN, BELOW, OTHER)})
    expected = {attempt: _expected(row, *attempt) for attempt in _attempts(row)}
    found = {}
    for attempt, status in expected.items():
        is_let_in = status == row.ok
        if row.endless and is_let_in:
            found[attempt] = status
            continue
        answer = _call(world, row, *attempt, is_let_in=is_let_in)
        found[attempt] = answer.status_code
        if row.on in LISTED and is_let_in:
            _check_list(world, row, answer)
        caller, unit, place = attempt
        if status == 404 and place == OTHER:
            assert answer.content == _call(world, row, caller, unit, NEVER, is_let_in=False).content
    assert found == expected


def _attempts(row: Row) -> Iterator[tuple[str, str, str]]:
    """Callers, their units, places. Who is refused anywhere is tried at the nearest place and the farthest."""
    callers = "nobody" if row.on is On.OPEN else f"{ALL} {WITHOUT_TOKEN}"
    for caller in callers.split():
        for unit in (OWN, "head") if row.on is On.WHOLE_BANK else (OWN,):
            for place in PLACES if row.on in (*BY_PATH, On.IN_UNIT) else (OWN,):
                if caller in row.who.split() or place in (OWN, OTHER):
                    yield caller, unit, place


def _expected(row: Row, caller: str, unit: str, place: str) -> int:
    if row.on is On.OPEN:
        return row.ok
    if caller in WITHOUT_TOKEN.split():
        return 401
    if caller not in row.who.split() or (row.on is On.WHOLE_BANK and unit != "head"):
        return 403
    return 404 if place in (OTHER, NEVER) else row.ok


def _call(world: World, row: Row, caller: str, unit: str, place: str, *, is_let_in: bool) -> Response:
    """Who is let in gets something new to work on: it may be gone afterwards."""
    bank, values = world.bank, {"unit": place, "user": world.handler, "new": f"new-{next(_numbers)}", **POLICY_ROWS}
    if row.on in BY_PATH:
        is_new = is_let_in or place == NEVER
        values[row.on.value] = _thing(bank, row.on, place) if is_new else world.marks[row.on, place]
    if "{own}" in row.route:
        kind = {"cases": On.CASE, "users": On.USER, "units": On.UNIT}[row.route.split("/")[2]]
        values["own"] = _thing(bank, kind, OWN)
    method, path = row.route.split(" ", 1)
    case_id = values.get(On.CASE.value) or values.get("own", "")
    now = utc_now()
    values |= {"now": now.isoformat(), "today": china_day(now).isoformat(), "made": "1"}
    if row.prepared and is_let_in:
        values["made"] = str(PREPARED[row.prepared](bank, case_id, now))
    is_anew = row.signs_out and caller in PERSONS.split()
    caller_headers = _signed_in(bank, caller, unit) if is_anew else world.callers[unit][caller]
    headers = {**caller_headers, **(_version(bank, case_id) if row.versioned else {})}
    body = None if row.json is None else json.loads(_filled(json.dumps(row.json, ensure_ascii=False), values))
    answer: Response = bank.client.request(method, _filled(path, values), headers=headers, json=body)
    return answer


def _filled(text: str, values: Mapping[str, str]) -> str:
    return re.sub(r"\{([a-z_]+)\}", lambda name: values[name[1]], text)


def _version(bank: Bank, case_id: str) -> dict[str, str]:
    if case_id == _thing(bank, On.CASE, NEVER):
        return {"If-Match": '"1.0"'}
    with bank.store.reading() as work:
        return {"If-Match": f'"{work.cases.version(case_id, within=ROOT)}"'}


def _lower(bank: Bank, case_id: str, _now: datetime) -> int:
    labeller = user_id(bank.store, "labeller")
    with bank.store.writing() as work:
        return work.labels.add(case_id, label(labeller, flags=("P02",)), within=ROOT).id


def _ask(bank: Bank, case_id: str, _now: datetime) -> int:
    labeller = user_id(bank.store, "labeller")
    more = {"step": "D2", "total": 30, "reason": "情况复杂"}
    with bank.store.writing() as work:
        return work.extensions.request(case_id, **more, user_id=labeller, within=ROOT).id  # type: ignore[arg-type]


def _grant(bank: Bank, case_id: str, now: datetime) -> int:
    extension = _ask(bank, case_id, now)
    supervisor = user_id(bank.store, "supervisor-east")
    with bank.store.writing() as work:
        return work.extensions.approve(case_id, extension, user_id=supervisor, within=ROOT).id


def _add_fact(bank: Bank, case_id: str, now: datetime) -> int:
    with bank.store.writing() as work:
        return work.clocks.add_new_facts(case_id, at=now, actor_id="test", within=ROOT).id


def _pause(bank: Bank, case_id: str, now: datetime) -> int:
    times = {"began_at": now, "notified_on": china_day(now)}
    with bank.store.writing() as work:
        return work.clocks.begin_pause(case_id, "mediation", **times, actor_id="test", within=ROOT).id  # type: ignore[arg-type]


def _close(bank: Bank, case_id: str, now: datetime) -> int:
    with bank.store.writing() as work:
        work.cases.close(case_id, told(now), actor_id="test", within=ROOT)
    return 0


PREPARED = {
    "lowered": _lower, "asked": _ask, "granted": _grant, "fact": _add_fact, "paused": _pause, "closed": _close,
}  # fmt: skip


def _check_list(world: World, row: Row, answer: Response) -> None:
    kind = LISTED[row.on]
    shown = {place: f'"{world.marks[kind, place]}"' in answer.text for place in (OWN, BELOW, OTHER)}
    assert shown == {OWN: True, BELOW: True, OTHER: False}
    assert '"west"' not in answer.text
