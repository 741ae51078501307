"""From corpus to bundle. In: a training config. Out: a sealed bundle folder.

    xiaobao train --config training/configs/student.yaml --output models/bundles/NAME
    xiaobao calibrate --config training/configs/student.yaml --bundle models/bundles/OLD --output models/bundles/NAME

Train (training.recipe) → fit the lexical reading → export → quantise → calibrate → compare → measure on the splits →
write card and manifest. Training resumes from the run folder; what follows is done anew.
"""

import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer
from torch import nn
from tqdm import tqdm

from data.dataset import TEXTS_FOLDER
from data.errors import BundleError
from data.preparation import REDACTION_VERSION
from data.schema import LabelledText
from data.splits import SPLITS_FILE
from data.taxonomy import Taxonomy
from eval.metrics import evaluate_answers
from models.bundle import MANIFEST, load_bundle, write_manifest
from models.label_space import LabelSpace
from models.predictor import Predictor
from models.runtimes.onnx_runtime import OnnxRuntime
from training.config import TrainingConfig
from training.examples import Example
from training.export_onnx import export_onnx, quantize_int8
from training.finetune import training_seconds
from training.fit_calibration import fit_calibration, fit_thresholds, runtime_outputs
from training.fit_lexical import fit_fused
from training.inputs import TrainingInputs
from training.model_card import model_card
from training.origin import ORIGIN
from training.recipe import keep_artifacts, train_model

FP32_FILE = "model.fp32.onnx"


