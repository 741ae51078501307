"""The model beside simpler methods on the same texts. In: evaluated sets, training texts. Out: figures and differences.

Every method learns from the training texts and answers every set; what an expert could defend counts for all alike.
Differences are model − method in accuracy, with a paired-bootstrap interval. Needs the extra `train`.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from data.schema import LabelledText
from data.taxonomy import Taxonomy
from eval.metrics import given_code, score_codes
from eval.sets import EvaluatedSet
from eval.significance import Difference, paired_bootstrap

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
        method: {facet: _compare(evaluated, facet, codes) for facet, codes in by_facet.items()}
        for method, by_facet in answers.items()
    }


def _compare(evaluated: EvaluatedSet, facet: str, codes: Sequence[str]) -> dict[str, Any]:
    rows = [i for i, text in enumerate(evaluated.texts) if getattr(text, facet) is not None]
    if not rows:
        return {"n": 0}
    theirs = [evaluated.is_right(i, facet, codes[i]) for i in rows]
    ours = [evaluated.is_right(i, facet, given_code(evaluated.answers[i], facet)) for i in rows]
    wanted = [codes[i] if good else getattr(evaluated.texts[i], facet) for i, good in zip(rows, theirs, strict=True)]
    scores = score_codes([(want, codes[i]) for want, i in zip(wanted, rows, strict=True)])
    lead = paired_bootstrap(ours, theirs)
    return {
        **{name: scores[name] for name in ("n", "accuracy", "macro_f1", "macro_f1_frequent")},
        "difference": {**asdict(lead), "verdict": verdict(lead)},
    }


def verdict(lead: Difference) -> str:
    """What the interval says about the model."""
    return "better" if lead.is_better else "worse" if lead.is_worse else "not distinguishable"
