"""From decisions to a candidate. In: a snapshot of labels, one config. Out: a bundle in the registry, a gate record.

A decision counts by its weight, halved with every half-life since it was made: a weight of 2.3 puts the text twice into
training and, for three texts in ten (by a hash of the id, so the same in every run), a third time. Network, lexical
reading and augmentation then need not know of weights. The snapshot's gate rows are never trained on.
"""

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from data.errors import InputFileError, SettingsError
from data.schema import LabelledText
from data.snapshots import LabelRow, read_manifest, read_snapshot
from data.taxonomy import Taxonomy, default_taxonomy
from data.yaml_files import read_yaml
from eval.gate_run import ask_gate
from eval.sets import Selection
from models.bundle import MANIFEST
from models.promotion import add
from models.registry import GateRecord, Registry
from training.config import TrainingConfig
from training.label_audit import suspicious_labels
from training.origin import origin_of, refuse_another_origin
from training.pipeline import train_bundle

SUSPECTED = ("category", "cause")
SECONDS_A_DAY = 86_400


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LabelWeights(_Section):
    weight: float = Field(default=2.0, gt=0, le=10)
    half_life_days: float = Field(default=270, gt=0)
    least_weight: float = Field(default=0.25, ge=0, le=1)
    leave_out_suspicious: bool = False


class GateTexts(_Section):
    splits: tuple[str, ...] = ("test",)


class RetrainConfig(_Section):
    training: TrainingConfig
    labels: LabelWeights = LabelWeights()
    gate: GateTexts = GateTexts()

    @classmethod
    def read(cls, file: Path) -> Self:
        """Read a config; `training` names another one beside it. Raises SettingsError naming each wrong key."""
        try:
            content = read_yaml(file)
            network = TrainingConfig.read(file.with_name(str(content["training"])))
            return cls.model_validate({**content, "training": network})
        except ValidationError as error:
            problems = "; ".join(f"{'.'.join(map(str, p['loc']))}: {p['msg']}" for p in error.errors())
            raise SettingsError(f"retrain config {file.name} is wrong: {problems}") from error
        except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:  # the last of no UTF-8, or a folder
            raise SettingsError(f"retrain config {file.name} cannot be read: {type(error).__name__}") from error


@dataclass(frozen=True, kw_only=True)
class Retraining:
    """One run; the run folder lets it go on after a stop."""

    config: RetrainConfig
    snapshot: Path
    name: str
    run_folder: Path
    texts_folder: Path
    splits_file: Path


def retrain(
    work: Retraining, registry: Registry, *, say: Callable[[str], object], taxonomy: Taxonomy | None = None
) -> GateRecord:
    """Train, add to the registry, ask the gate. What is done already is not done again.

    Raises XiaobaoError, InputFileError where the name stands for a model that learned from something else.
    """
    taxonomy = taxonomy or default_taxonomy()
    output = work.run_folder / work.name
    origin = origin_of(work.snapshot, work.config, texts_folder=work.texts_folder, splits_file=work.splits_file)
    if work.name in registry.names():
        refuse_another_origin(registry.folder_of(work.name), origin)
        say(f"{work.name} is in the registry already; asking the gate")
    else:
        if (output / MANIFEST).is_file():
            refuse_another_origin(output, origin)
            say(f"{work.name} was trained already")
        else:
            _train(work, output, say, taxonomy, origin)
        add(registry, output)
    gold = work.snapshot / "gate.jsonl"
    has_gold = bool(read_manifest(work.snapshot)["files"][gold.name]["rows"])
    selection = Selection(
        splits=work.config.gate.splits,
        gold={"decisions": gold} if has_gold else {},
        texts_folder=work.texts_folder,
        splits_file=work.splits_file,
    )
    return ask_gate(registry, work.name, selection=selection, taxonomy=taxonomy)


def _train(
    work: Retraining, output: Path, say: Callable[[str], object], taxonomy: Taxonomy, origin: Mapping[str, str]
) -> None:
    _refuse_another_taxonomy(work.snapshot, taxonomy)
    rows = read_snapshot(work.snapshot, ["train"])
    doubtful = suspicious_ids(rows) if work.config.labels.leave_out_suspicious else set()
    kept = [row for row in rows if row.id not in doubtful]
    decisions = list(weighted(kept, work.config.labels))
    say(f"{len(rows)} decisions, {len(doubtful)} suspicious left out; they count like {len(decisions)} corpus texts")
    metrics = train_bundle(
        work.config.training,
        run_folder=work.run_folder,
        output=output,
        texts_folder=work.texts_folder,
        splits_file=work.splits_file,
        taxonomy=taxonomy,
        decisions=decisions,
        origin=origin,
    )
    for split, scores in metrics["scores"].items():
        say(f"{split}: " + json.dumps({k: v["accuracy"][0] for k, v in scores["facets"].items() if v["n"]}))


def _refuse_another_taxonomy(snapshot: Path, taxonomy: Taxonomy) -> None:
    """Raises InputFileError."""
    version = read_manifest(snapshot)["versions"]["taxonomy"]
    if version != taxonomy.version:
        raise InputFileError(
            f"snapshot {snapshot.name} speaks taxonomy {version}, this installation {taxonomy.version}; "
            "convert it: xiaobao taxonomy migrate"
        )


def suspicious_ids(rows: Sequence[LabelRow]) -> set[str]:
    """Decisions that the audit names."""
    return {one.id for facet in SUSPECTED for one in suspicious_labels(rows, facet)}


def weighted(rows: Sequence[LabelRow], weights: LabelWeights) -> Iterator[LabelledText]:
    """Each decision as often as it counts; age is measured from the latest one, so a snapshot always gives the same."""
    latest = max((row.labelled_at for row in rows), default=None)
    for row in rows:
        assert latest is not None
        weight = weight_of(row.labelled_at, latest, weights)
        whole = int(weight)
        for _ in range(whole + (_draw(row.id) < weight - whole)):
            yield row.labelled()


def weight_of(labelled_at: datetime, latest: datetime, weights: LabelWeights) -> float:
    """What a decision counts beside a text of the corpus."""
    days = (latest - labelled_at).total_seconds() / SECONDS_A_DAY
    return max(weights.least_weight, weights.weight * math.pow(0.5, days / weights.half_life_days))


def _draw(name: str) -> float:
    """Between 0 and 1, the same for the same id."""
    return int.from_bytes(hashlib.sha256(f"weight:{name}".encode()).digest()[:8]) / 2**64
