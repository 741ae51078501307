"""The organisation tree, and that nobody sees another branch's cases through any query."""

import inspect
from collections.abc import Callable

import pytest

from data.errors import NotAllowedError, NotFoundError, StoreError
from data.store.clock_records import Reopening
from data.store.records import CaseFilter
from data.store.rectifications import NewRectification
from data.store.scope import ROOT
from data.store.unit_of_work import Store, UnitOfWork
from tests.data.store.cases import (
    EAST,
    EAST_ONE,
    HEAD,
    MONDAY,
    NOVEMBER,
    WEST,
    facets,
    label,
    put,
    result,
    told,
    user_id,
)

MISTAKE = Reopening(reason="mistake")
MENDING = NewRectification(subcause="C02.1", owner_id="x", due_on=MONDAY.date(), measure="修订话术")
# Made for the store's own use with what is already in hand, or before anybody is known.
UNSCOPED = {
    "CaseRepository": {"above", "customer_key"},
    "TriageResultRepository": {"record"},
    "EventRepository": {"record"},
    "OriginalRepository": {"add"},
    "AuditLog": {"append", "head", "verify", "begins_at"},
    "ConfirmationRepository": {"confirm", "withdraw", "standing", "confirmed"},  # the policy is the whole bank's
    "UserRepository": {"path_of", "names"},
    "KeyRing": {"create", "open", "destroy", "keep", "kept", "forget", "rewrap", "secret"},
    "OutboxRepository": {"put", "has", "payload", "waiting_since", "dispatch"},
    "AlertRepository": {"follow", "is_due", "notify"},
    "WebhookRepository": {"secret"},
    "DeliveryRepository": {"due_webhooks", "claim", "release", "delivered", "failed"},
    "LabelExport": {"pseudonym"},
    "LetterRepository": {"is_due", "claim", "sent", "failed", "postpone", "state"},
    "ApiKeyRepository": {"by_token", "names"},
    "SignInRepository": {"attempt", "record", "open_session", "by_token", "is_due", "seen", "close_session"},
    "QualityRepository": {"days_to_draw", "draw"},
    "IdentityRepository": {"recognised"},
    "ClockRepository": {"opening"},  # of a case to come
    "SavedViewRepository": {"of_user", "save", "forget"},  # each person's own
    "UndoRepository": {"latest"},
    "ImportRepository": {"record", "release", "finish", "fail"},
    "WarningRepository": {"is_finished", "claim", "release", "record"},  # a look is at the whole bank
}


def test_every_query_takes_the_callers_unit_path(store: Store) -> None:
    with store.reading() as work:
        repositories = [part for part in vars(work).values() if type(part).__module__.startswith("data.store.")]
    assert len(repositories) == 36
    for repository in repositories:
        name = type(repository).__name__
        methods = {key for key, value in inspect.getmembers(type(repository), callable) if not key.startswith("_")}
        free = {key for key in methods if "within" not in inspect.signature(getattr(repository, key)).parameters}
        assert free == UNSCOPED.get(name, set()), name


