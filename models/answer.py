"""The answer to one complaint, the same in files and over HTTP. In: nothing. Out: the shapes.

Keys are only ever added. Offsets are code points, end exclusive; `text` of a piece of evidence is cut from
`redacted_text`, the original is never echoed.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from data.policy.schema import Priority
from models.thresholds import Band

FlagSource = Literal["model", "rule", "model+rule"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Evidence(_Part):
    """Words that show a label, in the original (`start:end`) and in `redacted_text`."""

    start: int
    end: int
    redacted_start: int
    redacted_end: int
    text: str


class Alternative(_Part):
    code: str
    name: str
    confidence: float


class FacetAnswer(_Part):
    """One facet's answer with calibrated confidence and up to three alternatives."""

    code: str
    name: str
    confidence: float
    band: Band
    alternatives: list[Alternative] = []
    evidence: list[Evidence] = []


class FlagAnswer(_Part):
    code: str
    group: str
    name: str
    probability: float
    """The model's; below its threshold where only a rule raised the flag."""
    source: FlagSource
    evidence: list[Evidence] = []


class Issue(_Part):
    """One of several matters in a mixed complaint, in the original and in `redacted_text`."""

    start: int
    end: int
    redacted_start: int
    redacted_end: int
    category: str
    leaf: str
    cause: str | None


class Amount(_Part):
    """A sum of money: `value` in units of `currency` (ISO 4217); a range (三五万) ends at `value_to`."""

    value: float
    value_to: float | None
    currency: str
    is_approximate: bool
    """It was said vaguely: 十几万, 两百多, a range. 几 counts as 5."""
    start: int
    end: int
    redacted_start: int
    redacted_end: int
    text: str


class Decision(_Part):
    """What to do with the answer: `band` human means a person decides; reasons are stable codes."""

    band: Band
    priority: Priority
    reasons: list[str]


class Versions(_Part):
    bundle: str
    taxonomy: str
    redaction: str
    policy: str


class Timings(_Part):
    """Milliseconds: preparing the text, waiting in the queue, running the model, everything."""

    prepare_ms: float
    queue_ms: float
    model_ms: float
    total_ms: float


class AllProbabilities(_Part):
    """Every calibrated probability by code; `detail=full` only."""

    order_type: dict[str, float]
    category: dict[str, float]
    leaf: dict[str, float]
    cause: dict[str, float]
    subcause: dict[str, float]
    causes: dict[str, float]
    channel: dict[str, float]
    flags: dict[str, float]


class CaseReference(_Part):
    """The case under which a complaint is kept; `is_new` is false where its `external_id` was stored before."""

    id: str
    unit: str
    is_new: bool


class TriageAnswer(_Part):
    """Category and leaf are null only for irrelevant texts, cause and sub-cause only for texts that do not complain."""

    id: str
    order_type: FacetAnswer
    category: FacetAnswer | None
    leaf: FacetAnswer | None
    cause: FacetAnswer | None
    subcause: FacetAnswer | None
    channel: FacetAnswer
    causes2: list[str]
    """Codes of further causes; their probabilities stand in `probabilities.causes`."""
    flags: list[FlagAnswer]
    issues: list[Issue]
    amount: Amount | None
    """The sum in dispute."""
    amounts: list[Amount] = []
    """All sums in the order of the text, at most 20."""
    decision: Decision
    redacted_text: str
    truncated: bool
    versions: Versions
    timings: Timings
    probabilities: AllProbabilities | None = Field(default=None, exclude_if=lambda value: value is None)
    case: CaseReference | None = Field(default=None, exclude_if=lambda value: value is None)
    """Only where it was to be stored."""
