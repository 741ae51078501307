"""How far two people agree on the same texts. In: `data/corpus/readings/*.jsonl`. Out: agreement and Cohen's kappa.

A line holds one text's labels as its writer gave them and as an independent reader gave them, who saw only guide and
text: `{"id", "reader", "writer": LABELS, "reading": LABELS}`. A record with `"read": "facets"` holds a reading that
did not look for flags, one with `"read": "flags"` a reading of flags alone. The corpus itself may have been mended
since; these files are not. Needs the extra `train` (scikit-learn).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sklearn.metrics import cohen_kappa_score

from data.dataset import CORPUS_FOLDER
from data.errors import CorpusError
from data.json_lines import read_lines
from models.label_space import parent

READINGS_FOLDER = CORPUS_FOLDER / "readings"
FACETS = ("order_type", "category", "leaf", "cause", "subcause", "channel")


@dataclass(frozen=True, kw_only=True)
class Labels:
    """One person's labels of one text; None for what he did not look for or what does not apply."""

    order_type: str | None = None
    leaf: str | None = None
    subcause: str | None = None
    channel: str | None = None
    flags: tuple[str, ...] | None = None

    @classmethod
    def from_json(cls, content: dict[str, Any], *, read: str = "all") -> "Labels":
        """`read` says what the person looked for: all, facets or flags."""
        flags = tuple(content.get("flags", ())) if read != "facets" else None
        if read == "flags":
            return cls(flags=flags)
        return cls(
            order_type=content["order_type"],
            leaf=content.get("leaf"),
            subcause=content.get("subcause"),
            channel=content.get("channel", "unknown"),
            flags=flags,
        )

    @property
    def category(self) -> str | None:
        return parent(self.leaf) if self.leaf else None

    @property
    def cause(self) -> str | None:
        return parent(self.subcause) if self.subcause else None


Pair = tuple[Labels, Labels]


def read_readings(folder: Path = READINGS_FOLDER, *, name: str = "*") -> list[Pair]:
    """(writer's labels, reader's labels) of every reading, or of one file's. Raises CorpusError if there is none."""
    files = sorted(folder.glob(f"{name}.jsonl"))
    if not files:
        known = ", ".join(file.stem for file in sorted(folder.glob("*.jsonl")))
        raise CorpusError(f"there is no reading {name}; expected one of {known}")
    lines = [line for file in files for line in read_lines(file)]
    records = [json.loads(line) for line in lines]
    return [
        (
            Labels.from_json(record["writer"], read=record.get("read", "all")),
            Labels.from_json(record["reading"], read=record.get("read", "all")),
        )
        for record in records
    ]


def facet_agreement(pairs: Sequence[Pair], facet: str) -> dict[str, float]:
    """Over the texts to which both gave the facet: n, share of equal answers, kappa."""
    answers = [(getattr(first, facet), getattr(second, facet)) for first, second in pairs]
    both = [(first, second) for first, second in answers if first is not None and second is not None]
    first, second = zip(*both, strict=True)
    equal = sum(a == b for a, b in both) / len(both)
    return {"n": len(both), "agreement": round(equal, 3), "kappa": round(float(cohen_kappa_score(first, second)), 3)}


def group_agreement(pairs: Sequence[Pair], group: str) -> dict[str, float]:
    """Texts that either flagged with a group, and the F1 of one person against the other, where both read flags."""
    read = [(first.flags, second.flags) for first, second in pairs if None not in (first.flags, second.flags)]
    marks = [(_has(first, group), _has(second, group)) for first, second in read]
    both = sum(a and b for a, b in marks)
    total = sum(a for a, _ in marks) + sum(b for _, b in marks)
    return {"n": sum(a or b for a, b in marks), "f1": round(2 * both / max(1, total), 3)}


def _has(flags: tuple[str, ...] | None, group: str) -> bool:
    return any(flag[0] == group for flag in flags or ())
