"""溯源整改 in the report against items counted by hand, on both databases, and what of it is not sent out."""

from datetime import UTC, date, datetime

from data.quarter import Quarter
from data.store.rectifications import Mending, NewRectification
from data.store.scope import ROOT
from data.store.unit_of_work import Store
from serving.reports.compose import compose
from serving.reports.figures import Mark, Scope
from serving.reports.headings import ReportFiles
from serving.reports.mending import mending_lines
from tests.data.store.cases import Clock, user_id
from tests.serving.reports.bank import MAY, OCTOBER, complain
from tests.serving.reports.test_report import lines, made

JULY_IN_CHINA = datetime(2026, 6, 30, 16, tzinfo=UTC)
"""The first moment of July in China; in UTC it is still June."""
SEPTEMBER, LATER = date(2026, 9, 10), date(2026, 12, 31)


def start(store: Store, clock: Clock, *, unit: str, due_on: date, at: datetime = JULY_IN_CHINA) -> int:
    clock.now = at
    with store.writing() as work:
        case_id = complain(work, "B01.01", "C01.1", unit_id=unit, received_at=at)
        branch = "west" if unit == "west" else "east"
        new = NewRectification(
            subcause="C01.1", owner_id=user_id(store, f"handler-{branch}"), due_on=due_on, measure="修订规程"
        )
        return work.rectifications.open(case_id, new, actor_id=user_id(store, "supervisor-east"), within=ROOT).id


def finish(store: Store, clock: Clock, item: int, *, at: datetime) -> None:
    clock.now = at
    with store.writing() as work:
        work.rectifications.finish(item, result="已修订", actor_id=user_id(store, "supervisor-east"), within=ROOT)


def test_rectification_by_hand(store: Store, clock: Clock, files: ReportFiles) -> None:
    """East, with its office: one finished on its last day, one after it, one past its day, one with time left, one
    dropped; another was opened before the quarter. West: one finished in time."""
    on_the_day = start(store, clock, unit="east-1", due_on=SEPTEMBER)
    after_it = start(store, clock, unit="east-1", due_on=SEPTEMBER)
    start(store, clock, unit="east", due_on=SEPTEMBER)
    start(store, clock, unit="east", due_on=LATER)
    dropped = start(store, clock, unit="east", due_on=SEPTEMBER)
    start(store, clock, unit="east", due_on=SEPTEMBER, at=MAY)
    west = start(store, clock, unit="west", due_on=SEPTEMBER)
    finish(store, clock, on_the_day, at=datetime(2026, 9, 10, 15, 59, tzinfo=UTC))
    finish(store, clock, after_it, at=datetime(2026, 9, 10, 16, tzinfo=UTC))
    finish(store, clock, west, at=datetime(2026, 9, 1, tzinfo=UTC))
    with store.writing() as work:
        work.rectifications.drop(dropped, reason="重复立项", actor_id=user_id(store, "supervisor-east"), within=ROOT)
    clock.now = OCTOBER
    exact, sent = (compose(made(store, files, is_exact=is_exact)) for is_exact in (True, False))
    assert lines(exact, "rectification") == {
        "east": ["5", "1", "2", "33.3%"],
        "west": ["1", "1", "0", "100.0%"],
        "合计": ["6", "2", "2", "50.0%"],
    }
    assert {tuple(row) for row in lines(sent, "rectification").values()} == {("＊",) * 4}
    assert lines(compose(made(store, files, "west")), "rectification")["合计"] == ["1", "1", "0", "100.0%"]


def test_a_unit_with_a_small_number_is_not_hidden_alone(store: Store) -> None:
    """Of the head office's six one is late: it is hidden, and so is the branch with the fewest late ones."""
    with store.reading() as work:
        scope = Scope.of(work, "head", within=ROOT)
    counts = {
        "head": Mending(opened=6, in_time=4, late=1),
        "east-1": Mending(opened=12, in_time=6, late=3),
        "west": Mending(opened=9, in_time=5, late=4),
    }
    shown = {line.name: line.opened for line in mending_lines(counts, scope=scope, least=3)}
    assert shown == {"head": Mark.HIDDEN, "east": Mark.HIDDEN, "west": 9, "合计": 27}
    assert {line.name: line.opened for line in mending_lines(counts, scope=scope, least=1)}["head"] == 6


def test_days_of_a_quarter() -> None:
    days = [(quarter.first_day, quarter.last_day) for quarter in map(Quarter.parse, ("2026Q1", "2026Q4"))]
    assert days == [(date(2026, 1, 1), date(2026, 3, 31)), (date(2026, 10, 1), date(2026, 12, 31))]
