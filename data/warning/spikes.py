"""More than usual. In: counts by day of each matter in each unit. Out: where the last days go beyond the limit.

A matter's cases count in its unit and in all units above. Where a unit warns, its cases are taken out of those above:
what one branch explains is warned of once, there; what rises everywhere a little is warned of above.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from data.policy.calendar import Calendar
from data.warning.baseline import LEAST_DAYS, Baseline, Counts, baseline_of
from data.warning.limits import upper_limit, upper_tail

WINDOWS = (1, 7)
"""Days: a sudden rise shows in one, a slower one in seven."""
ALPHA = 1e-5
"""Of one matter on one day; docs/alerts.md says what it costs and brings."""
LEAST_CASES = 5
"""Fewer are no matter for a warning, however rare they are."""
Matter = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Spike:
    """`path` is the unit's."""

    path: str
    matter: Matter
    window_days: int
    count: int
    expected: float
    limit: int
    tail: float


def find_spikes(
    series: Mapping[tuple[str, Matter], Counts],
    *,
    totals: Counts,
    days: Sequence[date],
    calendar: Calendar,
    alpha: float = ALPHA,
) -> list[Spike]:
    """Matters beyond their limit, rarest first. `series`: by unit's path and matter, of the unit and all below it."""
    if len(days) < LEAST_DAYS or not series:
        return []
    roots = min(path.count("/") for path, _ in series)
    pooled = [counts for (path, _), counts in series.items() if path.count("/") == roots]
    baseline = baseline_of(totals, days, calendar, matters=pooled)
    found: list[Spike] = []
    for matter, by_path in _by_matter(series).items():
        found += _of_matter(matter, by_path, baseline, alpha)
    return sorted(found, key=lambda spike: spike.tail)


def judged(counts: Counts, window: int, baseline: Baseline, *, alpha: float, count: int | None = None) -> Spike | None:
    """The window's count (or the one given) against the limit; None below it."""
    observed = int(counts[-window:].sum()) if count is None else count
    if observed < LEAST_CASES:
        return None
    usual, weight = baseline.usual(counts), baseline.window_weight(window)
    mean, size = usual.expected(weight), usual.size(weight)
    tail = upper_tail(observed, mean=mean, size=size)
    if tail >= alpha:
        return None
    limit = max(LEAST_CASES, upper_limit(mean=mean, size=size, alpha=alpha))
    return Spike(
        path="", matter=(), window_days=window, count=observed, expected=round(mean, 2), limit=limit, tail=tail
    )


def _by_matter(series: Mapping[tuple[str, Matter], Counts]) -> dict[Matter, dict[str, Counts]]:
    grouped: dict[Matter, dict[str, Counts]] = {}
    for (path, matter), counts in series.items():
        grouped.setdefault(matter, {})[path] = counts
    return grouped


def _of_matter(matter: Matter, by_path: Mapping[str, Counts], baseline: Baseline, alpha: float) -> list[Spike]:
    """From the lowest units up."""
    found: list[Spike] = []
    for path in sorted(by_path, key=lambda path: -path.count("/")):
        counts = without_below(by_path, path, (spike.path for spike in found))
        spikes = [spike for window in WINDOWS if (spike := judged(counts, window, baseline, alpha=alpha))]
        if spikes:
            best = min(spikes, key=lambda spike: spike.tail)
            found.append(
                Spike(
                    path=path, matter=matter, window_days=best.window_days, count=best.count, expected=best.expected,
                    limit=best.limit, tail=best.tail,
                )
            )  # fmt: skip
    return found


def without_below(by_path: Mapping[str, Counts], path: str, warning: Iterable[str]) -> Counts:
    """A unit's counts without those units below it that warn already, each once."""
    below = [other for other in warning if other.startswith(path)]
    outermost = [one for one in below if not any(one != other and one.startswith(other) for other in below)]
    taken = np.sum([by_path[one] for one in outermost], axis=0) if outermost else 0.0
    return np.asarray(by_path[path] - taken)
