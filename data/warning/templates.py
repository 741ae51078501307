"""The same letter from many hands. In: texts, what sketches propose. Out: groups that are near-identical.

Candidates share a part of their sketch (`data.store.sketch`: 0.99 of the pairs with a similarity of 0.7 do); rapidfuzz
confirms them on the bare characters. A template sent a thousand times is not compared a million times: within a part
each text is compared with a few that are already known to be alike.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from data.wording import LEAST_CHARACTERS, bare_characters

SAME_ABOVE = 80.0
"""rapidfuzz ratio, percent. The corpus calls 75 a duplicate; here a false one accuses people of a campaign."""
LEAST_TEXT = 3 * LEAST_CHARACTERS
"""Bare characters; 我要投诉 is nobody's template."""
LEAST_CASES = 5
LEAST_CUSTOMERS = 3
WINDOW_DAYS = 30
_COMPARED = 3


@dataclass(frozen=True, kw_only=True)
class Template:
    cases: tuple[str, ...]
    customers: int


def find_templates(
    texts: Mapping[str, str], proposed: Iterable[Sequence[str]], customers: Mapping[str, str | None]
) -> list[Template]:
    """Groups, largest first. `proposed`: ids that share a part of their sketch.

    A case whose customer is unknown counts as one of its own: letters of agents often name nobody.
    """
    bare = {case_id: bare_characters(text) for case_id, text in texts.items()}
    leader = {case_id: case_id for case_id in texts}
    for ids in proposed:
        _join([case_id for case_id in ids if len(bare.get(case_id, "")) >= LEAST_TEXT], bare, leader)
    groups: dict[str, list[str]] = {}
    for case_id in texts:
        groups.setdefault(_find(leader, case_id), []).append(case_id)
    found = [_template(ids, customers) for ids in groups.values() if len(ids) >= LEAST_CASES]
    return sorted(
        (one for one in found if one.customers >= LEAST_CUSTOMERS), key=lambda one: (-len(one.cases), one.cases)
    )


def _template(ids: Sequence[str], customers: Mapping[str, str | None]) -> Template:
    known = {customers.get(case_id) or case_id for case_id in ids}
    return Template(cases=tuple(sorted(ids)), customers=len(known))


def _join(ids: Sequence[str], bare: Mapping[str, str], leader: dict[str, str]) -> None:
    samples: list[str] = []
    for case_id in ids:
        for other in samples:
            first, second = _find(leader, case_id), _find(leader, other)
            if first == second:
                break
            if fuzz.ratio(bare[case_id], bare[other], score_cutoff=SAME_ABOVE):
                low, high = sorted((first, second))
                leader[high] = low
                break
        else:
            samples = [case_id, *samples][:_COMPARED]


def _find(leader: dict[str, str], case_id: str) -> str:
    while leader[case_id] != case_id:
        leader[case_id] = leader[leader[case_id]]
        case_id = leader[case_id]
    return case_id
