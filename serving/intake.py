"""Complaints into the case store. In: a request, its answer, who sent it. Out: the answer with its case, committed.

The same `external_id` of the same system is stored once; sent again it gets the first answer again. With another text
it is refused, because one of the two complaints would be lost.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from data.errors import NotFoundError, StoreError, XiaobaoError, place_of
from data.store.free_text import storable
from data.store.records import NewCase, NewTriageResult, StoredCase
from data.store.unit_of_work import Store, UnitOfWork
from models.answer import AllProbabilities, CaseReference, TriageAnswer
from models.predictor import PreparedInput
from serving.access.principal import Principal
from serving.api.requests import TriageRequest
from serving.errors import ServiceError
from serving.stored import StoreAccess

logger = logging.getLogger("xiaobao")

EXTRA_SECONDS = 0.1
"""Of a batch, for each further complaint."""


@dataclass(frozen=True, kw_only=True)
class Complaint:
    """One complaint that was triaged; `answer` holds all probabilities."""

    body: TriageRequest = field(repr=False)
    item: PreparedInput = field(repr=False)
    answer: TriageAnswer = field(repr=False)


class Intake:
    """Keeps what the service triages."""

    def __init__(self, access: StoreAccess) -> None:
        self._access = access

    def admit(self) -> None:
        """Before a complaint is triaged to be kept. Raises ServiceError `store_busy`, StoreUnavailableError."""
        self._access.admit()

    async def keep_one(self, complaint: Complaint, principal: Principal) -> TriageAnswer:
        """Raises StoreError, StoreUnavailableError, ServiceError; then it is not stored, or its error says so."""
        self._access.admit()
        return await self._access.run(lambda store: keep(store, complaint, principal))

    async def keep_each(
        self, complaints: Sequence[Complaint], principal: Principal
    ) -> list[TriageAnswer | XiaobaoError]:
        """One transaction for each, so that a bad one never fails its neighbours. Raises StoreUnavailableError,
        ServiceError `store_busy`."""
        self._access.admit()
        return await self._access.run(
            lambda store: [_answer_or_error(store, complaint, principal) for complaint in complaints],
            texts=len(complaints),
            extra_seconds=EXTRA_SECONDS * len(complaints),
        )


def keep(store: Store, complaint: Complaint, principal: Principal) -> TriageAnswer:
    """Store one complaint. Raises StoreError, ServiceError."""
    with store.writing() as work:
        return keep_in(work, complaint, principal)


def keep_in(work: UnitOfWork, complaint: Complaint, principal: Principal) -> TriageAnswer:
    """The same in a transaction of the caller's."""
    body, item, answer = complaint.body, complaint.item, complaint.answer
    new = _new_case(work, principal, body, item, now=work.now())
    result = NewTriageResult.from_answer(answer.model_dump(mode="json"))
    stored = work.cases.add(new, result, actor_id=principal.id, within=principal.unit_path)
    if stored.is_new:
        return answer.model_copy(update={"case": _reference(stored)})
    return _first_answer(work, stored, principal, answer)


def _answer_or_error(store: Store, complaint: Complaint, principal: Principal) -> TriageAnswer | XiaobaoError:
    try:
        return keep(store, complaint, principal)
    except XiaobaoError as error:
        return error
    except Exception as error:  # a loop's edge: the neighbours are stored; a message could quote the text
        logger.error("storing an item of a batch failed: %s at %s", type(error).__name__, place_of(error))
        return ServiceError("internal", "an unexpected error; this item was not stored; try again", "内部错误，请重试")


def _new_case(
    work: UnitOfWork, principal: Principal, body: TriageRequest, item: PreparedInput, *, now: datetime
) -> NewCase:
    if principal.unit_id is None:
        raise ServiceError(
            "forbidden",
            "this token belongs to no unit of the bank and cannot store; use an API key",
            "该令牌不属于任何机构，不能保存案件，请使用 API 密钥",
        )
    return NewCase(
        source_system=principal.source_system,
        external_id=body.external_id,
        unit_id=_unit_of(work, principal, body.branch) or principal.unit_id,
        received_at=body.received_at or now,
        original=body.text,
        prepared=item.prepared,
        customer_reference=body.customer_ref,
        source=body.source,
        branch=body.branch,
        region=body.region,
        regulator_reference=body.regulator_ref,
        ticket_due_at=body.due_at,
    )


def _unit_of(work: UnitOfWork, principal: Principal, branch: str | None) -> str | None:
    """The unit that a branch's code names; a name that is no code of a visible unit loses no complaint."""
    if branch is None:
        return None
    try:
        return work.units.get(branch, within=principal.unit_path).id
    except NotFoundError:
        return None


def _first_answer(work: UnitOfWork, stored: StoredCase, principal: Principal, answer: TriageAnswer) -> TriageAnswer:
    case = stored.case
    if case.erased_at is not None:
        raise StoreError("this complaint was erased; it is not stored again", "该投诉已按规定删除", code="case_erased")
    first = work.triage_results.of_case(case.id, within=principal.unit_path)[0]
    # Another version of redaction may write the same text otherwise.
    is_comparable = first.redaction == answer.versions.redaction
    if is_comparable and case.redacted_text != storable(answer.redacted_text):
        raise StoreError(
            "this external_id was used for another text; expected the same text or another external_id",
            "该 external_id 已用于另一条文本，请使用新的编号",
            code="external_id_reused",
        )
    return TriageAnswer.model_validate(
        {
            **first.answer,
            "redacted_text": case.redacted_text,
            "probabilities": AllProbabilities.model_validate(first.probabilities),
            "case": _reference(stored),
        }
    )


def _reference(stored: StoredCase) -> CaseReference:
    return CaseReference(id=stored.case.id, unit=stored.case.unit_id, is_new=stored.is_new)
