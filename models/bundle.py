"""A model as a folder. In: a folder's path. Out: `Bundle`, every file checked against the manifest.

`model.onnx`, `tokenizer.json`, `labels.json`, `calibration.json`, `thresholds.json`, `training.yaml`, `metrics.json`,
`MODEL_CARD.md`, and `manifest.json` with the sha256 of each, written last: without it there is no bundle. No pickle.
A folder `training/` may stand beside them: what retraining starts from. It may be left out where only serving counts,
so its hashes are checked when training reads it (`check_training_files`).
"""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.errors import BundleError
from data.preparation import REDACTION_VERSION
from models.calibration import Calibration
from models.label_space import LabelSpace
from models.thresholds import Thresholds

FORMAT = 1
MANIFEST = "manifest.json"
FILES = (
    "model.onnx",
    "tokenizer.json",
    "labels.json",
    "calibration.json",
    "thresholds.json",
    "training.yaml",
    "metrics.json",
    "MODEL_CARD.md",
)
TRAINING_FOLDER = "training"
BUNDLES_FOLDER = Path(__file__).with_name("bundles")
CURRENT_POINTER = BUNDLES_FOLDER / "CURRENT"


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """A checked bundle; `name` names it in every answer."""

    folder: Path
    name: str
    taxonomy_version: str
    redaction_version: str
    max_tokens: int
    labels: LabelSpace
    calibration: Calibration
    thresholds: Thresholds
    manifest: dict[str, Any]

    @property
    def model_file(self) -> Path:
        return self.folder / "model.onnx"

    @property
    def tokenizer_file(self) -> Path:
        return self.folder / "tokenizer.json"


def models_folder() -> Path:
    """The registry: `XIAOBAO_MODELS`, or the folder of the shipped bundle."""
    return Path(os.environ.get("XIAOBAO_MODELS") or BUNDLES_FOLDER)


def current_bundle_folder(models: Path | None = None) -> Path:
    """The folder that a registry's pointer names, by default that of `models_folder`. Raises BundleError."""
    folder = models or models_folder()
    pointer = folder / CURRENT_POINTER.name
    try:
        name = pointer.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise BundleError(
            f"no {pointer.name} in {folder}; put a model there and point to it: xiaobao models add, models promote"
        ) from error
    if not name or name in (".", "..") or Path(name).name != name:
        raise BundleError(f"{pointer} holds {name[:40]!r}; expected the name of a folder beside it")
    return folder / name


def load_bundle(folder: Path) -> Bundle:
    """Read a bundle and check every hash. Raises BundleError saying which file is wrong."""
    manifest = _read_json(folder / MANIFEST)
    if manifest.get("format") != FORMAT:
        raise BundleError(f"bundle {folder.name} has format {manifest.get('format')!r}, expected {FORMAT}")
    for name in FILES:
        _check_hash(folder / name, manifest["files"].get(name), bundle=folder.name)
    labels = _read_json(folder / "labels.json")
    if labels["redaction_version"].split(".")[0] != REDACTION_VERSION.split(".")[0]:
        raise BundleError(
            f"bundle {folder.name} was trained on texts of redaction {labels['redaction_version']}, this version has "
            f"{REDACTION_VERSION}; retrain it"
        )
    return Bundle(
        folder=folder,
        name=manifest["name"],
        taxonomy_version=labels["taxonomy_version"],
        redaction_version=labels["redaction_version"],
        max_tokens=labels["max_tokens"],
        labels=LabelSpace.from_json(labels["labels"]),
        calibration=Calibration.from_json(_read_json(folder / "calibration.json")),
        thresholds=Thresholds.from_json(_read_json(folder / "thresholds.json")),
        manifest=manifest,
    )


def check_training_files(folder: Path) -> None:
    """Check the files that retraining starts from against the manifest. Raises BundleError saying which is wrong."""
    sealed = _read_json(folder / MANIFEST).get(TRAINING_FOLDER, {})
    if unsealed := {file.name for file in _training_files(folder)} - set(sealed):
        raise BundleError(
            f"the manifest of bundle {folder.name} does not name {', '.join(sorted(unsealed))} of its training files; "
            "they may be another model's; copy the whole folder again or rebuild it: xiaobao train --teacher"
        )
    for name, expected in sealed.items():
        _check_hash(folder / TRAINING_FOLDER / name, expected, bundle=folder.name)


def write_manifest(folder: Path, name: str) -> None:
    """Seal a folder: hash every file and write the manifest. Raises BundleError if a file is missing."""
    missing = [file for file in FILES if not (folder / file).is_file()]
    if missing:
        raise BundleError(f"bundle {name} lacks {', '.join(missing)}")
    files = {file: _seal(folder / file) for file in FILES}
    content = {"format": FORMAT, "name": name, "files": files}
    if (folder / TRAINING_FOLDER).is_dir():
        content[TRAINING_FOLDER] = {file.name: _seal(file) for file in _training_files(folder)}
    (folder / MANIFEST).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _training_files(folder: Path) -> list[Path]:
    return sorted(file for file in (folder / TRAINING_FOLDER).glob("*") if file.is_file())


def _seal(file: Path) -> dict[str, Any]:
    return {"sha256": sha256_of(file), "bytes": file.stat().st_size}


def sha256_of(file: Path) -> str:
    """Hex digest of a file."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def seal_of(folder: Path) -> str:
    """sha256 of a bundle's manifest, which names the sha256 of each file: what a model is, in one word."""
    return sha256_of(folder / MANIFEST)


def _check_hash(file: Path, expected: dict[str, Any] | None, *, bundle: str) -> None:
    if expected is None or not file.is_file():
        raise BundleError(f"bundle {bundle} lacks {file.name}; copy the whole folder again")
    found = sha256_of(file)
    if found != expected["sha256"]:
        raise BundleError(
            f"{file.name} of bundle {bundle} has sha256 {found[:12]}…, the manifest says "
            f"{expected['sha256'][:12]}…; the file is damaged or was changed; copy the whole folder again"
        )


def _read_json(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise BundleError(f"bundle {file.parent.name} has no readable {file.name}; expected a bundle folder") from error
    except ValueError as error:
        raise BundleError(f"{file.name} of bundle {file.parent.name} is not JSON") from error
    if not isinstance(content, dict):
        raise BundleError(f"{file.name} of bundle {file.parent.name} holds no JSON object")
    return content
