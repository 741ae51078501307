"""The clocks of a case as the API shows them. In: an open unit of work, a case's number. Out: `CaseClocksBody`."""

from datetime import date, datetime
from typing import Self

from pydantic import BaseModel, ConfigDict

from data.errors import PolicyError
from data.policy.clocks import Clock
from data.store.clock_records import CaseClocks
from data.store.unit_of_work import UnitOfWork


class ClockRow(BaseModel):
    """One limit. `due_at` is the first moment that is too late, `due_on` the last day in China that is in time."""

    model_config = ConfigDict(from_attributes=True)

    code: str
    name: str
    duty: str
    state: str
    is_binding: bool
    is_provisional: bool
    """From memory and not confirmed by compliance: it warns, and being late is no breach."""
    started_at: datetime
    total: int | None
    unit: str | None
    due_at: datetime | None
    due_on: date | None
    plain_due_on: date | None
    rolled_due_on: date | None
    days_left: int | None
    ended_at: datetime | None
    is_in_time: bool | None
    source: str | None
    article: str | None
    problem: str | None
    """Why the date is not known, in Chinese."""

    @classmethod
    def of(cls, clock: Clock, found: CaseClocks) -> Self:
        row = found.policy.clock_rows.get(clock.code)
        extra = {
            "is_provisional": clock.confidence == "M" and clock.code not in found.confirmed,
            "source": row and row.source,
            "article": row and row.article,
            "problem": clock.problem and clock.problem.message_zh,
        }
        return cls.model_validate({name: getattr(clock, name, None) for name in cls.model_fields} | extra)


class PauseRow(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    kind: str
    began_at: datetime
    ended_at: datetime | None
    notified_on: date


class FactRow(BaseModel):
    """What starts, restarts or ends limits; a `voided` one was recorded by mistake and counts no longer."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    kind: str
    code: str | None
    at: datetime
    due_at: datetime | None
    closing_id: int | None
    recorded_at: datetime
    actor_id: str
    voided_at: datetime | None


class ExtensionRow(BaseModel):
    """A request for more time; it counts once approved and `notified_on` is there."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    step: str
    total: int
    reason: str
    status: str
    requested_by: str
    requested_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    approver_role: str | None
    notified_on: date | None


class CaseClocksBody(BaseModel):
    """Limits, the earliest first; `due_code` names the one that decides. `problem` where the policy's file is gone."""

    policy_version: str
    due_at: datetime | None = None
    due_code: str | None = None
    clocks: list[ClockRow] = []
    facts: list[FactRow] = []
    pauses: list[PauseRow] = []
    extensions: list[ExtensionRow] = []
    problem: str | None = None


def case_clocks(work: UnitOfWork, case_id: str, *, within: str) -> CaseClocksBody:
    """The `clocks` part of a case. Raises NotFoundError."""
    version = work.cases.get(case_id, within=within).policy_version
    try:
        found = work.clocks.of_case(case_id, within=within)
    except PolicyError as error:  # an old case is still shown
        return CaseClocksBody(policy_version=version, problem=error.message_zh)
    return CaseClocksBody(
        policy_version=version,
        due_at=found.deciding.due_at if found.deciding else None,
        due_code=found.deciding.code if found.deciding else None,
        clocks=[ClockRow.of(clock, found) for clock in found.clocks],
        facts=[FactRow.model_validate(fact) for fact in work.clocks.facts(case_id, within=within)],
        pauses=[PauseRow.model_validate(pause) for pause in found.times.pauses],
        extensions=[ExtensionRow.model_validate(extension) for extension in found.extensions],
    )
