"""What people write in cells, made a request. In: the values of a row by field. Out: `TriageRequest`, or why not.

Excel gives dates as dates, order numbers as numbers, and has lost digits of a number longer than 15; CSV gives all as
words. A time without zone is one of China. Errors name the field and never repeat the cell.
"""

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any, get_args

from pydantic import ValidationError

from data.days import CHINA
from data.errors import TextError, XiaobaoError
from data.schema import INPUT_KINDS
from data.store.free_text import storable
from serving.api.requests import TRIAGE_REQUEST, Source, TriageRequest
from serving.errors import invalid_request
from serving.input_workbook import EXACT_DIGITS

LONGEST_REFERENCE = 200
_REFERENCES = ("external_id", "branch", "region", "customer_ref", "regulator_ref")
_NUMBERS = frozenset({"external_id", "customer_ref", "regulator_ref"})

SOURCES = {
    "hotline": ("热线", "客服热线", "客服中心", "电话", "来电", "电话银行", "客服"),
    "counter": ("网点", "柜面", "柜台", "现场", "来访", "营业厅"),
    "comment_book": ("意见簿", "意见箱", "留言簿"),
    "web": ("网站", "官网", "网络", "在线", "在线客服", "app", "手机银行", "网上银行", "微信", "公众号", "小程序"),
    "mail": ("邮件", "电子邮件", "邮箱", "信函", "来信"),
    "nfra": (
        "金融监管总局", "国家金融监督管理总局", "监管局", "金监局", "银保监会", "银保监局", "银保监", "12378",
        "监管转办",
    ),
    "pboc": ("人民银行", "人行", "中国人民银行", "12363"),
    "12345": ("政务热线", "12345热线", "市长热线", "政府热线"),
    "letter_visit": ("信访", "信访局", "信访办"),
    "court": ("法院", "诉讼"),
    "media": ("媒体", "舆情", "新闻媒体"),
    "other": ("其他", "其它"),
}  # fmt: skip
INPUTS = {
    "typed": ("打字", "录入", "文字", "客户填写", "手工"),
    "dictated": ("语音", "语音转写", "语音转文字", "录音转写", "转写"),
    "summary": ("摘要", "坐席摘要", "小结", "工单摘要", "坐席记录"),
}

FIELDS_ZH = {
    "text": "投诉内容", "external_id": "来源编号", "received_at": "收到时间", "branch": "机构", "region": "地区",
    "customer_ref": "客户号", "regulator_ref": "监管编号", "source": "来源", "input": "录入方式", "due_at": "办理期限",
}  # fmt: skip
"""What messages in Chinese call the fields, as the console's pages do."""

_CLOCK = r"[T ]*(\d{1,2})[:时点](\d{1,2})?(?:[:分](\d{1,2})?)?(?:\.\d+)?秒?"
_WRITTEN = re.compile(
    rf"(\d{{4}})[-/.年](\d{{1,2}})[-/.月](\d{{1,2}})日?(?:{_CLOCK})? *(Z|[+-]\d{{2}}:?\d{{2}})?", re.I
)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:[T ]?(\d{2})(\d{2})(\d{2})?)?()")
_ROUNDED = re.compile(r"\d(?:\.\d+)?E\+\d+", re.I)
# Days since 1900 as Excel counts them: 1954 to 2119. Other numbers are no dates.
_SERIAL_DAYS = range(20_000, 80_000)
_SERIAL_START = datetime(1899, 12, 30)


class RowError(XiaobaoError):
    """One row of a file cannot be taken; its neighbours can."""

    def __init__(self, code: str, message: str, message_zh: str) -> None:
        super().__init__(message, message_zh)
        self.code = code


def read_request(values: Mapping[str, object], *, most_characters: int) -> TriageRequest:
    """A request from the values of a row. Raises RowError, TextError."""
    for field, value in values.items():
        _check_length(field, value, most_characters)
    found: dict[str, Any] = {"text": _text(values.get("text"))}
    for field in _REFERENCES:
        found[field] = _reference(field, values.get(field))
    found["source"] = _word("source", values.get("source"), {name: SOURCES.get(name, ()) for name in get_args(Source)})
    found["input"] = _word("input", values.get("input"), {name: INPUTS.get(name, ()) for name in INPUT_KINDS})
    found["received_at"] = _moment("received_at", values.get("received_at"), at=time())
    found["due_at"] = _moment("due_at", values.get("due_at"), at=time(23, 59, 59))  # by the end of that day
    try:
        return TRIAGE_REQUEST.validate_python({key: value for key, value in found.items() if value is not None})
    except ValidationError as error:
        refused = invalid_request(error.errors(include_url=False))
        fields = "、".join(dict.fromkeys(FIELDS_ZH.get(detail.field, detail.field) for detail in refused.details))
        raise RowError(refused.code, refused.message, f"不符合要求：{fields}，请检查后重新填写") from None


def read_external_id(values: Mapping[str, object]) -> str | None:
    """The row's own number, if it can be read: it names the row also where the row as a whole cannot be taken."""
    try:
        return _reference("external_id", values.get("external_id"))
    except RowError:
        return None


