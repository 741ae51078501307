"""What people write into fields. In: a form's text. Out: moments and days in China, fen; an error that says why."""

import re
from datetime import date, datetime, timedelta

from data.days import CHINA
from data.store.free_text import LONGEST_NOTE
from serving.api.requests import EARLIEST_YEAR, LATEST_YEAR, of_our_age
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
        at = of_our_age(datetime.fromisoformat(text).replace(tzinfo=CHINA))
    except ValueError as error:
        raise _invalid(name, "a time such as 2026-11-30T10:05", "时间格式应为 2026-11-30 10:05") from error
    return not_before if not_before is not None and at <= not_before < at + timedelta(minutes=1) else at


def day_of(form: Form, name: str) -> date | None:
    """A `date`; None where empty. Raises ServiceError `value_invalid`."""
    return day_of_text(form.one(name), name=name)


def day_of_text(text: str, *, name: str = "") -> date | None:
    """A day as a form's field or an address holds it; None where empty. Raises ServiceError `value_invalid`."""
    if not text:
        return None
    try:
        return of_our_age(date.fromisoformat(text))
    except ValueError as error:
        raise ServiceError(
            "value_invalid",
            f"expected a day such as 2026-11-30, of the years {EARLIEST_YEAR} to {LATEST_YEAR}; nothing was changed",
            f"日期应写作 2026-11-30，年份在 {EARLIEST_YEAR} 至 {LATEST_YEAR} 之间；未做任何修改",
            details=[ErrorDetail(field=name, problem="expected a day")] if name else (),
        ) from error


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
    return row_number(form.one(name))


def row_number(text: str) -> int:
    """The same of an address."""
    return int(text) if text.isdecimal() and len(text) < 19 else 0


def words_of(form: Form, name: str, *, most: int = LONGEST_NOTE) -> str:
    """What a person wrote. Raises ServiceError `value_invalid` for more than `most` characters: none is cut off."""
    words = form.one(name)
    if len(words) > most:
        raise _invalid(name, f"at most {most} characters", f"最多 {most} 个字，现为 {len(words)} 个字")
    return words


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
