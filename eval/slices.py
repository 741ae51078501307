"""Where is the model weaker? In: labelled texts and answers. Out: accuracy per facet by voice, length and input."""

from collections.abc import Callable, Sequence
from typing import Any

from data.schema import INPUT_KINDS, VOICES, LabelledText
from eval.metrics import FACETS, code_pairs
from eval.proportions import share_with_interval
from models.answer import TriageAnswer

# Characters from which a text belongs to a slice; the lengths of the corpus's coverage (data/corpus_check.py).
LENGTHS = (("< 30", 0), ("30–89", 30), ("90–199", 90), ("200–349", 200), ("≥ 350", 350))


def length_slice(text: LabelledText) -> str:
    """The slice a text's number of characters falls into."""
    return [name for name, start in LENGTHS if len(text.text) >= start][-1]


SLICES: dict[str, Callable[[LabelledText], str]] = {
    "voice": lambda text: text.voice,
    "length": length_slice,
    "input": lambda text: text.input,
}
ORDER = (*VOICES, *(name for name, _ in LENGTHS), *INPUT_KINDS)


Row = tuple[LabelledText, TriageAnswer, LabelledText]


def evaluate_slices(
    gold: Sequence[LabelledText], answers: Sequence[TriageAnswer], *, first: Sequence[LabelledText] | None = None
) -> dict[str, Any]:
    """Kind of slice → slice → texts and, by facet, n, hits and accuracy with Wilson interval."""
    rows = list(zip(gold, answers, first or gold, strict=True))
    return {kind: _by_slice(rows, slice_of) for kind, slice_of in SLICES.items()}


def _by_slice(rows: Sequence[Row], slice_of: Callable[[LabelledText], str]) -> dict[str, Any]:
    names = sorted({slice_of(text) for text, _, _ in rows}, key=lambda name: (_place(name), name))
    return {name: _scores([row for row in rows if slice_of(row[0]) == name]) for name in names}


def _place(name: str) -> int:
    """Known slices stand in their own order, others (kinds of gold texts) after them."""
    return ORDER.index(name) if name in ORDER else len(ORDER)


def _scores(rows: Sequence[Row]) -> dict[str, Any]:
    gold, answers, first = zip(*rows, strict=True)
    facets = {}
    for facet in FACETS:
        pairs = code_pairs(facet, gold, answers, first=first)
        hits = sum(want == got for want, got in pairs)
        facets[facet] = {"n": len(pairs), "hits": hits, "accuracy": share_with_interval(hits, len(pairs))}
    return {"texts": len(gold), "facets": facets}
