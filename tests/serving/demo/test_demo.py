"""The demo bank: small, but made through the same calls as the real one."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from data.schema import LabelledText
from data.store.records import CaseFilter
from data.store.scope import ROOT
from data.store.tables import CLOSED, OPEN
from data.store.unit_of_work import open_store
from models.predictor import Predictor
from serving.demo.bank import PEOPLE, found
from serving.demo.history import History, MovedClock
from serving.demo.plan import DAYS, SURGE_BRANCH, SURGE_DAYS, PlannedCase, plan
from tests.data.store.cases import masters

NOW = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def planned(shipped_corpus: tuple[LabelledText, ...]) -> list[PlannedCase]:
    return plan(shipped_corpus, cases=60, now=NOW)


def test_the_same_day_gives_the_same_bank(shipped_corpus: tuple[LabelledText, ...], planned: list[PlannedCase]) -> None:
    assert plan(shipped_corpus, cases=60, now=NOW) == planned


def test_two_years_the_latest_at_the_end_and_a_surge_at_one_branch(planned: list[PlannedCase]) -> None:
    """Nothing lies in the future, and the last days hold what the early warning should find."""
    times = [case.received_at for case in planned]
    assert times == sorted(times)
    assert NOW - timedelta(days=DAYS + 1) < times[0] < NOW - timedelta(days=DAYS // 2)
    assert times[-1] < NOW
    lately = [case for case in planned if case.received_at > NOW - timedelta(days=SURGE_DAYS + 1)]
    assert sum(case.branch == SURGE_BRANCH for case in lately) >= 3


def test_everything_that_is_planned_is_allowed(
    planned: list[PlannedCase], sqlite_template: Path, shipped_predictor: Predictor, tmp_path: Path
) -> None:
    """Triage, decisions, extensions, ends and reopenings, in the order of their times; the audit chain holds."""
    (tmp_path / "demo.db").write_bytes(sqlite_template.read_bytes())
    clock = MovedClock(planned[0].received_at)
    store = open_store(f"sqlite:///{tmp_path / 'demo.db'}", masters("2026a"), now=clock)
    found(store)
    some = random.Random(3).sample(planned, 25)
    history = History(store=store, predictor=shipped_predictor, clock=clock, until=NOW)
    moments = list(history.run(some))
    assert moments == sorted(moments)
    assert history.refused == {}
    with store.reading() as work:
        cases = work.case_list.page(CaseFilter(), order="received", limit=100, within=ROOT).cases
        assert len(work.users.all(within=ROOT)) == len(PEOPLE)
        assert work.audit.verify().problems == ()
    assert len(cases) == len(some)
    assert {case.status for case in cases} == {OPEN, CLOSED}
    assert sum(case.labelled_at is not None for case in cases) > 15
    store.close()
