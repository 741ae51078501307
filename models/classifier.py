"""The neural model. In: token ids and mask. Out: logits of every head, and a score per token and label as evidence.

One encoder, then per task an attention pooling added to the mean of all tokens. Flags and causes pool by their own
token scores (label-wise attention), so the words that decide here are the words that are shown. Needs the extra
`train`.
"""

from collections.abc import Iterable, Sequence

import torch
from torch import nn
from transformers import AutoModel, PreTrainedModel

from models.label_space import LabelSpace

SOFTMAX_HEADS = ("order_type", "leaf", "subcause", "channel")
PRIOR_LOGIT = -3.0
HEADS = (*SOFTMAX_HEADS, "causes", "flags")
OUTPUTS = (*HEADS, "evidence")


class ComplaintClassifier(nn.Module):
    """`forward` returns the tensors named in `OUTPUTS`: (batch, labels), and (batch, tokens, labels) for evidence."""

    state_mean: torch.Tensor
    state_scale: torch.Tensor

    def __init__(self, encoder: PreTrainedModel, labels: LabelSpace, dropout: float = 0.1) -> None:
        super().__init__()
        self.encoder = encoder
        hidden = encoder.config.hidden_size
        self.dropout = nn.Dropout(dropout)
        self.queries = nn.Linear(hidden, len(SOFTMAX_HEADS))
        self.heads = nn.ModuleList(nn.Linear(2 * hidden, len(getattr(labels, name))) for name in SOFTMAX_HEADS)
        self.evidence = nn.Linear(hidden, len(labels.evidence))
        self.global_scores = nn.Linear(hidden, len(labels.evidence))
        self.label_vectors = nn.Parameter(torch.empty(len(labels.evidence), hidden).normal_(std=0.02))
        self.number_of_flags = len(labels.flags)
        # Pretrained states of different texts are nearly parallel (cosine 0.97): standardised, they tell texts apart.
        self.register_buffer("state_mean", torch.zeros(hidden))
        self.register_buffer("state_scale", torch.ones(hidden))
        # Most labels do not hold: starting at that prior keeps the first steps from pushing all texts the same way.
        nn.init.constant_(self.global_scores.bias, PRIOR_LOGIT)
        nn.init.constant_(self.evidence.bias, PRIOR_LOGIT)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return self.read(self.states(input_ids, attention_mask), attention_mask)

    def states(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Standardised token states, (batch, tokens, hidden)."""
        states: torch.Tensor = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        return (states - self.state_mean) * self.state_scale

    def read(self, states: torch.Tensor, attention_mask: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """The heads on token states: the tensors named in `OUTPUTS`."""
        present = attention_mask.unsqueeze(-1).to(states.dtype)
        mean = (states * present).sum(dim=1) / present.sum(dim=1)
        states, mean = self.dropout(states), self.dropout(mean)
        absent = (1.0 - present) * -1e4

        weights = torch.softmax(self.queries(states) + absent, dim=1)
        pooled = torch.einsum("bth,btd->bhd", weights, states)
        softmax_logits = [head(torch.cat([pooled[:, i], mean], dim=-1)) for i, head in enumerate(self.heads)]

        token_scores = self.evidence(states)
        attention = torch.softmax(token_scores + absent, dim=1)
        shown = torch.einsum("btl,btd->bld", attention, states)
        label_logits = (shown * self.label_vectors).sum(dim=-1) + self.global_scores(mean)
        flags, causes = label_logits[:, : self.number_of_flags], label_logits[:, self.number_of_flags :]
        return (*softmax_logits, causes, flags, token_scores)

    @torch.no_grad()
    def standardize(self, batches: Iterable[tuple[torch.Tensor, torch.Tensor]]) -> None:
        """Set the mean and scale of token states from (ids, mask) batches of training texts."""
        states = torch.cat(
            [
                self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state[mask.bool()].float()
                for ids, mask in batches
            ]
        )
        self.state_mean.copy_(states.mean(dim=0))
        self.state_scale.copy_(1.0 / states.std(dim=0).clamp(min=1e-3))


def load_encoder(source: str, layers: Sequence[int] | None) -> PreTrainedModel:
    """A pretrained encoder, with only the layers at the given indices (all if null)."""
    # Attention without dropout and written out: on a CPU in bfloat16 a training step takes 0.75 s instead of 1.35 s.
    options = {"attn_implementation": "eager", "attention_probs_dropout_prob": 0.0}
    if _has_pooler(source):
        options["add_pooling_layer"] = False
    encoder = AutoModel.from_pretrained(source, **options)
    if layers is not None:
        encoder.encoder.layer = nn.ModuleList(encoder.encoder.layer[i] for i in layers)
        encoder.config.num_hidden_layers = len(layers)
    return encoder


def _has_pooler(source: str) -> bool:
    from transformers import AutoConfig

    return AutoConfig.from_pretrained(source).model_type in ("bert", "roberta", "xlm-roberta", "ernie")
