"""What each kind of augmentation is worth alone. In: a config without a teacher. Out: development figures by kind.

    python -m training.augmentation_study --config training/configs/direct.yaml --share 0.25

Trains on the same part of the corpus without augmentation, then with each kind on half of the texts. Small parts show
an effect best; figures of one seed differ by about a point by chance.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from data.augment import KINDS
from eval.gold import corpus_gold
from training.answers import accuracies
from training.config import TrainingConfig
from training.inputs import TrainingInputs
from training.learning_curve import part_of
from training.recipe import train_model

SHARE_OF_TEXTS = 0.5  # that a kind changes


def study(config: TrainingConfig, inputs: TrainingInputs, *, run_folder: Path) -> Iterator[dict[str, Any]]:
    """One line without augmentation, then one for each kind: accuracy on the development texts by facet."""
    gold = corpus_gold(inputs.splits["dev"])
    for kind in ("none", "join", *KINDS):
        varied = config.model_copy(update={"augmentation": {} if kind == "none" else {kind: SHARE_OF_TEXTS}})
        model = train_model(varied, inputs, run_folder=run_folder / kind)
        scores = accuracies(model, gold, inputs)
        yield {"kind": kind, "texts": len(inputs.splits["train"]), **scores}


def main() -> None:
    """Print one JSON object a kind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--share", type=float, default=0.25)
    parser.add_argument("--run-dir", type=Path, default=Path("runs/augmentation-study"))
    options = parser.parse_args()
    config = TrainingConfig.read(options.config)
    inputs = TrainingInputs.read(config)
    part = part_of(inputs.splits["train"], options.share)
    inputs = replace(inputs, splits={**inputs.splits, "train": part})
    for line in study(config, inputs, run_folder=options.run_dir):
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
