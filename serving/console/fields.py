"""What people write into fields. In: a form's text. Out: moments and days in China, fen; an error that says why."""

import re
from datetime import date, datetime, timedelta

from data.store.columns import CHINA
from serving.console.forms import Form
from serving.errors import ErrorDetail, ServiceError

_MONEY = re.compile(r"(\d{1,12})(?:\.(\d{1,2}))?")


def moment_of(form: Form, name: str, *, not_before: datetime | None = None) -> datetime | None:
    """A `datetime-local` in China; None where empty. A field has no seconds: within the minute it is `not_before`.

    Raises ServiceError `value_invalid`.
    """
    text = form.one(name)
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text).replace(tzinfo=CHINA)
    except ValueError as error:
        raise _invalid(name, "a time such as 2026-11-30T10:05", "时间格式应为 2026-11-30 10:05") from error
    return not_before if not_before is not None and at <= not_before < at + timedelta(minutes=1) else at


def day_of(form: Form, name: str) -> date | None:
    """A `date`; None where empty. Raises ServiceError `value_invalid`."""
    text = form.one(name)
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise _invalid(name, "a day such as 2026-11-30", "日期格式应为 2026-11-30") from error


def fen_of(form: Form, name: str) -> int | None:
    """An amount in yuan as fen; None where empty. Raises ServiceError `value_invalid`."""
    text = form.one(name).replace(",", "")
    if not text:
        return None
    found = _MONEY.fullmatch(text)
    if found is None:
        raise _invalid(name, "an amount in yuan such as 360.50", "金额应为元，最多两位小数，如 360.50")
    return int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))


def number_of(form: Form, name: str) -> int:
    """A row's number; 0, which no row has, for anything else."""
    text = form.one(name)
    return int(text) if text.isdecimal() and len(text) < 19 else 0


def expect_tick(form: Form, name: str) -> None:
    """What cannot be undone is confirmed by a tick. Raises ServiceError `value_invalid`."""
    if not form.one(name):
        raise _invalid(name, "a tick that confirms it, since it cannot be undone", "该操作不可撤销，请先勾选确认")


def _invalid(name: str, expected: str, message_zh: str) -> ServiceError:
    return ServiceError(
        "value_invalid",
        f"nothing was stored; expected {expected}",
        f"{message_zh}；未保存",
        details=[ErrorDetail(field=name, problem=f"expected {expected}")],
    )
