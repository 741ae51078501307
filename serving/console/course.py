"""How a case goes on: levels, more time, ending, mending, repeats. In: a case in hand. Out: what its page shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from data.days import CHINA, china_day
from data.errors import PolicyError
from data.policy.schema import TICKET
from data.store.clock_tables import OUTCOMES, SATISFACTIONS, Closing
from data.store.tables import Case, ReplyDraft, Unit
from data.store.unit_of_work import UnitOfWork
from serving.console.endings import TRIGGERS, levels, responsible_above
from serving.console.limits import MoreTime, more_time
from serving.console.people import Person, deciders
from serving.console.rectification import Item, lines
from serving.console.visitors import Visitor

# A proposal; the person at the form chooses.
USUAL_DAYS = 30


@dataclass(frozen=True, kw_only=True)
class Course:
    levels: Sequence[tuple[str, bool]]
    """From the unit that the complaint is about upwards, and where it is now."""
    above: Unit | None
    responsible: Sequence[Person]
    more: MoreTime
    closings: Sequence[Closing]
    """Latest first."""
    is_fed_back: bool
    """Whether an authority or a ticket waits for the outcome too."""
    mending: Sequence[Item]
    owners: Sequence[Person]
    repeats: Sequence[Case]
    repeated: Case | None
    reply: ReplyDraft | None
    local_now: str
    today: date
    usual_due: date
    outcomes: Mapping[str, str]
    satisfactions: Mapping[str, str]
    triggers: Sequence[str]


def course(work: UnitOfWork, visitor: Visitor, case: Case, *, units: Mapping[str, Unit]) -> Course:
    """Raises NotFoundError."""
    within, now = visitor.within, work.now()
    earlier = case.repeats_case_id
    today = china_day(now)
    return Course(
        levels=levels(work, case),
        above=work.cases.above(case),
        responsible=responsible_above(work, case),
        more=more_time(work, visitor, case),
        closings=list(reversed(work.cases.closings(case.id, within=within))),
        is_fed_back=_is_fed_back(work, case, within),
        mending=lines(work, visitor, work.rectifications.of_case(case.id, within=within)),
        owners=deciders(work, within=within, units=units) if visitor.may("cases.label") else [],
        repeats=work.cases.repeats(case.id, within=within),
        repeated=work.cases.get(earlier, within=within)
        if earlier and work.cases.is_visible(earlier, within=within)
        else None,
        reply=work.replies.of_case(case.id, within=within),
        local_now=_local(now),
        today=today,
        usual_due=today + timedelta(days=USUAL_DAYS),
        outcomes=OUTCOMES,
        satisfactions=SATISFACTIONS,
        triggers=TRIGGERS,
    )


def _is_fed_back(work: UnitOfWork, case: Case, within: str) -> bool:
    try:
        found = work.clocks.of_case(case.id, within=within)
    except PolicyError:
        return True
    rows = found.policy.clock_rows
    running = [clock.code for clock in found.clocks if clock.duty == "bank" and clock.state != "ended"]
    return any(code == TICKET or rows[code].told == "authority" for code in running)


def _local(now: datetime) -> str:
    """What a `datetime-local` takes."""
    return now.astimezone(CHINA).strftime("%Y-%m-%dT%H:%M")