def test_another_branchs_case_is_invisible(store: Store) -> None:
    own = put(store, "西部的投诉，贷款被收违约金", unit_id="west", customer_reference="K1")
    other = put(store, "东部的投诉，贷款被收违约金", unit_id="east", customer_reference="K1")
    supervisor = user_id(store, "supervisor-west")
    with store.writing() as work:
        work.labels.add(other.id, label(user_id(store, "supervisor-east")), within=EAST)
    calls: dict[str, Callable[[UnitOfWork], object]] = {
        "get": lambda work: work.cases.get(other.id, within=WEST),
        "flags": lambda work: work.cases.flags(other.id, within=WEST),
        "close": lambda work: work.cases.close(other.id, told(MONDAY), actor_id=supervisor, within=WEST),
        "reopen": lambda work: work.cases.reopen(other.id, MISTAKE, actor_id=supervisor, within=WEST),
        "hand over": lambda work: work.cases.hand_over(other.id, unit_id="west", actor_id=supervisor, within=WEST),
        "answers": lambda work: work.triage_results.of_case(other.id, within=WEST),
        "new answer": lambda work: work.triage_results.add(other.id, result(), within=WEST),
        "labels": lambda work: work.labels.of_case(other.id, within=WEST),
        "standing label": lambda work: work.labels.standing(other.id, within=WEST),
        "withdraw": lambda work: work.labels.withdraw(other.id, facets(), user_id=supervisor, within=WEST),
        "take back": lambda work: work.cases.take_back(other.id, unit_id="east", actor_id="x", within=WEST),
        "same matter": lambda work: work.case_list.of_same_matter(other.id, within=WEST),
        "label": lambda work: work.labels.add(other.id, label(supervisor), within=WEST),
        "events": lambda work: work.events.of_case(other.id, within=WEST),
        "event": lambda work: work.events.add(other.id, "noted", actor_id=supervisor, within=WEST),
        "assignments": lambda work: work.assignments.of_case(other.id, within=WEST),
        "assign": lambda work: work.assignments.assign(other.id, user_id=supervisor, actor_id="x", within=WEST),
        "release": lambda work: work.assignments.release(other.id, actor_id="x", within=WEST),
        "customer": lambda work: work.case_list.of_same_customer(other.id, within=WEST),
        "wording": lambda work: work.case_list.of_similar_wording(other.id, within=WEST),
        "closings": lambda work: work.cases.closings(other.id, within=WEST),
        "clocks": lambda work: work.clocks.of_case(other.id, within=WEST),
        "facts": lambda work: work.clocks.facts(other.id, within=WEST),
        "trigger": lambda work: work.clocks.add_trigger(other.id, "nfra", at=MONDAY, actor_id="x", within=WEST),
        "new facts": lambda work: work.clocks.add_new_facts(other.id, at=MONDAY, actor_id="x", within=WEST),
        "done": lambda work: work.clocks.add_fulfilment(other.id, "D1", at=MONDAY, actor_id="x", within=WEST),
        "pause": lambda work: work.clocks.begin_pause(
            other.id, "mediation", began_at=MONDAY, notified_on=MONDAY.date(), actor_id="x", within=WEST
        ),
        "end of pause": lambda work: work.clocks.end_pause(other.id, ended_at=MONDAY, actor_id="x", within=WEST),
        "open pause": lambda work: work.clocks.open_pause(other.id, within=WEST),
        "void": lambda work: work.clocks.void(other.id, 1, user_id=supervisor, reason="录入错误", within=WEST),
        "more time": lambda work: work.extensions.request(
            other.id, step="D2", total=30, reason="情况复杂", user_id=supervisor, within=WEST
        ),
        "approve": lambda work: work.extensions.approve(other.id, 1, user_id=supervisor, within=WEST),
        "refuse": lambda work: work.extensions.refuse(other.id, 1, user_id=supervisor, within=WEST),
        "notice": lambda work: work.extensions.record_notice(
            other.id, 1, notified_on=MONDAY.date(), actor_id="x", within=WEST
        ),
        "extensions": lambda work: work.extensions.of_case(other.id, within=WEST),
        "root cause": lambda work: work.rectifications.open(other.id, MENDING, actor_id="x", within=WEST),
        "escalate": lambda work: work.cases.escalate(other.id, reason="客户升级", actor_id="x", within=WEST),
        "repeat": lambda work: work.cases.link_repeat(own.id, other.id, actor_id="x", within=WEST),
        "repeats": lambda work: work.cases.repeats(other.id, within=WEST),
        "reply": lambda work: work.replies.of_case(other.id, within=WEST),
        "save reply": lambda work: work.replies.save(other.id, "答复", user_id=supervisor, within=WEST),
        "withdraw extension": lambda work: work.extensions.withdraw(other.id, 1, user_id=supervisor, within=WEST),
        "restore extension": lambda work: work.extensions.restore(other.id, 1, user_id=supervisor, within=WEST),
        "rectifications": lambda work: work.rectifications.of_case(other.id, within=WEST),
        "reminders": lambda work: work.reminders.of_case(other.id, within=WEST),
        "erase": lambda work: work.originals.erase(other.id, actor_id="x", reason="客户要求", within=WEST),
    }
    for name, call in calls.items():
        with store.writing() as work:
            assert _refused(call, work), f"{name} let the west see the east's case"
    with store.reading() as work:
        for wanted in (CaseFilter(), CaseFilter(words="贷款"), CaseFilter(below=ROOT), CaseFilter(below=EAST)):
            assert {case.id for case in work.case_list.page(wanted, within=WEST).cases} <= {own.id}
        assert work.case_list.of_same_customer(own.id, within=WEST) == []
        assert work.case_list.of_similar_wording(own.id, within=WEST) == []
        assert work.case_list.neighbours(own, CaseFilter(), within=WEST) == (None, None)
        assert work.case_list.open_counts(supervisor, within=WEST).all == 1
        assert work.overview.by_flag(NOVEMBER, within=WEST) == dict.fromkeys(facets().flags, 1)
        assert len(work.case_list.of_same_customer(own.id, within=HEAD)) == 1


def test_a_unit_sees_itself_and_all_below(store: Store) -> None:
    for unit in ("head", "east", "east-1", "west"):
        put(store, unit_id=unit)
    seen = {ROOT: 4, HEAD: 4, EAST: 2, EAST_ONE: 1, WEST: 1, "/head/ea/": 0, "/head/east-1/": 0}
    with store.reading() as work:
        found = {within: len(work.case_list.page(CaseFilter(), within=within).cases) for within in seen}
        assert [unit.id for unit in work.units.all(within=EAST)] == ["east", "east-1"]
    assert found == seen


@pytest.mark.parametrize("within", ["", "head", "/head", "head/"])
def test_a_path_that_is_none_sees_nothing(store: Store, within: str) -> None:
    """Above all not everything."""
    with pytest.raises(ValueError, match="begins and ends"), store.reading() as work:
        work.case_list.page(CaseFilter(), within=within)


