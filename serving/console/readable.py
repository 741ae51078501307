"""Times and figures as people read them. In: moments, shares. Out: short texts in one language.

Times are China's. The relative one is for reading, the exact one stands in the title.
"""

from datetime import datetime, timedelta

from data.days import CHINA
from serving.console.texts import Language

# Past and coming, per unit: the largest unit that fits is shown alone.
_UNITS: tuple[tuple[timedelta, dict[Language, tuple[str, str]]], ...] = (
    (timedelta(days=1), {"zh": ("{n} 天前", "{n} 天后"), "en": ("{n} d ago", "in {n} d")}),
    (timedelta(hours=1), {"zh": ("{n} 小时前", "{n} 小时后"), "en": ("{n} h ago", "in {n} h")}),
    (timedelta(minutes=1), {"zh": ("{n} 分钟前", "{n} 分钟后"), "en": ("{n} min ago", "in {n} min")}),
)
_LENGTHS: tuple[tuple[timedelta, dict[Language, str]], ...] = (
    (timedelta(days=1), {"zh": "{n} 天", "en": "{n} d"}),
    (timedelta(hours=1), {"zh": "{n} 小时", "en": "{n} h"}),
    (timedelta(minutes=1), {"zh": "{n} 分钟", "en": "{n} min"}),
)
_FAR = timedelta(days=60)
_NOW: dict[Language, str] = {"zh": "刚刚", "en": "just now"}
_WEEKDAYS = "一二三四五六日"


def ago(moment: datetime, now: datetime, language: Language) -> str:
    """3 小时前, 2 天后; the day itself where that is far away."""
    distance = abs(now - moment)
    if distance >= _FAR:
        return moment.astimezone(CHINA).strftime("%Y-%m-%d")
    for unit, words in _UNITS:
        if distance >= unit:
            return words[language][moment > now].format(n=distance // unit)
    return _NOW[language]


def lasting(span: timedelta, language: Language) -> str:
    """90 分钟, 3 小时, 2 天: minutes up to two hours, hours up to two days."""
    for unit, words in _LENGTHS:
        if span >= 2 * unit:
            return words[language].format(n=span // unit)
    return _LENGTHS[-1][1][language].format(n=max(0, span // timedelta(minutes=1)))


def exact(moment: datetime) -> str:
    """2026-11-30 10:05:00."""
    return moment.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")


def day(moment: datetime, language: Language) -> str:
    """11-30 周一."""
    local = moment.astimezone(CHINA)
    weekday = f"周{_WEEKDAYS[local.weekday()]}" if language == "zh" else local.strftime("%a")
    return f"{local:%m-%d} {weekday}"


def machine_time(moment: datetime) -> str:
    """For the attribute `datetime`."""
    return moment.astimezone(CHINA).isoformat(timespec="seconds")


def percent(share: float) -> str:
    """0.935 → 94%; what is nearly certain is never shown as certain."""
    return f"{min(99, max(1, round(share * 100)))}%"
