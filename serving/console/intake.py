"""受理: a complaint from counter, telephone, letter, comment book or authority. In: a form. Out: a case.

While it is typed its triage is shown and nothing is stored. Saving stores it once, however often the form is sent; then
its receipt is shown. A type of order that the person chose is stored as their decision, with the classification that
they had in sight.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from data.errors import StoreUnavailableError, TextError, XiaobaoError
from data.store.records import NewLabel
from data.store.unit_of_work import Store, UnitOfWork
from data.taxonomy import default_taxonomy
from serving.api.answering import triaged
from serving.console.assigning import give
from serving.console.drafts import Draft as Decision
from serving.console.drafts import seconds_spent
from serving.console.forms import Form
from serving.console.intake_draft import SOURCES, Draft
from serving.console.intake_preview import DECIDED, NEARLY_THE_SAME, Preview, preview_of
from serving.console.names import names
from serving.console.pages import Me, page
from serving.console.people import deciders
from serving.console.stored import in_store, in_transaction
from serving.console.texts import texts
from serving.console.visitors import Visitor, visitor
from serving.errors import STATUS_OF_CODE, ServiceError
from serving.intake import Complaint, Intake, keep_in
from serving.labelling import check_codes, record_label

INVALID = STATUS_OF_CODE["request_invalid"]
Taker = Annotated[Visitor, Depends(visitor("cases.store"))]
router = APIRouter(include_in_schema=False)


@router.get("/intake")
async def intake_form(request: Request, visitor: Taker) -> Response:
    """An empty form."""
    return await _show(request, visitor, None)


@router.post("/intake/preview")
async def preview(request: Request, visitor: Taker) -> Response:
    """The part of the page that shows what the complaint will be, for the script. Raises ServiceError."""
    draft = Draft.of_form(await visitor.form(request))
    found, trouble = await _previewed(request, visitor, draft)
    context = _words(visitor) | {"draft": draft, "preview": found, "trouble": trouble}
    return page(request, "intake_preview", words="intake", context=context)


@router.post("/intake")
async def take_in(request: Request, visitor: Taker) -> Response:
    """Store it and go to its receipt, or show the form again with what is missing. Raises ServiceError `form_refused`.

    Whatever fails, the fields are shown again: sent once more they are the same case.
    """
    form = await visitor.form(request)
    draft = Draft.of_form(form)
    if form.one("then") == "preview":
        return await _show(request, visitor, draft)
    problems = await in_store(request, lambda store: _problems(store, draft))
    if problems:
        return await _show(request, visitor, draft, problems=problems, status=INVALID)
    try:
        case_id = await _stored(request, visitor, draft, form)
    except XiaobaoError as error:
        if error.code == "form_refused":
            raise
        return await _refused(request, visitor, draft, error)
    return RedirectResponse(f"/console/cases/{case_id}/receipt", 303)


def _problems(store: Store, draft: Draft) -> Mapping[str, str]:
    with store.reading() as work:
        return draft.problems(work.now())


async def _stored(request: Request, visitor: Visitor, draft: Draft, form: Form) -> str:
    """The number of the case. Raises XiaobaoError."""
    intake: Intake = request.app.state.intake
    intake.admit()
    body = draft.request()
    item, answer = await triaged(request, body, full=True)
    complaint = Complaint(body=body, item=item, answer=answer)
    return await in_transaction(request, lambda work: _accept(work, visitor, draft, complaint, form))


def _accept(work: UnitOfWork, visitor: Visitor, draft: Draft, complaint: Complaint, form: Form) -> str:
    """All of it or nothing; a form that was stored before changes nothing."""
    work.units.get(draft.unit, within=visitor.within)
    case = keep_in(work, complaint, visitor.principal).case
    assert case is not None
    if not case.is_new:
        return case.id
    if draft.receiver is not None:
        give(work, visitor, case.id, to=draft.receiver)
    if draft.order_type:
        _decide(work, visitor, draft, complaint, case.id, seconds=seconds_spent(form, work.now()))
    return case.id


def _decide(
    work: UnitOfWork, visitor: Visitor, draft: Draft, complaint: Complaint, case_id: str, *, seconds: float
) -> None:
    """Raises ServiceError `label_invalid`, `forbidden`."""
    answer = complaint.answer.model_dump(mode="json")
    chosen = {facet: draft.choices.get(facet, (answer.get(facet) or {}).get("code", "")) for facet in DECIDED}
    decision = Decision(
        order_type=draft.order_type,
        causes2=answer.get("causes2", ()),
        flags=work.cases.flags(case_id, within=visitor.within),
        **chosen,
    )
    facets = decision.facets()
    causes2 = decision.further_causes(facets)
    check_codes(facets, causes2, default_taxonomy())
    label = NewLabel(user_id=visitor.id, facets=facets, causes2=causes2, seconds_spent=seconds)
    version = work.cases.version(case_id, within=visitor.within)
    record_label(work, case_id, label, version=version, within=visitor.within)


async def _refused(request: Request, visitor: Visitor, draft: Draft, error: XiaobaoError) -> Response:
    """The fields again with what went wrong; for a text that was changed after saving, the case that there is."""
    status = STATUS_OF_CODE.get(error.code, INVALID)
    if isinstance(error, StoreUnavailableError):  # nothing more is asked of the database
        message = str(texts("intake", visitor.language)["store_gone"])
        return page(request, "problem", context={"message": message}, status=status)
    if error.code == "label_invalid":
        return await _show(request, visitor, draft, problems={"order_type": "classification_incomplete"}, status=status)
    message = _message(error, visitor)
    return await _show(request, visitor, draft, message=message, status=status, code=error.code)


async def _show(
    request: Request,
    visitor: Visitor,
    draft: Draft | None,
    *,
    problems: Mapping[str, str] = {},
    message: str = "",
    code: str = "",
    status: int = 200,
) -> Response:
    def read(store: Store) -> tuple[Me, Draft, dict[str, Any]]:
        with store.reading() as work:
            fields = draft or Draft.fresh(now=work.now(), unit=visitor.principal.unit_id or "")
            return Me.of(work, visitor), fields, _choices(work, visitor, fields, code)

    me, fields, choices = await in_store(request, read)
    found, trouble = await _previewed(request, visitor, fields)
    context = {"draft": fields, "preview": found, "trouble": trouble, "problems": problems, "message": message}
    return page(request, "intake", me=me, context=_words(visitor) | choices | context, status=status)


def _choices(work: UnitOfWork, visitor: Visitor, draft: Draft, code: str) -> dict[str, Any]:
    units = {unit.id: unit for unit in work.units.all(within=visitor.within)}
    is_stored = code == "external_id_reused"
    earlier = is_stored and work.cases.by_external_id(
        visitor.principal.source_system, draft.external_id, within=visitor.within
    )
    return {
        "units": list(units.values()),
        "people": deciders(work, within=visitor.within, units=units) if visitor.may("cases.assign") else [],
        "sources": SOURCES,
        "earlier": earlier or None,
    }


async def _previewed(request: Request, visitor: Visitor, draft: Draft) -> tuple[Preview | None, str]:
    """The preview, or why there is none."""
    try:
        return await preview_of(request, visitor, draft), ""
    except (TextError, ServiceError) as error:
        return None, _message(error, visitor)


def _message(error: XiaobaoError, visitor: Visitor) -> str:
    return error.message_zh if visitor.language == "zh" else error.message


def _words(visitor: Visitor) -> dict[str, Any]:
    return {"names": names(visitor.language), "taxonomy": default_taxonomy(), "nearly_the_same": NEARLY_THE_SAME}