def test_wildcards_in_unit_ids_are_letters(store: Store) -> None:
    """As a pattern, a_b would match aXb."""
    with store.writing() as work:
        for unit in ("a_b", "aXb"):
            work.units.add(unit, name=unit, parent_id="head", within=ROOT)
    put(store, unit_id="aXb")
    with store.reading() as work:
        assert work.case_list.page(CaseFilter(), within="/head/a_b/").cases == []


def test_a_moved_unit_takes_all_below_along(store: Store) -> None:
    case = put(store, unit_id="east-1")
    with store.writing() as work:
        assert work.units.move("east", parent_id="west", within=ROOT).path == "/head/west/east/"
    with store.reading() as work:
        assert work.units.get("east-1", within=WEST).path == "/head/west/east/east-1/"
        assert work.cases.get(case.id, within=WEST).id == case.id
        assert work.case_list.page(CaseFilter(), within=EAST).cases == []
    with pytest.raises(StoreError), store.writing() as work:
        work.units.move("west", parent_id="east-1", within=ROOT)
    with store.reading() as work:
        assert work.units.get("west", within=ROOT).path == WEST


def test_units_are_made_only_below_the_own(store: Store) -> None:
    with store.writing() as work:
        work.units.add("east-2", name="东二支行", parent_id="east", within=EAST)
    for parent, error in (("west", NotFoundError), (None, NotAllowedError)):
        with pytest.raises(error), store.writing() as work:
            work.units.add("east-3", name="x", parent_id=parent, within=EAST)
    for unit_id in ("east", "a/b", "", "x" * 65):
        with pytest.raises(StoreError), store.writing() as work:
            work.units.add(unit_id, name="x", parent_id="head", within=ROOT)


def test_users_are_managed_only_in_the_own_part(store: Store) -> None:
    western = user_id(store, "handler-west")
    with store.writing() as work:
        own = work.users.add(login="new", name="新人", role="handler", unit_id="east-1", within=EAST)
        assert [user.login for user in work.users.all(within=EAST_ONE)] == ["new"]
        assert work.users.path_of(own.id) == EAST_ONE
        assert work.users.change(own.id, role="supervisor", unit_id="east", within=EAST).role == "supervisor"
    with pytest.raises(NotFoundError), store.writing() as work:
        work.users.change(western, is_active=False, within=EAST)
    with pytest.raises(NotFoundError), store.writing() as work:
        work.users.change(own.id, unit_id="west", within=EAST)
    with pytest.raises(StoreError), store.writing() as work:
        work.users.add(login="new", name="x", role="handler", unit_id="east", within=EAST)
    with pytest.raises(StoreError), store.writing() as work:
        work.users.add(login="boss", name="x", role="king", unit_id="east", within=EAST)


def test_a_case_is_handed_up_and_down_but_not_across(store: Store) -> None:
    case = put(store, unit_id="east-1")
    handler = user_id(store, "handler-east")
    with store.writing() as work:
        work.assignments.assign(case.id, user_id=handler, actor_id="x", within=EAST)
        handed = work.cases.hand_over(case.id, unit_id="head", actor_id="x", within=EAST_ONE)
        assert (handed.unit_id, handed.assignee_id) == ("head", None)
    with pytest.raises(NotFoundError), store.reading() as work:
        work.cases.get(case.id, within=EAST)
    with store.writing() as work:
        work.cases.hand_over(case.id, unit_id="east", actor_id="x", within=HEAD)
    with pytest.raises(NotFoundError), store.writing() as work:
        work.cases.hand_over(case.id, unit_id="west", actor_id="x", within=EAST)
    with store.reading() as work:
        [assignment] = work.assignments.of_case(case.id, within=EAST)
        assert [event.kind for event in work.events.of_case(case.id, within=EAST)][-2:] == ["handed_over"] * 2
    assert assignment.ended_at is not None


def test_a_case_is_assigned_only_within_the_own_part(store: Store) -> None:
    case = put(store)
    with pytest.raises(NotFoundError), store.writing() as work:
        work.assignments.assign(case.id, user_id=user_id(store, "handler-west"), actor_id="x", within=EAST)


def _refused(call: Callable[[UnitOfWork], object], work: UnitOfWork) -> bool:
    try:
        call(work)
    except NotFoundError:
        return True
    return False


@pytest.mark.parametrize("change", ["link", "mark", "unlink"])
def test_who_is_linked_anew_signs_in_anew(store: Store, change: str) -> None:
    person, more = user_id(store, "handler-east"), {"issuer": "https://idp", "subject": "s1"}
    with store.writing() as work:
        token = work.sign_in.open_session(person)
    with store.writing() as work:
        getattr(work.identities, change)(person, **(more if change == "link" else {}), actor_id="cli", within=ROOT)
        assert work.sign_in.by_token(token) is None
