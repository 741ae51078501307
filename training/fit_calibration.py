"""Fit temperatures and thresholds. In: the serving graph's logits of held-out texts. Out: `Calibration`, `Thresholds`.

Flag thresholds maximise F1 per flag, shrunk towards 0.5 where positives are few. Privacy and mis-selling have a
threshold for the whole group as well, low enough for the group's recall floor.
"""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import torch
from scipy.optimize import minimize, minimize_scalar
from torch.nn import functional

from models.calibration import Calibration, FloatArray, Probabilities, calibrate
from models.label_space import LabelSpace
from models.runtimes.onnx_runtime import OnnxRuntime
from models.thresholds import BANDED_FIELDS, COMPLAINT, NEVER, BandLimits, Thresholds, group_probability
from training.config import TrainingConfig
from training.examples import IGNORED, Example
from training.finetune import RawOutputs

# With fewer positives than this, a threshold of its own would be noise.
PRIOR_STRENGTH = 8
MINIMUM_FOR_AUTO = 30
# Best overlap with the quotes of held-out texts, and about as much text shown as quoted (docs/experiments.md).
EVIDENCE_THRESHOLD = 0.15


def fit_calibration(outputs: RawOutputs, examples: Sequence[Example]) -> Calibration:
    """A temperature per head that minimises the negative log likelihood."""
    heads = ("order_type", "leaf", "subcause", "channel")
    softmax = {
        head: _fit_temperature(getattr(outputs, head), torch.tensor([getattr(e, head) for e in examples]))
        for head in heads
    }
    complaints = torch.tensor([e.subcause != IGNORED for e in examples])
    causes = torch.from_numpy(np.stack([e.causes for e in examples]))
    flags = torch.from_numpy(np.stack([e.flags for e in examples]))
    causes_scale, causes_bias = _fit_scale_and_bias(outputs.causes[complaints], causes[complaints])
    flags_scale, flags_bias = _fit_scale_and_bias(outputs.flags, flags)
    return Calibration(
        **softmax, causes=causes_scale, flags=flags_scale, causes_bias=causes_bias, flags_bias=flags_bias
    )


def _fit_temperature(logits: torch.Tensor, targets: torch.Tensor) -> float:
    valid = targets != IGNORED
    if not bool(valid.any()):
        return 1.0
    return _minimise(lambda t: float(functional.cross_entropy(logits[valid] / t, targets[valid])))


def _fit_scale_and_bias(logits: torch.Tensor, targets: torch.Tensor) -> tuple[float, float]:
    """Platt scaling, shared by all labels of a head: divisor and shift of the logits."""
    if not len(logits):
        return 1.0, 0.0

    def loss(parameters: npt.NDArray[np.float64]) -> float:
        scaled = logits / float(np.exp(parameters[0])) + float(parameters[1])
        return float(functional.binary_cross_entropy_with_logits(scaled, targets))

    result = minimize(loss, np.zeros(2), method="Nelder-Mead")
    return round(float(np.exp(result.x[0])), 4), round(float(result.x[1]), 4)


def _minimise(loss: Callable[[float], float]) -> float:
    result = minimize_scalar(loss, bounds=(0.25, 6.0), method="bounded")
    return round(float(result.x), 4)


def fit_thresholds(
    outputs: RawOutputs,
    examples: Sequence[Example],
    *,
    calibration: Calibration,
    labels: LabelSpace,
    config: TrainingConfig,
) -> Thresholds:
    """Flag thresholds and bands from the same texts as the temperatures."""
    probabilities = calibrate(to_arrays(outputs), calibration, labels)
    gold = np.stack([e.flags for e in examples]) > 0
    flags = {code: _best_threshold(probabilities.flags[:, i], gold[:, i]) for i, code in enumerate(labels.flags)}
    groups = {
        group: _group_threshold(probabilities.flags, gold, labels=labels, group=group, recall=recall)
        for group, recall in (("P", config.privacy_recall_floor), ("S", config.misselling_recall_floor))
    }
    complaints = np.array([e.subcause != IGNORED for e in examples])
    secondary = np.stack([e.causes for e in examples])[complaints] > 0
    complaint = _complaint_threshold(probabilities.order_type, examples, labels, config.complaint_recall_floor)
    return Thresholds(
        flags={code: round(value, 4) for code, value in flags.items()},
        causes2=round(_best_threshold(probabilities.causes[complaints].ravel(), secondary.ravel()), 4),
        evidence=EVIDENCE_THRESHOLD,
        bands=_bands(probabilities, examples, labels=labels, config=config, complaint=complaint),
        groups=groups,
        complaint=complaint,
    )


def runtime_outputs(runtime: OnnxRuntime, examples: Sequence[Example]) -> RawOutputs:
    """Logits of the graph that will serve, one text at a time as it mostly does."""
    rows = [runtime.run([example.ids]) for example in examples]
    return RawOutputs(
        **{name: torch.from_numpy(np.concatenate([row[name] for row in rows])) for name in RawOutputs.__annotations__}
    )


