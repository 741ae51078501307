"""What is taken for what. In: labelled texts and answers. Out: a matrix of counts per facet, wanted by given."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from data.schema import LabelledText
from data.taxonomy import Taxonomy
from eval.metrics import NOTHING, code_pairs
from models.answer import TriageAnswer

CONFUSED_FACETS = ("category", "cause", "order_type")


def confusion_matrices(
    gold: Sequence[LabelledText],
    answers: Sequence[TriageAnswer],
    taxonomy: Taxonomy,
    *,
    first: Sequence[LabelledText] | None = None,
) -> dict[str, Any]:
    """Facet → `wanted` codes, `given` codes and `counts[wanted][given]`, in the taxonomy's order."""
    order = list(taxonomy.entries)
    return {facet: _matrix(code_pairs(facet, gold, answers, first=first), order) for facet in CONFUSED_FACETS}


def _matrix(pairs: Sequence[tuple[str, str]], order: Sequence[str]) -> dict[str, Any]:
    places = {code: i for i, code in enumerate([*order, NOTHING])}
    wanted = sorted({want for want, _ in pairs}, key=places.__getitem__)
    given = sorted({code for pair in pairs for code in pair}, key=places.__getitem__)
    counts = Counter(pairs)
    return {"wanted": wanted, "given": given, "counts": [[counts[want, got] for got in given] for want in wanted]}
