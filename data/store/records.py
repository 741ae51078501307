"""What goes into the store and what comes out of its queries, frozen. In: nothing. Out: the shapes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal, Self

from data.errors import XiaobaoError
from data.preparation import PreparedText
from data.store.import_tables import ImportJob, ImportRow
from data.store.tables import Case


@dataclass(frozen=True, kw_only=True)
class NewCase:
    """A complaint as received. `original` and `prepared` belong together; neither is ever printed."""

    source_system: str
    external_id: str | None = None
    unit_id: str
    received_at: datetime
    original: str = field(repr=False)
    prepared: PreparedText = field(repr=False)
    customer_reference: str | None = field(default=None, repr=False)
    source: str | None = None
    branch: str | None = None
    region: str | None = None
    regulator_reference: str | None = None
    ticket_due_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Facets:
    """The codes that a model or a person gives to a case."""

    order_type: str
    category: str | None
    leaf: str | None
    cause: str | None
    subcause: str | None
    channel: str
    flags: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class NewTriageResult:
    """One model's answer, ready to be stored."""

    bundle: str
    taxonomy: str
    redaction: str
    policy: str
    facets: Facets
    band: str
    priority: str
    answer: Mapping[str, Any] = field(repr=False)
    probabilities: Mapping[str, Any]

    @classmethod
    def from_answer(cls, answer: Mapping[str, Any]) -> Self:
        """From the JSON form of an answer with `detail=full`; raises KeyError where a part is missing.

        The redacted text is left out: it stands in the case.
        """
        versions, decision = answer["versions"], answer["decision"]
        return cls(
            bundle=versions["bundle"],
            taxonomy=versions["taxonomy"],
            redaction=versions["redaction"],
            policy=versions["policy"],
            facets=Facets(
                order_type=answer["order_type"]["code"],
                category=_code(answer["category"]),
                leaf=_code(answer["leaf"]),
                cause=_code(answer["cause"]),
                subcause=_code(answer["subcause"]),
                channel=answer["channel"]["code"],
                flags=tuple(flag["code"] for flag in answer["flags"]),
            ),
            band=decision["band"],
            priority=decision["priority"],
            answer={key: value for key, value in answer.items() if key not in ("redacted_text", "probabilities")},
            probabilities=answer["probabilities"],
        )


@dataclass(frozen=True, kw_only=True)
class NewLabel:
    """What a person decided. `is_blind`: the model's answer was hidden; such a label measures and changes nothing."""

    user_id: str
    facets: Facets
    causes2: tuple[str, ...] = ()
    seconds_spent: float
    is_blind: bool = False
    reason: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True)
class StoredCase:
    """`is_new` is false where the same `external_id` was stored before; `case` is then the earlier one."""

    case: Case
    is_new: bool


CaseOrder = Literal["received", "due", "queue"]
"""Latest received first; soonest due first; highest risk first and in it soonest due. Without a limit comes last."""


@dataclass(frozen=True, kw_only=True)
class CaseFilter:
    """Conditions that all hold; None does not matter. Times: from inclusive, until exclusive."""

    status: str | None = None
    source: str | None = None
    order_type: str | None = None
    unit_id: str | None = None
    """A unit alone, without those below."""
    category: str | None = None
    cause: str | None = None
    channel: str | None = None
    flag: str | None = None
    """A flag, or the letter of a group of flags."""
    band: str | None = None
    priority: str | None = None
    assignee_id: str | None = None
    is_assigned: bool | None = None
    is_labelled: bool | None = None
    """Whether a person has decided on it."""
    below: str | None = None
    """Path of a unit: only it and the units below."""
    received_from: datetime | None = None
    received_until: datetime | None = None
    closed_first: date | None = None
    """Days of China, both included; of the closing that stands."""
    closed_last: date | None = None
    is_in_time: bool | None = None
    """Closed within its limit; those without a limit are neither."""
    satisfaction: str | None = None
    due_from: datetime | None = None
    due_until: datetime | None = None
    due_within_days: int | None = None
    """Last day in time is at most so many days in China ahead, 0 being today; overdue ones are among them."""
    is_overdue: bool | None = None
    warning_id: str | None = None
    """Cases of this early warning."""
    words: str | None = None
    """Words that stand in the redacted text, separated by spaces."""


@dataclass(frozen=True, kw_only=True)
class PageKey:
    """Where a page ends: the next one begins behind this case. The order says which parts matter."""

    received_at: datetime
    case_id: str
    due_at: datetime | None = None
    queue_rank: int = 0


@dataclass(frozen=True, kw_only=True)
class CasePage:
    """Cases in the order asked for, with the flags that stand; `next` is None on the last page."""

    cases: Sequence[Case]
    flags: Mapping[str, tuple[str, ...]]
    next: PageKey | None


@dataclass(frozen=True, kw_only=True)
class OpenCounts:
    """Of the open cases that somebody sees: how many wait for a decision, are theirs, are late; and all."""

    undecided: int
    mine: int
    overdue: int
    all: int


@dataclass(frozen=True, kw_only=True)
class SimilarCase:
    case: Case
    similarity: float
    """Estimated share of common 3-grams, 0 to 1."""


@dataclass(frozen=True, kw_only=True)
class NewImport:
    """A file of complaints that was uploaded and looked through; `rows` is how many it holds."""

    actor_id: str
    unit_id: str
    source_system: str
    format: str
    file_name: str
    sha256: str
    rows: int
    content: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class StoredImport:
    """`is_new` is false where the caller's same file is being imported already; `job` is then that one."""

    job: ImportJob
    is_new: bool


@dataclass(frozen=True, kw_only=True)
class ImportOutcome:
    """What became of one row: a case (`is_new`: stored now, not before) or an error."""

    line: int
    external_id: str | None = None
    case_id: str | None = None
    is_new: bool = False
    error: XiaobaoError | None = None


@dataclass(frozen=True, kw_only=True)
class ImportedRow:
    """A row's outcome; `case` as it stands now, None where there is none or it went to another branch."""

    row: ImportRow
    case: Case | None
    flags: tuple[str, ...]


def _code(facet: Mapping[str, Any] | None) -> str | None:
    return None if facet is None else str(facet["code"])
