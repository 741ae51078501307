"""From a large teacher to a small student. In: a trained teacher and training texts. Out: start weights, soft targets.

The student keeps some of the teacher's layers and all of its heads, and learns to reproduce the teacher's token states
and answers on texts varied anew every epoch. Then the teacher's logits are stored for each text and some fixed
augmented forms, keyed by their pieces, so that the student is retrained later without the teacher.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file as load_arrays
from safetensors.numpy import save_file as save_arrays
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional

from data.errors import SettingsError
from data.taxonomy import Taxonomy
from models.classifier import HEADS, ComplaintClassifier
from models.label_space import LabelSpace
from training.config import TrainingConfig
from training.examples import Batch, Example
from training.finetune import Objective, build_classifier, finetune, predict_logits
from training.inputs import TrainingInputs
from training.losses import soft_target_loss, training_loss
from training.views import varied_examples

START_WEIGHTS = "student_start.safetensors"
SOFT_TARGETS = "soft_targets.safetensors"
KEYS = "keys"
LAYERS = "encoder.encoder.layer."


def distill(
    teacher: ComplaintClassifier, *, config: TrainingConfig, inputs: TrainingInputs, run_folder: Path
) -> ComplaintClassifier:
    """The first step: a student with the layers of the config that answers like its teacher."""
    assert config.distillation is not None
    return finetune(
        student_of(teacher, config, inputs.taxonomy),
        config=config.model_copy(update={"optimizer": config.distillation.optimizer}),
        labels=inputs.labels,
        train=inputs.examples("train", config),
        dev=inputs.examples("dev", config),
        run_folder=run_folder,
        objective=teacher_objective(teacher.eval(), inputs.labels, config),
        vary=varied_examples(config, inputs),
        standardize=False,
    )


def student_of(teacher: ComplaintClassifier, config: TrainingConfig, taxonomy: Taxonomy) -> ComplaintClassifier:
    """A student with the teacher's embeddings, heads and, of its layers, those that the config names."""
    kept = config.encoder.layers
    if kept is None:
        raise SettingsError(f"config {config.name} distils but names no encoder.layers; say which layers to keep")
    student = build_classifier(config, taxonomy)
    named = {_student_name(name, kept): value for name, value in teacher.state_dict().items()}
    student.load_state_dict({name: value for name, value in named.items() if name is not None})
    return student


def _student_name(name: str, kept: Sequence[int]) -> str | None:
    """What a teacher's weight is called in the student; None for a layer that is left out."""
    if not name.startswith(LAYERS):
        return name
    number, _, rest = name.removeprefix(LAYERS).partition(".")
    return f"{LAYERS}{kept.index(int(number))}.{rest}" if int(number) in kept else None


def teacher_objective(teacher: ComplaintClassifier, labels: LabelSpace, config: TrainingConfig) -> Objective:
    """Labels, the teacher's answers and the teacher's token states, all on the same batch."""
    distillation = config.distillation
    assert distillation is not None

    def loss(student: ComplaintClassifier, batch: Batch) -> torch.Tensor:
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=config.optimizer.bfloat16):
            aim = teacher.states(batch.input_ids, batch.attention_mask)
            answers = teacher.read(aim, batch.attention_mask)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=config.optimizer.bfloat16):
            states = student.states(batch.input_ids, batch.attention_mask)
            outputs = student.read(states, batch.attention_mask)
        soft = dict(zip(HEADS, answers[:6], strict=True))
        present = batch.attention_mask.bool()
        return (
            training_loss(outputs, batch, labels, config.loss)
            + distillation.soft * soft_target_loss(outputs, soft, config.loss, distillation.temperature)
            + distillation.states * functional.mse_loss(states[present].float(), aim[present].float())
        )

    return loss


def key_of(example: Example) -> int:
    """What a stored target is found by: a hash of the pieces that the model reads."""
    digest = hashlib.sha256(" ".join(map(str, example.ids)).encode()).digest()
    return int.from_bytes(digest[:8], "little", signed=True)


def store_soft_targets(teacher: ComplaintClassifier, examples: Sequence[Example], file: Path) -> None:
    """The teacher's logits for examples, as float16 by head, with their keys."""
    outputs = predict_logits(teacher, examples, bfloat16=True)
    arrays = {head: getattr(outputs, head).numpy().astype(np.float16) for head in HEADS}
    save_arrays({KEYS: np.array([key_of(example) for example in examples], dtype=np.int64), **arrays}, file)


def with_soft_targets(examples: Sequence[Example], file: Path) -> list[Example]:
    """Examples with their stored targets; those that have none (new texts) keep their labels alone.

    Raises SettingsError if the file is missing or fits none of the examples.
    """
    if not file.is_file():
        raise SettingsError(f"no {file.name} in {file.parent}; rebuild it: xiaobao train --teacher")
    arrays = load_arrays(file)
    rows = {int(key): row for row, key in enumerate(arrays[KEYS])}
    found = [rows.get(key_of(example)) for example in examples]
    if all(row is None for row in found):
        raise SettingsError(f"{file.name} fits none of the training texts; rebuild it: xiaobao train --teacher")
    return [
        example if row is None else replace(example, soft={head: arrays[head][row] for head in HEADS})
        for example, row in zip(examples, found, strict=True)
    ]


def save_weights(model: nn.Module, file: Path) -> None:
    """Weights as float16."""
    save_file({name: value.half().contiguous() for name, value in model.state_dict().items()}, file)


def load_weights(model: nn.Module, file: Path) -> None:
    """Weights as `save_weights` wrote them, back in float32. Raises SettingsError if the file is missing."""
    if not file.is_file():
        raise SettingsError(f"no {file.name} in {file.parent}; rebuild it: xiaobao train --teacher")
    model.load_state_dict({name: value.float() for name, value in load_file(file).items()})
