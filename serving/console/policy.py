"""政策: what are the limits, and where do they come from? In: a visitor. Out: every row; rows from memory confirmed."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from data.store.unit_of_work import Store
from serving.access.guard import require_top_unit
from serving.api.policy import policy_body
from serving.console.pages import Me, page
from serving.console.people import people_named
from serving.console.stored import in_store, in_transaction
from serving.console.visitors import Visitor, visitor

Reader = Annotated[Visitor, Depends(visitor("cases.read"))]
router = APIRouter(include_in_schema=False)


async def _confirmer(found: Annotated[Visitor, Depends(visitor("policy.confirm"))]) -> Visitor:
    require_top_unit(found.principal)
    return found


Confirmer = Annotated[Visitor, Depends(_confirmer)]


@router.get("/policy")
async def policy(request: Request, visitor: Reader) -> Response:
    """In the order of the file; `?show=open`: only rows that wait for compliance."""
    shows_open = request.query_params.get("show") == "open"

    def read(store: Store) -> tuple[Me, dict[str, Any]]:
        with store.reading() as work:
            body = policy_body(work, store)
            open_rows = [row for row in body.rows if row.needs_confirmation and row.confirmation is None]
            by = people_named(work, (row.confirmation.confirmed_by for row in body.rows if row.confirmation))
            return Me.of(work, visitor), {
                "policy": body,
                "rows": open_rows if shows_open else body.rows,
                "open_count": len(open_rows),
                "people": by,
                "now": work.now(),
            }

    me, context = await in_store(request, read)
    may_confirm = visitor.may("policy.confirm") and visitor.is_of_head_office
    return page(request, "policy", me=me, context=context | {"shows_open": shows_open, "may_confirm": may_confirm})


@router.post("/policy/{code}/confirm")
async def confirm(request: Request, visitor: Confirmer, code: str) -> Response:
    """Its limit binds from now on. Raises NotFoundError, StoreError `not_confirmable`, NotAllowedError."""
    await visitor.form(request)
    await in_transaction(request, lambda work: work.confirmations.confirm(code, user_id=visitor.id))
    return RedirectResponse("/console/policy", 303)


@router.post("/policy/{code}/withdraw")
async def withdraw(request: Request, visitor: Confirmer, code: str) -> Response:
    """The row only warns again. Raises as `confirm`."""
    await visitor.form(request)
    await in_transaction(request, lambda work: work.confirmations.withdraw(code, user_id=visitor.id))
    return RedirectResponse("/console/policy", 303)