def to_arrays(outputs: RawOutputs) -> dict[str, FloatArray]:
    """The logits as numpy arrays by head."""
    return {name: value.numpy() for name, value in vars(outputs).items()}


def _best_threshold(probabilities: FloatArray, gold: npt.NDArray[np.bool_]) -> float:
    positives = int(gold.sum())
    grid = np.linspace(0.05, 0.95, 91)
    hits = np.array([(probabilities[gold] >= t).sum() for t in grid])
    predicted = np.array([(probabilities >= t).sum() for t in grid])
    f1 = 2 * hits / np.maximum(1, predicted + positives)
    best = float(grid[f1 >= f1.max() - 1e-9].mean())
    return (positives * best + PRIOR_STRENGTH * 0.5) / (positives + PRIOR_STRENGTH)


def _group_threshold(
    probabilities: FloatArray, gold: npt.NDArray[np.bool_], *, labels: LabelSpace, group: str, recall: float
) -> float:
    """The group probability that the wanted share of texts with a flag of the group reaches."""
    columns = [i for i, code in enumerate(labels.flags) if code[0] == group]
    return _threshold_for_recall(group_probability(probabilities[:, columns][gold[:, columns].any(axis=1)]), recall)


def _complaint_threshold(
    probabilities: FloatArray, examples: Sequence[Example], labels: LabelSpace, recall: float
) -> float:
    complaint = labels.order_type.index(COMPLAINT)
    complaints = [e.order_type == complaint for e in examples]
    return _threshold_for_recall(probabilities[complaints, complaint], recall)


def _threshold_for_recall(scores: FloatArray, recall: float) -> float:
    """The score that at least this share of positives reaches.

    The quantile with the correction of split conformal prediction (Vovk et al. 2005): a new text of the same kind
    reaches it with at least that probability. With too few texts for that, all of them reach it; with none, nothing
    ever does.
    """
    if not len(scores):
        return NEVER
    allowed = max(1, int((1 - recall) * (len(scores) + 1)))
    return round(float(np.sort(scores)[allowed - 1]), 4)


def _bands(
    probabilities: Probabilities,
    examples: Sequence[Example],
    *,
    labels: LabelSpace,
    config: TrainingConfig,
    complaint: float,
) -> dict[str, BandLimits]:
    targets = {
        "order_type": np.array([e.order_type for e in examples]),
        "leaf": np.array([e.leaf for e in examples]),
        "subcause": np.array([e.subcause for e in examples]),
        "channel": np.array([e.channel for e in examples]),
    }
    targets["category"] = _parents(targets["leaf"], labels.leaf_to_category)
    targets["cause"] = _parents(targets["subcause"], labels.subcause_to_cause)
    limits = {}
    for field in BANDED_FIELDS:
        values, gold = getattr(probabilities, field), targets[field]
        valid = gold != IGNORED
        served = _served(field, probabilities, labels, complaint)[valid]
        confidence = values[valid][np.arange(len(served)), served]
        correct = served == gold[valid]
        limits[field] = BandLimits(
            auto=_confidence_for(confidence, correct, config.auto_precision),
            suggest=_confidence_for(confidence, correct, config.suggest_precision),
        )
    return limits


def _served(field: str, probabilities: Probabilities, labels: LabelSpace, complaint: float) -> npt.NDArray[np.int64]:
    """The label that the predictor gives: a leaf only within the best category, a sub-cause within the best cause."""
    values: FloatArray = getattr(probabilities, field)
    if field == "order_type":
        column = labels.order_type.index(COMPLAINT)
        return np.where(values[:, column] >= complaint, column, values.argmax(axis=1))
    if field == "leaf":
        values = np.where(labels.leaf_to_category == probabilities.category.argmax(axis=1)[:, None], values, -1)
    if field == "subcause":
        values = np.where(labels.subcause_to_cause == probabilities.cause.argmax(axis=1)[:, None], values, -1)
    return np.asarray(values.argmax(axis=1), dtype=np.int64)


def _parents(targets: npt.NDArray[np.int64], parents: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.where(targets == IGNORED, IGNORED, parents[np.maximum(targets, 0)])


def _confidence_for(confidence: FloatArray, correct: npt.NDArray[np.bool_], precision: float) -> float:
    """The lowest confidence above which the answers are right at least this often."""
    order = np.argsort(-confidence)
    running = np.cumsum(correct[order]) / np.arange(1, len(order) + 1)
    enough = np.flatnonzero((running >= precision) & (np.arange(len(order)) >= MINIMUM_FOR_AUTO - 1))
    return round(float(confidence[order][enough[-1]]), 4) if len(enough) else NEVER
