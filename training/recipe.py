"""How a config becomes a trained network. In: a config and the splits. Out: a classifier, files of the run folder.

A config without `distillation` fine-tunes its encoder. One with it starts from the student's stored start weights and
learns labels and stored soft targets; with a teacher's config, teacher, start weights and soft targets come first.
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from data.schema import LabelledText
from data.taxonomy import Taxonomy
from models.bundle import BUNDLES_FOLDER
from models.classifier import ComplaintClassifier
from models.label_space import LabelSpace
from models.tokenization import TextTokenizer
from training.config import TrainingConfig
from training.distill import (
    SOFT_TARGETS,
    START_WEIGHTS,
    distill,
    load_weights,
    save_weights,
    store_soft_targets,
    with_soft_targets,
)
from training.examples import Example, encode_example
from training.finetune import build_classifier, finetune
from training.views import fixed_views, varied_examples

ARTIFACTS = "training"


@dataclass(frozen=True, kw_only=True)
class TrainingInputs:
    """What every step of a run reads."""

    splits: Mapping[str, Sequence[LabelledText]]
    tokenizer_file: Path
    labels: LabelSpace
    taxonomy: Taxonomy

    def examples(self, split: str, config: TrainingConfig) -> list[Example]:
        """Examples of a split, cut at the length used while training."""
        tokenizer = TextTokenizer(self.tokenizer_file, config.train_tokens)
        return [
            encode_example(text, tokenizer=tokenizer, labels=self.labels, taxonomy=self.taxonomy)
            for text in tqdm(self.splits[split], desc=f"preparing {split}", leave=False)
        ]


def train_model(
    config: TrainingConfig, inputs: TrainingInputs, *, run_folder: Path, teacher: TrainingConfig | None = None
) -> ComplaintClassifier:
    """The trained network of a config, in evaluation mode. Every step resumes from the run folder."""
    if config.distillation is None:
        return _train_directly(config, inputs, run_folder)
    artifacts = run_folder / ARTIFACTS
    if teacher is not None:
        _make_artifacts(config, teacher, inputs, run_folder)
    elif not artifacts.is_dir():
        artifacts = BUNDLES_FOLDER / config.distillation.artifacts / ARTIFACTS
    student = build_classifier(config, inputs.taxonomy)
    load_weights(student, artifacts / START_WEIGHTS)
    views = [with_soft_targets(view, artifacts / SOFT_TARGETS) for view in _views(config, inputs)]
    return finetune(
        student, config=config, labels=inputs.labels, train=views[0], dev=inputs.examples("dev", config),
        run_folder=run_folder, vary=lambda epoch: views[epoch % len(views)], standardize=False,
    )  # fmt: skip


def _train_directly(config: TrainingConfig, inputs: TrainingInputs, run_folder: Path) -> ComplaintClassifier:
    return finetune(
        build_classifier(config, inputs.taxonomy), config=config, labels=inputs.labels,
        train=inputs.examples("train", config), dev=inputs.examples("dev", config), run_folder=run_folder,
        vary=_vary(config, inputs) if config.augmentation else None,
    )  # fmt: skip


def _make_artifacts(config: TrainingConfig, teacher: TrainingConfig, inputs: TrainingInputs, run_folder: Path) -> None:
    """Train the teacher, distil the student's start weights, store the soft targets."""
    assert config.distillation is not None
    large = _train_directly(teacher, inputs, run_folder / "teacher")
    small = distill(
        large, config=config, taxonomy=inputs.taxonomy, train=inputs.examples("train", config),
        vary=_vary(config, inputs), dev=inputs.examples("dev", config), run_folder=run_folder / "distill",
    )  # fmt: skip
    artifacts = run_folder / ARTIFACTS
    artifacts.mkdir(exist_ok=True)
    store_soft_targets(
        large, [example for view in _views(config, inputs) for example in view], artifacts / SOFT_TARGETS
    )
    save_weights(small, artifacts / START_WEIGHTS)


def _vary(config: TrainingConfig, inputs: TrainingInputs) -> Callable[[int], list[Example]]:
    return varied_examples(
        inputs.splits["train"], inputs.tokenizer_file, config, labels=inputs.labels, taxonomy=inputs.taxonomy
    )


def _views(config: TrainingConfig, inputs: TrainingInputs) -> list[list[Example]]:
    return fixed_views(
        inputs.splits["train"], inputs.tokenizer_file, config, labels=inputs.labels, taxonomy=inputs.taxonomy
    )


def keep_artifacts(config: TrainingConfig, run_folder: Path, bundle_folder: Path) -> None:
    """Put start weights and soft targets beside the model, so that it can be retrained without the teacher."""
    if config.distillation is None:
        return
    made = run_folder / ARTIFACTS
    source = made if made.is_dir() else BUNDLES_FOLDER / config.distillation.artifacts / ARTIFACTS
    shutil.copytree(source, bundle_folder / ARTIFACTS, dirs_exist_ok=True)
