"""How much more texts help. In: a config without a teacher, the corpus. Out: figures of models on growing parts of it.

    xiaobao learning-curve --config training/configs/direct.yaml --output FILE.json

The parts are nested and drawn by a hash of the text's id; `starter` is what the first writers wrote. Every model is
measured on the same texts.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from data.errors import SettingsError
from data.schema import LabelledText
from eval.gold import GoldSet
from training.answers import accuracies
from training.config import TrainingConfig
from training.inputs import TrainingInputs
from training.recipe import train_model

STARTER_WRITERS = frozenset(f"w{number:02d}" for number in range(1, 9))  # the first 1,000 texts


def learning_curve(
    config: TrainingConfig,
    inputs: TrainingInputs,
    *,
    shares: Sequence[float],
    measured: Mapping[str, GoldSet],
    run_folder: Path,
) -> list[dict[str, Any]]:
    """One point for the starter corpus and one for each share: name, number of texts, accuracy by set and facet.

    Raises SettingsError for a config with a teacher.
    """
    if config.distillation is not None:
        raise SettingsError(
            f"config {config.name} starts from a teacher that has read every training text, so parts of the corpus "
            "would not be compared; use one without `distillation`, such as training/configs/direct.yaml"
        )
    train = inputs.splits["train"]
    parts = {"starter": [text for text in train if text.writer in STARTER_WRITERS]}
    parts |= {f"{share:.0%}": part_of(train, share) for share in shares}
    points = []
    for name, texts in parts.items():
        smaller = replace(inputs, splits={**inputs.splits, "train": texts})
        model = train_model(config, smaller, run_folder=run_folder / name.rstrip("%"))
        point: dict[str, Any] = {"name": name, "texts": len(texts)}
        for set_name, gold in measured.items():
            scores = accuracies(model, gold, inputs)
            point |= {f"{set_name} {facet}": value for facet, value in scores.items()}
        points.append(point)
    return points


def part_of(texts: Sequence[LabelledText], share: float) -> list[LabelledText]:
    """A share of the texts, the same every time; a smaller share lies within a larger one."""
    ranked = sorted(texts, key=lambda text: hashlib.sha256(f"part:{text.id}".encode()).digest())
    chosen = {text.id for text in ranked[: round(share * len(texts))]}
    return [text for text in texts if text.id in chosen]
