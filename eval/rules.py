"""How right the lexicon is on its own. In: a split of the corpus. Out: precision, recall and n per flag.

`python -m eval.rules --split dev`. The patterns were tuned on train and dev, so those figures flatter them;
`calibration` was never looked at. As in serving, only E01 is read in texts that are not about a bank.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any

from data.dataset import read_corpus
from data.preparation import prepare_text
from data.schema import LabelledText
from data.splits import read_splits
from data.taxonomy import Taxonomy, default_taxonomy
from models.rules import Rules, by_flag, default_rules


def evaluate_rules(
    texts: Sequence[LabelledText], *, taxonomy: Taxonomy, rules: Rules | None = None
) -> dict[str, dict[str, Any]]:
    """Per flag that has rules: precision (null where nothing was raised), recall, raised, n."""
    rules = rules or default_rules()
    right, raised, wanted = Counter[str](), Counter[str](), Counter[str]()
    for text in texts:
        hits = rules.find(prepare_text(text.text, taxonomy).model_text)
        found = set(by_flag(hits, is_irrelevant=text.order_type == "irrelevant"))
        raised.update(found)
        right.update(found & set(text.flags))
        wanted.update(text.flags)
    return {
        flag: {
            "precision": round(right[flag] / raised[flag], 3) if raised[flag] else None,
            "recall": round(right[flag] / wanted[flag], 3) if wanted[flag] else None,
            "raised": raised[flag],
            "n": wanted[flag],
        }
        for flag in rules.flags
    }


def main() -> None:
    """Print one line per flag."""
    parser = argparse.ArgumentParser(description="Measure models/rules.yaml on a split of the corpus.")
    parser.add_argument("--split", choices=["train", "dev", "calibration"], default="dev")
    split = parser.parse_args().split
    taxonomy, splits = default_taxonomy(), read_splits()
    texts = [text for text in read_corpus(taxonomy) if splits.get(text.id) == split]
    sys.stdout.write(f"rules on {split}: {len(texts)} texts\n")
    for flag, entry in evaluate_rules(texts, taxonomy=taxonomy).items():
        sys.stdout.write("  ".join([flag, *(f"{name} {value}" for name, value in entry.items())]) + "\n")


if __name__ == "__main__":
    main()
