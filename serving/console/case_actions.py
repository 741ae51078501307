"""What else is done to a case from its page. In: small forms. Out: a stored change and the page again.

Taking, giving, handing over and notes can be undone for ten seconds; seeing the original cannot.
"""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from data.errors import XiaobaoError
from data.store.free_text import LONGEST_NOTE
from data.store.scope import ROOT
from data.store.unit_of_work import UnitOfWork
from serving.console.assigning import expect_free, give
from serving.console.entered import FormNotStoredError, can_be_mended
from serving.console.fields import words_of
from serving.console.forms import Form
from serving.console.pages import Me, page
from serving.console.stored import in_transaction
from serving.console.undo import with_done
from serving.console.visitors import Visitor, visitor
from serving.errors import ServiceError

Decider = Annotated[Visitor, Depends(visitor("cases.label"))]
Revealer = Annotated[Visitor, Depends(visitor("cases.reveal"))]
router = APIRouter(include_in_schema=False)


@router.post("/cases/{case_id}/assign")
async def assign(request: Request, visitor: Decider, case_id: str) -> Response:
    """Take it, give it to somebody, or let it go. Raises ServiceError `forbidden`, StoreError, NotFoundError."""
    form = await visitor.form(request)
    return await act(request, visitor, case_id, form, lambda work: give(work, visitor, case_id, to=form.one("to")))


@router.post("/cases/{case_id}/notes")
async def note(request: Request, visitor: Decider, case_id: str) -> Response:
    """Write something down; personal data in it is redacted. Raises ServiceError `request_invalid`, NotFoundError."""
    form = await visitor.form(request)

    def write(work: UnitOfWork) -> None:
        words = words_of(form, "note")
        if not words:
            raise ServiceError(
                "request_invalid",
                f"a note has 1 to {LONGEST_NOTE} characters; nothing was stored",
                f"备注须为 1 至 {LONGEST_NOTE} 个字，未保存",
            )
        work.cases.expect(case_id, version=None, within=visitor.within)
        work.events.add(case_id, "noted", actor_id=visitor.id, within=visitor.within, note=words)

    return await act(request, visitor, case_id, form, write)


@router.post("/cases/{case_id}/hand-over")
async def hand_over(request: Request, visitor: Decider, case_id: str) -> Response:
    """Give it to a unit below or above. Raises StoreError `case_closed`, NotFoundError.

    A case that went up is out of sight: then the list is shown.
    """
    form = await visitor.form(request)
    unit_id = form.one("unit")

    def give_away(work: UnitOfWork) -> str:
        expect_free(work, visitor, case_id)
        work.cases.hand_over(
            case_id, unit_id=unit_id, actor_id=visitor.id, within=visitor.within, note=words_of(form, "note")
        )
        stays_in_sight = work.units.get(unit_id, within=ROOT).path.startswith(visitor.within)
        return f"/console/cases/{case_id}" if stays_in_sight else "/console/queue"

    return await act(request, visitor, case_id, form, give_away)


@router.post("/cases/{case_id}/reveal")
async def reveal(request: Request, visitor: Revealer, case_id: str) -> Response:
    """The text as it came in, once; who saw it, when and why is written down first.

    Raises NotAllowedError, NotFoundError.
    """
    form = await visitor.form(request)

    def open_it(work: UnitOfWork) -> tuple[Me, str]:
        text = work.originals.reveal(case_id, user_id=visitor.id, reason=form.one("reason"), within=visitor.within)
        return Me.of(work, visitor), text

    me, text = await in_transaction(request, open_it)
    return page(request, "original", me=me, context={"case_id": case_id, "text": text, "list": form.one("list")})


async def act(
    request: Request, visitor: Visitor, case_id: str, form: Form, change: Callable[[UnitOfWork], str | None]
) -> Response:
    """Do it in one transaction and show the case again, or the page that the change names.

    Raises FormNotStoredError, which is answered with the form as it was sent.
    """
    try:
        path = await in_transaction(request, change) or f"/console/cases/{case_id}"
    except XiaobaoError as error:
        if can_be_mended(error):
            raise FormNotStoredError(case_id, form, error) from error
        raise
    return RedirectResponse(with_done(f"{path}?{form.one('list')}", case_id), 303)
