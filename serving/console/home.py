"""The first page. In: a visitor. Out: the way to the queue, or a word to those whose role sees no cases."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from data.store.unit_of_work import Store
from serving.console.pages import Me, page
from serving.console.stored import in_store
from serving.console.visitors import Visitor, visitor

Anybody = Annotated[Visitor, Depends(visitor())]
router = APIRouter(include_in_schema=False)


@router.get("/")
async def home(request: Request, visitor: Anybody) -> Response:
    """The queue for all who may read cases."""
    if visitor.may("cases.read"):
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"/console/queue{query}", 303)

    def read(store: Store) -> Me:
        with store.reading() as work:
            return Me.of(work, visitor)

    return page(request, "home", me=await in_store(request, read))
