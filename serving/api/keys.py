"""Routes of API keys, for FastAPI. In: what a machine may do. Out: keys; a token once, when it is made.

A key's role needs no person, its scopes are at most those of its role, its unit is one that the caller sees.
"""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from data.store.api_keys import LONGEST_GRACE, IssuedKey, NewApiKey
from data.store.unit_of_work import Store, UnitOfWork
from serving.access.guard import require
from serving.access.principal import Principal
from serving.administration import create_key, rotate_key
from serving.api.requests import Moment
from serving.api.responses import problems
from serving.api.shapes import Id, Name, RequestShape, RowShape, forget_callers
from serving.stored import store_access

Manager = Annotated[Principal, Depends(require("keys.manage"))]
MOST_GRACE_HOURS = int(LONGEST_GRACE.total_seconds() // 3600)
MOST = 2**31 - 1
router = APIRouter(prefix="/v1/keys", tags=["access"], responses=problems(401, 403, 422, 503))


class KeyRow(RowShape):
    """A key without its secret. After a rotation the earlier secret is valid until `previous_until`."""

    id: str
    name: str
    source_system: str
    role: str
    unit_id: str
    scopes: list[str]
    texts_per_minute: int | None
    max_body_bytes: int | None
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    previous_until: datetime | None
    revoked_at: datetime | None


class KeyList(RowShape):
    keys: list[KeyRow]


class IssuedKeyBody(RowShape):
    """`token` is shown this one time."""

    key: KeyRow
    token: str = Field(repr=False)


class NewKeyBody(RequestShape):
    name: Name
    source_system: Id
    role: Id = "system"
    unit_id: Id
    scopes: list[Id] = Field(min_length=1, max_length=100)
    texts_per_minute: int | None = Field(default=None, ge=1, le=MOST)
    max_body_bytes: int | None = Field(default=None, ge=1024, le=MOST)
    expires_at: Moment | None = None


class RotationBody(RequestShape):
    grace_hours: int = Field(ge=0, le=MOST_GRACE_HOURS, description="So long the old token stays valid.")


@router.get("", summary="Keys of the caller's units")
async def keys(request: Request, caller: Manager) -> KeyList:
    """Oldest first, revoked ones too."""

    def read(store: Store) -> KeyList:
        with store.reading() as work:
            return KeyList(keys=[KeyRow.model_validate(key) for key in work.api_keys.all(within=caller.unit_path)])

    return await store_access(request).run(read)


@router.post("", summary="Make a key", status_code=201, responses=problems(404))
async def new_key(request: Request, caller: Manager, body: NewKeyBody) -> IssuedKeyBody:
    """The token is in this answer and nowhere else."""

    def make(work: UnitOfWork) -> IssuedKeyBody:
        new = NewApiKey(**body.model_dump())
        return _issued(create_key(work, new, actor_id=caller.id, within=caller.unit_path))

    return await store_access(request).change(make)


@router.post("/{key_id}/rotate", summary="A new token for a key", responses=problems(404, 409))
async def rotated_key(request: Request, caller: Manager, key_id: str, body: RotationBody) -> IssuedKeyBody:
    """The token is in this answer and nowhere else."""

    def rotate(work: UnitOfWork) -> IssuedKeyBody:
        issued = rotate_key(work, key_id, grace_hours=body.grace_hours, actor_id=caller.id, within=caller.unit_path)
        return _issued(issued)

    answer = await store_access(request).change(rotate)
    forget_callers(request)
    return answer


@router.delete("/{key_id}", summary="Revoke a key", status_code=204, responses=problems(404))
async def revoked_key(request: Request, caller: Manager, key_id: str) -> Response:
    """At once, its earlier token too. Its row stays, since cases and audit entries name it."""
    await store_access(request).change(
        lambda work: work.api_keys.revoke(key_id, actor_id=caller.id, within=caller.unit_path)
    )
    forget_callers(request)
    return Response(status_code=204)


def _issued(issued: IssuedKey) -> IssuedKeyBody:
    return IssuedKeyBody(key=KeyRow.model_validate(issued.key), token=issued.token)