def _check_length(field: str, value: object, most: int) -> None:
    if not isinstance(value, str) or len(value) <= most:
        return
    lines = value.count("\n")
    unclosed, unclosed_zh = "", ""
    if lines > 1:
        unclosed = f" over {lines + 1} lines; perhaps a quotation mark before it is not closed"
        unclosed_zh = f"、跨 {lines + 1} 行，可能有引号未闭合"
    raise RowError(
        "cell_too_long",
        f"{field} has {len(value)} characters{unclosed}; at most {most} are accepted",
        f"{FIELDS_ZH[field]}有 {len(value)} 字{unclosed_zh}，最多 {most} 字",
    )


def _text(value: object) -> str:
    if isinstance(value, str) and value.strip():
        return value
    if value is None or isinstance(value, str):
        raise TextError(
            "the text is empty; expected a complaint (a formula must be saved with its value)",
            "投诉内容为空，请填写（公式须连同计算结果一起保存）",
            code="text_empty",
        )
    if isinstance(value, int | float | datetime | date) and not isinstance(value, bool):
        return str(value)
    raise RowError(
        "text_not_words", f"text is {type(value).__name__}, expected words", "投诉内容应为文字，请检查该单元格"
    )


def _reference(field: str, value: object) -> str | None:
    """Order numbers and names as words. Raises RowError for a number that has lost digits."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | datetime | date | None):
        raise RowError(
            "cell_unreadable", f"{field} is {type(value).__name__}, expected a word", f"{FIELDS_ZH[field]}应为文字"
        )
    if field in _NUMBERS and _has_lost_digits(value):
        raise RowError(
            "number_rounded",
            f"{field} is a number of more than {EXACT_DIGITS} digits, of which Excel keeps {EXACT_DIGITS}; "
            "format the column as text and fill it in again",
            f"{FIELDS_ZH[field]}是超过 {EXACT_DIGITS} 位的数字，Excel 已丢失末位；请把该列设为文本格式后重新填写",
        )
    word = _as_word(value)
    if len(word) > LONGEST_REFERENCE:
        raise RowError(
            "cell_too_long",
            f"{field} has {len(word)} characters; at most {LONGEST_REFERENCE} are accepted",
            f"{FIELDS_ZH[field]}有 {len(word)} 字，最多 {LONGEST_REFERENCE} 字",
        )
    return word or None


def _has_lost_digits(value: object) -> bool:
    if isinstance(value, str):
        return bool(_ROUNDED.fullmatch(value.strip()))
    return isinstance(value, float) and abs(value) >= 10**EXACT_DIGITS


def _as_word(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return storable(str(value)).strip()


def _word(field: str, value: object, known: Mapping[str, tuple[str, ...]]) -> str | None:
    """The name in the API of a word that a bank uses. Raises RowError for a word that is not known."""
    word = re.sub(r"\s+", "", unicodedata.normalize("NFKC", _as_word(value))).casefold()
    if not word:
        return None
    for name, words in known.items():
        if word == name or word in words:
            return name
    examples, examples_zh = ", ".join(known), "、".join(words[0] for words in known.values() if words)
    raise RowError(
        f"{field}_unknown",
        f"{field} holds a word that is not known; expected one of {examples}, or {examples_zh}",
        f"{FIELDS_ZH[field]}的取值无法识别，应为：{examples_zh}",
    )


def _moment(field: str, value: object, *, at: time) -> str | None:
    """RFC 3339. A date without a time means `at`, a time without a zone is China's. Raises RowError."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    try:
        moment = _as_moment(value, at)
    except (ValueError, OverflowError):  # the latter of an infinite number
        raise RowError(
            "time_unreadable",
            f"{field} is not a time; expected such as 2026-11-23 09:30 (China) or 2026-11-23T09:30:00+08:00",
            f"{FIELDS_ZH[field]}不是时间，应如 2026-11-23 09:30（北京时间）或 2026年11月23日",
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=CHINA)).isoformat()


def _as_moment(value: object, at: time) -> datetime:
    """Raises ValueError for what is no time."""
    if isinstance(value, int | float) and not isinstance(value, bool) and int(value) in _SERIAL_DAYS:
        value = _SERIAL_START + timedelta(days=value)
    if isinstance(value, datetime):  # a cell that holds a date alone comes as its midnight
        return value if value.time() != time() else datetime.combine(value.date(), at)
    if isinstance(value, date):
        return datetime.combine(value, at)
    words = unicodedata.normalize("NFKC", str(value)).strip()
    match = _WRITTEN.fullmatch(words) or _COMPACT.fullmatch(words)
    if match is None:
        raise ValueError("not written like a time")
    year, month, day, hour, minute, second, zone = match.groups()
    clock = at if hour is None else time(int(hour), int(minute or 0), int(second or 0))
    return datetime.combine(date(int(year), int(month), int(day)), clock, tzinfo=_zone(zone))


def _zone(zone: str | None) -> timezone:
    if not zone:
        return CHINA
    if zone in "Zz":
        return UTC
    hours, minutes = int(zone[1:3]), int(zone[-2:])
    return timezone((1 if zone[0] == "+" else -1) * timedelta(hours=hours, minutes=minutes))
