"""How a config becomes a trained network. In: a config and the splits. Out: a classifier, files of the run folder.

A config without `distillation` fine-tunes its encoder. One with it starts from the student's stored start weights and
learns labels and stored soft targets; with a teacher's config, teacher, start weights and soft targets come first.
"""

import shutil
from pathlib import Path

from models.bundle import BUNDLES_FOLDER, TRAINING_FOLDER, check_training_files
from models.classifier import ComplaintClassifier
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
from training.finetune import build_classifier, finetune
from training.inputs import TrainingInputs
from training.views import fixed_views, varied_examples


def train_model(
    config: TrainingConfig, inputs: TrainingInputs, *, run_folder: Path, teacher: TrainingConfig | None = None
) -> ComplaintClassifier:
    """The trained network of a config, in evaluation mode. Every step resumes from the run folder."""
    if config.distillation is None:
        return _train_directly(config, inputs, run_folder)
    artifacts = run_folder / TRAINING_FOLDER
    if teacher is not None:
        _make_artifacts(config, teacher, inputs, run_folder)
    elif not artifacts.is_dir():
        stored = BUNDLES_FOLDER / config.distillation.artifacts
        if (stored / TRAINING_FOLDER).is_dir():
            check_training_files(stored)
        artifacts = stored / TRAINING_FOLDER
    student = build_classifier(config, inputs.taxonomy)
    load_weights(student, artifacts / START_WEIGHTS)
    views = [with_soft_targets(view, artifacts / SOFT_TARGETS) for view in fixed_views(config, inputs)]
    return finetune(
        student, config=config, labels=inputs.labels, train=views[0], dev=inputs.examples("dev", config),
        run_folder=run_folder, vary=lambda epoch: views[epoch % len(views)], standardize=False,
    )  # fmt: skip


def _train_directly(config: TrainingConfig, inputs: TrainingInputs, run_folder: Path) -> ComplaintClassifier:
    return finetune(
        build_classifier(config, inputs.taxonomy), config=config, labels=inputs.labels,
        train=inputs.examples("train", config), dev=inputs.examples("dev", config), run_folder=run_folder,
        vary=varied_examples(config, inputs) if config.augmentation else None,
    )  # fmt: skip


def _make_artifacts(config: TrainingConfig, teacher: TrainingConfig, inputs: TrainingInputs, run_folder: Path) -> None:
    """Train the teacher, distil the student's start weights, store the soft targets."""
    assert config.distillation is not None
    large = _train_directly(teacher, inputs, run_folder / "teacher")
    small = distill(large, config=config, inputs=inputs, run_folder=run_folder / "distill")
    artifacts = run_folder / TRAINING_FOLDER
    artifacts.mkdir(exist_ok=True)
    views = [example for view in fixed_views(config, inputs) for example in view]
    store_soft_targets(large, views, artifacts / SOFT_TARGETS)
    save_weights(small, artifacts / START_WEIGHTS)


def keep_artifacts(config: TrainingConfig, run_folder: Path, bundle_folder: Path) -> None:
    """Put start weights and soft targets beside the model, so that it can be retrained without the teacher."""
    if config.distillation is None:
        return
    made = run_folder / TRAINING_FOLDER
    source = made if made.is_dir() else BUNDLES_FOLDER / config.distillation.artifacts / TRAINING_FOLDER
    shutil.copytree(source, bundle_folder / TRAINING_FOLDER, dirs_exist_ok=True)
