"""How well several matters in one complaint are told apart. In: corpus complaints. Out: precision and recall of pairs.

`python -m eval.issues --split dev`. Two complaints of different category are joined with a connector (fixed seed); a
category counts once per text. Complaints as they are show how often one matter is taken for several.
"""

import argparse
import json
import random
import sys
from collections.abc import Sequence
from typing import Any

from data.dataset import read_corpus
from data.schema import LabelledText
from data.splits import read_splits
from data.taxonomy import default_taxonomy
from models.predictor import Predictor

SEED = 20261129
PAIRS = 200
LONGEST = 400  # characters of one part
JOINS = ("{}\n\n{}", "{}另外，{}", "{}还有一件事，{}", "第一，{}第二，{}", "1、{}2、{}", "{}此外，{}")


def joined_complaints(texts: Sequence[LabelledText], *, pairs: int, seed: int) -> list[tuple[str, set[str]]]:
    """Texts of two matters with the two categories they are about."""
    draw = random.Random(seed)
    complaints = [text for text in texts if text.order_type == "complaint" and len(text.text) <= LONGEST]
    joined: list[tuple[str, set[str]]] = []
    while len(joined) < pairs:
        first, second = draw.sample(complaints, 2)
        if first.category and second.category and first.category != second.category:
            whole = draw.choice(JOINS).format(_closed(first.text), _closed(second.text))
            joined.append((whole, {first.category, second.category}))
    return joined


def evaluate_issues(
    texts: Sequence[LabelledText], predictor: Predictor, *, pairs: int = PAIRS, seed: int = SEED
) -> dict[str, Any]:
    """Figures for joined complaints, and for complaints as they are."""
    right = given = wanted = found = 0
    for text, categories in joined_complaints(texts, pairs=pairs, seed=seed):
        said = {issue.category for issue in predictor.triage([text])[0].issues}
        right, given, wanted = right + len(said & categories), given + len(said), wanted + len(categories)
        found += said == categories
    single = [text for text in texts if text.order_type == "complaint"]
    answers = [predictor.triage([text.text])[0] for text in single]
    return {
        "joined": pairs,
        "precision": round(right / max(1, given), 3),
        "recall": round(right / wanted, 3),
        "both_categories_and_no_other": round(found / pairs, 3),
        "single": len(single),
        "single_with_issues": sum(bool(answer.issues) for answer in answers),
        "single_with_several_categories": sum(
            len({issue.category for issue in answer.issues}) > 1 for answer in answers
        ),
    }


def _closed(text: str) -> str:
    """A text that ends with a mark, so that what is joined to it begins a clause."""
    text = text.strip()
    return text if text[-1] in "。！？!?；;…" else text + "。"


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description="Measure the matters found in joined complaints.")
    parser.add_argument("--split", choices=["train", "dev", "calibration"], default="dev")
    parser.add_argument("--pairs", type=int, default=PAIRS)
    options = parser.parse_args()
    splits = read_splits()
    texts = [text for text in read_corpus(default_taxonomy()) if splits.get(text.id) == options.split]
    figures = evaluate_issues(texts, Predictor.load(), pairs=options.pairs)
    sys.stdout.write(json.dumps(figures, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
