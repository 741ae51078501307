"""One look at the complaints up to a day. In: an open store, the last full day. Out: what is above its limit.

Only reads; the counting is `data.warning`'s. Days before the store's first complaint are no days without complaints.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from data.policy.calendar import Calendar
from data.policy.schema import Policy
from data.store.scope import ROOT
from data.store.unit_of_work import Store, UnitOfWork
from data.store.warning_records import DayCount, Finding, RecentCase, WarningText
from data.warning import templates, terms
from data.warning.baseline import HISTORY_DAYS, Counts, days_until
from data.warning.groups import Group, Sighting, find_groups
from data.warning.spikes import Spike, find_spikes
from serving.warning.series import Series, category_and_cause, leaf_and_subcause, series_of, totals_of

_COVERS = 0.6


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What one look has before it. `paths`: of the units, by id."""

    days: Sequence[date]
    counts: Sequence[DayCount]
    recent: Sequence[RecentCase]
    paths: Mapping[str, str]
    policy: Policy
    calendar: Calendar

    @property
    def last(self) -> date:
        return self.days[-1]

    @property
    def totals(self) -> Counts:
        return totals_of(self.counts, self.days)

    def unit_at(self, path: str) -> str:
        """The id of the unit with this path: its last part."""
        return path.strip("/").rpartition("/")[2]

    def cases(self, days: int, path: str = ROOT) -> list[RecentCase]:
        """Of the last days, in the unit and below."""
        since = self.last - timedelta(days=days)
        return [case for case in self.recent if case.day > since and self.paths[case.unit_id].startswith(path)]


def find_all(store: Store, last: date) -> list[Finding]:
    """Group complaints, spikes, templates and rising terms of the days up to `last`. Raises StoreError."""
    with store.reading() as work:
        seen = _look(work, last, store.book.current, store.book.calendar)
        if seen is None:
            return []
        similar = _templates(work, seen)
        rising = _terms(work, seen)
    groups = _groups(seen)
    spikes = _without_told(_spikes(seen), groups)
    return [*groups, *spikes, *similar, *_without_told(rising, [*groups, *spikes, *similar])]


def _look(work: UnitOfWork, last: date, policy: Policy, calendar: Calendar) -> Seen | None:
    first = work.warning_signals.first_day(within=ROOT)
    if first is None or first > last:
        return None
    days = days_until(last, min(HISTORY_DAYS, (last - first).days + 1))
    longest = max(templates.WINDOW_DAYS, policy.major.same_product_and_branch.days)
    return Seen(
        days=days,
        counts=work.warning_signals.daily(days[0], last, within=ROOT),
        recent=work.warning_signals.recent(last - timedelta(days=longest - 1), last, within=ROOT),
        paths={unit.id: unit.path for unit in work.units.all(within=ROOT)},
        policy=policy,
        calendar=calendar,
    )


def _series(seen: Seen, *, by_leaf: bool) -> Series:
    matter = leaf_and_subcause if by_leaf else category_and_cause
    return series_of(seen.counts, matter, days=seen.days, paths=seen.paths)


def _spikes(seen: Seen) -> list[Finding]:
    found = find_spikes(_series(seen, by_leaf=False), totals=seen.totals, days=seen.days, calendar=seen.calendar)
    return [_of_spike(seen, spike, [other for other in found if other is not spike]) for spike in found]


def _of_spike(seen: Seen, spike: Spike, others: Iterable[Spike]) -> Finding:
    """Its cases are those of the window without those of the units below that warn of the same."""
    category, cause = spike.matter
    below = [one.path for one in others if one.matter == spike.matter and one.path.startswith(spike.path)]
    cases = [
        case
        for case in seen.cases(spike.window_days, spike.path)
        if (case.category, case.cause) == spike.matter
        and not any(seen.paths[case.unit_id].startswith(path) for path in below)
    ]
    unit = seen.unit_at(spike.path)
    return Finding(
        kind="spike",
        key=f"spike/{unit}/{category}/{cause}",
        unit_id=unit,
        case_ids=tuple(case.id for case in cases),
        window_days=spike.window_days,
        count=spike.count,
        customers=_customers(cases),
        expected=spike.expected,
        limit=spike.limit,
        category=category,
        cause=cause,
    )


def _groups(seen: Seen) -> list[Finding]:
    sightings = [
        Sighting(
            case_id=case.id, day=case.day, path=seen.paths[case.unit_id], leaf=case.leaf, subcause=case.subcause,
            customer=case.customer_key,
        )
        for case in seen.recent
        if case.leaf and case.subcause
    ]  # fmt: skip
    found = find_groups(
        sightings,
        _series(seen, by_leaf=True),
        totals=seen.totals,
        days=seen.days,
        calendar=seen.calendar,
        policy=seen.policy,
    )
    return [_of_group(seen, group) for group in found]


