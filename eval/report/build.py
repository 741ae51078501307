"""The one report of a bundle. In: evaluated sets and measurements made elsewhere. Out: `report.json` and `report.html`.

    xiaobao evaluate --report FOLDER [--gold NAME=FILE] [--baselines] [--contrastive] [--readme]

The page and the README's tables are made from the JSON alone, so that they can be made again without measuring.
"""

import json
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from data.errors import InputFileError
from data.schema import LabelledText
from data.taxonomy import Taxonomy
from eval.comparison import compare_baselines
from eval.confidence import evaluate_confidence
from eval.confusion import confusion_matrices
from eval.faithfulness import deletion_test
from eval.metrics import evaluate_answers
from eval.report.examples import draw_examples
from eval.sets import EvaluatedSet
from eval.slices import evaluate_slices
from models.bundle import Bundle
from models.predictor import Predictor

REPORT_FILE = "report.json"
PAGE_FILE = "report.html"
SHOWN_SPLIT = "test"  # the split whose texts are shown and whose evidence is tested
LIBRARIES = ("xiaobao", "numpy", "onnxruntime", "tokenizers", "scipy", "scikit-learn")


@dataclass(frozen=True, kw_only=True)
class Additions:
    """What a report holds beside the figures of its sets; files are JSON, their content is shown as it is."""

    command: str
    baselines: bool = False
    contrastive: bool = False
    learning_curve: Path | None = None
    latency: Path | None = None
    behavior: Path | None = None


def measure_report(
    sets: Sequence[EvaluatedSet],
    predictor: Predictor,
    *,
    train: Sequence[LabelledText],
    taxonomy: Taxonomy,
    additions: Additions,
) -> dict[str, Any]:
    """Everything as JSON-ready values. Raises InputFileError for an addition that cannot be read."""
    measured = {name: read_json(file) for name, file in _files(additions).items()}
    report: dict[str, Any] = {
        "provenance": describe(predictor.bundle, command=additions.command, train_texts=len(train)),
        "sets": {evaluated.name: _measure_set(evaluated, taxonomy) for evaluated in sets},
    }
    shown = next(
        (evaluated for evaluated in sets if (evaluated.name, evaluated.origin) == (SHOWN_SPLIT, "split")), None
    )
    if shown:
        report["faithfulness"] = deletion_test(shown, predictor)
        report["examples"] = draw_examples(shown)
    if additions.baselines or additions.contrastive:
        report["baselines"] = compare_baselines(sets, train, taxonomy, with_contrastive=additions.contrastive)
    return report | measured


def _files(additions: Additions) -> dict[str, Path]:
    named = {
        "learning_curve": additions.learning_curve,
        "latency": additions.latency,
        "behavior": additions.behavior,
    }
    return {name: file for name, file in named.items() if file is not None}


def _measure_set(evaluated: EvaluatedSet, taxonomy: Taxonomy) -> dict[str, Any]:
    return {
        "origin": evaluated.origin,
        "source": evaluated.source,
        "scores": evaluate_answers(evaluated.credited, evaluated.answers, first=evaluated.texts),
        "slices": evaluate_slices(evaluated.credited, evaluated.answers, first=evaluated.texts),
        "confidence": evaluate_confidence(evaluated),
        "confusion": confusion_matrices(evaluated.credited, evaluated.answers, taxonomy, first=evaluated.texts),
    }


def describe(bundle: Bundle, *, command: str, train_texts: int) -> dict[str, Any]:
    """Which bundle, which versions, which command."""
    files = bundle.manifest["files"]
    return {
        "bundle": bundle.name,
        "model_sha256": files["model.onnx"]["sha256"],
        "model_bytes": files["model.onnx"]["bytes"],
        "bundle_bytes": sum(entry["bytes"] for entry in files.values()),
        "max_tokens": bundle.max_tokens,
        "taxonomy": bundle.taxonomy_version,
        "redaction": bundle.redaction_version,
        "train_texts_today": train_texts,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "libraries": {name: version(name) for name in LIBRARIES},
        "command": command,
    }


def read_json(file: Path) -> Any:
    """The content of a file measured elsewhere. Raises InputFileError."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputFileError(f"{file.name} cannot be read as JSON; expected the output of a measurement") from error


def write_report(report: dict[str, Any], folder: Path, taxonomy: Taxonomy) -> None:
    """Write the figures and the page."""
    from eval.report.page import render_page

    folder.mkdir(parents=True, exist_ok=True)
    content = json.dumps(report, ensure_ascii=False, indent=1) + "\n"
    (folder / REPORT_FILE).write_text(content, encoding="utf-8")
    (folder / PAGE_FILE).write_text(render_page(report, taxonomy), encoding="utf-8")
