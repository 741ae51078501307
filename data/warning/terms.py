"""Words that rise and that no leaf explains. In: recent texts and earlier ones with their leaves. Out: terms.

A term is expected as often as it was said before about the same leaves: when complaints about credit cards double,
信用卡 rises and is explained; a word for something new is not. Terms are runs of two to six Chinese characters, or a
Latin word: jieba's dictionary knows no new word and would bring 70 MB into the service. Of terms that stand in the same
texts one is told, as long as these texts share it. A term must stand in cases of several customers, so that no name of
one person is told.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from data.warning.limits import upper_limit, upper_tail

WINDOW_DAYS = 7
BEFORE_DAYS = 56
MOST_TEXTS = 5000
"""Of each period; beyond that every n-th is read."""
LEAST_CASES = 6
LEAST_CUSTOMERS = 5
LEAST_RATIO = 3.0
"""A word that is said twice as often is no news."""
ALPHA = 1e-7
"""There are ten thousands of terms."""
LONGEST = 6
MOST_TOLD = 10
_SAME_CASES = 0.6
_NEARLY_ALL = 0.9
_LONGEST_RUN = 16
_PRIOR = 0.5
_PLACEHOLDER = re.compile(r"〔[^〔〕]*〕")
_RUN = re.compile(r"[\u4e00-\u9fff]{2,}|[A-Za-z]{2,12}")


@dataclass(frozen=True, kw_only=True)
class Said:
    case_id: str
    leaf: str
    customer: str | None
    text: str


@dataclass(frozen=True, kw_only=True)
class Term:
    term: str
    cases: tuple[str, ...]
    customers: int
    expected: float
    limit: int
    tail: float


def find_rising(recent: Sequence[Said], before: Sequence[Said]) -> list[Term]:
    """Terms of the last days, rarest first."""
    if not before:
        return []
    holding = _frequent(recent)
    known = _counted(before, holding)
    leaves_before = Counter(said.leaf for said in before)
    leaf_of = {said.case_id: said.leaf for said in recent}
    customer_of = {said.case_id: said.customer or said.case_id for said in recent}
    leaves_now = Counter(leaf_of.values())
    found = []
    for term, cases in holding.items():
        customers = len({customer_of[case_id] for case_id in cases})
        expected = _expected(known.get(term, {}), leaves_now, leaves_before)
        if customers < LEAST_CUSTOMERS or len(cases) < LEAST_RATIO * expected:
            continue
        seen = sum(known.get(term, {}).values()) + _PRIOR
        tail = upper_tail(len(cases), mean=expected, size=seen)
        if tail < ALPHA:
            limit = max(LEAST_CASES, upper_limit(mean=expected, size=seen, alpha=ALPHA))
            found.append(
                Term(
                    term=term, cases=tuple(sorted(cases)), customers=customers, expected=round(expected, 2),
                    limit=limit, tail=tail,
                )
            )  # fmt: skip
    return _without_parts(found)[:MOST_TOLD]


def terms_of(text: str) -> set[str]:
    """All terms of a redacted text."""
    found: set[str] = set()
    for match in _RUN.finditer(_PLACEHOLDER.sub("。", text)):
        run = match[0]
        if run.isascii():
            found.add(run.upper())
            continue
        for length in range(2, LONGEST + 1):
            found.update(run[i : i + length] for i in range(len(run) - length + 1))
    return found


def _frequent(recent: Iterable[Said]) -> dict[str, set[str]]:
    """Terms that stand in enough cases, with these."""
    counts: Counter[str] = Counter()
    terms = {}
    for said in recent:
        terms[said.case_id] = terms_of(said.text)
        counts.update(terms[said.case_id])
    frequent = {term for term, count in counts.items() if count >= LEAST_CASES}
    holding: dict[str, set[str]] = {}
    for case_id, of_case in terms.items():
        for term in of_case & frequent:
            holding.setdefault(term, set()).add(case_id)
    return holding


def _counted(before: Iterable[Said], wanted: Mapping[str, object]) -> dict[str, Counter[str]]:
    """How many earlier cases of each leaf hold a term."""
    known: dict[str, Counter[str]] = {}
    for said in before:
        for term in terms_of(said.text) & wanted.keys():
            known.setdefault(term, Counter())[said.leaf] += 1
    return known


def _expected(of_term: Mapping[str, int], now: Mapping[str, int], before: Mapping[str, int]) -> float:
    """As often as before about the same leaves; a leaf that is new says it like the others."""
    all_before = sum(before.values())
    overall = (sum(of_term.values()) + _PRIOR) / all_before
    expected = 0.0
    for leaf, count in now.items():
        cases = before.get(leaf, 0)
        rate = (of_term.get(leaf, 0) + overall * 20) / (cases + 20)
        expected += count * rate
    return expected


def _without_parts(found: Sequence[Term]) -> list[Term]:
    """Of terms that stand in mostly the same cases one, rarest first: what nearly all of these say in one run."""
    clusters: list[list[Term]] = []
    for term in sorted(found, key=lambda one: (one.tail, -len(one.term), one.term)):
        for cluster in clusters:
            if _share(term, cluster[0]) >= _SAME_CASES:
                cluster.append(term)
                break
        else:
            clusters.append([term])
    return [_whole(cluster) for cluster in clusters]


def _whole(cluster: Sequence[Term]) -> Term:
    """The longest term of a cluster, lengthened at both ends by those that overlap it in all but one character."""
    held = [term for term in cluster if len(term.cases) >= _NEARLY_ALL * len(cluster[0].cases)]
    longest = max(held, key=lambda one: len(one.term))
    parts = {term.term for term in held if len(term.term) == len(longest.term)} - {longest.term}
    run, overlap = longest.term, len(longest.term) - 1
    while len(run) < _LONGEST_RUN and not run.isascii():
        behind = next((part for part in sorted(parts) if part[:-1] == run[-overlap:]), None)
        ahead = next((part for part in sorted(parts) if part[1:] == run[:overlap]), None)
        if behind is None and ahead is None:
            break
        run = (ahead[0] if ahead else "") + run + (behind[-1] if behind else "")
        parts -= {behind, ahead}
    return replace(longest, term=run)


def _share(first: Term, second: Term) -> float:
    one, other = set(first.cases), set(second.cases)
    return len(one & other) / min(len(one), len(other))
