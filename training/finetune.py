"""Fine-tune the classifier. In: a config, training and development examples. Out: the weights of the best epoch.

A run folder holds a checkpoint after every epoch (safetensors and JSON, no pickle); a run that was stopped goes on from
the last one. Run by `xiaobao train`.
"""

import hashlib
import json
import math
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn
from tqdm import tqdm

from data.errors import SettingsError
from data.files import write_whole
from data.taxonomy import Taxonomy
from models.classifier import ComplaintClassifier, load_encoder
from models.encoder import encoder_folder
from models.label_space import LabelSpace
from training.config import OptimizerConfig, TrainingConfig
from training.examples import IGNORED, Batch, Example, batches, collate
from training.losses import soft_target_loss, training_loss

Objective = Callable[[ComplaintClassifier, Batch], torch.Tensor]

BEST_WEIGHTS = "best.safetensors"
LAST_WEIGHTS = "last.safetensors"
OPTIMIZER_STATE = "optimizer.safetensors"
PROGRESS = "progress.json"
STANDARDIZED_ON = 256


@dataclass(frozen=True, kw_only=True)
class RawOutputs:
    """Logits of many texts by head, each of shape (texts, labels)."""

    order_type: torch.Tensor
    leaf: torch.Tensor
    subcause: torch.Tensor
    channel: torch.Tensor
    causes: torch.Tensor
    flags: torch.Tensor


def build_classifier(config: TrainingConfig, taxonomy: Taxonomy) -> ComplaintClassifier:
    """A classifier with pretrained encoder and fresh heads, the same for the same seed."""
    torch.manual_seed(config.seed)
    folder = encoder_folder(config.encoder.source, taxonomy)
    encoder = load_encoder(str(folder), config.encoder.layers)
    return ComplaintClassifier(encoder, LabelSpace.of(taxonomy), config.dropout)


def finetune(
    model: ComplaintClassifier,
    *,
    config: TrainingConfig,
    labels: LabelSpace,
    train: Sequence[Example],
    dev: Sequence[Example],
    run_folder: Path,
    objective: Objective | None = None,
    vary: Callable[[int], Sequence[Example]] | None = None,
    standardize: bool = True,
) -> ComplaintClassifier:
    """Train, keep the epoch that is best on the development examples, and return it in evaluation mode.

    `objective` is the loss of a batch, by default that of its labels. `vary` gives other forms of the training
    examples for an epoch, as many of them. `standardize` measures the token states' scale on the training examples;
    a student that starts with its teacher's heads keeps its teacher's.
    """
    objective = objective or label_objective(labels, config)
    torch.set_num_threads(config.threads)
    run_folder.mkdir(parents=True, exist_ok=True)
    steps = config.optimizer.epochs * math.ceil(len(train) / config.optimizer.batch_size)
    optimizer = torch.optim.AdamW(parameter_groups(model, config.optimizer), betas=(0.9, 0.98), fused=True)
    fingerprint = run_fingerprint(config, train, model)
    if standardize:
        model.eval().standardize(_sample(train, config))  # before resuming, which restores a run's own scale
    history, steps_done = _resume(model, optimizer, run_folder, fingerprint)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: _rate(step, steps, config.optimizer), last_epoch=steps_done - 1
    )
    for epoch in range(len(history), config.optimizer.epochs):
        started = time.monotonic()
        examples = vary(epoch) if vary else train
        loss = _train_epoch(model, optimizer, schedule, config=config, objective=objective, train=examples, epoch=epoch)
        scores = {"epoch": epoch + 1, "loss": round(loss, 4), **development_scores(model, dev, labels)}
        scores["seconds"] = round(time.monotonic() - started)
        history.append(scores)
        tqdm.write("  ".join(f"{name} {value:g}" for name, value in scores.items()), file=sys.stderr)
        if scores["selection"] == max(entry["selection"] for entry in history):
            save_file(_weights(model), run_folder / (BEST_WEIGHTS + ".part"))
            os.replace(run_folder / (BEST_WEIGHTS + ".part"), run_folder / BEST_WEIGHTS)
        _save_checkpoint(model, optimizer, history, run_folder, fingerprint)
    model.load_state_dict(load_file(run_folder / BEST_WEIGHTS))
    return model.eval()


