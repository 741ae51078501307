"""What a candidate learned from. In: a snapshot of labels, a config, a corpus. Out: their hashes, kept in its bundle.

They stand in `metrics.json`, which the bundle's manifest seals, so that they go wherever the bundle goes.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from data.errors import InputFileError
from data.snapshots import read_manifest
from models.bundle import sha256_of

if TYPE_CHECKING:
    from training.retrain import RetrainConfig

ORIGIN = "origin"


def origin_of(snapshot: Path, config: "RetrainConfig", *, texts_folder: Path, splits_file: Path) -> dict[str, str]:
    """By what it is; rows that only the gate reads and splits that it asks do not count. Raises InputFileError."""
    learned = {name: getattr(config, name).model_dump(mode="json") for name in ("training", "labels")}
    files = sorted(texts_folder.glob("**/*.jsonl"))
    texts = "".join(f"{file.relative_to(texts_folder)} {sha256_of(file)}\n" for file in files)
    return {
        "labels": read_manifest(snapshot)["files"]["train.jsonl"]["sha256"],
        "config": _sha256(json.dumps(learned, sort_keys=True)),
        "corpus": _sha256(texts + sha256_of(splits_file)),
    }


def refuse_another_origin(bundle: Path, origin: Mapping[str, str]) -> None:
    """Raises InputFileError for a bundle that was not made of just these."""
    try:
        found = json.loads((bundle / "metrics.json").read_text(encoding="utf-8")).get(ORIGIN)
    except (OSError, ValueError, AttributeError) as error:
        raise InputFileError(f"metrics.json of {bundle} cannot be read; name the candidate otherwise") from error
    if not isinstance(found, dict):
        raise InputFileError(
            f"there is a model {bundle.name} that does not say what labels it learned; give --name another one"
        )
    changed = sorted(name for name, value in origin.items() if found.get(name) != value)
    if changed:
        raise InputFileError(
            f"there is a model {bundle.name} that learned from another {', '.join(changed)}; give --name another one"
        )


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
