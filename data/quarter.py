"""Quarters of the year. In: `2026Q3`. Out: its months, the quarter before, the same one a year ago."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Self

from data.days import CHINA
from data.errors import QuarterError

_WRITTEN = re.compile(r"(20\d\d)Q([1-4])")
NUMERALS = "一二三四"


@dataclass(frozen=True, order=True)
class Quarter:
    year: int
    number: int

    @classmethod
    def parse(cls, written: str) -> Self:
        """From `2026Q3`. Raises QuarterError."""
        match = _WRITTEN.fullmatch(written.strip().upper())
        if match is None:
            raise QuarterError(
                f"{written[:20]!r} is no quarter; expected a year and a quarter such as 2026Q3",
                "季度填写有误，应为年份加季度，如 2026Q3",
            )
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def of(cls, moment: datetime) -> Self:
        """The quarter of a moment, in China."""
        local = moment.astimezone(CHINA)
        return cls(local.year, (local.month + 2) // 3)

    def __str__(self) -> str:
        return f"{self.year}Q{self.number}"

    @property
    def name(self) -> str:
        return f"{self.year}年第{NUMERALS[self.number - 1]}季度"

    @property
    def first_month(self) -> str:
        """As `cases.month` writes it: 2026-07."""
        return f"{self.year}-{3 * self.number - 2:02}"

    @property
    def last_month(self) -> str:
        return f"{self.year}-{3 * self.number:02}"

    @property
    def first_day(self) -> date:
        return date(self.year, 3 * self.number - 2, 1)

    @property
    def last_day(self) -> date:
        return (self.first_day + timedelta(days=100)).replace(day=1) - timedelta(days=1)

    @property
    def before(self) -> "Quarter":
        return Quarter(self.year - 1, 4) if self.number == 1 else Quarter(self.year, self.number - 1)

    @property
    def year_ago(self) -> "Quarter":
        return Quarter(self.year - 1, self.number)


def quarters_of(year: int) -> Sequence[Quarter]:
    return [Quarter(year, number) for number in (1, 2, 3, 4)]
