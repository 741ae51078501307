"""More time needs four eyes, the right approver, and a complainant who was told in time."""

from datetime import timedelta

import pytest

from data.days import china_day
from data.errors import ClockError, NotAllowedError, NotFoundError, StoreError, XiaobaoError
from data.store.clock_tables import ClockExtension
from data.store.extensions import capacities
from data.store.scope import ROOT
from data.store.unit_of_work import Store
from tests.data.store.cases import EAST, HEAD, WEST, Clock, put, told, user_id
from tests.data.store.test_case_clocks import due


def ask(
    store: Store, case_id: str, *, who: str = "handler-east", step: str = "D2", total: int = 30, **more: str
) -> int:
    values = {"reason": "情况复杂", "within": EAST} | more
    with store.writing() as work:
        return work.extensions.request(case_id, step=step, total=total, user_id=user_id(store, who), **values).id


def add_people(store: Store) -> None:
    """A second supervisor in the east, one in its subbranch and one in the head office."""
    with store.writing() as work:
        for login, unit in (("second-east", "east"), ("supervisor-east-1", "east-1"), ("supervisor-head", "head")):
            work.users.add(login=login, name="测试", role="supervisor", unit_id=unit, within=ROOT)


def test_an_extension_counts_once_asked_for_approved_and_told(store: Store, clock: Clock) -> None:
    case = put(store)
    clock.advance(days=3)
    extension = ask(store, case.id)
    assert due(store, case) == ("D1", "2026-12-15")
    clock.advance(days=1)
    with store.writing() as work:
        assert [row.id for row in work.extensions.pending(within=EAST)] == [extension]
        assert work.extensions.pending(within=WEST) == []
        work.extensions.approve(case.id, extension, user_id=user_id(store, "supervisor-east"), within=EAST)
        assert work.extensions.pending(within=EAST) == []
    assert due(store, case) == ("D1", "2026-12-15"), "not told yet"
    clock.advance(days=1)
    with store.writing() as work:
        today = china_day(clock())
        work.extensions.record_notice(case.id, extension, notified_on=today, actor_id="x", within=EAST)
    assert due(store, case) == ("D1", "2026-12-30")
    with store.reading() as work:
        kinds = [event.kind for event in work.events.of_case(case.id, within=EAST)]
        actions = {entry.action for entry in work.audit.entries(within=ROOT, subject=case.id)}
        [row] = work.extensions.of_case(case.id, within=EAST)
    assert kinds == ["received", "extension_requested", "extension_approved", "extension_told"]
    assert actions == {f"case.{kind}" for kind in kinds[1:]}
    assert (row.approver_role, row.notified_on) == ("supervisor", today)


def test_nobody_decides_on_an_own_request(store: Store) -> None:
    case = put(store)
    extension = ask(store, case.id, who="supervisor-east")
    supervisor = user_id(store, "supervisor-east")
    for decide in ("approve", "refuse"):
        with pytest.raises(NotAllowedError) as caught, store.writing() as work:
            getattr(work.extensions, decide)(case.id, extension, user_id=supervisor, within=EAST)
        assert caught.value.code == "own_request"
    add_people(store)
    with store.writing() as work:
        work.extensions.approve(case.id, extension, user_id=user_id(store, "second-east"), within=EAST)


@pytest.mark.parametrize(
    ("step", "total", "reason", "source", "may"),
    [
        ("D2", 30, "情况复杂", "hotline", {"supervisor-east", "second-east", "supervisor-head", "compliance"}),
        ("D3", 60, "情况特别复杂", "hotline", {"supervisor-head"}),
        ("D11.1", 45, "情况复杂", "pboc", {"compliance"}),
        ("D19.3", 90, "情况复杂", "letter_visit", {"supervisor-east", "second-east", "supervisor-head"}),
    ],
)
def test_who_may_approve_what(store: Store, step: str, total: int, reason: str, source: str, may: set[str]) -> None:
    add_people(store)
    case = put(store, source=source)
    extension = ask(store, case.id, step=step, total=total, reason=reason)
    allowed = set()
    with store.reading() as work:
        people = work.users.all(within=ROOT)
    for person in people:
        try:
            with store.writing() as work:
                work.extensions.approve(case.id, extension, user_id=person.id, within=work.users.path_of(person.id))
                raise LookupError  # rolls back
        except LookupError:
            allowed.add(person.login)
        except (NotAllowedError, NotFoundError):
            pass
    assert allowed == may


