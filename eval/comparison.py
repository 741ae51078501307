"""The model beside simpler methods on the same texts. In: evaluated sets, training texts. Out: figures and differences.

Every method learns from the training texts and answers every set; what an expert could defend counts for all alike, and
so does the rule of null: no category where a method's own order type is irrelevant, no cause where it is no complaint.
Differences are model − method in accuracy, with a paired-bootstrap interval; a second one lets both name a code for
every text, as if the order type were known. A method that names no order type is taken to answer every text. Needs the
extra `train`.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from data.schema import LabelledText
from data.taxonomy import Taxonomy
from eval.metrics import given_code, score_codes
from eval.sets import EvaluatedSet
from eval.significance import Difference, paired_bootstrap
from models.answer import TriageAnswer
from models.label_space import parent

Answers = dict[str, dict[str, list[str]]]  # method → facet → codes


def compare_baselines(
    sets: Sequence[EvaluatedSet],
    train: Sequence[LabelledText],
    taxonomy: Taxonomy,
    *,
    with_contrastive: bool,
) -> dict[str, Any]:
    """Set → method → facet → {n, accuracy, macro_f1, difference}; each method is fitted once."""
    from eval.baselines import CONTRASTIVE, METHODS, predict_baselines

    methods = (*METHODS, CONTRASTIVE) if with_contrastive else METHODS
    texts = [text for evaluated in sets for text in evaluated.texts]
    answers = predict_baselines(train, texts, taxonomy, methods=methods)
    result, start = {}, 0
    for evaluated in sets:
        end = start + len(evaluated.texts)
        part = {m: {f: codes[start:end] for f, codes in by_facet.items()} for m, by_facet in answers.items()}
        result[evaluated.name] = compare_answers(evaluated, part)
        start = end
    return result


def compare_answers(evaluated: EvaluatedSet, answers: Answers) -> dict[str, Any]:
    """Method → facet → figures of the method and the model's lead over it."""
    return {
        method: {facet: _compare(evaluated, facet, by_facet) for facet in by_facet}
        for method, by_facet in answers.items()
    }


def _compare(evaluated: EvaluatedSet, facet: str, by_facet: dict[str, list[str]]) -> dict[str, Any]:
    rows = [i for i, text in enumerate(evaluated.texts) if getattr(text, facet) is not None]
    if not rows:
        return {"n": 0}
    named, answered = by_facet[facet], _with_nulls(facet, by_facet)
    theirs = [evaluated.is_right(i, facet, answered[i]) for i in rows]
    ours = [evaluated.is_right(i, facet, given_code(evaluated.answers[i], facet)) for i in rows]
    wanted = [answered[i] if good else getattr(evaluated.texts[i], facet) for i, good in zip(rows, theirs, strict=True)]
    scores = score_codes([(str(want), answered[i] or "none") for want, i in zip(wanted, rows, strict=True)])
    lead = paired_bootstrap(ours, theirs)
    known = paired_bootstrap(
        [evaluated.is_right(i, facet, _best_code(evaluated.answers[i], facet)) for i in rows],
        [evaluated.is_right(i, facet, named[i]) for i in rows],
    )
    return {
        **{name: scores[name] for name in ("n", "accuracy", "macro_f1", "macro_f1_frequent")},
        "difference": {**asdict(lead), "verdict": verdict(lead)},
        "difference_order_type_known": {**asdict(known), "verdict": verdict(known)},
    }


def _with_nulls(facet: str, by_facet: dict[str, list[str]]) -> list[str | None]:
    """A method's codes by the product's rule of null, as far as its own order types tell."""
    orders = by_facet.get("order_type") or ["complaint"] * len(by_facet[facet])
    return [None if _is_null(facet, order) else code for code, order in zip(by_facet[facet], orders, strict=True)]


def _is_null(facet: str, order_type: str) -> bool:
    return (
        order_type != "complaint" if facet == "cause" else order_type == "irrelevant" and facet in ("category", "leaf")
    )


def _best_code(answer: TriageAnswer, facet: str) -> str | None:
    """The model's likeliest code, whatever it takes the order type for; a leaf only within the best category."""
    if answer.probabilities is None:
        return given_code(answer, facet)
    probabilities: dict[str, float] = getattr(answer.probabilities, facet)
    if facet == "leaf":
        category = _best_code(answer, "category")
        probabilities = {code: p for code, p in probabilities.items() if parent(code) == category}
    return max(probabilities, key=probabilities.__getitem__)


def verdict(lead: Difference) -> str:
    """What the interval says about the model."""
    return "better" if lead.is_better else "worse" if lead.is_worse else "not distinguishable"
