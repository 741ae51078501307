"""What a look at the cases found, and what is shown of warnings. In: nothing. Out: the shapes, frozen."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from data.store.warning_tables import EarlyWarning

WarningKind = Literal["spike", "group", "template", "term"]


@dataclass(frozen=True, kw_only=True)
class DayHold:
    """Proof that a process has a day in hand: no two holds of a day end at the same time."""

    day: date
    until: datetime


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something above its limit. `key` says what makes it the same matter as one found before."""

    kind: WarningKind
    key: str
    unit_id: str
    case_ids: tuple[str, ...]
    window_days: int
    count: int
    customers: int
    expected: float | None = None
    limit: int | None = None
    reasons: tuple[str, ...] = ()
    category: str | None = None
    leaf: str | None = None
    cause: str | None = None
    subcause: str | None = None
    term: str | None = None

    @property
    def is_major(self) -> bool:
        """重大 by the policy's rules."""
        return bool(self.reasons)


@dataclass(frozen=True, kw_only=True)
class DayCount:
    """Complaints of one day, unit and matter."""

    day: date
    unit_id: str
    category: str
    leaf: str
    cause: str
    subcause: str
    count: int


@dataclass(frozen=True, kw_only=True)
class RecentCase:
    """A recent complaint, without its text."""

    id: str
    day: date
    unit_id: str
    category: str
    leaf: str
    cause: str
    subcause: str
    customer_key: str | None


@dataclass(frozen=True, kw_only=True)
class WarningText:
    """The redacted text of a recent complaint."""

    id: str
    leaf: str
    customer_key: str | None
    text: str


@dataclass(frozen=True, kw_only=True)
class Week:
    """What a digest tells of warnings: raised in the period, ended in it, open at its end."""

    begins: datetime
    ends: datetime
    raised: Sequence[EarlyWarning]
    ended: Sequence[EarlyWarning]
    open: Sequence[EarlyWarning]