def _sample(train: Sequence[Example], config: TrainingConfig) -> Iterable[tuple[torch.Tensor, torch.Tensor]]:
    """Ids and masks of a few hundred training texts."""
    step = max(1, len(train) // STANDARDIZED_ON)  # files are in order of writers: take texts of all of them
    for batch in batches(train[::step], config.optimizer.batch_size, config.seed):
        yield batch.input_ids, batch.attention_mask


def parameter_groups(model: ComplaintClassifier, config: OptimizerConfig) -> list[dict[str, object]]:
    """Encoder layers learn slower the lower they are, heads fastest; biases and norms do not decay."""
    layers: list[nn.Module] = [model.encoder.get_submodule("embeddings"), *_stack(model)]
    groups: list[dict[str, object]] = []
    seen: set[int] = set()
    for depth, layer in enumerate(reversed(layers)):
        rate = config.encoder_rate * config.layer_decay**depth
        groups += _split_decay(layer.named_parameters(), rate, config.weight_decay)
        seen |= {id(parameter) for parameter in layer.parameters()}
    heads = [(name, parameter) for name, parameter in model.named_parameters() if id(parameter) not in seen]
    return groups + _split_decay(heads, config.head_rate, config.weight_decay)


def _stack(model: ComplaintClassifier) -> nn.ModuleList:
    stack = model.encoder.get_submodule("encoder.layer")
    assert isinstance(stack, nn.ModuleList)
    return stack


def _split_decay(parameters: Iterable[tuple[str, nn.Parameter]], rate: float, decay: float) -> list[dict[str, object]]:
    parameters = list(parameters)
    matrices = [parameter for _, parameter in parameters if parameter.ndim >= 2]
    vectors = [parameter for _, parameter in parameters if parameter.ndim < 2]
    return [
        {"params": group, "lr": rate, "initial_lr": rate, "weight_decay": group_decay}
        for group, group_decay in ((matrices, decay), (vectors, 0.0))
        if group
    ]


def _rate(step: int, steps: int, config: OptimizerConfig) -> float:
    """Linear warm-up, then half a cosine down to zero."""
    warmup = max(1, round(steps * config.warmup_share))
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warmup) / max(1, steps - warmup))))


def _train_epoch(
    model: ComplaintClassifier,
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LambdaLR,
    *,
    config: TrainingConfig,
    objective: Objective,
    train: Sequence[Example],
    epoch: int,
) -> float:
    model.train()
    torch.manual_seed(config.seed + epoch)  # dropout is the same when a run resumes
    total, number = 0.0, math.ceil(len(train) / config.optimizer.batch_size)
    passes = batches(train, config.optimizer.batch_size, config.seed + epoch)
    for batch in tqdm(passes, total=number, desc=f"epoch {epoch + 1}/{config.optimizer.epochs}", leave=False):
        loss = objective(model, batch)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), config.optimizer.max_grad_norm)
        optimizer.step()
        schedule.step()
        total += loss.item()
    return total / number


def label_objective(labels: LabelSpace, config: TrainingConfig) -> Objective:
    """The loss of a batch's labels, and of a teacher's stored answers where the batch has them."""
    distillation = config.distillation

    def loss(model: ComplaintClassifier, batch: Batch) -> torch.Tensor:
        outputs = forward(model, batch, config)
        total = training_loss(outputs, batch, labels, config.loss)
        if batch.soft is None or distillation is None:
            return total
        answers = tuple(output[batch.soft_rows] for output in outputs)
        return total + distillation.soft * soft_target_loss(answers, batch.soft, config.loss, distillation.temperature)

    return loss


def forward(model: ComplaintClassifier, batch: Batch, config: TrainingConfig) -> tuple[torch.Tensor, ...]:
    """The model's outputs for a batch, in the precision of the config."""
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=config.optimizer.bfloat16):
        outputs: tuple[torch.Tensor, ...] = model(batch.input_ids, batch.attention_mask)
    return outputs


def predict_logits(
    model: nn.Module, examples: Sequence[Example], *, batch_size: int = 32, bfloat16: bool = False
) -> RawOutputs:
    """Logits of all heads for all examples, in their order."""
    model.eval()
    order = sorted(range(len(examples)), key=lambda i: len(examples[i].ids))
    rows: list[tuple[torch.Tensor, ...]] = []
    with torch.inference_mode():
        for start in range(0, len(order), batch_size):
            batch = collate([examples[i] for i in order[start : start + batch_size]])
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bfloat16):
                outputs = model(batch.input_ids, batch.attention_mask)
            rows.append(tuple(output.float() for output in outputs[:-1]))
    back = torch.tensor(sorted(range(len(order)), key=order.__getitem__))
    columns = [torch.cat(column)[back] for column in zip(*rows, strict=True)]
    order_type, leaf, subcause, channel, causes, flags = columns
    return RawOutputs(order_type=order_type, leaf=leaf, subcause=subcause, channel=channel, causes=causes, flags=flags)


