"""One command from corpus to bundle; a stopped run goes on; the same seed gives the same model."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file

from data.errors import BundleError, CorpusError, SettingsError
from data.taxonomy import Taxonomy
from models.bundle import load_bundle
from models.label_space import LabelSpace
from training.config import TrainingConfig
from training.examples import Example
from training.finetune import BEST_WEIGHTS, LAST_WEIGHTS, PROGRESS, build_classifier, finetune
from training.inputs import TrainingInputs
from training.pipeline import recalibrate_bundle, train_bundle


@pytest.fixture(scope="module")
def examples(tiny_config: Path, inputs: TrainingInputs) -> dict[str, list[Example]]:
    config = TrainingConfig.read(tiny_config)
    return {name: inputs.examples(name, config) for name in inputs.splits}


def _train(config: TrainingConfig, examples: dict[str, list[Example]], taxonomy: Taxonomy, folder: Path) -> None:
    finetune(
        build_classifier(config, taxonomy), config=config, labels=LabelSpace.of(taxonomy),
        train=examples["train"], dev=examples["dev"], run_folder=folder,
    )  # fmt: skip


def test_bundle_says_how_it_was_made(tiny_run: Path) -> None:
    bundle = load_bundle(tiny_run / "bundle")
    metrics = json.loads((bundle.folder / "metrics.json").read_text(encoding="utf-8"))
    assert set(metrics["scores"]) == {"dev", "calibration", "test"}
    assert yaml.safe_load((bundle.folder / "training.yaml").read_text(encoding="utf-8"))["name"] == "tiny"
    card = (bundle.folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    accuracy = metrics["scores"]["test"]["facets"]["order_type"]["accuracy"][0]
    assert f"{accuracy:.3f}" in card
    assert "logistic regression" in card


def test_recalibrated_the_network_stays_and_the_floors_are_the_configs(
    tiny_run: Path, tiny_config: Path, tiny_corpus: Path, tmp_path: Path
) -> None:
    source, output = tiny_run / "bundle", tmp_path / "again"
    files = {"texts_folder": tiny_corpus, "splits_file": tiny_corpus / "splits.tsv"}
    config = TrainingConfig.read(tiny_config).model_copy(update={"privacy_recall_floor": 0.5})
    recalibrate_bundle(source, config, output=output, **files)
    before, after = load_bundle(source), load_bundle(output)
    assert after.model_file.read_bytes() == before.model_file.read_bytes()
    assert after.thresholds.groups["P"] >= before.thresholds.groups["P"]
    assert after.thresholds.groups["S"] == before.thresholds.groups["S"]
    assert "privacy_recall_floor: 0.5" in (output / "training.yaml").read_text(encoding="utf-8")


def test_a_stopped_run_ends_like_an_unbroken_one(
    tiny_run: Path, tiny_config: Path, examples: dict[str, list[Example]], taxonomy: Taxonomy, tmp_path: Path
) -> None:
    config = TrainingConfig.read(tiny_config)
    _train(config, examples, taxonomy, tmp_path / "whole")
    stopped = tmp_path / "stopped"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("training.finetune.development_scores", _fail_on_second_call())
        with pytest.raises(KeyboardInterrupt):
            _train(config, examples, taxonomy, stopped)
    assert len(_history(stopped)) == 1
    _train(config, examples, taxonomy, stopped)
    assert len(_history(stopped)) == 2
    whole, resumed = (load_file(folder / "checkpoint-2" / LAST_WEIGHTS) for folder in (tmp_path / "whole", stopped))
    for name, weights in whole.items():
        torch.testing.assert_close(resumed[name], weights, msg=name)


def _history(run_folder: Path) -> list[dict[str, float]]:
    history: list[dict[str, float]] = json.loads((run_folder / PROGRESS).read_text())["history"]
    return history


def test_a_run_of_another_config_is_not_continued(
    tiny_run: Path, tiny_config: Path, examples: dict[str, list[Example]], taxonomy: Taxonomy, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(tiny_run / "run", tmp_path / "run"))
    other = TrainingConfig.read(tiny_config).model_copy(update={"seed": 1})
    with pytest.raises(SettingsError, match="another config or corpus"):
        _train(other, examples, taxonomy, run)


def test_a_run_on_mended_labels_is_not_continued(
    tiny_run: Path, tiny_config: Path, examples: dict[str, list[Example]], taxonomy: Taxonomy, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(tiny_run / "run", tmp_path / "run"))
    first, *others = examples["train"]
    mended = replace(first, flags=1 - first.flags)
    with pytest.raises(SettingsError, match="another config or corpus"):
        _train(TrainingConfig.read(tiny_config), {**examples, "train": [mended, *others]}, taxonomy, run)


def test_a_folder_that_is_no_bundle_is_never_replaced(tiny_config: Path, tiny_corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    with pytest.raises(BundleError, match="is no bundle"):
        train_bundle(
            TrainingConfig.read(tiny_config), run_folder=tmp_path / "run", output=tmp_path / "precious",
            texts_folder=tiny_corpus / "texts", splits_file=tiny_corpus / "splits.tsv",
        )  # fmt: skip


def _fail_on_second_call() -> object:
    from training.finetune import development_scores

    calls = iter([development_scores])

    def scores(*arguments: object) -> object:
        function = next(calls, None)
        if function is None:
            raise KeyboardInterrupt
        return function(*arguments)  # type: ignore[arg-type]

    return scores


def test_training_lowers_the_loss(tiny_run: Path) -> None:
    history = _history(tiny_run / "run")
    assert history[-1]["loss"] < history[0]["loss"]
    assert (tiny_run / "run" / BEST_WEIGHTS).exists()


def test_unknown_config_key_is_named(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("name: x\nencoder: {}\noptimiser: {}\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"optimizer: Field required.*optimiser: Extra inputs"):
        TrainingConfig.read(tmp_path / "c.yaml")


def test_texts_without_split_are_refused(tiny_config: Path, tiny_corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "splits.tsv").write_text("", encoding="utf-8")
    with pytest.raises(CorpusError, match="80 texts have no split"):
        train_bundle(
            TrainingConfig.read(tiny_config), run_folder=tmp_path / "run", output=tmp_path / "bundle",
            texts_folder=tiny_corpus / "texts", splits_file=tmp_path / "splits.tsv",
        )  # fmt: skip
