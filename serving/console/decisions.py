"""Deciding on a case. In: the case page's form. Out: a label, stored at once; then the next case of the list.

Confirming and correcting are the same act. Who was second sees what the first one decided, and their own fields again.
"""

from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from data.errors import NotAllowedError, StoreError
from data.label_rules import check_decision
from data.store.records import NewLabel
from data.store.unit_of_work import Store, UnitOfWork
from data.taxonomy import default_taxonomy
from serving.console.case import Trouble, show_case
from serving.console.drafts import Draft, seconds_spent
from serving.console.forms import Form
from serving.console.queue_query import QueueQuery
from serving.console.stored import in_store
from serving.console.undo import with_done
from serving.console.visitors import Visitor, visitor
from serving.errors import STATUS_OF_CODE

SHOWN_AGAIN = frozenset({"label_conflict", "label_invalid", "reason_missing"})
LEAST_REASON = 4
Decider = Annotated[Visitor, Depends(visitor("cases.label"))]
router = APIRouter(include_in_schema=False)


@router.post("/cases/{case_id}/label")
async def decide(request: Request, visitor: Decider, case_id: str) -> Response:
    """Store the decision. Raises NotFoundError, StoreUnavailableError; what can be mended is shown with the fields."""
    form = await visitor.form(request)
    draft, parameters = Draft.of_form(form), dict(parse_qsl(form.one("list")))
    wanted = QueueQuery.of(parameters)

    def store_it(store: Store) -> str:
        with store.writing() as work:
            return _store(work, visitor, case_id, form, draft=draft, wanted=wanted)

    try:
        address = await in_store(request, store_it)
    except StoreError as error:
        if error.code not in SHOWN_AGAIN:
            raise
        message = error.message_zh if visitor.language == "zh" else error.message
        trouble = Trouble(message=message, conflict=error.code == "label_conflict")
        status = STATUS_OF_CODE[error.code]
        return await show_case(
            request, visitor, case_id, parameters=parameters, draft=draft, trouble=trouble, status=status
        )
    return RedirectResponse(with_done(address, case_id), 303)


def _store(work: UnitOfWork, visitor: Visitor, case_id: str, form: Form, *, draft: Draft, wanted: QueueQuery) -> str:
    """Where to go on."""
    case = work.cases.get(case_id, within=visitor.within)
    # Before the decision, which may change the case's place in the list.
    _, behind = work.case_list.neighbours(case, wanted.conditions(work, visitor), within=visitor.within)
    facets = draft.facets()
    causes2 = draft.further_causes(facets)
    check_decision(facets, causes2, default_taxonomy())
    removed = set(work.cases.flags(case_id, within=visitor.within)) - set(facets.flags)
    if removed and len(draft.reason) < LEAST_REASON:
        raise _reason_missing()
    seen = form.one("seen")
    label = NewLabel(
        user_id=visitor.id,
        facets=facets,
        causes2=causes2,
        seconds_spent=seconds_spent(form, work.now()),
        reason=draft.reason,
        seen_label=int(seen) if seen.isdecimal() else 0,
    )
    work.labels.add(case_id, label, within=visitor.within)
    if form.one("then") == "stay":
        return wanted.case(case_id)
    return wanted.case(behind) if behind else wanted.at()


def _reason_missing() -> NotAllowedError:
    return NotAllowedError(
        f"removing a risk flag needs a reason of at least {LEAST_REASON} characters; nothing was stored yet",
        f"去除风险标志须填写不少于 {LEAST_REASON} 个字的理由；尚未保存",
        code="reason_missing",
    )