def development_scores(model: nn.Module, dev: Sequence[Example], labels: LabelSpace) -> dict[str, float]:
    """Accuracy per head, flag F1, and `selection`, by which the best epoch is chosen."""
    if not dev:
        return {"selection": 0.0}
    outputs = predict_logits(model, dev)
    leaf_parents = torch.from_numpy(labels.leaf_to_category)
    cause_parents = torch.from_numpy(labels.subcause_to_cause)
    scores = {
        "order_type": _accuracy(outputs.order_type, torch.tensor([e.order_type for e in dev])),
        "category": _parent_accuracy(outputs.leaf, torch.tensor([e.leaf for e in dev]), leaf_parents),
        "leaf": _accuracy(outputs.leaf, torch.tensor([e.leaf for e in dev])),
        "cause": _parent_accuracy(outputs.subcause, torch.tensor([e.subcause for e in dev]), cause_parents),
        "channel": _accuracy(outputs.channel, torch.tensor([e.channel for e in dev])),
        "flags": _micro_f1(outputs.flags > 0, torch.tensor([e.flags.tolist() for e in dev]) > 0),
    }
    kept = (scores["order_type"], scores["category"], scores["leaf"], scores["cause"], scores["flags"])
    return {name: round(value, 4) for name, value in {**scores, "selection": sum(kept) / len(kept)}.items()}


def _accuracy(logits: torch.Tensor, targets: torch.Tensor) -> float:
    valid = targets != IGNORED
    return float((logits.argmax(dim=1) == targets)[valid].float().mean()) if bool(valid.any()) else 0.0


def _parent_accuracy(logits: torch.Tensor, targets: torch.Tensor, parents: torch.Tensor) -> float:
    members = nn.functional.one_hot(parents).float()
    targets = torch.where(targets == IGNORED, targets, parents[targets.clamp(min=0)])
    return _accuracy(torch.softmax(logits, dim=1) @ members, targets)


def _micro_f1(predicted: torch.Tensor, gold: torch.Tensor) -> float:
    hits = float((predicted & gold).sum())
    return 2 * hits / max(1.0, float(predicted.sum() + gold.sum()))


def _weights(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.contiguous() for name, value in model.state_dict().items()}


def run_fingerprint(config: TrainingConfig, train: Sequence[Example], start: nn.Module) -> str:
    """What a run was trained on: two runs may only be joined if config, start weights and examples are the same.

    Examples with all their targets: a label that was mended makes another run.
    """
    digest = hashlib.sha256(config.to_yaml().encode())
    for example in train:
        targets = (example.order_type, example.leaf, example.subcause, example.channel)
        digest.update(f"{example.id} {example.ids} {targets}".encode())
        digest.update(example.causes.tobytes() + example.flags.tobytes() + example.evidence.tobytes())
        digest.update(b"".join(logits.tobytes() for logits in (example.soft or {}).values()))
    for name, value in start.state_dict().items():
        digest.update(name.encode() + value.numpy().tobytes())
    return digest.hexdigest()[:16]


def training_seconds(run_folder: Path) -> int:
    """How long the epochs of a run took in all, also over several starts and with its teacher's."""
    histories = [json.loads(file.read_text(encoding="utf-8"))["history"] for file in run_folder.rglob(PROGRESS)]
    return int(sum(entry["seconds"] for history in histories for entry in history))


def _save_checkpoint(
    model: ComplaintClassifier,
    optimizer: torch.optim.Optimizer,
    history: list[dict[str, float]],
    folder: Path,
    fingerprint: str,
) -> None:
    """A new checkpoint folder; `progress.json` names it, so that a kill in between leaves the old one in force."""
    checkpoint = folder / f"checkpoint-{len(history)}"
    checkpoint.mkdir(exist_ok=True)
    save_file(_weights(model), checkpoint / LAST_WEIGHTS)
    state = {
        f"{index}.{name}": value
        for index, values in optimizer.state_dict()["state"].items()
        for name, value in values.items()
    }
    save_file(state, checkpoint / OPTIMIZER_STATE)
    progress = {"fingerprint": fingerprint, "checkpoint": checkpoint.name, "history": history}
    write_whole(folder / PROGRESS, json.dumps(progress, indent=1))
    for old in folder.glob("checkpoint-*"):
        if old != checkpoint:
            shutil.rmtree(old)


def _resume(
    model: ComplaintClassifier, optimizer: torch.optim.Optimizer, folder: Path, fingerprint: str
) -> tuple[list[dict[str, float]], int]:
    """Load the last checkpoint, if any; returns the epochs' scores so far and the number of steps taken."""
    if not (folder / PROGRESS).exists():
        return [], 0
    progress = json.loads((folder / PROGRESS).read_text(encoding="utf-8"))
    if progress["fingerprint"] != fingerprint:
        raise SettingsError(
            f"run folder {folder.name} holds a run of another config or corpus; name another --run-dir or delete it"
        )
    checkpoint = folder / progress["checkpoint"]
    model.load_state_dict(load_file(checkpoint / LAST_WEIGHTS))
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in load_file(checkpoint / OPTIMIZER_STATE).items():
        index, _, name = key.partition(".")
        state.setdefault(int(index), {})[name] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
    history: list[dict[str, float]] = progress["history"]
    tqdm.write(f"going on after epoch {len(history)}", file=sys.stderr)
    return history, int(next(iter(state.values()))["step"])
