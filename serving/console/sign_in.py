"""Signing in and out at the console. In: login and password. Out: a session's cookie, the same sessions as the API's.

A wrong password, an unknown login and a locked one look the same. The form token of the sign-in page is bound to a
random cookie, so that nobody can sign a browser in as somebody else.
"""

import secrets
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from data.store.sign_in import refused
from serving.access.authentication import Authenticator
from serving.api.sessions import try_to_sign_in
from serving.console.forms import form_refused, form_token, read_form
from serving.console.pages import page
from serving.console.stored import in_store, in_transaction
from serving.console.visitors import (
    SESSION_COOKIE,
    SignInNeeded,
    Visitor,
    drop_cookie,
    keep_form_secret,
    keep_session,
    own_page,
    signed_in,
    visitor,
)
from serving.errors import STATUS_OF_CODE

FORM_COOKIE = "xiaobao_form"
NO_MESSAGE, OVER, REFUSED = "", "over", "refused"
Anybody = Annotated[Visitor, Depends(visitor())]
router = APIRouter(include_in_schema=False)


@router.get("/sign-in")
async def sign_in_page(request: Request, next: str = "", over: bool = False) -> Response:
    """The form; who is signed in already goes on."""
    try:
        await signed_in(request)
    except SignInNeeded:
        return _form(request, next=next, message=OVER if over else NO_MESSAGE)
    return RedirectResponse(own_page(next), 303)


@router.post("/sign-in")
async def sign_in(request: Request) -> Response:
    """Check login and password. Raises StoreUnavailableError, ServiceError `form_refused`."""
    secret = request.cookies.get(FORM_COOKIE)
    if not secret:
        raise form_refused()
    form = await read_form(request, secret=secret)
    login, password = form.one("login"), form.fields.get("password", [""])[0]
    token = await in_store(request, lambda store: try_to_sign_in(store, login, password))
    if token is None:
        return _form(request, next=form.one("next"), login=login, message=REFUSED)
    response = RedirectResponse(own_page(form.one("next")), 303)
    keep_session(request, response, token)
    drop_cookie(request, response, FORM_COOKIE)
    return response


@router.post("/sign-out")
async def sign_out(request: Request, visitor: Anybody) -> Response:
    """End the session, here and in the store."""
    await visitor.form(request)
    await in_transaction(request, lambda work: work.sign_in.close_session(visitor.token))
    authenticator: Authenticator = request.app.state.authenticator
    authenticator.forget(visitor.token)
    response = RedirectResponse("/console/sign-in", 303)
    drop_cookie(request, response, SESSION_COOKIE)
    return response


def refused_page(request: Request, message: str, *, status: int, subject: str = "") -> Response:
    """The form again, with why signing in elsewhere came to nothing; `subject`: what an administrator needs to know."""
    return _form(request, next="", message=message, status=status, subject=subject)


def _form(
    request: Request,
    *,
    next: str,
    login: str = "",
    message: str = NO_MESSAGE,
    status: int | None = None,
    subject: str = "",
) -> Response:
    secret = request.cookies.get(FORM_COOKIE) or secrets.token_urlsafe(24)
    context: dict[str, Any] = {
        "next": own_page(next),
        "login": login,
        "message": message,
        "form_token": form_token(secret),
    }
    context |= {"has_oidc": request.app.state.oidc is not None, "subject": subject}
    status = status or (STATUS_OF_CODE[refused().code] if message == REFUSED else 200)
    response = page(request, "sign_in", context=context, status=status)
    keep_form_secret(request, response, FORM_COOKIE, secret)
    return response