def train_bundle(
    config: TrainingConfig,
    *,
    run_folder: Path,
    output: Path,
    texts_folder: Path = TEXTS_FOLDER,
    splits_file: Path = SPLITS_FILE,
    teacher: TrainingConfig | None = None,
    taxonomy: Taxonomy | None = None,
    decisions: Sequence[LabelledText] = (),
    origin: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Run every step; returns the metrics that stand in the bundle. Raises XiaobaoError on bad input.

    With `teacher`, a distilled model's teacher, start weights and soft targets are made anew. `decisions` are texts
    that reviewers labelled; they are trained on beside the corpus's training texts. `origin` joins the metrics
    (`training.origin`).
    """
    _refuse_foreign_folder(output)
    inputs = TrainingInputs.read(config, texts_folder=texts_folder, splits_file=splits_file, taxonomy=taxonomy)
    if decisions:
        inputs = replace(inputs, splits={**inputs.splits, "train": [*inputs.splits["train"], *decisions]})
    network = train_model(config, inputs, run_folder=run_folder, teacher=teacher)
    # From here on texts are read at the length that the service reads at once (longer letters are cut here, read in
    # windows there).
    full_length = config.model_copy(update={"train_tokens": config.max_tokens})
    model: nn.Module = network
    if config.lexical is not None:
        dev = inputs.examples("dev", full_length)
        train = inputs.examples("train", full_length)
        model = fit_fused(network, train=train, dev=dev, labels=inputs.labels, config=config.lexical)
    draft = run_folder / "bundle"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    export_onnx(model, run_folder / FP32_FILE)
    quantize_int8(run_folder / FP32_FILE, draft / "model.onnx")
    Tokenizer.from_file(str(inputs.tokenizer_file)).save(str(draft / "tokenizer.json"), pretty=False)
    keep_artifacts(config, run_folder, draft)
    parity = compare_runtimes(run_folder / FP32_FILE, draft / "model.onnx", inputs.examples("dev", config))
    of_run = {"int8": parity, "training_seconds": training_seconds(run_folder)} | ({ORIGIN: origin} if origin else {})
    return _complete(draft, config=config, inputs=inputs, of_run=of_run, output=output)


def recalibrate_bundle(
    source: Path,
    config: TrainingConfig,
    *,
    output: Path,
    texts_folder: Path = TEXTS_FOLDER,
    splits_file: Path = SPLITS_FILE,
) -> dict[str, Any]:
    """A bundle with the network of another and temperatures, thresholds and figures made anew; returns the figures.

    For mended labels, a later redaction of the same major version, other floors in the config: what needs no training.
    Raises BundleError for a network that knows other labels than the taxonomy.
    """
    _refuse_foreign_folder(output)
    inputs = TrainingInputs.read(config, texts_folder=texts_folder, splits_file=splits_file)
    if load_bundle(source).labels != inputs.labels:
        raise BundleError(f"{source} knows other labels than the taxonomy; expected the same; train anew")
    with tempfile.TemporaryDirectory(prefix="xiaobao-recalibrated-") as scratch:
        draft = Path(scratch) / output.name
        shutil.copytree(source, draft)
        metrics = json.loads((source / "metrics.json").read_text(encoding="utf-8"))
        of_run = {name: metrics[name] for name in ("int8", "training_seconds")}
        return _complete(draft, config=config, inputs=inputs, of_run=of_run, output=output)


def _complete(
    draft: Path, *, config: TrainingConfig, inputs: TrainingInputs, of_run: Mapping[str, Any], output: Path
) -> dict[str, Any]:
    """Calibrate, measure, document and seal a draft that holds network and tokenizer; `of_run` joins its figures."""
    labels, taxonomy = inputs.labels, inputs.taxonomy
    # Temperatures and thresholds come from texts that trained no weight, read by the int8 graph at the length that the
    # service reads at once. dev joins, although it set the lexical reading's share: calibration alone is small.
    full_length = config.model_copy(update={"train_tokens": config.max_tokens})
    held_out = [*inputs.examples("calibration", full_length), *inputs.examples("dev", full_length)]
    outputs = runtime_outputs(OnnxRuntime(draft / "model.onnx"), held_out)
    calibration = fit_calibration(outputs, held_out)
    thresholds = fit_thresholds(outputs, held_out, calibration=calibration, labels=labels, config=config)
    _write_json(draft / "labels.json", _labels_json(labels, taxonomy, config))
    _write_json(draft / "calibration.json", calibration.to_json())
    _write_json(draft / "thresholds.json", thresholds.to_json())
    (draft / "training.yaml").write_text(config.to_yaml(), encoding="utf-8")
    metrics = {**_measure(draft, output.name, inputs), **of_run}
    _write_json(draft / "metrics.json", metrics)
    (draft / "MODEL_CARD.md").write_text(model_card(output.name, config, metrics, taxonomy), encoding="utf-8")
    write_manifest(draft, output.name)
    shutil.rmtree(output, ignore_errors=True)  # checked at the start: it is a bundle or does not exist
    shutil.copytree(draft, output)
    return metrics


def _refuse_foreign_folder(output: Path) -> None:
    """Only a bundle may be overwritten. Raises BundleError."""
    if output.exists() and not (output / MANIFEST).is_file():
        raise BundleError(f"{output} exists and is no bundle; it would be replaced; name another --output")


def compare_runtimes(fp32: Path, int8: Path, examples: Sequence[Example]) -> dict[str, Any]:
    """Share of examples on which the int8 graph gives the fp32 graph's best leaf, cause and flags."""
    full, small = OnnxRuntime(fp32), OnnxRuntime(int8)
    same: Counter[str] = Counter()
    for example in examples:
        first, second = full.run([example.ids]), small.run([example.ids])
        for head in ("order_type", "leaf", "subcause", "channel"):
            same[head] += int(first[head].argmax() == second[head].argmax())
        same["flags"] += int(np.array_equal(first["flags"] > 0, second["flags"] > 0))
    return {
        "texts": len(examples),
        "agreement_with_fp32": {head: round(count / max(1, len(examples)), 4) for head, count in same.items()},
    }


def _measure(draft: Path, name: str, inputs: TrainingInputs) -> dict[str, Any]:
    """Figures of the int8 bundle itself, through the same predictor that serves."""
    for file, content in (("metrics.json", "{}"), ("MODEL_CARD.md", "")):
        (draft / file).write_text(content, encoding="utf-8")
    write_manifest(draft, name)  # so that the draft loads; sealed again with the real figures
    predictor, splits = Predictor(load_bundle(draft), inputs.taxonomy), inputs.splits
    scores = {
        split: evaluate_answers(texts, [predictor.triage([text.text])[0] for text in tqdm(texts, leave=False)])
        for split, texts in splits.items()
        if split != "train" and texts
    }
    return {"splits": {split: len(texts) for split, texts in splits.items()}, "scores": scores}


def _labels_json(labels: LabelSpace, taxonomy: Taxonomy, config: TrainingConfig) -> dict[str, Any]:
    return {
        "taxonomy_version": taxonomy.version,
        "redaction_version": REDACTION_VERSION,
        "max_tokens": config.max_tokens,
        "labels": labels.to_json(),
    }


def _write_json(file: Path, content: dict[str, Any]) -> None:
    file.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
