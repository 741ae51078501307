"""What a complaint will be, shown while it is typed. In: a draft. Out: classification, evidence, limits, hints.

Nothing is stored and nothing is counted as an answer of the service.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request

from data.store.clock_records import CaseClocks
from data.store.records import SimilarCase
from data.store.unit_of_work import Store, UnitOfWork
from models.predictor import PreparedInput
from serving.api.answering import triaged
from serving.api.requests import TriageRequest
from serving.console.evidence import Piece, pieces
from serving.console.intake_draft import Draft
from serving.console.proposals import Proposal, proposals
from serving.console.stored import in_store
from serving.console.visitors import Visitor

NEARLY_THE_SAME = 0.7
MOST_HINTS = 5
DECIDED = ("leaf", "subcause", "channel")


@dataclass(frozen=True, kw_only=True)
class Preview:
    """`chosen`: what the selects stand on, the person's choice or the model's answer."""

    answer: Mapping[str, Any] = field(repr=False)
    proposals: Mapping[str, Proposal]
    chosen: Mapping[str, str]
    pieces: Sequence[Piece] = field(repr=False)
    flags: Sequence[Mapping[str, Any]]
    clocks: CaseClocks | None
    """None where the time of receipt cannot be read."""
    customer: Sequence[SimilarCase] = field(repr=False)

    @property
    def order_type(self) -> str:
        return str(self.answer["order_type"]["code"])


async def preview_of(request: Request, visitor: Visitor, draft: Draft) -> Preview | None:
    """None without a text. Raises TextError, ServiceError, StoreUnavailableError."""
    if not draft.text.strip():
        return None
    item, answer = await triaged(request, TriageRequest(text=draft.text), full=True, is_counted=False)
    content = answer.model_dump(mode="json")

    def read(store: Store) -> tuple[CaseClocks | None, Sequence[SimilarCase]]:
        with store.reading() as work:
            return _clocks(work, draft), _of_customer(work, visitor, draft, item)

    clocks, customer = await in_store(request, read)
    found = proposals(content, content["probabilities"])
    return Preview(
        answer=content,
        proposals=found,
        chosen={facet: draft.choices.get(facet, _code(content.get(facet))) for facet in DECIDED},
        pieces=pieces(content["redacted_text"], content),
        flags=content["flags"],
        clocks=clocks,
        customer=customer,
    )


def _clocks(work: UnitOfWork, draft: Draft) -> CaseClocks | None:
    received = draft.received_at
    if received is None or received > work.now():
        return None
    return work.clocks.opening(
        draft.source, received_at=received, due_at=draft.due_at, decided_order_type=draft.order_type or None
    )


def _of_customer(work: UnitOfWork, visitor: Visitor, draft: Draft, item: PreparedInput) -> Sequence[SimilarCase]:
    """Earlier cases of the same customer that the visitor may see; another person's stay unknown."""
    key = work.cases.customer_key(draft.customer or None, original=draft.text, pii=item.prepared.pii)
    if key is None:
        return []
    return work.case_list.of_customer(key, item.prepared.redacted_text, within=visitor.within, limit=MOST_HINTS)


def _code(facet: Mapping[str, Any] | None) -> str:
    return "" if facet is None else str(facet["code"])
