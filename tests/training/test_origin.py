"""A name in the registry stands for what it learned from: `retrain` never asks the gate about another model."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from data.dataset import read_corpus
from data.errors import InputFileError, SettingsError
from data.snapshots import write_snapshot
from data.taxonomy import Taxonomy
from models.bundle import Bundle, write_manifest
from models.promotion import add
from models.registry import Registry
from training.config import TrainingConfig
from training.origin import origin_of, refuse_another_origin
from training.retrain import LabelWeights, RetrainConfig, Retraining, retrain
from training.simulation.labels import as_row


@pytest.fixture
def work(taxonomy: Taxonomy, tiny_corpus: Path, tiny_config: Path, tmp_path: Path) -> Retraining:
    rows = [as_row(text) for text in read_corpus(taxonomy, tiny_corpus / "texts")][:20]
    versions = {"taxonomy": taxonomy.version}
    return Retraining(
        config=RetrainConfig(training=TrainingConfig.read(tiny_config)),
        snapshot=write_snapshot(tmp_path / "labels", rows, versions=versions, hugging_face=False),
        name="november",
        run_folder=tmp_path / "run",
        texts_folder=tiny_corpus / "texts",
        splits_file=tiny_corpus / "splits.tsv",
    )


def trained(bundle: Bundle, folder: Path, origin: dict[str, str] | None) -> Path:
    """A bundle that says what it learned from."""
    shutil.copytree(bundle.folder, folder)
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    (folder / "metrics.json").write_text(json.dumps(metrics | ({"origin": origin} if origin else {})), encoding="utf-8")
    write_manifest(folder, folder.name)
    return folder


def test_another_snapshot_config_or_corpus_is_refused(work: Retraining, tiny_bundle: Bundle, tmp_path: Path) -> None:
    own = origin_of(work.snapshot, work.config, texts_folder=work.texts_folder, splits_file=work.splits_file)
    folder = trained(tiny_bundle, tmp_path / "made" / "november", own)
    refuse_another_origin(folder, own)
    for name in own:
        with pytest.raises(InputFileError, match=f"learned from another {name};"):
            refuse_another_origin(folder, own | {name: "other"})


def test_a_model_of_other_labels_is_neither_added_nor_taken_to_the_gate(
    work: Retraining, tiny_bundle: Bundle, tmp_path: Path
) -> None:
    registry = Registry(tmp_path / "models")
    own = origin_of(work.snapshot, work.config, texts_folder=work.texts_folder, splits_file=work.splits_file)
    folder = trained(tiny_bundle, work.run_folder / "november", own)
    heavier = replace(work, config=work.config.model_copy(update={"labels": LabelWeights(weight=3)}))
    with pytest.raises(InputFileError, match="another config"):
        retrain(heavier, registry, say=print)
    assert registry.names() == []
    add(registry, folder)
    with pytest.raises(InputFileError, match="another config"):
        retrain(heavier, registry, say=print)
    stranger = trained(tiny_bundle, tmp_path / "made" / "stranger", None)
    add(registry, stranger)
    with pytest.raises(InputFileError, match="does not say what labels"):
        retrain(replace(work, name="stranger"), registry, say=print)
    assert registry.gate_record("november") is None


@pytest.mark.parametrize("content", ["training: elsewhere/student.yaml\n", "training: [\n", "- 1\n", "\xff"])
def test_a_config_that_cannot_be_read_is_refused_in_a_line(tmp_path: Path, content: str) -> None:
    (tmp_path / "retrain.yaml").write_bytes(content.encode("latin-1"))
    with pytest.raises(SettingsError, match=r"retrain\.yaml cannot be read"):
        RetrainConfig.read(tmp_path / "retrain.yaml")
