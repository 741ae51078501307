"""密钥: which machines may do what? In: forms of an administrator. Out: keys; a token on one page, once."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from data.days import end_of
from data.store.api_keys import IssuedKey, NewApiKey
from data.store.unit_of_work import Store, UnitOfWork
from serving.access.permissions import OF_PERSONS, PERMISSIONS_OF_ROLE, ROLES_OF_KEYS
from serving.administration import create_key, rotate_key
from serving.api.keys import MOST_GRACE_HOURS
from serving.api.shapes import forget_callers
from serving.console.fields import day_of
from serving.console.pages import Me, page
from serving.console.stored import in_store, in_transaction
from serving.console.visitors import Visitor, visitor
from serving.errors import ServiceError

GRACE_HOURS = 24
SCOPES = tuple(sorted({scope for role in ROLES_OF_KEYS for scope in PERMISSIONS_OF_ROLE[role] - OF_PERSONS}))
Manager = Annotated[Visitor, Depends(visitor("keys.manage"))]
router = APIRouter(include_in_schema=False)


@router.get("/keys")
async def keys(request: Request, visitor: Manager) -> Response:
    """Oldest first, revoked ones too."""
    return await _page(request, visitor, None)


@router.post("/keys")
async def new_key(request: Request, visitor: Manager) -> Response:
    """Make one; the page that answers shows its token. Raises StoreError, NotFoundError, ServiceError."""
    form = await visitor.form(request)
    last_day = day_of(form, "expires")
    new = NewApiKey(
        name=form.one("name")[:200],
        source_system=form.one("source")[:64],
        role=form.one("role"),
        unit_id=form.one("unit"),
        scopes=form.every("scope"),
        expires_at=None if last_day is None else end_of(last_day),
    )
    return await _issued(
        request, visitor, lambda work: create_key(work, new, actor_id=visitor.id, within=visitor.within)
    )


@router.post("/keys/{key_id}/rotate")
async def rotated_key(request: Request, visitor: Manager, key_id: str) -> Response:
    """A new token; the old one lives for some hours. Raises StoreError `key_revoked`, NotFoundError, ServiceError."""
    form = await visitor.form(request)
    given = form.one("hours")
    hours = int(given) if given.isdecimal() and len(given) <= len(str(MOST_GRACE_HOURS)) else -1
    if not 0 <= hours <= MOST_GRACE_HOURS:
        raise ServiceError(
            "request_invalid",
            f"the old token lives for 0 to {MOST_GRACE_HOURS} more hours; nothing was changed",
            f"旧密钥保留时间须为 0 至 {MOST_GRACE_HOURS} 小时，未做修改",
        )
    return await _issued(
        request,
        visitor,
        lambda work: rotate_key(work, key_id, grace_hours=hours, actor_id=visitor.id, within=visitor.within),
    )


@router.post("/keys/{key_id}/revoke")
async def revoked_key(request: Request, visitor: Manager, key_id: str) -> Response:
    """At once, its earlier token too. Raises NotFoundError."""
    await visitor.form(request)
    await in_transaction(request, lambda work: work.api_keys.revoke(key_id, actor_id=visitor.id, within=visitor.within))
    forget_callers(request)
    return RedirectResponse("/console/keys", 303)


async def _issued(request: Request, visitor: Visitor, make: Callable[[UnitOfWork], IssuedKey]) -> Response:
    issued = await in_transaction(request, make)
    forget_callers(request)
    return await _page(request, visitor, issued)


async def _page(request: Request, visitor: Visitor, issued: IssuedKey | None) -> Response:
    def read(store: Store) -> tuple[Me, dict[str, Any]]:
        with store.reading() as work:
            units = work.units.all(within=visitor.within)
            return Me.of(work, visitor), {
                "keys": work.api_keys.all(within=visitor.within),
                "units": units,
                "unit_names": {unit.id: unit.name for unit in units},
                "now": work.now(),
            }

    me, context = await in_store(request, read)
    context |= {
        "issued": issued, "roles": ROLES_OF_KEYS, "scopes": SCOPES, "grace_hours": GRACE_HOURS,
        "most_hours": MOST_GRACE_HOURS,
    }  # fmt: skip
    return page(request, "keys", me=me, context=context)
