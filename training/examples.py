"""Texts as the network reads them. In: `LabelledText`. Out: `Example` (pieces and targets) and padded batches.

Texts pass through the same preparation (normalisation, redaction) as served texts.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from data.preparation import PreparedText, prepare_text
from data.schema import LabelledText
from data.taxonomy import Taxonomy
from models.label_space import LabelSpace
from models.tokenization import TextTokenizer, TokenizedText

IGNORED = -100  # the target of a head that a text does not train, as in torch's cross entropy


@dataclass(frozen=True, kw_only=True)
class Example:
    """One text. Softmax targets are indices or `IGNORED`; the others are multi-hot vectors of float32."""

    id: str
    ids: list[int]
    order_type: int
    leaf: int
    subcause: int
    channel: int
    causes: npt.NDArray[np.float32]
    flags: npt.NDArray[np.float32]
    evidence: npt.NDArray[np.float32]
    """Shape (tokens, evidence labels): 1 where a piece lies in a quote that shows the label."""
    soft: dict[str, npt.NDArray[np.float16]] | None = None
    """A teacher's logits by head, where they are stored."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Padded tensors; `evidence` is (batch, tokens, labels)."""

    input_ids: torch.Tensor
    attention_mask: torch.Tensor
    order_type: torch.Tensor
    leaf: torch.Tensor
    subcause: torch.Tensor
    channel: torch.Tensor
    causes: torch.Tensor
    flags: torch.Tensor
    evidence: torch.Tensor
    soft: dict[str, torch.Tensor] | None = None
    """Stored answers of a teacher by head, for the texts of the batch at `soft_rows`."""
    soft_rows: list[int] | None = None


def encode_example(text: LabelledText, *, tokenizer: TextTokenizer, labels: LabelSpace, taxonomy: Taxonomy) -> Example:
    """Prepare, tokenise and turn labels into targets. Labels that the space lacks are ignored."""
    prepared = prepare_text(text.text, taxonomy)
    tokens = tokenizer.tokenize(prepared.model_text)
    causes = {text.cause, *text.causes2} - {None}
    return Example(
        id=text.id,
        ids=tokens.ids,
        order_type=_index(labels.order_type, text.order_type),
        leaf=_index(labels.leaf, text.leaf),
        subcause=_index(labels.subcause, text.subcause),
        channel=_index(labels.channel, text.channel if text.order_type != "irrelevant" else None),
        causes=np.array([code in causes for code in labels.cause], dtype=np.float32),
        flags=np.array([code in text.flags for code in labels.flags], dtype=np.float32),
        evidence=_evidence_targets(text, prepared, tokens, labels),
    )


def _index(codes: Sequence[str], code: str | None) -> int:
    return codes.index(code) if code in codes else IGNORED


def _evidence_targets(
    text: LabelledText, prepared: PreparedText, tokens: TokenizedText, labels: LabelSpace
) -> npt.NDArray[np.float32]:
    targets = np.zeros((len(tokens.ids), len(labels.evidence)), dtype=np.float32)
    for code, spans in text.evidence.items():
        column = labels.evidence.index(code) if code in labels.evidence else None
        if column is None:
            continue
        for span in spans:
            start, end = prepared.model_span(span.start, span.end)
            for i, (first, last) in enumerate(tokens.offsets):
                if first < last and first < end and last > start:
                    targets[i, column] = 1.0
    return targets


def batches(examples: Sequence[Example], batch_size: int, seed: int) -> Iterator[Batch]:
    """One pass in random order, texts of similar length together, so that little is padded."""
    order = list(range(len(examples)))
    generator = random.Random(seed)
    generator.shuffle(order)
    window = batch_size * 20
    groups: list[list[int]] = []
    for start in range(0, len(order), window):
        by_length = sorted(order[start : start + window], key=lambda i: len(examples[i].ids))
        groups += [by_length[i : i + batch_size] for i in range(0, len(by_length), batch_size)]
    generator.shuffle(groups)
    for group in groups:
        yield collate([examples[i] for i in group])


def collate(examples: Sequence[Example]) -> Batch:
    """Pad to the longest text of the batch."""
    length = max(len(example.ids) for example in examples)
    ids = torch.ones((len(examples), length), dtype=torch.long)  # 1 = <pad>
    mask = torch.zeros((len(examples), length), dtype=torch.long)
    evidence = torch.zeros((len(examples), length, examples[0].evidence.shape[1]))
    for row, example in enumerate(examples):
        ids[row, : len(example.ids)] = torch.tensor(example.ids)
        mask[row, : len(example.ids)] = 1
        evidence[row, : len(example.ids)] = torch.from_numpy(example.evidence)
    return Batch(
        input_ids=ids,
        attention_mask=mask,
        order_type=torch.tensor([example.order_type for example in examples]),
        leaf=torch.tensor([example.leaf for example in examples]),
        subcause=torch.tensor([example.subcause for example in examples]),
        channel=torch.tensor([example.channel for example in examples]),
        causes=torch.from_numpy(np.stack([example.causes for example in examples])),
        flags=torch.from_numpy(np.stack([example.flags for example in examples])),
        evidence=evidence,
        soft=_stacked([example.soft for example in examples if example.soft is not None]),
        soft_rows=[row for row, example in enumerate(examples) if example.soft is not None],
    )


def _stacked(rows: Sequence[dict[str, npt.NDArray[np.float16]]]) -> dict[str, torch.Tensor] | None:
    """Stored answers by head; none where no text of the batch has them."""
    return {head: torch.from_numpy(np.stack([row[head] for row in rows])) for head in rows[0]} if rows else None
