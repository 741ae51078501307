"""Many customers, the same matter, a short time. In: recent cases, counts by day. Out: group complaints.

Two ways to be one: within seven days so many customers as half of the policy's threshold, and more than usual; or what
the policy itself calls 重大 (`data.policy.major`), whether usual or not. Matter: business and sub-cause; for the
policy's rule about one product in one branch, the business alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from data.policy.calendar import Calendar
from data.policy.major import major_reasons
from data.policy.schema import Policy
from data.warning.baseline import LEAST_DAYS, Baseline, Counts, baseline_of
from data.warning.spikes import ALPHA, Matter, judged

WINDOW_DAYS = 7
_COVERS = 0.6


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """One recent case; `customer` is its keyed hash, None where nobody knows who it is."""

    case_id: str
    day: date
    path: str
    leaf: str
    subcause: str
    customer: str | None


@dataclass(frozen=True, kw_only=True)
class Group:
    """`reasons`: codes of the policy's rules that make it 重大; `matter` is leaf and sub-cause, or the leaf alone."""

    path: str
    matter: Matter
    window_days: int
    cases: tuple[str, ...]
    customers: int
    expected: float | None
    limit: int | None
    reasons: tuple[str, ...]


def find_groups(
    sightings: Sequence[Sighting],
    series: Mapping[tuple[str, Matter], Counts],
    *,
    totals: Counts,
    days: Sequence[date],
    calendar: Calendar,
    policy: Policy,
    alpha: float = ALPHA,
) -> list[Group]:
    """All of the last days; `series` by unit's path and (leaf, sub-cause), `days` up to the last full one."""
    last = days[-1]
    by_customers: list[Group] = []
    if len(days) >= LEAST_DAYS:
        baseline = baseline_of(totals, days, calendar, matters=list(series.values()))
        recent = [one for one in sightings if last - timedelta(days=WINDOW_DAYS) < one.day <= last]
        by_customers = _by_customers(recent, series, baseline, policy, alpha)
    return _joined(by_customers, _by_product_and_branch(sightings, last, policy))


def _by_customers(
    recent: Sequence[Sighting],
    series: Mapping[tuple[str, Matter], Counts],
    baseline: Baseline,
    policy: Policy,
    alpha: float,
) -> list[Group]:
    least = -(-policy.major.persons_together.persons // 2)
    found: list[Group] = []
    for (path, matter), cases in _nested(recent):
        told = {
            case for group in found if group.matter == matter and group.path.startswith(path) for case in group.cases
        }
        cases = [case for case in cases if case.case_id not in told]
        customers = len({case.customer for case in cases if case.customer})
        if customers < least:
            continue
        spike = judged(series[path, matter], WINDOW_DAYS, baseline, alpha=alpha, count=customers)
        if spike is not None:
            reasons = major_reasons(policy, persons_together=customers)
            found.append(_group(path, matter, cases, customers, spike.expected, spike.limit, reasons))
    return found


def _by_product_and_branch(sightings: Sequence[Sighting], last: date, policy: Policy) -> list[Group]:
    """The policy's own rule, of the branch that the cases lie with, not of those above."""
    rule = policy.major.same_product_and_branch
    by_branch: dict[tuple[str, Matter], list[Sighting]] = {}
    for one in sightings:
        if last - timedelta(days=rule.days) < one.day <= last:
            by_branch.setdefault((one.path, (one.leaf,)), []).append(one)
    found = []
    for (path, matter), cases in by_branch.items():
        reasons = major_reasons(policy, cases_of_same_product_and_branch=len(cases))
        if reasons:
            customers = len({case.customer for case in cases if case.customer})
            found.append(_group(path, matter, cases, customers, None, rule.cases, reasons, window_days=rule.days))
    return found


def _joined(by_customers: Sequence[Group], by_branch: Sequence[Group]) -> list[Group]:
    """What is both is told once, with both reasons."""
    found = list(by_customers)
    for group in by_branch:
        for place, other in enumerate(found):
            shared = set(group.cases) & set(other.cases)
            if other.path == group.path and len(shared) >= _COVERS * len(group.cases):
                found[place] = replace(other, reasons=tuple(dict.fromkeys((*other.reasons, *group.reasons))))
                break
        else:
            found.append(group)
    return found


def _nested(recent: Iterable[Sighting]) -> list[tuple[tuple[str, Matter], list[Sighting]]]:
    """Cases by unit and matter, in their unit and in all above; the lowest units first."""
    grouped: dict[tuple[str, Matter], list[Sighting]] = {}
    for one in recent:
        for path in paths_up(one.path):
            grouped.setdefault((path, (one.leaf, one.subcause)), []).append(one)
    return sorted(grouped.items(), key=lambda item: (-item[0][0].count("/"), item[0]))


def paths_up(path: str) -> list[str]:
    """/head/east/ → /head/east/, /head/."""
    parts = path.strip("/").split("/")
    return [f"/{'/'.join(parts[:depth])}/" for depth in range(len(parts), 0, -1)]


def _group(
    path: str,
    matter: Matter,
    cases: Sequence[Sighting],
    customers: int,
    expected: float | None,
    limit: int | None,
    reasons: tuple[str, ...],
    *,
    window_days: int = WINDOW_DAYS,
) -> Group:
    return Group(
        path=path,
        matter=matter,
        window_days=window_days,
        cases=tuple(sorted(case.case_id for case in cases)),
        customers=customers,
        expected=expected,
        limit=limit,
        reasons=reasons,
    )
