"""Whether more time may be given. In: an extension, its step of the policy, the due date so far. Out: what is wrong."""

from collections.abc import Mapping

from data.days import china_day
from data.errors import ClockError
from data.policy.case_times import Extension
from data.policy.counting import Due
from data.policy.schema import ExtensionStep


def refusal_of(
    extension: Extension, step: ExtensionStep, due: Due, *, approvers: Mapping[str, str]
) -> ClockError | None:
    """Why an extension does not count; None where it does. `due` is the due date without it."""
    return (
        _wrong_approver(extension, step, approvers)
        or _wrong_reason(extension, step)
        or _too_long(extension, step)
        or _too_late(extension, step, due)
        or _not_told(extension, step, due)
    )


def _wrong_approver(extension: Extension, step: ExtensionStep, approvers: Mapping[str, str]) -> ClockError | None:
    if extension.approver_role in step.approvers:
        return None
    return ClockError(
        f"{step.code} was approved by a {extension.approver_role}; expected {' or '.join(step.approvers)}",
        f"{step.name}：须由{'或'.join(approvers[role] for role in step.approvers)}审批",
        code="extension_wrong_approver",
    )


def _wrong_reason(extension: Extension, step: ExtensionStep) -> ClockError | None:
    if extension.reason in step.reasons:
        return None
    return ClockError(
        f"{step.code} has a reason that the policy does not list; expected {' or '.join(step.reasons)}",
        f"{step.name}：理由须为{'或'.join(step.reasons)}",
        code="extension_wrong_reason",
    )


def _too_long(extension: Extension, step: ExtensionStep) -> ClockError | None:
    if 0 < extension.total <= step.total:
        return None
    return ClockError(
        f"{step.code} asks for {extension.total} in all; expected 1 to {step.total}",
        f"{step.name}：总期限最长为{step.total}，申请为{extension.total}",
        code="extension_beyond_cap",
    )


def _too_late(extension: Extension, step: ExtensionStep, due: Due) -> ClockError | None:
    if extension.approved_at < due.at:
        return None
    return ClockError(
        f"{step.code} was approved at {extension.approved_at.isoformat()}, behind the due date {due.on}; "
        f"a limit that has run out cannot be extended",
        f"{step.name}：审批时期限（{due.on}）已届满，不能延期",
        code="extension_too_late",
    )


def _not_told(extension: Extension, step: ExtensionStep, due: Due) -> ClockError | None:
    if china_day(extension.approved_at) <= extension.notified_on <= due.on:
        return None
    return ClockError(
        f"{step.code}: the complainant was told on {extension.notified_on}; expected a day from the approval to the "
        f"due date {due.on}",
        f"{step.name}：告知投诉人的日期（{extension.notified_on}）须在审批之日至原期限（{due.on}）之间",
        code="extension_not_told",
    )
