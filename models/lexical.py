"""Which words stand in a text, read linearly beside the network. In: token ids and mask. Out: mixed logits.

Pieces weighted by TF-IDF (1 + log count, length 1) give one logit a label for every head; each head's logits are the
network's and these, both scaled. The two err on different texts: the encoder misses rare words that decide, a bag of
words misses what stands between them (docs/experiments.md). Evidence stays the network's. Runs inside the exported
graph. Needs the extra `train`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn

from models.classifier import HEADS, ComplaintClassifier


@dataclass(frozen=True, kw_only=True)
class HeadWeights:
    """One head's linear reading: `weights` (rows, labels), `bias` (labels,)."""

    weights: torch.Tensor
    bias: torch.Tensor


@dataclass(frozen=True, kw_only=True)
class Mix:
    """What a head's logits are multiplied by before they are added."""

    network: float
    lexical: float


class LexicalReading(nn.Module):
    """TF-IDF and linear heads. `forward` returns (batch, labels) for each of `HEADS`."""

    rows: torch.Tensor
    idf: torch.Tensor
    weights: torch.Tensor
    bias: torch.Tensor

    def __init__(self, *, rows: torch.Tensor, idf: torch.Tensor, heads: Mapping[str, HeadWeights]) -> None:
        """`rows` gives the row of every piece of the vocabulary, 0 for those that are not read; `idf` is by row."""
        super().__init__()
        self.sizes = [len(heads[name].bias) for name in HEADS]
        self.register_buffer("rows", rows)
        self.register_buffer("idf", idf)
        # Half precision halves these tables in the file.
        self.register_buffer("weights", torch.cat([heads[name].weights for name in HEADS], dim=1).half())
        self.register_buffer("bias", torch.cat([heads[name].bias for name in HEADS]))

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> tuple[torch.Tensor, ...]:
        rows = self.rows[input_ids]
        shares = self.shares(rows, (rows > 0) & attention_mask.bool())
        logits = torch.bmm(shares.unsqueeze(1), self.weights[rows].float()).squeeze(1) + self.bias
        return torch.split(logits, self.sizes, dim=1)

    def shares(self, rows: torch.Tensor, present: torch.Tensor) -> torch.Tensor:
        """What each piece of a text carries of its TF-IDF vector, (batch, tokens): a repeated piece is shared out."""
        same = (rows.unsqueeze(2) == rows.unsqueeze(1)) & present.unsqueeze(1)
        count = same.sum(dim=2).clamp(min=1).float()
        tfidf = self.idf[rows] * (1.0 + torch.log(count)) * present.float()
        length = torch.sqrt((tfidf * tfidf / count).sum(dim=1, keepdim=True)).clamp(min=1e-6)
        return tfidf / count / length


class FusedClassifier(nn.Module):
    """A network and a lexical reading; `forward` returns what the network alone returns (`OUTPUTS`)."""

    def __init__(self, network: ComplaintClassifier, *, lexical: LexicalReading, mixes: Mapping[str, Mix]) -> None:
        super().__init__()
        self.network = network
        self.lexical = lexical
        self.mixes = dict(mixes)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> tuple[torch.Tensor, ...]:
        *logits, evidence = self.network(input_ids, attention_mask)
        others = self.lexical(input_ids, attention_mask)
        mixed = [
            self.mixes[name].network * own + self.mixes[name].lexical * other
            for name, own, other in zip(HEADS, logits, others, strict=True)
        ]
        return (*mixed, evidence)
