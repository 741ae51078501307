"""What stands in a letter. In: kind and payload of a message, the console's address. Out: subject and text.

Numbers, kinds, limits and a link: never complaint text, never a name. A kind of message that goes out by e-mail has its
function in LETTERS; docs/decisions/0020 says how to add one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from data.days import CHINA
from data.store.outbox import DIGEST, DIRECTIVE, NOTICE, REMINDER
from serving.notifications.digest_letter import digest_lines, digest_subject

WEEKDAYS = "一二三四五六日"
STAGES = MappingProxyType(
    {"half_time": "期限已过半", "three_days": "剩余 3 天以内", "one_day": "剩余 1 天以内", "overdue": "已超期"}
)
LEVELS = MappingProxyType(
    {"on_duty": "值班处理人", "supervisor": "主管", "compliance": "消保负责人", "head_office": "总行值班负责人"}
)


@dataclass(frozen=True, kw_only=True)
class LetterText:
    subject: str
    body: str


def letter_text(kind: str, payload: Mapping[str, Any], *, console_url: str | None) -> LetterText:
    """Raises KeyError for a kind that has no letter."""
    return LETTERS[kind](payload, console_url)


def paragraphs(*lines: str | None) -> str:
    """A letter's text from its lines, the last one saying who writes; None is left out."""
    return (
        "\n".join((*(line for line in lines if line is not None), "", "本邮件由消保工作台自动发送，请勿回复。")) + "\n"
    )


def link(console_url: str | None, path: str) -> str | None:
    """The line that leads to a page of the console; None where its address is not set."""
    return None if console_url is None else f"办理：{console_url.rstrip('/')}{path}"


def china_time(moment: str) -> str:
    """2026-11-30 周一 10:00, of an ISO moment."""
    local = datetime.fromisoformat(moment).astimezone(CHINA)
    return f"{local:%Y-%m-%d} 周{WEEKDAYS[local.weekday()]} {local:%H:%M}"


def _reminder(payload: Mapping[str, Any], console_url: str | None) -> LetterText:
    case_id, stage = payload["case_id"], STAGES[payload["stage"]]
    return LetterText(
        subject=f"【消保督办】案件 {case_id} {stage}",
        body=paragraphs(
            f"案件 {case_id} 的处理期限{stage}，请及时办理。",
            "",
            f"期限规则：{payload['clock']}",
            f"到期时间：{china_time(payload['due_at'])}（北京时间）",
            link(console_url, f"/cases/{case_id}"),
        ),
    )


def _notice(payload: Mapping[str, Any], console_url: str | None) -> LetterText:
    case_id = payload["case_id"]
    again = f"（第 {payload['repeat'] + 1} 次）" if payload["repeat"] else ""
    level = LEVELS.get(payload["level"], payload["level"])
    return LetterText(
        subject=f"【紧急预警】案件 {case_id} {'、'.join(payload['flags'])} 待签收{again}",
        body=paragraphs(
            f"案件 {case_id} 触发紧急预警，尚无人签收，现通知{level}{again}。请立即在工作台签收并处理。",
            "",
            f"风险标志：{'、'.join(payload['flags'])}",
            f"预警时间：{china_time(payload['raised_at'])}（北京时间）",
            link(console_url, "/alerts"),
        ),
    )


def _directive(payload: Mapping[str, Any], console_url: str | None) -> LetterText:
    case_id, due_at = payload["case_id"], payload["due_at"]
    return LetterText(
        subject=f"【消保督办】案件 {case_id} 有督办意见待签收",
        body=paragraphs(
            f"主管对案件 {case_id} 提出督办意见，请登录工作台查看、签收并办理。",
            "",
            None if due_at is None else f"到期时间：{china_time(due_at)}（北京时间）",
            link(console_url, "/supervision"),
        ),
    )


def _digest(payload: Mapping[str, Any], console_url: str | None) -> LetterText:
    body = paragraphs(*digest_lines(payload), "", link(console_url, "/warnings"))
    return LetterText(subject=digest_subject(payload), body=body)


LETTERS: Mapping[str, Callable[[Mapping[str, Any], str | None], LetterText]] = MappingProxyType(
    {REMINDER: _reminder, NOTICE: _notice, DIRECTIVE: _directive, DIGEST: _digest}
)
