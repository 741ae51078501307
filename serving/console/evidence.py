"""A case's text with what the model saw in it. In: redacted text, the model's answer. Out: pieces in reading order.

Evidence of several labels may overlap; a piece then carries all of them. Placeholders of redacted data are pieces of
their own.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from data.taxonomy import default_taxonomy

CAUSE = "C"
# Where labels overlap, the piece is tinted by the first of these.
ORDER = "ESPX" + CAUSE


@dataclass(frozen=True, kw_only=True)
class Mark:
    """One label that some words show."""

    start: int
    end: int
    code: str
    group: str
    probability: float
    source: str
    """model, rule or model+rule."""


@dataclass(frozen=True, kw_only=True)
class Piece:
    text: str
    marks: Sequence[Mark] = ()
    is_placeholder: bool = False

    @property
    def group(self) -> str:
        """The group that tints it; empty for plain text."""
        return min((mark.group for mark in self.marks), key=ORDER.index, default="")


def pieces(text: str, answer: Mapping[str, Any]) -> list[Piece]:
    """The whole text, cut where evidence or a placeholder begins or ends."""
    marks = [mark for mark in _marks(answer) if 0 <= mark.start < mark.end <= len(text)]
    chips = [match.span() for match in _placeholder().finditer(text)]
    edges = {0, len(text)} | {edge for mark in marks for edge in (mark.start, mark.end)}
    edges |= {edge for chip in chips for edge in chip}
    return [
        Piece(
            text=text[start:end],
            marks=_unique(mark for mark in marks if mark.start <= start and end <= mark.end),
            is_placeholder=any(chip_start <= start and end <= chip_end for chip_start, chip_end in chips),
        )
        for start, end in pairwise(sorted(edges))
    ]


def _marks(answer: Mapping[str, Any]) -> Iterator[Mark]:
    for flag in answer.get("flags", ()):
        yield from _of(flag, flag["code"], flag["code"][0], flag["probability"], flag["source"])
    # A sub-cause's words say more than its cause's; where it has none the cause's stand.
    for facet in filter(None, (answer.get("subcause"), answer.get("cause"))):
        if facet.get("evidence"):
            yield from _of(facet, facet["code"], CAUSE, facet["confidence"], "model")
            return


def _of(label: Mapping[str, Any], code: str, group: str, probability: float, source: str) -> Iterator[Mark]:
    for words in label.get("evidence", ()):
        yield Mark(
            start=words["redacted_start"],
            end=words["redacted_end"],
            code=code,
            group=group,
            probability=probability,
            source=source,
        )


def _unique(marks: Iterator[Mark]) -> Sequence[Mark]:
    return tuple({mark.code: mark for mark in marks}.values())


def _placeholder() -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, default_taxonomy().placeholders.values())))
