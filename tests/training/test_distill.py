"""A student learns from its teacher, and is retrained from stored files without it."""

from pathlib import Path

import pytest
import torch
from safetensors.numpy import load_file

from data.dataset import read_corpus
from data.errors import SettingsError
from data.splits import read_splits
from data.taxonomy import Taxonomy
from models.bundle import load_bundle
from models.label_space import LabelSpace
from training.config import DistillationConfig, EncoderConfig, TrainingConfig
from training.distill import SOFT_TARGETS, START_WEIGHTS, student_of, with_soft_targets
from training.examples import collate
from training.finetune import build_classifier
from training.pipeline import split_corpus, train_bundle
from training.recipe import ARTIFACTS, TrainingInputs


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
    assert {file.name for file in (run / "bundle" / ARTIFACTS).iterdir()} == {START_WEIGHTS, SOFT_TARGETS}
    targets = load_file(run / "bundle" / ARTIFACTS / SOFT_TARGETS)
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
    assert (tmp_path / "again" / ARTIFACTS / SOFT_TARGETS).is_file()


def test_without_stored_files_the_message_says_what_to_do(
    student: TrainingConfig, tiny_corpus: Path, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match="xiaobao train --teacher"):
        train_bundle(
            student, run_folder=tmp_path / "run", output=tmp_path / "bundle",
            texts_folder=tiny_corpus / "texts", splits_file=tiny_corpus / "splits.tsv",
        )  # fmt: skip


def test_new_texts_have_labels_and_no_stored_targets(
    run: Path, student: TrainingConfig, tiny_corpus: Path, tiny_encoder: Path, taxonomy: Taxonomy
) -> None:
    splits = split_corpus(read_corpus(taxonomy, tiny_corpus / "texts"), read_splits(tiny_corpus / "splits.tsv"))
    inputs = TrainingInputs(
        splits=splits, tokenizer_file=tiny_encoder / "tokenizer.json", labels=LabelSpace.of(taxonomy), taxonomy=taxonomy
    )
    known, new = inputs.examples("train", student)[:3], inputs.examples("test", student)[:2]
    mixed = with_soft_targets([*known, *new], run / "bundle" / ARTIFACTS / SOFT_TARGETS)
    assert [example.soft is not None for example in mixed] == [True] * 3 + [False] * 2
    batch = collate(mixed)
    assert batch.soft_rows == [0, 1, 2]
    assert batch.soft is not None
    assert len(batch.soft["leaf"]) == 3
