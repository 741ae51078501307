"""Pages of signing in at the bank's identity provider. In: a browser that comes and comes back. Out: our session.

Served where an issuer is set; else there is nothing of it.
"""

from urllib.parse import quote_plus, unquote_plus

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException

from data.errors import StoreError
from data.store.unit_of_work import UnitOfWork
from serving.console.oidc import OidcProvider, OidcRefusal
from serving.console.sign_in import refused_page
from serving.console.stored import in_transaction
from serving.console.visitors import drop_cookie, keep_for_callback, keep_session, own_page

FLOW_COOKIE, NEXT_COOKIE = "xiaobao_oidc", "xiaobao_oidc_next"
router = APIRouter(include_in_schema=False)


@router.get("/oidc/start")
async def start(request: Request, next: str = "") -> Response:
    """To the provider."""
    try:
        address, kept = await _provider(request).begin(request)
    except OidcRefusal as refusal:
        return refused_page(request, refusal.reason, status=503)
    response = RedirectResponse(address, 303)
    keep_for_callback(request, response, FLOW_COOKIE, kept)
    keep_for_callback(request, response, NEXT_COOKIE, quote_plus(own_page(next)))
    return response


@router.get("/oidc/callback")
async def callback(request: Request) -> Response:
    """Back from the provider: a session, or why there is none. What the browser kept is good for one attempt."""
    provider = _provider(request)
    try:
        subject, login = await provider.finish(request, request.cookies.get(FLOW_COOKIE, ""))
    except OidcRefusal as refusal:
        status = 503 if refusal.reason == "oidc_gone" else 401
        return _ended(request, refused_page(request, refusal.reason, status=status))

    def sign_in(work: UnitOfWork) -> str | None:
        user = work.identities.recognised(provider.issuer, subject, login=login)
        return work.sign_in.open_session(user.id) if user is not None else None

    try:
        token = await in_transaction(request, sign_in)
    except StoreError:
        token = None
    if token is None:
        return _ended(request, refused_page(request, "oidc_unknown", status=401, subject=subject))
    response = RedirectResponse(own_page(_next(request)), 303)
    keep_session(request, response, token)
    return _ended(request, response)


@router.get("/oidc/sign-out")
async def sign_out(request: Request) -> Response:
    """End the session there as well, for who shares the machine with others."""
    try:
        address = await _provider(request).sign_out_address()
    except OidcRefusal as refusal:
        return refused_page(request, refusal.reason, status=503)
    return RedirectResponse(address or "/console/sign-in", 303)


def _provider(request: Request) -> OidcProvider:
    provider: OidcProvider | None = request.app.state.oidc
    if provider is None:
        raise HTTPException(404)
    return provider


def _next(request: Request) -> str:
    return unquote_plus(request.cookies.get(NEXT_COOKIE, ""))


def _ended(request: Request, response: Response) -> Response:
    for name in (FLOW_COOKIE, NEXT_COOKIE):
        drop_cookie(request, response, name)
    return response
