"""What would be usual. In: counts by day, the kind of each day. Out: for the last days, what is expected, its scatter.

The last row of days is the last full day. Usual is what the twelve weeks before the last two were like: a matter that
rises slowly must not lift its own baseline. Days differ by kind (Monday … Sunday, rest days of the holiday table): that
is learnt from all cases of the bank together, so that it is known for rare matters too. Where there is a year before,
the same days of it say how much busier the window should be than the weeks before (the quarter's end, New Year).
Weeks that an earlier outbreak lifted are left out. The scatter is that of the weeks themselves, drawn towards the
bank's, and grows where little was seen: a matter never seen before is judged by how rarely it can have been seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from data.policy.calendar import SATURDAY, Calendar

WEEK = 7
WEEKS = 12
GUARD_DAYS = 14
YEAR_DAYS = 364
"""So that weekdays meet."""
HISTORY_DAYS = YEAR_DAYS + WEEKS * WEEK + GUARD_DAYS + WEEK
LEAST_DAYS = WEEK * WEEK + GUARD_DAYS
"""With less than seven weeks nothing is usual yet."""
SUNDAY = 6
_PRIOR_CASES = 0.5
_POOLED_WEEKS = 24
"""How many weeks of its own scatter a matter must have to weigh as much as half of the bank's."""
_LEAST_MATTERS = 5
"""Of fewer an outbreak in one would pass for the bank's scatter."""
_OUTLIER = 3.0
_SEASON_CASES = 50
_SEASON_BOUNDS = (0.5, 2.0)
Counts = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Usual:
    """What is usual of one matter: how much of it a day of mean weight brings, from how many cases that is known, and
    how much more than a Poisson count its weeks scatter (1: not more)."""

    rate: float
    seen: float
    overdispersion: float

    def expected(self, weight: float) -> float:
        """Cases in days that weigh so much."""
        return self.rate * weight

    def size(self, weight: float) -> float:
        """Of the negative binomial: scatter of the weeks and uncertainty of the rate together."""
        mean = self.expected(weight)
        return mean / (self.overdispersion - 1 + mean / self.seen)


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """The bank's days: `weights` are relative to a mean day; `season` is the window's against the year before."""

    weights: Counts
    season: float
    overdispersion: float

    def window_weight(self, days: int) -> float:
        """What the last days together weigh."""
        return float(self.weights[-days:].sum()) * self.season

    def usual(self, counts: Counts) -> Usual:
        """Of one matter."""
        blocks, weights = _weekly(counts, self.weights)
        kept = _without_outbreaks(blocks, weights, self.overdispersion)
        blocks, weights = blocks[kept], weights[kept]
        seen = float(blocks.sum()) + _PRIOR_CASES
        rate = seen / float(weights.sum())
        own = _chi_square(blocks, weights, rate)
        weeks = len(blocks)
        scatter = (own * weeks + self.overdispersion * _POOLED_WEEKS) / (weeks + _POOLED_WEEKS)
        if seen < weeks:  # less than one a week says nothing about scatter
            scatter = self.overdispersion
        return Usual(rate=rate, seen=seen, overdispersion=max(1.0, scatter))


def baseline_of(totals: Counts, days: Sequence[date], calendar: Calendar, *, matters: Sequence[Counts]) -> Baseline:
    """From all cases of the bank by day, and from the single matters how much weeks scatter."""
    kinds = np.array([day_kind(day, calendar) for day in days])
    weights = _weights(totals, kinds)
    return Baseline(
        weights=weights, season=_season(totals, weights), overdispersion=_pooled(matters, weights) if matters else 1.0
    )


def day_kind(day: date, calendar: Calendar) -> int:
    """0 Monday … 6 Sunday; a weekday off counts as a Sunday, a worked weekend day as a Wednesday."""
    weekday = day.weekday()
    if day.year not in calendar.years:
        return weekday
    is_worked = calendar.is_working_day(day)
    if weekday < SATURDAY:
        return weekday if is_worked else SUNDAY
    return 2 if is_worked else weekday


def days_until(last: date, count: int) -> list[date]:
    """So many days in a row, the last one included."""
    return [last - timedelta(days=count - 1 - i) for i in range(count)]


def _weights(totals: Counts, kinds: npt.NDArray[np.int_]) -> Counts:
    """Mean of each kind of day over the mean of all; a kind that hardly occurred is a mean day."""
    weights = np.ones(len(totals))
    before = slice(0, max(1, len(totals) - GUARD_DAYS))
    mean = totals[before].mean()
    if mean <= 0:
        return weights
    for kind in range(WEEK):
        of_kind = totals[before][kinds[before] == kind]
        # Two mean days of prior, so that one odd day decides nothing.
        weights[kinds == kind] = (of_kind.sum() + 2 * mean) / ((len(of_kind) + 2) * mean)
    return weights


def _season(totals: Counts, weights: Counts) -> float:
    """The window's week a year ago against the twelve weeks that preceded it."""
    if len(totals) < HISTORY_DAYS:
        return 1.0
    end = len(totals) - YEAR_DAYS
    week, before = slice(end - WEEK, end), slice(end - WEEKS * WEEK - GUARD_DAYS, end - GUARD_DAYS)
    usual = (totals[before].sum() + _PRIOR_CASES) / weights[before].sum()
    expected = usual * weights[week].sum()
    ratio = (totals[week].sum() + _SEASON_CASES) / (expected + _SEASON_CASES)
    return float(np.clip(ratio, *_SEASON_BOUNDS))


def _weekly(counts: Counts, weights: Counts) -> tuple[Counts, Counts]:
    """Sums of the weeks of the baseline, oldest first."""
    end = len(counts) - GUARD_DAYS
    weeks = min(WEEKS, end // WEEK)
    part = slice(end - weeks * WEEK, end)
    return counts[part].reshape(weeks, WEEK).sum(axis=1), weights[part].reshape(weeks, WEEK).sum(axis=1)


def _without_outbreaks(blocks: Counts, weights: Counts, overdispersion: float) -> npt.NDArray[np.bool_]:
    """Weeks that stand out from the others, at most a third, are left out."""
    middle = np.median(blocks / weights)
    expected = (middle + _PRIOR_CASES / weights.sum()) * weights
    residual = (blocks - expected) / np.sqrt(np.maximum(expected, 1.0) * max(1.0, overdispersion))
    kept = residual <= _OUTLIER
    if kept.sum() * 3 < len(blocks) * 2:
        return np.ones(len(blocks), dtype=bool)
    return np.asarray(kept)


def _chi_square(blocks: Counts, weights: Counts, rate: float) -> float:
    """Pearson's, by degree of freedom: 1 for Poisson counts."""
    expected = rate * weights
    return float(((blocks - expected) ** 2 / expected).sum() / max(1, len(blocks) - 1))


def _pooled(matters: Sequence[Counts], weights: Counts) -> float:
    """The median over those matters that bring more than a case a week."""
    found = []
    for counts in matters:
        blocks, block_weights = _weekly(counts, weights)
        if blocks.sum() > len(blocks):
            found.append(_chi_square(blocks, block_weights, float(blocks.sum() / block_weights.sum())))
    return max(1.0, float(np.median(found))) if len(found) >= _LEAST_MATTERS else 1.0
