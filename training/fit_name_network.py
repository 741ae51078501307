"""Fit the network that reads the characters around a name. In: windows and labels. Out: `NameNetwork`.

Its vectors begin as the pretrained encoder's, reduced to `DIMENSIONS` by their main components. Part of
`python -m training.fit_names`; needs the extra `train`.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from data.redaction.characters import is_han
from data.redaction.name_network import SPECIAL, WINDOW, NameNetwork
from models.encoder import locate_weights, read_packed_encoder

SEED = 20261130
DIMENSIONS, HIDDEN = 64, 128
EPOCHS, BATCH, LEARNING_RATE, WEIGHT_DECAY, DROPOUT = 9, 512, 4e-3, 1e-4, 0.3
PUNCTUATION = "，。、；：？！“”‘’（）《》【】「」『』…—"
PIECE_START = "▁"


def pretrained_characters() -> tuple[str, npt.NDArray[np.float32]]:
    """汉字, ASCII and punctuation that the encoder knows, and their vectors, shape (characters, DIMENSIONS)."""
    packed = read_packed_encoder(locate_weights())
    pieces: dict[str, int] = {}
    for row, piece in enumerate(packed.pieces):
        character = piece.lstrip(PIECE_START)
        is_wanted = len(character) == 1 and (is_han(character) or character.isascii() or character in PUNCTUATION)
        if is_wanted and (character not in pieces or character == piece):
            pieces[character] = row
    characters = sorted(pieces)
    rows = [pieces[character] for character in characters]
    raw = packed.tensor("emb.word", (len(rows), packed.hidden), rows).numpy()
    centred = raw - raw.mean(axis=0)
    components = np.linalg.svd(centred, full_matrices=False)[2][:DIMENSIONS]
    reduced = centred @ components.T
    return "".join(characters), (reduced / reduced.std(axis=0)).astype(np.float32)


class _Layers(nn.Module):
    def __init__(self, vectors: torch.Tensor) -> None:
        super().__init__()
        self.vectors = nn.Embedding(len(vectors), vectors.shape[1], _weight=vectors)
        self.hidden = nn.Linear(WINDOW * vectors.shape[1], HIDDEN)
        self.out = nn.Linear(HIDDEN, 1)
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Rows (batch, WINDOW) → log-odds (batch,)."""
        seen = self.dropout(self.vectors(rows).flatten(1))
        scores: torch.Tensor = self.out(self.dropout(torch.relu(self.hidden(seen)))).squeeze(1)
        return scores


def fit_network(windows: Sequence[str], labels: Sequence[bool], weights: Sequence[float]) -> NameNetwork:
    """Minimise the weighted cross-entropy of the labels."""
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    known, vectors = pretrained_characters()
    characters = "".join(SPECIAL) + known
    start = torch.cat([torch.randn(len(SPECIAL), DIMENSIONS) * 0.1, torch.from_numpy(vectors)])
    layers = _Layers(start)
    untrained = _to_network(characters, layers)
    rows = torch.tensor([untrained.rows(each) for each in windows])
    targets, importance = torch.tensor(labels, dtype=torch.float32), torch.tensor(weights, dtype=torch.float32)
    optimizer = torch.optim.AdamW(layers.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    batches = -(-len(rows) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=EPOCHS * batches)
    for _ in range(EPOCHS):
        for chosen in torch.split(torch.randperm(len(rows)), BATCH):
            losses = nn.functional.binary_cross_entropy_with_logits(
                layers(rows[chosen]), targets[chosen], reduction="none"
            )
            optimizer.zero_grad()
            torch.autograd.backward((losses * importance[chosen]).mean())
            optimizer.step()
            schedule.step()
    return _to_network(characters, layers.eval())


def _to_network(characters: str, layers: _Layers) -> NameNetwork:
    def array(values: torch.Tensor) -> npt.NDArray[np.float32]:
        return values.detach().numpy().copy()

    return NameNetwork(
        characters=characters,
        vectors=array(layers.vectors.weight),
        hidden=array(layers.hidden.weight.T),
        bias=array(layers.hidden.bias),
        out=array(layers.out.weight[0]),
        out_bias=float(layers.out.bias[0].detach()),
    )
