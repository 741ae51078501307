"""模型: how far can I trust it today? In: a visitor. Out: versions, and how often people agreed, with n."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from data.store.readings import MOST_READ
from data.store.unit_of_work import Store
from serving.console.agreement import agreement
from serving.console.pages import Me, page
from serving.console.stored import in_store
from serving.console.visitors import Visitor, visitor
from serving.inference.live import Live

Reader = Annotated[Visitor, Depends(visitor("cases.read", "triage"))]
router = APIRouter(include_in_schema=False)


@router.get("/model")
async def model(request: Request, visitor: Reader) -> Response:
    """`?bundle=`: another one that labels are there of."""
    live: Live = request.app.state.live
    predictor = live.model.predictor
    wanted = request.query_params.get("bundle") or predictor.bundle.name

    def read(store: Store) -> tuple[Me, dict[str, Any]]:
        with store.reading() as work:
            seen = work.readings.of_bundle(wanted, is_blind=False, within=visitor.within)
            blind = work.readings.of_bundle(wanted, is_blind=True, within=visitor.within)
            return Me.of(work, visitor), {
                "bundles": work.readings.bundles(within=visitor.within),
                "seen": agreement(seen) if seen else [],
                "blind": agreement(blind) if blind else [],
                "policy_version": store.book.current.version,
                "policy_versions": sorted(store.book.versions),
            }

    me, context = await in_store(request, read)
    context |= {"wanted": wanted, "current": predictor.bundle, "most": MOST_READ}
    return page(request, "model", me=me, context=context)
