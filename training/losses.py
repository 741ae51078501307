"""What a batch costs. In: the model's outputs and a batch, perhaps a teacher's answers. Out: one number to minimise.

Parents are trained directly: the probability of a category is the sum of its leaves', so its cross entropy is taken on
the summed leaves; causes likewise. Evidence is trained only for labels that hold, on the quotes that show them.
"""

import torch
from torch.nn import functional

from models.label_space import LabelSpace
from training.config import LossConfig
from training.examples import IGNORED, Batch


def training_loss(
    outputs: tuple[torch.Tensor, ...], batch: Batch, labels: LabelSpace, config: LossConfig
) -> torch.Tensor:
    """The weighted sum of all heads' losses."""
    order_type, leaf, subcause, channel, causes, flags, evidence = (output.float() for output in outputs)
    smoothing = config.label_smoothing
    leaf_parents = torch.from_numpy(labels.leaf_to_category)
    cause_parents = torch.from_numpy(labels.subcause_to_cause)
    is_complaint = (batch.subcause != IGNORED).float()
    total = config.order_type * _cross_entropy(order_type, batch.order_type, smoothing)
    total += config.leaf * _cross_entropy(leaf, batch.leaf, smoothing)
    total += config.category * _parent_cross_entropy(leaf, batch.leaf, leaf_parents, smoothing)
    total += config.subcause * _cross_entropy(subcause, batch.subcause, smoothing)
    total += config.cause * _parent_cross_entropy(subcause, batch.subcause, cause_parents, smoothing)
    total += config.channel * _cross_entropy(channel, batch.channel, smoothing)
    total += config.causes2 * _masked_mean(
        functional.binary_cross_entropy_with_logits(causes, batch.causes, reduction="none").sum(dim=1), is_complaint
    )
    weight = torch.full_like(flags[0], config.flag_positive_weight)
    total += (
        config.flags
        * functional.binary_cross_entropy_with_logits(flags, batch.flags, pos_weight=weight, reduction="none")
        .sum(dim=1)
        .mean()
    )
    return total + config.evidence * _evidence_loss(evidence, batch)


def _cross_entropy(logits: torch.Tensor, targets: torch.Tensor, smoothing: float) -> torch.Tensor:
    if bool((targets == IGNORED).all()):
        return logits.sum() * 0.0
    return functional.cross_entropy(logits, targets, ignore_index=IGNORED, label_smoothing=smoothing)


def _parent_cross_entropy(
    logits: torch.Tensor, targets: torch.Tensor, parents: torch.Tensor, smoothing: float
) -> torch.Tensor:
    members = functional.one_hot(parents).bool()  # (children, parents)
    grouped = logits.unsqueeze(-1).masked_fill(~members, float("-inf"))
    parent_targets = torch.where(targets == IGNORED, targets, parents[targets.clamp(min=0)])
    return _cross_entropy(torch.logsumexp(grouped, dim=1), parent_targets, smoothing)


def _masked_mean(values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return (values * mask).sum() / mask.sum().clamp(min=1.0)


def _evidence_loss(scores: torch.Tensor, batch: Batch) -> torch.Tensor:
    holds = (batch.evidence.amax(dim=1) > 0).float()  # (batch, labels)
    cells = holds.unsqueeze(1) * batch.attention_mask.unsqueeze(-1)
    losses = functional.binary_cross_entropy_with_logits(scores, batch.evidence, reduction="none")
    return (losses * cells).sum() / cells.sum().clamp(min=1.0)


def soft_target_loss(
    outputs: tuple[torch.Tensor, ...], targets: dict[str, torch.Tensor], config: LossConfig, temperature: float
) -> torch.Tensor:
    """How far the answers are from a teacher's: its logits by head, each (batch, labels).

    Softmax heads: Kullback-Leibler divergence at a temperature, scaled by its square (Hinton et al. 2015); parents are
    not taken apart, since their leaves carry them. Independent labels: cross entropy with the teacher's probabilities.
    """
    order_type, leaf, subcause, channel, causes, flags = (output.float() for output in outputs[:6])
    softmax = {"order_type": order_type, "leaf": leaf, "subcause": subcause, "channel": channel}
    weights = {
        "order_type": config.order_type,
        "leaf": config.leaf + config.category,
        "subcause": config.subcause + config.cause,
        "channel": config.channel,
    }
    total = torch.zeros(())
    for head, logits in softmax.items():
        total = total + weights[head] * temperature**2 * functional.kl_div(
            functional.log_softmax(logits / temperature, dim=1),
            functional.log_softmax(targets[head].float() / temperature, dim=1),
            reduction="batchmean",
            log_target=True,
        )
    for logits, head, weight in ((causes, "causes", config.causes2), (flags, "flags", config.flags)):
        aim = torch.sigmoid(targets[head].float())
        losses = functional.binary_cross_entropy_with_logits(logits, aim, reduction="none")
        total = total + weight * losses.sum(dim=1).mean()
    return total
