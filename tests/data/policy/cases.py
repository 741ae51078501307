"""Short ways to write cases, policies and moments in these tests. Times are in China."""

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from data.days import CHINA
from data.policy.calendar import default_calendar
from data.policy.case_times import CaseTimes, Extension, Fulfilment, Pause, Trigger
from data.policy.clocks import Clock, clocks_of
from data.policy.schema import POLICY_PATH, Policy, TriggerKind, default_policy, load_policy


def at(text: str) -> datetime:
    """`2026-03-01` (noon) or `2026-03-01 23:59`."""
    return datetime.fromisoformat(text if " " in text else f"{text} 12:00").replace(tzinfo=CHINA)


def day(text: str) -> date:
    return date.fromisoformat(text)


def case(*triggers: tuple[TriggerKind, str] | Trigger, **more: Any) -> CaseTimes:
    """A case of the shipped policy."""
    made = [item if isinstance(item, Trigger) else Trigger(kind=item[0], at=at(item[1])) for item in triggers]
    return CaseTimes(policy_version=more.pop("policy_version", "1.2.0"), triggers=made, **more)


def pause(began: str, ended: str | None = None) -> Pause:
    return Pause(
        kind="appraisal", began_at=at(began), ended_at=at(ended) if ended else None, notified_on=at(began).date()
    )


def extension(step: str, total: int, approved: str, **more: Any) -> Extension:
    """One that is right for D2; other steps name role and reason."""
    values = {"approver": "u7", "approver_role": "supervisor", "reason": "情况复杂", **more}
    values.setdefault("notified_on", at(approved).date())
    return Extension(step=step, total=total, approved_at=at(approved), **values)


def special(total: int, approved: str) -> Extension:
    """D3: 特别复杂, approved above."""
    return extension("D3", total, approved, approver_role="upper_unit", reason="情况特别复杂")


def done(code: str, moment: str) -> Fulfilment:
    return Fulfilment(code=code, at=at(moment))


def clocks(times: CaseTimes, now: str, policy: Policy | None = None, **more: Any) -> dict[str, Clock]:
    """Clocks by code, with the shipped policy and calendar."""
    found = clocks_of(
        times, policy=policy or default_policy(), calendar=more.pop("calendar", default_calendar()), now=at(now), **more
    )
    return {clock.code: clock for clock in found}


def changed_policy(change: Callable[[Any], None]) -> Policy:
    """The shipped policy with `change` made to its content, read like any file."""
    content = yaml.safe_load(POLICY_PATH.read_text(encoding="utf-8"))
    change(content)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "policy.yaml"
        file.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
        return load_policy(file)
