"""A candidate beside the model that serves, on the same texts. In: two predictors, labelled sets. Out: differences.

Both answer each text right after one another, by turns first, so that a busy machine slows both alike. A difference is
candidate − current with a paired-bootstrap interval: per head, per flag group and per slice.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tqdm import tqdm

from eval.metrics import FACETS, GROUPS, given_code
from eval.sets import EvaluatedSet, LabelledSet
from eval.significance import Difference, paired_bootstrap
from eval.slices import SLICES
from models.answer import TriageAnswer
from models.predictor import Predictor

LEAST_TEXTS = 10
"""A slice with fewer texts of a head says nothing."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two models' answers to the same texts."""

    candidate: EvaluatedSet
    current: EvaluatedSet
    candidate_seconds: tuple[float, ...]
    current_seconds: tuple[float, ...]

    @property
    def name(self) -> str:
        return self.candidate.name


@dataclass(frozen=True, kw_only=True)
class Row:
    """A head on a set or a slice of it."""

    head: str
    where: str
    difference: Difference


def answer_pair(labelled: LabelledSet, candidate: Predictor, current: Predictor) -> Pair:
    """Both models on every text, with the seconds that each took."""
    answers: dict[int, list[TriageAnswer]] = {0: [], 1: []}
    seconds: dict[int, list[float]] = {0: [], 1: []}
    models = (candidate, current)
    for place, text in enumerate(tqdm(labelled.texts, desc=labelled.name, leave=False, disable=None)):
        for turn in (0, 1) if place % 2 else (1, 0):
            started = time.perf_counter()
            answers[turn] += models[turn].triage([text.text], ids=[text.id], full=True)
            seconds[turn].append(time.perf_counter() - started)
    first, second = (
        EvaluatedSet(
            name=labelled.name,
            origin=labelled.origin,
            source=labelled.source,
            gold=labelled.gold,
            answers=answers[turn],
        )
        for turn in (0, 1)
    )
    return Pair(candidate=first, current=second, candidate_seconds=tuple(seconds[0]), current_seconds=tuple(seconds[1]))


def compare_pair(pair: Pair) -> list[Row]:
    """Every head and flag group on all texts, then every head on every slice."""
    everything = range(len(pair.candidate.texts))
    rows = list(_heads(pair, everything, where="all"))
    for kind, slice_of in SLICES.items():
        by_slice: dict[str, list[int]] = {}
        for i, text in enumerate(pair.candidate.texts):
            by_slice.setdefault(slice_of(text), []).append(i)
        for name, places in sorted(by_slice.items()):
            rows += _heads(pair, places, where=f"{kind} {name}", least=LEAST_TEXTS)
    return rows


def _heads(pair: Pair, places: Sequence[int], *, where: str, least: int = 1) -> Iterator[Row]:
    for facet in FACETS:
        judged = [i for i in places if getattr(pair.candidate.texts[i], facet) is not None]
        if len(judged) >= least:
            yield Row(head=facet, where=where, difference=compare_facet(pair, facet, judged))
    for group in GROUPS:
        judged = [i for i in places if any(flag[0] == group for flag in pair.candidate.texts[i].flags)]
        if len(judged) >= least:
            difference = _compare(pair, judged, lambda answers, i: raises(answers.answers[i], group))  # noqa: B023
            yield Row(head=f"recall {group}", where=where, difference=difference)


def compare_facet(pair: Pair, facet: str, places: Sequence[int]) -> Difference:
    """Accuracy of a facet on some texts."""
    return _compare(pair, places, lambda answers, i: answers.is_right(i, facet, given_code(answers.answers[i], facet)))


def raises(answer: TriageAnswer, group: str) -> bool:
    """Whether an answer raises any flag of a group."""
    return any(flag.group == group for flag in answer.flags)


def _compare(pair: Pair, places: Sequence[int], is_right: Callable[[EvaluatedSet, int], bool]) -> Difference:
    return paired_bootstrap([is_right(pair.candidate, i) for i in places], [is_right(pair.current, i) for i in places])


def row_line(row: Row) -> str:
    """A difference for a terminal."""
    d = row.difference
    verdict = "better" if d.is_better else "WORSE" if d.is_worse else ""
    return (
        f"{row.head:11s} {row.where:24s} n {d.n:5d}  {d.first:.3f} − {d.second:.3f} = "
        f"{d.difference:+.3f} [{d.low:+.3f}, {d.high:+.3f}]  {verdict}"
    ).rstrip()
