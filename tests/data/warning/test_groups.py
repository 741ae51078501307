"""Group complaints: customers are counted, not complaints; the policy says what is 重大."""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import pytest

from data.policy.calendar import default_calendar
from data.policy.schema import default_policy
from data.warning.baseline import days_until
from data.warning.groups import Group, Sighting, find_groups, paths_up

LAST = date(2026, 11, 29)
DAYS = days_until(LAST, 98)
LEAF, SUBCAUSE = "B06.02", "C05.1"


def seen(count: int, *, path: str = "/head/east/", customers: int | None = None, days_ago: int = 1) -> list[Sighting]:
    return [
        Sighting(
            case_id=f"{path}{days_ago}-{n}", day=LAST - timedelta(days=days_ago), path=path, leaf=LEAF,
            subcause=SUBCAUSE, customer=f"{path}K{n % (customers or count)}" if customers != 0 else None,
        )
        for n in range(count)
    ]  # fmt: skip


def find(sightings: Sequence[Sighting], usual_a_day: float = 0.0) -> list[Group]:
    paths = {path for one in sightings for path in paths_up(one.path)}
    series = {(path, (LEAF, SUBCAUSE)): np.full(98, usual_a_day) for path in paths}
    for one in sightings:
        for path in paths_up(one.path):
            series[path, (LEAF, SUBCAUSE)][DAYS.index(one.day)] += 1
    return find_groups(
        sightings, series, totals=np.full(98, 100.0), days=DAYS, calendar=default_calendar(), policy=default_policy()
    )


def test_half_of_the_threshold_is_early_the_threshold_is_major() -> None:
    assert find(seen(9)) == []
    [early] = find(seen(10))
    assert (early.path, early.matter, early.customers, early.reasons) == ("/head/east/", (LEAF, SUBCAUSE), 10, ())
    assert early.expected is not None
    [major] = find(seen(20))
    assert (major.reasons, major.window_days, len(major.cases)) == (("Z1", "Z2"), 7, 20)


def test_one_product_in_one_branch_is_major_over_thirty_days() -> None:
    slowly = [one for week in range(4) for one in seen(5, days_ago=1 + 7 * week)]
    [group] = find(slowly)
    assert (group.reasons, group.matter, group.window_days, len(group.cases)) == (("Z2",), (LEAF,), 30, 20)
    assert find(slowly[1:]) == []


@pytest.mark.parametrize("customers", [3, 0])
def test_few_or_unknown_customers_are_no_group(customers: int) -> None:
    assert find(seen(15, customers=customers)) == []


def test_what_comes_every_week_is_no_group() -> None:
    assert find(seen(12), usual_a_day=1.5) == []


def test_a_week_is_the_window() -> None:
    assert find(seen(6) + seen(6, days_ago=8)) == []
    assert [group.customers for group in find(seen(6) + seen(6, days_ago=6, path="/head/west/"))] == [12]


def test_a_group_of_one_branch_is_told_there_and_not_above() -> None:
    found = find(seen(11) + seen(2, path="/head/west/"))
    assert [group.path for group in found] == ["/head/east/"]
    spread = find(seen(6) + seen(6, path="/head/west/"))
    assert [(group.path, group.customers) for group in spread] == [("/head/", 12)]
