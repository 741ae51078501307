"""The records that pass between stages, frozen. In: nothing. Out: the shapes.

`LabelledText` is one line of the corpus or of a label export; see the label guide for the meaning of each field.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

VOICES = (
    "hotline_summary",
    "first_person",
    "fragment",
    "app_review",
    "letter",
    "regulator_forward",
    "suggestion_book",
    "chat",
    "dictated",
    "elderly",
    "dialect",
    "traditional",
    "lawyer",
    "agent_template",
    "narrated",
)
InputKind = Literal["typed", "dictated", "summary"]
INPUT_KINDS: tuple[InputKind, ...] = ("typed", "dictated", "summary")


@dataclass(frozen=True, kw_only=True)
class EvidenceSpan:
    """Words that show a label: `start:end` in code points of the original text."""

    start: int
    end: int


@dataclass(frozen=True, kw_only=True)
class HardNegative:
    """A flag that a careless reader would set, and why it does not hold."""

    code: str
    trap: str


@dataclass(frozen=True, kw_only=True)
class PiiValue:
    kind: str
    value: str


@dataclass(frozen=True, kw_only=True)
class LabelledText:
    """One text with its labels. `category` and `leaf` are codes; null only for irrelevant texts."""

    id: str
    text: str
    order_type: str
    category: str | None
    leaf: str | None
    cause: str | None
    subcause: str | None
    channel: str
    causes2: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    evidence: Mapping[str, tuple[EvidenceSpan, ...]] = field(default_factory=dict)
    hard_negatives: tuple[HardNegative, ...] = ()
    pii: tuple[PiiValue, ...] = ()
    voice: str
    input: InputKind
    names_product: bool
    scenario: str
    writer: str