def _of_group(seen: Seen, group: Group) -> Finding:
    unit = seen.unit_at(group.path)
    leaf, subcause = group.matter[0], group.matter[1] if len(group.matter) > 1 else None
    return Finding(
        kind="group",
        key="/".join(["group", unit, *group.matter]),
        unit_id=unit,
        case_ids=group.cases,
        window_days=group.window_days,
        count=len(group.cases),
        customers=group.customers,
        expected=group.expected,
        limit=group.limit,
        reasons=group.reasons,
        category=leaf.partition(".")[0],
        leaf=leaf,
        cause=subcause and subcause.partition(".")[0],
        subcause=subcause,
    )


def _without_told(findings: Iterable[Finding], told: Iterable[Finding]) -> list[Finding]:
    """Without those whose cases another finding mostly tells already. What only the policy's rule about one product
    in one branch holds (it knows no usual) tells nothing new.
    """
    others = [set(one.case_ids) for one in told if one.expected is not None or one.kind == "template"]
    return [
        finding
        for finding in findings
        if not any(len(cases & set(finding.case_ids)) >= _COVERS * len(finding.case_ids) for cases in others)
    ]


def _templates(work: UnitOfWork, seen: Seen) -> list[Finding]:
    first = seen.last - timedelta(days=templates.WINDOW_DAYS - 1)
    proposed = work.warning_signals.sharing_wording(first, seen.last, within=ROOT)
    texts = work.warning_signals.texts_of(sorted({case_id for ids in proposed for case_id in ids}), within=ROOT)
    customers = {text.id: text.customer_key for text in texts}
    found = templates.find_templates({text.id: text.text for text in texts}, proposed, customers)
    return [
        _of_cases(
            seen, "template", template.cases, key=f"template/{template.cases[0]}", customers=template.customers,
            window_days=templates.WINDOW_DAYS,
        )
        for template in found
    ]  # fmt: skip


def _terms(work: UnitOfWork, seen: Seen) -> list[Finding]:
    since = seen.last - timedelta(days=terms.WINDOW_DAYS)
    first = max(seen.days[0], since - timedelta(days=terms.BEFORE_DAYS - 1))
    if (since - first).days < terms.WINDOW_DAYS:
        return []  # nothing to compare with yet

    def said(first: date, last: date) -> list[terms.Said]:
        texts = work.warning_signals.texts(first, last, within=ROOT, most=terms.MOST_TEXTS)
        return [_said(text) for text in texts]

    found = terms.find_rising(said(since + timedelta(days=1), seen.last), said(first, since))
    return [
        _of_cases(
            seen, "term", term.cases, key=f"term/{term.term}", customers=term.customers,
            window_days=terms.WINDOW_DAYS, expected=term.expected, limit=term.limit, term=term.term,
        )
        for term in found
    ]  # fmt: skip


def _said(text: WarningText) -> terms.Said:
    return terms.Said(case_id=text.id, leaf=text.leaf, customer=text.customer_key, text=text.text)


def _of_cases(
    seen: Seen,
    kind: Literal["template", "term"],
    case_ids: tuple[str, ...],
    *,
    key: str,
    customers: int,
    window_days: int,
    expected: float | None = None,
    limit: int | None = None,
    term: str | None = None,
) -> Finding:
    """It lies with the lowest unit that all its cases are in or below; facets are told where most cases agree."""
    chosen = set(case_ids)
    cases = [case for case in seen.recent if case.id in chosen]
    return Finding(
        kind=kind,
        key=key,
        unit_id=seen.unit_at(common_path([seen.paths[case.unit_id] for case in cases])),
        case_ids=case_ids,
        window_days=window_days,
        count=len(case_ids),
        customers=customers,
        expected=expected,
        limit=limit,
        category=_most(case.category for case in cases),
        leaf=_most(case.leaf for case in cases),
        cause=_most(case.cause for case in cases),
        term=term,
    )


def common_path(paths: Sequence[str]) -> str:
    """/head/east/, /head/east/one/ → /head/east/. Units of two trees share the first one's top."""
    parts = [path.strip("/").split("/") for path in paths]
    shared = [part[0] for part in zip(*parts, strict=False) if len(set(part)) == 1]
    return f"/{'/'.join(shared or parts[0][:1])}/"


def _most(codes: Iterable[str]) -> str | None:
    """The code of more than half."""
    counted = Counter(codes)
    code, count = counted.most_common(1)[0]
    return code if code and count * 2 > counted.total() else None


def _customers(cases: Iterable[RecentCase]) -> int:
    return len({case.customer_key for case in cases if case.customer_key})