@pytest.mark.parametrize(
    ("role", "path", "case_path", "expected"),
    [
        ("supervisor", EAST, EAST, {"supervisor", "unit_head"}),
        ("supervisor", EAST, "/head/east/east-1/", {"supervisor", "unit_head", "upper_unit"}),
        ("supervisor", HEAD, EAST, {"supervisor", "unit_head", "upper_unit", "head_office_executive"}),
        ("supervisor", HEAD, HEAD, {"supervisor", "unit_head", "head_office_executive"}),
        ("supervisor", EAST, HEAD, set()),
        ("supervisor", WEST, EAST, set()),
        ("supervisor", EAST, "/head/east2/", set()),
        ("compliance", HEAD, EAST, {"complaints_head"}),
        ("compliance", WEST, EAST, set()),
        ("handler", EAST, EAST, set()),
        ("admin", HEAD, EAST, set()),
        ("system", HEAD, EAST, set()),
    ],
)
def test_capacities(role: str, path: str, case_path: str, expected: set[str]) -> None:
    assert capacities(role=role, path=path, case_path=case_path) == expected


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"step": "D99"}, "extension_unknown"),
        ({"total": 31}, "extension_beyond_cap"),
        ({"reason": "忙不过来"}, "extension_wrong_reason"),
        ({"step": "D11.1"}, "extension_without_clock"),
        ({"who": "engineer"}, "not_allowed"),
        ({"who": "system"}, "not_allowed"),
        ({"within": WEST}, "not_found"),
    ],
)
def test_what_nobody_could_approve_is_not_even_asked_for(store: Store, values: dict[str, object], code: str) -> None:
    case = put(store)
    with pytest.raises(XiaobaoError) as caught:
        ask(store, case.id, **values)  # type: ignore[arg-type]
    assert caught.value.code == code
    with store.reading() as work:
        assert work.extensions.of_case(case.id, within=ROOT) == []


def test_a_limit_that_has_run_out_is_not_extended(store: Store, clock: Clock) -> None:
    case = put(store)
    clock.advance(days=15)
    extension = ask(store, case.id)
    clock.advance(days=1)
    with pytest.raises(ClockError) as caught, store.writing() as work:
        work.extensions.approve(case.id, extension, user_id=user_id(store, "supervisor-east"), within=EAST)
    assert caught.value.code == "extension_too_late"
    with pytest.raises(StoreError) as pending:
        ask(store, case.id)
    assert pending.value.code == "extension_pending"
    with store.writing() as work:
        work.extensions.refuse(
            case.id, extension, user_id=user_id(store, "supervisor-east"), within=EAST, note="已超期"
        )
    with pytest.raises(ClockError):
        ask(store, case.id)


def test_a_complainant_told_too_late_keeps_the_first_limit(store: Store, clock: Clock) -> None:
    case = put(store)
    clock.advance(days=14)
    extension = ask(store, case.id)
    with store.writing() as work:
        work.extensions.approve(case.id, extension, user_id=user_id(store, "supervisor-east"), within=EAST)
    clock.advance(days=4)
    for days, code in ((0, "extension_not_told"), (1, "time_invalid"), (-5, "extension_not_told")):
        told_on = china_day(clock()) + timedelta(days=days)
        with pytest.raises(XiaobaoError) as caught, store.writing() as work:
            work.extensions.record_notice(case.id, extension, notified_on=told_on, actor_id="x", within=EAST)
        assert caught.value.code == code
    with store.writing() as work:
        told_on = china_day(clock()) - timedelta(days=3)  # recorded late, told in time
        work.extensions.record_notice(case.id, extension, notified_on=told_on, actor_id="x", within=EAST)
    assert due(store, case) == ("D1", "2026-12-30")


def test_a_decision_is_made_once(store: Store, clock: Clock) -> None:
    case = put(store)
    extension = ask(store, case.id)
    supervisor, today = user_id(store, "supervisor-east"), china_day(clock())
    with store.writing() as work:
        row = work.extensions.approve(case.id, extension, user_id=supervisor, notified_on=today, within=EAST)
        assert row.notified_on == today
    assert due(store, case) == ("D1", "2026-12-30")
    for call in (
        lambda work: work.extensions.approve(case.id, extension, user_id=supervisor, within=EAST),
        lambda work: work.extensions.refuse(case.id, extension, user_id=supervisor, within=EAST),
        lambda work: work.extensions.record_notice(case.id, extension, notified_on=today, actor_id="x", within=EAST),
    ):
        with pytest.raises(StoreError) as caught, store.writing() as work:
            call(work)
        assert caught.value.code == "extension_decided"


def test_a_request_lapses_when_the_case_is_closed(store: Store, clock: Clock) -> None:
    case = put(store)
    extension = ask(store, case.id)
    with store.writing() as work:
        work.cases.close(case.id, told(clock()), actor_id="x", within=EAST)
        assert work.session.get_one(ClockExtension, extension).status == "lapsed"


def test_a_number_of_another_case_is_not_found(store: Store) -> None:
    case, other = put(store), put(store, "另一件")
    extension = ask(store, other.id)
    with pytest.raises(NotFoundError), store.writing() as work:
        work.extensions.approve(case.id, extension, user_id=user_id(store, "supervisor-east"), within=EAST)
