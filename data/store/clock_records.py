"""What is recorded about clocks and closings, and what comes out, frozen. In: nothing. Out: the shapes, checked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from data.errors import StoreError
from data.policy.case_clocks import Stage
from data.policy.case_times import CaseTimes
from data.policy.clocks import Clock
from data.policy.schema import Policy, TriggerKind
from data.store.clock_tables import OUTCOMES, SATISFACTIONS, ClockExtension
from data.store.tables import Case

Reopened = Literal["mistake", "new_facts", "trigger"]


@dataclass(frozen=True, kw_only=True)
class NewClosing:
    """How a case ends. `redress_fen`: paid or waived, in fen. Raises StoreError `closing_invalid`."""

    outcome: str
    told_at: datetime | None = None
    """When the complainant was told; needed while a limit of the bank runs."""
    fed_back_at: datetime | None = None
    """When the authority that forwarded the case was told."""
    withdrawn_at: datetime | None = None
    """When the complainant's withdrawal was received; given with the outcome `withdrawn` and with no other."""
    redress_fen: int | None = None
    satisfaction: str | None = None
    is_responsible: bool | None = None

    def __post_init__(self) -> None:
        if self.outcome not in OUTCOMES:
            raise _invalid(f"outcome must be one of {', '.join(OUTCOMES)}", "处理结果代码不正确")
        if self.satisfaction not in (None, *SATISFACTIONS):
            raise _invalid(f"satisfaction must be one of {', '.join(SATISFACTIONS)}", "满意度代码不正确")
        if self.redress_fen is not None and self.redress_fen < 0:
            raise _invalid("redress_fen must not be negative", "补偿金额不能为负数")
        if (self.outcome == "withdrawn") != (self.withdrawn_at is not None):
            raise _invalid(
                "withdrawn_at belongs to the outcome withdrawn, and to no other",
                "仅撤诉填写收到撤诉的时间",
            )


@dataclass(frozen=True, kw_only=True)
class Reopening:
    """Why a closed case goes on: closed by `mistake` (the closing counts no longer), `new_facts` received `at`, or a
    `trigger` such as a forward or an application for review. Raises StoreError `reopening_invalid`.
    """

    reason: Reopened
    at: datetime | None = None
    trigger: TriggerKind | None = None
    due_at: datetime | None = None

    def __post_init__(self) -> None:
        needs_time, needs_trigger = self.reason != "mistake", self.reason == "trigger"
        is_whole = (self.at is not None) == needs_time and (self.trigger is not None) == needs_trigger
        if not is_whole or (self.due_at is not None and not needs_trigger):
            raise StoreError(
                "new_facts and trigger need `at`, trigger needs its kind and may have a due date, mistake has neither",
                "重开须填写理由：新事实和新来源须填写收到时间，新来源须填写类型",
                code="reopening_invalid",
            )


@dataclass(frozen=True, kw_only=True)
class CaseClocks:
    """The clocks of a case now, the earliest first, with what they follow from."""

    policy: Policy
    clocks: tuple[Clock, ...]
    deciding: Clock | None
    times: CaseTimes
    extensions: Sequence[ClockExtension]
    confirmed: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class DueReminder:
    """Somebody is to be reminded of a case: its deciding clock has come to `stage`. No text of the case."""

    case_id: str
    unit_id: str
    assignee_id: str | None
    code: str
    name: str
    stage: Stage
    due_at: datetime


@dataclass(frozen=True, kw_only=True)
class ClockCheck:
    """`cases` were looked at; `problems` are those whose clocks cannot be computed, with the error's code."""

    cases: Sequence[Case]
    reminders: tuple[DueReminder, ...]
    problems: tuple[tuple[str, str], ...]


def _invalid(message: str, message_zh: str) -> StoreError:
    return StoreError(message, message_zh, code="closing_invalid")
