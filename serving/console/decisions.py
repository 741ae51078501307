"""Deciding on a case. In: the case page's form. Out: a label, stored at once; then the next case of the list.

Confirming and correcting are the same act. Who was second sees what the first one decided, and their own fields again.
"""

from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from data.errors import XiaobaoError
from data.store.records import NewLabel
from data.store.unit_of_work import UnitOfWork
from data.taxonomy import default_taxonomy
from serving.console.case import Trouble, show_case
from serving.console.drafts import Draft, seconds_spent
from serving.console.forms import Form
from serving.console.queue_query import QueueQuery
from serving.console.stored import in_transaction
from serving.console.undo import with_done
from serving.console.visitors import Visitor, visitor
from serving.errors import STATUS_OF_CODE
from serving.labelling import check_codes, record_label

SHOWN_AGAIN = frozenset({"version_stale", "label_invalid", "reason_missing"})
Decider = Annotated[Visitor, Depends(visitor("cases.label"))]
Confirmer = Annotated[Visitor, Depends(visitor("flags.confirm"))]
router = APIRouter(include_in_schema=False)


@router.post("/cases/{case_id}/label")
async def decide(request: Request, visitor: Decider, case_id: str) -> Response:
    """Store the decision. Raises NotFoundError, StoreUnavailableError; what can be mended is shown with the fields."""
    form = await visitor.form(request)
    draft, parameters = Draft.of_form(form), dict(parse_qsl(form.one("list")))
    wanted = QueueQuery.of(parameters)
    try:
        address = await in_transaction(
            request, lambda work: _store(work, visitor, case_id, form, draft=draft, wanted=wanted)
        )
    except XiaobaoError as error:
        if error.code not in SHOWN_AGAIN:
            raise
        trouble = Trouble(code=error.code)
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
    check_codes(facets, causes2, default_taxonomy())
    label = NewLabel(
        user_id=visitor.id,
        facets=facets,
        causes2=causes2,
        seconds_spent=seconds_spent(form, work.now()),
        reason=draft.reason,
    )
    record_label(work, case_id, label, version=form.one("seen"), within=visitor.within)
    if form.one("then") == "stay":
        return wanted.case(case_id)
    return wanted.case(behind) if behind else wanted.at()


@router.post("/cases/{case_id}/confirm-flags")
async def confirm_flags(request: Request, visitor: Confirmer, case_id: str) -> Response:
    """As the second person: lower the flags that a label left out.

    Raises StoreError `nothing_to_confirm`, `version_stale`, NotAllowedError `second_person_needed`, NotFoundError.
    """
    form = await visitor.form(request)

    def confirm(work: UnitOfWork) -> None:
        work.cases.expect(case_id, version=form.one("seen"), within=visitor.within)
        work.labels.confirm(case_id, user_id=visitor.id, within=visitor.within)

    await in_transaction(request, confirm)
    return RedirectResponse(QueueQuery.of(dict(parse_qsl(form.one("list")))).case(case_id), 303)
