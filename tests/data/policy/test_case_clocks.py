"""Which clocks a stored case has, and when they have to be looked at again."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.policy.calendar import default_calendar
from data.policy.case_clocks import clocks_in_force, next_change, trigger_of
from data.policy.case_times import CaseTimes, Trigger
from data.policy.clocks import Clock
from data.policy.schema import Policy, default_policy
from tests.data.policy.cases import at, case, changed_policy, done, extension, pause

START = at("2026-03-02 09:30")
NOT_COMPLAINTS = ["verification", "consultation", "feedback", "irrelevant"]


def in_force(times: CaseTimes, now: str, decided: str | None = None) -> dict[str, Clock]:
    found = clocks_in_force(
        times, decided_order_type=decided, policy=default_policy(), calendar=default_calendar(), now=at(now)
    )
    return {clock.code: clock for clock in found}


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        (None, "own"), ("other", "own"), ("hotline", "own"), ("counter", "own"), ("web", "own"), ("mail", "own"),
        ("nfra", "nfra"), ("pboc", "pboc"), ("12345", "hotline_12345"), ("letter_visit", "petition"),
        ("court", "court_mediation"), ("media", "media"), ("a source of tomorrow", "own"),
    ],
)  # fmt: skip
def test_a_source_starts_its_clocks(source: str | None, kind: str) -> None:
    assert trigger_of(source) == kind


@pytest.mark.parametrize("decided", NOT_COMPLAINTS)
def test_only_a_persons_word_stops_the_clock_of_what_is_no_complaint(decided: str) -> None:
    times = case(("own", "2026-03-02"))
    assert in_force(times, "2026-03-05", None)["D1"].is_binding
    assert in_force(times, "2026-03-05", "complaint")["D1"].is_binding
    assert in_force(times, "2026-03-05", decided) == {}


@pytest.mark.parametrize("decided", NOT_COMPLAINTS)
def test_an_authority_wants_its_answer_whatever_it_is(decided: str) -> None:
    times = case(("own", "2026-03-02"), ("nfra", "2026-03-20"), ("pboc", "2026-03-21"))
    clocks = in_force(times, "2026-03-25", decided)
    assert set(clocks) == {"D1", "D11", "D12"}
    assert clocks["D1"].started_at == at("2026-03-20"), "what the bank received itself no longer counts"


def test_a_tickets_own_date_holds_for_every_order() -> None:
    times = case(Trigger(kind="own", at=at("2026-03-02"), due=at("2026-03-06 17:00")))
    assert set(in_force(times, "2026-03-03", "consultation")) == {"TICKET"}
    both = case(Trigger(kind="nfra", at=at("2026-03-02"), due=at("2026-03-06 17:00")))
    assert list(in_force(both, "2026-03-03", "consultation")) == ["TICKET", "D1"]


hours = st.integers(0, 24 * 70).map(lambda count: timedelta(hours=count, minutes=17))


def _hours_and_working_days(content: Any) -> None:
    content["clocks"][0].update(unit="working_days")
    content["rules"]["pause"]["clocks"] = []
    content["clocks"].append(
        {
            "code": "H1", "name": "当日联系", "duty": "bank", "triggers": ["own"], "limit": 100, "unit": "hours",
            "source": "own", "confidence": "C",
        }
    )  # fmt: skip


POLICIES = [default_policy(), changed_policy(_hours_and_working_days)]


@st.composite
def stories(draw: st.DrawFn) -> CaseTimes:
    """A case with some of everything, in no order that a bank would call likely."""
    kinds = draw(st.lists(st.sampled_from(["own", "nfra", "pboc", "petition"]), min_size=1, max_size=2))
    triggers = [Trigger(kind=kind, at=START + draw(hours) / 4) for kind in kinds]
    if draw(st.booleans()):
        triggers.append(Trigger(kind="own", at=START, due=START + draw(hours)))
    more: dict[str, Any] = {}
    if draw(st.booleans()):
        began = draw(st.integers(1, 12))
        ended = draw(st.one_of(st.none(), st.integers(began, 20)))
        more["pauses"] = [pause(f"2026-03-{2 + began:02}", ended and f"2026-03-{2 + ended:02}")]
    if draw(st.booleans()):
        approved = draw(st.integers(3, 14))
        told = draw(st.integers(approved, 15))
        more["extensions"] = [
            extension(
                "D2", draw(st.integers(16, 30)), f"2026-03-{approved:02}", notified_on=at(f"2026-03-{told:02}").date()
            )
        ]
    if draw(st.booleans()):
        more["new_facts_at"] = [START + draw(hours)]
    if draw(st.booleans()):
        more["fulfilments"] = [done("D1", f"2026-03-{draw(st.integers(3, 28)):02}")]
    return case(*triggers, **more)


def _shown(times: CaseTimes, policy: Policy, now: datetime, decided: str | None) -> tuple[tuple[Clock, ...], Any]:
    clocks = clocks_in_force(times, decided_order_type=decided, policy=policy, calendar=default_calendar(), now=now)
    return clocks, [(clock.code, clock.state, clock.due_at, clock.started_at, clock.ended_at) for clock in clocks]


@settings(max_examples=300, deadline=None)
@given(stories(), st.sampled_from(POLICIES), hours, hours, st.sampled_from([None, "consultation"]))
def test_nothing_changes_before_the_next_change(
    times: CaseTimes, policy: Policy, so_far: timedelta, later: timedelta, decided: str | None
) -> None:
    """What is stored of a case stays right until then."""
    now = START + so_far
    clocks, shown = _shown(times, policy, now, decided)
    change = next_change(times, clocks, calendar=default_calendar(), now=now)
    assert change is None or change > now
    moment = now + later if change is None else min(now + later, change - timedelta(microseconds=1))
    assert _shown(times, policy, moment, decided)[1] == shown


@settings(max_examples=100, deadline=None)
@given(stories(), st.sampled_from(POLICIES))
def test_every_stage_is_met_on_the_way(times: CaseTimes, policy: Policy) -> None:
    """Looking only at the moments that `next_change` names sees every state that looking each hour sees."""
    until = START + timedelta(days=70)
    moment, seen = START, set()
    while moment < until:
        clocks, shown = _shown(times, policy, moment, None)
        seen |= {(code, state) for code, state, *_ in shown}
        moment = next_change(times, clocks, calendar=default_calendar(), now=moment) or until
    hourly = START
    while hourly < until:
        assert {(code, state) for code, state, *_ in _shown(times, policy, hourly, None)[1]} <= seen
        hourly += timedelta(hours=7)
