"""Routes of people signing in and out, for FastAPI. In: login and password. Out: a token, or a bare refusal.

Sign in with a body, send `Authorization: Bearer TOKEN` afterwards. Five wrong passwords lock a login for a quarter of
an hour; a session ends after an hour without a request and after twelve hours in any case.
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from data.store.sign_in import LONGEST_PASSWORD, refused
from data.store.unit_of_work import Store
from serving.access.authentication import Authenticator, bearer_token
from serving.access.guard import authenticate
from serving.access.principal import Principal
from serving.api.responses import problems
from serving.stored import HASHING_SECONDS, store_access

Anybody = Annotated[Principal, Depends(authenticate)]
router = APIRouter(prefix="/v1", tags=["access"], responses=problems(401, 422, 503))


class SignInRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    login: str = Field(min_length=1, max_length=128)
    password: str = Field(min_length=1, max_length=LONGEST_PASSWORD, repr=False)


class SessionBody(BaseModel):
    token: str


class CallerBody(BaseModel):
    """Who calls, what they may do and which part of the organisation they see."""

    id: str
    kind: str
    role: str
    unit: str | None
    permissions: list[str]


@router.post("/sessions", summary="Sign in", status_code=201)
async def sign_in(request: Request, body: SignInRequest) -> SessionBody:
    """The token of a new session."""
    token = await store_access(request).run(
        lambda store: try_to_sign_in(store, body.login, body.password), extra_seconds=HASHING_SECONDS
    )
    if token is None:
        raise refused()
    return SessionBody(token=token)


@router.delete("/sessions/current", summary="Sign out", status_code=204)
async def sign_out(request: Request, _caller: Anybody) -> Response:
    """Ends the session whose token is sent."""
    token = bearer_token(request.headers.get("authorization"))
    await store_access(request).change(lambda work: work.sign_in.close_session(token))
    authenticator: Authenticator = request.app.state.authenticator
    authenticator.forget(token)
    return Response(status_code=204)


@router.get("/me", summary="Who am I?")
async def me(caller: Anybody) -> CallerBody:
    """The caller as this service sees it."""
    return CallerBody(
        id=caller.id, kind=caller.kind, role=caller.role, unit=caller.unit_id, permissions=sorted(caller.permissions)
    )


def try_to_sign_in(store: Store, login: str, password: str) -> str | None:
    """A session's token if login and password fit; the slow hashing happens between two transactions."""
    with store.reading() as work:
        attempt = work.sign_in.attempt(login)
    succeeded = attempt.fits(password)
    with store.writing() as work:
        return work.sign_in.record(attempt, succeeded=succeeded)
