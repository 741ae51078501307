"""A student learns from its teacher, and is retrained from stored files without it."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.numpy import load_file

from data.errors import BundleError, SettingsError
from data.taxonomy import Taxonomy
from models.bundle import MANIFEST, TRAINING_FOLDER, check_training_files, load_bundle
from models.classifier import HEADS
from training.config import DistillationConfig, EncoderConfig, TrainingConfig
from training.distill import SOFT_TARGETS, START_WEIGHTS, student_of, with_soft_targets
from training.examples import collate
from training.finetune import build_classifier, label_objective
from training.inputs import TrainingInputs
from training.losses import soft_target_loss
from training.pipeline import train_bundle

pytestmark = pytest.mark.proof


@pytest.fixture(scope="module")
def teacher(tiny_config: Path) -> TrainingConfig:
    config = TrainingConfig.read(tiny_config)
    return config.model_copy(update={"name": "tiny-teacher", "augmentation": {"wrap": 0.5}})


@pytest.fixture(scope="module")
def student(tiny_config: Path) -> TrainingConfig:
    config = TrainingConfig.read(tiny_config)
    distillation = DistillationConfig(teacher="x.yaml", artifacts="none", optimizer=config.optimizer, views=2)
    encoder = EncoderConfig(source=config.encoder.source, layers=(1,))
    return config.model_copy(
        update={"name": "tiny-student", "distillation": distillation, "encoder": encoder, "augmentation": {"wrap": 0.5}}
    )


@pytest.fixture(scope="module")
def run(
    teacher: TrainingConfig, student: TrainingConfig, tiny_corpus: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("distilled")
    train_bundle(
        student, run_folder=folder / "run", output=folder / "bundle", teacher=teacher,
        texts_folder=tiny_corpus / "texts", splits_file=tiny_corpus / "splits.tsv",
    )  # fmt: skip
    return folder


def test_a_student_keeps_the_named_layers_and_the_heads(
    teacher: TrainingConfig, student: TrainingConfig, taxonomy: Taxonomy
) -> None:
    large = build_classifier(teacher.model_copy(update={"seed": 5}), taxonomy)
    small = student_of(large, student, taxonomy)
    weights, kept = large.state_dict(), small.state_dict()
    assert torch.equal(
        kept["encoder.encoder.layer.0.output.dense.weight"], weights["encoder.encoder.layer.1.output.dense.weight"]
    )
    assert torch.equal(kept["evidence.weight"], weights["evidence.weight"])
    assert "encoder.encoder.layer.1.output.dense.weight" not in kept


def test_the_bundle_carries_what_retraining_needs(run: Path) -> None:
    load_bundle(run / "bundle")
    assert {file.name for file in (run / "bundle" / TRAINING_FOLDER).iterdir()} == {START_WEIGHTS, SOFT_TARGETS}
    targets = load_file(run / "bundle" / TRAINING_FOLDER / SOFT_TARGETS)
    assert len(targets["keys"]) == len(targets["leaf"]) == len(targets["flags"]) > 0


def test_a_student_is_retrained_without_its_teacher(
    run: Path, student: TrainingConfig, tiny_corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.recipe.BUNDLES_FOLDER", run)
    known = student.model_copy(
        update={"distillation": student.distillation.model_copy(update={"artifacts": "bundle"})}  # type: ignore[union-attr]
    )
    metrics = train_bundle(
        known, run_folder=tmp_path / "run", output=tmp_path / "again",
        texts_folder=tiny_corpus / "texts", splits_file=tiny_corpus / "splits.tsv",
    )  # fmt: skip
    assert not (tmp_path / "run" / "teacher").exists()
    assert metrics["scores"]["test"]["texts"] > 0
    assert (tmp_path / "again" / TRAINING_FOLDER / SOFT_TARGETS).is_file()


def test_damaged_files_of_a_bundle_are_refused(run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "bundle"
    shutil.copytree(run / "bundle", copy)
    check_training_files(copy)
    (copy / TRAINING_FOLDER / START_WEIGHTS).write_bytes(b"damaged")
    with pytest.raises(BundleError, match=START_WEIGHTS):
        check_training_files(copy)


def test_files_that_the_manifest_does_not_name_are_refused(run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "bundle"
    shutil.copytree(run / "bundle", copy)
    manifest = json.loads((copy / MANIFEST).read_text(encoding="utf-8"))
    del manifest[TRAINING_FOLDER]
    (copy / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(BundleError, match="does not name"):
        check_training_files(copy)


def test_without_stored_files_the_message_says_what_to_do(
    student: TrainingConfig, tiny_corpus: Path, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match="xiaobao train --teacher"):
        train_bundle(
            student, run_folder=tmp_path / "run", output=tmp_path / "bundle",
            texts_folder=tiny_corpus / "texts", splits_file=tiny_corpus / "splits.tsv",
        )  # fmt: skip


def test_new_texts_have_labels_and_no_stored_targets(
    run: Path, student: TrainingConfig, inputs: TrainingInputs
) -> None:
    known, new = inputs.examples("train", student)[:3], inputs.examples("test", student)[:2]
    mixed = with_soft_targets([*known, *new], run / "bundle" / TRAINING_FOLDER / SOFT_TARGETS)
    assert [example.soft is not None for example in mixed] == [True] * 3 + [False] * 2
    batch = collate(mixed)
    assert batch.soft_rows == [0, 1, 2]
    assert batch.soft is not None
    assert len(batch.soft["leaf"]) == 3


def test_stored_answers_of_the_teacher_pull_the_student(
    run: Path, student: TrainingConfig, inputs: TrainingInputs
) -> None:
    """Away from the teacher's answers the loss is higher, and it is lowest on them."""
    known = with_soft_targets(inputs.examples("train", student)[:4], run / "bundle" / TRAINING_FOLDER / SOFT_TARGETS)
    soft = collate(known).soft
    assert soft is not None

    def loss(shift: float) -> float:
        outputs = tuple(soft[head].float() + shift * torch.linspace(0, 1, soft[head].shape[1]) for head in HEADS)
        return float(soft_target_loss(outputs, soft, student.loss, temperature=2.0))

    losses = [loss(shift) for shift in (0.0, 0.5, 1.0, 2.0)]
    assert losses == sorted(losses)
    assert losses[0] < losses[1]


def test_a_batch_with_stored_answers_costs_more_than_its_labels(
    run: Path, student: TrainingConfig, inputs: TrainingInputs, taxonomy: Taxonomy
) -> None:
    plain = inputs.examples("train", student)[:4]
    known = with_soft_targets(plain, run / "bundle" / TRAINING_FOLDER / SOFT_TARGETS)
    model, objective = build_classifier(student, taxonomy).eval(), label_objective(inputs.labels, student)
    with torch.no_grad():
        assert float(objective(model, collate(known))) > float(objective(model, collate(plain)))
