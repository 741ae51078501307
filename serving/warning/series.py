"""Counts by day as the detectors want them. In: counted days of single units. Out: arrays by unit and matter.

A unit's array holds what lies with it and with all units below.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date

import numpy as np

from data.store.warning_records import DayCount
from data.warning.baseline import Counts
from data.warning.groups import paths_up
from data.warning.spikes import Matter

Series = dict[tuple[str, Matter], Counts]


def category_and_cause(count: DayCount) -> Matter | None:
    return (count.category, count.cause) if count.category and count.cause else None


def leaf_and_subcause(count: DayCount) -> Matter | None:
    return (count.leaf, count.subcause) if count.leaf and count.subcause else None


def series_of(
    counts: Iterable[DayCount],
    matter_of: Callable[[DayCount], Matter | None],
    *,
    days: Sequence[date],
    paths: Mapping[str, str],
) -> Series:
    """Arrays as long as `days`; what has no matter is left out."""
    place = {day: index for index, day in enumerate(days)}
    series: Series = {}
    for count in counts:
        matter = matter_of(count)
        if matter is None or count.day not in place:
            continue
        for path in paths_up(paths[count.unit_id]):
            array = series.get((path, matter))
            if array is None:
                array = series[path, matter] = np.zeros(len(days))
            array[place[count.day]] += count.count
    return series


def totals_of(counts: Iterable[DayCount], days: Sequence[date]) -> Counts:
    """All complaints of the bank by day."""
    place = {day: index for index, day in enumerate(days)}
    totals = np.zeros(len(days))
    for count in counts:
        if count.day in place:
            totals[place[count.day]] += count.count
    return totals
