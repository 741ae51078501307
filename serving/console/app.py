"""The supervisors' console at `/console`. In: an app with a case store. Out: the same with the console's pages.

An app of its own below the service's, because its errors are pages and its answers carry stricter headers; model, store
and sign-in are the service's.
"""

from urllib.parse import parse_qsl, urlencode

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from data.errors import StoreUnavailableError, XiaobaoError
from serving.access.guard import PermissionMissingError
from serving.console import (
    alerts,
    assets,
    audit,
    case,
    case_actions,
    decisions,
    endings,
    home,
    imports,
    intake,
    keys,
    limits,
    model,
    oidc_pages,
    overview,
    policy,
    public,
    quality,
    queue,
    receipt,
    rectification,
    replies,
    reports,
    sign_in,
    supervision,
    undo,
    users,
    warnings,
)
from serving.console.entered import FormNotStoredError
from serving.console.headers import SecurityHeaders
from serving.console.notice import load_notice
from serving.console.oidc import provider_of
from serving.console.pages import page
from serving.console.report_desk import ReportDesk
from serving.console.texts import texts
from serving.console.visitors import SignInNeeded, Visitor, language_of
from serving.errors import STATUS_OF_CODE, error_content
from serving.settings import Settings


def add_console(app: FastAPI, settings: Settings) -> None:
    """Mount the console. Raises SettingsError for a wrong notice or identity provider."""
    app.state.notice = load_notice(settings.notice)
    app.state.oidc = provider_of(settings)
    console = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    console.state = app.state
    app.state.report_desk = ReportDesk(settings.report_folder)
    for part in (
        home,
        sign_in,
        oidc_pages,
        queue,
        intake,
        imports,
        receipt,
        public,
        case,
        decisions,
        case_actions,
        limits,
        endings,
        rectification,
        replies,
        undo,
        assets,
        alerts,
        supervision,
        quality,
        model,
        policy,
        users,
        keys,
        audit,
        overview,
        reports,
        warnings,
    ):
        console.include_router(part.router)
    console.add_exception_handler(SignInNeeded, _to_sign_in)
    console.add_exception_handler(FormNotStoredError, _form_again)
    console.add_exception_handler(XiaobaoError, _expected)
    console.add_exception_handler(RequestValidationError, _invalid)
    console.add_exception_handler(HTTPException, _http)
    console.add_exception_handler(Exception, _unexpected)
    console.add_middleware(SecurityHeaders, is_development=settings.is_development)
    app.add_route("/console", _to_first_page, include_in_schema=False)
    app.mount("/console", console)


async def _to_first_page(request: Request) -> Response:
    """Without a host, which behind a proxy could be the wrong one."""
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"/console/{query}", 307)


async def _to_sign_in(request: Request, error: Exception) -> Response:
    """To the form and afterwards back; what a form held is lost, and the form's page says so."""
    assert isinstance(error, SignInNeeded)
    back = f"{request.url.path}?{request.url.query}".rstrip("?") if request.method == "GET" else ""
    query = {"next": back} | ({"over": "1"} if error.was_signed_in else {})
    return RedirectResponse(f"/console/sign-in?{urlencode(query)}", 303)


async def _form_again(request: Request, error: Exception) -> Response:
    """The case's page with the form as it was sent and the message beside it."""
    assert isinstance(error, FormNotStoredError)
    visitor: Visitor = request.state.visitor
    message = error.error.message_zh if visitor.language == "zh" else error.error.message
    try:
        return await case.show_case(
            request,
            visitor,
            error.case_id,
            parameters=dict(parse_qsl(error.form.one("list"))),
            entered=error.entered(request, message=message),
            status=error.status,
        )
    except XiaobaoError as gone:
        return await _expected(request, gone)


async def _expected(request: Request, error: Exception) -> Response:
    assert isinstance(error, XiaobaoError)
    if isinstance(error, StoreUnavailableError):
        return problem(request, _text(request, "store_gone"), status=STATUS_OF_CODE[error.code])
    if isinstance(error, PermissionMissingError):
        return problem(request, _text(request, "no_permission"), status=STATUS_OF_CODE[error.code])
    content = error_content(error)
    message = content.message_zh if language_of(request) == "zh" else content.message
    return problem(request, message, status=STATUS_OF_CODE.get(error.code, 422))


async def _invalid(request: Request, _error: Exception) -> Response:
    return problem(request, _text(request, "wrong_address"), status=422)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    name = "no_page" if error.status_code == 404 else "wrong_address"
    return problem(request, _text(request, name), status=error.status_code)


async def _unexpected(request: Request, _error: Exception) -> Response:
    """The service's own outermost handler logs kind and place."""
    return problem(request, _text(request, "our_fault"), status=500)


def problem(request: Request, message: str, *, status: int) -> Response:
    """What happened, whether anything was lost, what to do."""
    case_id = request.path_params.get("case_id") if status not in (403, 404) else None
    return page(request, "problem", context={"message": message, "case_id": case_id}, status=status)


def _text(request: Request, name: str) -> str:
    return str(texts("problem", language_of(request))[name])
