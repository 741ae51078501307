"""What happened to a case and when. In: moments with a time zone. Out: frozen records for `data.policy.clocks`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal, Self

from data.days import china_day, require_zone
from data.errors import ClockError
from data.policy.schema import TriggerKind

PauseKind = Literal["appraisal", "testing", "assessment", "mediation"]


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """Something that starts clocks. `due`: the ticket's own due date; a date means the end of that day in China."""

    kind: TriggerKind
    at: datetime
    due: datetime | date | None = None

    def __post_init__(self) -> None:
        require_zone(self.at, self.due if isinstance(self.due, datetime) else None)


@dataclass(frozen=True, kw_only=True)
class Pause:
    """Outside appraisal, testing, assessment or mediation; `ended_at` is None while it runs.

    The day it begins no longer counts, the day it ends counts again. The complainant has to be told.
    """

    kind: PauseKind
    began_at: datetime
    ended_at: datetime | None = None
    notified_on: date

    def __post_init__(self) -> None:
        require_zone(self.began_at, self.ended_at)
        if self.ended_at is not None and self.ended_at < self.began_at:
            raise ClockError(
                f"a pause ends at {self.ended_at}, before it begins at {self.began_at}; correct one of them",
                "中止期间的结束时间早于开始时间，请更正",
                code="pause_reversed",
            )


@dataclass(frozen=True, kw_only=True)
class Extension:
    """More time by the step `step` of the policy: `total` is the whole limit then, in the clock's unit."""

    step: str
    total: int
    approver: str
    approver_role: str
    reason: str
    approved_at: datetime
    notified_on: date

    def __post_init__(self) -> None:
        require_zone(self.approved_at)
        lacking = [name for name in ("approver", "approver_role", "reason") if not getattr(self, name).strip()]
        if lacking:
            raise ClockError(
                f"an extension lacks {', '.join(lacking)}; expected who approved it, in which role and why",
                "延期须填写审批人、审批人身份和理由",
                code="extension_incomplete",
            )


@dataclass(frozen=True, kw_only=True)
class Fulfilment:
    """The duty of clock `code` was done: decided and told, answered, fed back."""

    code: str
    at: datetime

    def __post_init__(self) -> None:
        require_zone(self.at)


@dataclass(frozen=True, kw_only=True)
class CaseTimes:
    """Everything the clocks of a case depend on; `policy_version` is the one it was opened with."""

    policy_version: str
    triggers: Sequence[Trigger]
    new_facts_at: Sequence[datetime] = ()
    pauses: Sequence[Pause] = ()
    extensions: Sequence[Extension] = ()
    fulfilments: Sequence[Fulfilment] = ()
    withdrawn_at: Sequence[datetime] = ()

    def __post_init__(self) -> None:
        require_zone(*self.new_facts_at, *self.withdrawn_at)

    def known_at(self, now: datetime) -> Self:
        """Without what happened later. An extension counts once the complainant has been told."""
        today = china_day(now)
        return replace(
            self,
            triggers=[trigger for trigger in self.triggers if trigger.at <= now],
            new_facts_at=[at for at in self.new_facts_at if at <= now],
            pauses=[_until(pause, now) for pause in self.pauses if pause.began_at <= now],
            extensions=[e for e in self.extensions if e.approved_at <= now and e.notified_on <= today],
            fulfilments=[done for done in self.fulfilments if done.at <= now],
            withdrawn_at=[at for at in self.withdrawn_at if at <= now],
        )


def _until(pause: Pause, now: datetime) -> Pause:
    ended = pause.ended_at is not None and pause.ended_at <= now
    return pause if ended else replace(pause, ended_at=None)
