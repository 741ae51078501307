"""Parts of the corpus are nested and fixed; every point is a trained model measured on the same texts."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file

import training
from data.augment import KINDS
from data.errors import SettingsError
from data.taxonomy import Taxonomy
from eval.gold import corpus_gold
from serving.cli import main
from training.answers import FACETS, accuracies, answered_codes
from training.augmentation_study import study
from training.config import TrainingConfig
from training.finetune import BEST_WEIGHTS, build_classifier
from training.inputs import TrainingInputs
from training.learning_curve import learning_curve, part_of

pytestmark = pytest.mark.proof

CONFIGS_FOLDER = Path(training.__file__).with_name("configs")


def test_parts_are_nested(inputs: TrainingInputs) -> None:
    texts = inputs.splits["train"]
    half, most = part_of(texts, 0.5), part_of(texts, 0.75)
    assert [len(half), len(most)] == [round(len(texts) * 0.5), round(len(texts) * 0.75)]
    assert {text.id for text in half} < {text.id for text in most}
    assert part_of(list(reversed(texts)), 0.5) == list(reversed(half))


def test_points(inputs: TrainingInputs, tiny_config: Path, tmp_path: Path) -> None:
    config = TrainingConfig.read(tiny_config)
    config = config.model_copy(update={"optimizer": config.optimizer.model_copy(update={"epochs": 1})})
    few = replace(inputs, splits={**inputs.splits, "train": inputs.splits["train"][:16]})
    gold = corpus_gold(inputs.splits["test"])
    points = learning_curve(config, few, shares=[1.0], measured={"test": gold}, run_folder=tmp_path)
    assert [(point["name"], point["texts"]) for point in points] == [("starter", 16), ("100%", 16)]
    assert all(set(point) == {"name", "texts", *(f"test {facet}" for facet in FACETS)} for point in points)
    # All sixteen texts are of the first writer: both models were trained alike, so they answer alike.
    assert points[0] | {"name": ""} == points[1] | {"name": ""}


def test_a_facet_that_no_text_has_is_left_out(
    inputs: TrainingInputs, tiny_config: Path, taxonomy: Taxonomy, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer_feedback(_model: object, examples: Sequence[object], _labels: object) -> dict[str, list[str | None]]:
        return {facet: ["feedback" if facet == "order_type" else None] * len(examples) for facet in FACETS}

    monkeypatch.setattr("training.answers.answered_codes", answer_feedback)
    texts = [
        replace(text, order_type="feedback", cause=None, subcause=None, causes2=()) for text in inputs.splits["test"]
    ]
    model = build_classifier(TrainingConfig.read(tiny_config), taxonomy)
    shares = accuracies(model, corpus_gold(texts), inputs)
    assert shares["order_type"] == 1.0
    assert "cause" not in shares


def test_a_missing_gold_file_is_named_before_anything_is_read(tiny_config: Path, tmp_path: Path) -> None:
    arguments = ["learning-curve", "--config", str(tiny_config), "--output", str(tmp_path / "out.json")]
    result = CliRunner().invoke(main, [*arguments, "--gold", "nowhere.jsonl"])
    assert result.exit_code == 1
    assert "--gold nowhere.jsonl: there is no file nowhere.jsonl" in result.stderr


def test_a_teacher_would_leak_the_whole_corpus(inputs: TrainingInputs, tmp_path: Path) -> None:
    student = TrainingConfig.read(CONFIGS_FOLDER / "student.yaml")
    with pytest.raises(SettingsError, match="has read every training text"):
        learning_curve(student, inputs, shares=[1.0], measured={}, run_folder=tmp_path)


def test_answers_keep_the_rules_of_null(inputs: TrainingInputs, tiny_config: Path, taxonomy: Taxonomy) -> None:
    config = TrainingConfig.read(tiny_config)
    answers = answered_codes(build_classifier(config, taxonomy), inputs.examples("test", config), inputs.labels)
    for order, category, leaf, cause in zip(*answers.values(), strict=True):
        assert (category is None) == (leaf is None) == (order == "irrelevant")
        assert (cause is None) == (order != "complaint")
        assert leaf is None or leaf.split(".")[0] == category


def test_each_kind_of_augmentation_is_measured(inputs: TrainingInputs, tiny_config: Path, tmp_path: Path) -> None:
    config = TrainingConfig.read(tiny_config)
    config = config.model_copy(update={"optimizer": config.optimizer.model_copy(update={"epochs": 1})})
    few = replace(inputs, splits={**inputs.splits, "train": inputs.splits["train"][:8]})
    lines = list(study(config, few, run_folder=tmp_path))
    assert [line["kind"] for line in lines] == ["none", "join", *KINDS]
    assert all(set(line) == {"kind", "texts", *FACETS} for line in lines)
    trained = [load_file(tmp_path / kind / BEST_WEIGHTS)["label_vectors"] for kind in ("none", "homophones")]
    assert not torch.equal(*trained)
