"""What blind readings say. In: readings. Out: the miss rate of risk flags, agreement with the model, of two people."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from data.shares import Share
from data.store.label_tables import Label
from data.store.quality import PREFILL, BlindReading
from data.store.readings import FIELDS, compare, decided
from serving.console.agreement import agreement
from serving.console.visitors import Visitor


@dataclass(frozen=True, kw_only=True)
class Missed:
    """Of unflagged cases: in how many a person found a risk. `flags`: how often each, the most frequent first."""

    share: Share
    flags: Mapping[str, int]
    cases: Sequence[str]
    """Those in which something was missed."""


def sees_results(visitor: Visitor) -> bool:
    """Who reads blind does not see what the readings add up to; supervisors and those who audit do."""
    return visitor.may("cases.assign") or visitor.may("audit.read")


def missed(readings: Sequence[BlindReading], *, not_a_risk: Collection[str]) -> Missed:
    """The miss rate: of the cases in which the model raised no flag at all."""
    unflagged = [item for item in readings if not item.answer["flags"]]
    found = {item.draw.case_id: set(item.label.flags) - set(not_a_risk) for item in unflagged}
    hits = {case_id: flags for case_id, flags in found.items() if flags}
    counts: dict[str, int] = {}
    for flags in hits.values():
        for flag in flags:
            counts[flag] = counts.get(flag, 0) + 1
    return Missed(
        share=Share(count=len(hits), n=len(found)),
        flags=dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))),
        cases=sorted(hits),
    )


def prefilled(readings: Sequence[BlindReading]) -> Mapping[str, Share]:
    """Of the cases that the model would prefill: how often the person said the same, by field."""
    auto = [item for item in readings if item.answer["decision"]["band"] == PREFILL]
    found = agreement([one for item in auto for one in compare(item.label, item.answer)])
    return {one.field: one.all for one in found}


def between_people(readings: Sequence[BlindReading]) -> Mapping[str, Share]:
    """How often the second person said what the first one had, by field."""
    pairs = [(item.first, item.label) for item in readings if item.first is not None]
    return {field: _same(field, pairs) for field in FIELDS}


def _same(field: str, pairs: Sequence[tuple[Label, Label]]) -> Share:
    hits = [decided(first, field) == decided(second, field) for first, second in pairs]
    return Share(count=sum(hits), n=len(hits))
