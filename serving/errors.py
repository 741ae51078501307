"""Errors over HTTP, in one place. In: any exception. Out: one JSON shape with code, English and Chinese message.

    {"error": {"code": "text_empty", "message": "…", "message_zh": "…", "details": [{"field", "problem"}]}}

Bodies never repeat the request: pydantic's `input` values are dropped, since they hold complaint text.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Any

from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from data.errors import XiaobaoError, place_of

logger = logging.getLogger("xiaobao")

STATUS_OF_CODE = {
    "text_empty": 422,
    "text_too_long": 422,
    "text_not_unicode": 422,
    "body_not_utf8": 400,
    "body_not_json": 400,
    "body_too_large": 413,
    "unauthorized": 401,
    "queue_full": 429,
    "store_busy": 429,
    "not_ready": 503,
    "inference_failed": 500,
    "request_invalid": 422,
    "streams_full": 429,
    "cursor_invalid": 422,
    "query_invalid": 422,
    "value_invalid": 422,
    "rate_limited": 429,
    "forbidden": 403,
    "not_allowed": 403,
    "login_refused": 401,
    "not_found": 404,
    "original_erased": 410,
    "case_erased": 410,
    "external_id_taken": 409,
    "external_id_reused": 409,
    "form_refused": 403,
    "label_invalid": 422,
    "undo_refused": 409,
    "directive_invalid": 422,
    "email_invalid": 422,
    "view_invalid": 422,
    "case_closed": 409,
    "case_open": 409,
    "clock_open": 409,
    "pause_open": 409,
    "pause_not_open": 409,
    "extension_pending": 409,
    "extension_decided": 409,
    "fact_needed": 409,
    "not_confirmable": 409,
    "own_request": 403,
    "approver_not_allowed": 403,
    "reason_missing": 422,
    "policy_invalid": 503,
    "login_taken": 409,
    "identity_taken": 409,
    "unit_exists": 409,
    "key_revoked": 409,
    "case_taken": 409,
    "nothing_to_confirm": 409,
    "warning_ended": 409,
    "warning_not_owned": 409,
    "version_stale": 412,
    "version_missing": 428,
    "second_person_needed": 403,
    "own_account": 403,
    "password_wrong": 403,
    "store_off": 503,
    "store_unavailable": 503,
    "migration_needed": 503,
    "key_invalid": 503,
    "ciphertext_invalid": 500,
    "store_failed": 500,
    "file_too_large": 413,
    "content_type_unsupported": 415,
    "form_unreadable": 400,
    "upload_stalled": 400,
    "uploads_busy": 429,
    "imports_waiting": 429,
    "import_finished": 409,
    "quarter_invalid": 422,
    "report_files_invalid": 503,
    "reports_busy": 429,
}
RETRY_AFTER = {"store_unavailable": "2", "not_ready": "2", "migration_needed": "30"}
CLIENT_GONE = 499
"""Who hung up in the middle of a request reads no answer; it counts under this status, which is no fault of ours."""
CODE_OF_STATUS = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large", 400: "bad_request"}
ZH_OF_STATUS = {404: "没有这个地址", 405: "这个地址不支持该方法"}


class ErrorDetail(BaseModel):
    field: str
    problem: str


class ErrorContent(BaseModel):
    code: str
    message: str
    message_zh: str
    details: list[ErrorDetail] = []


class ErrorBody(BaseModel):
    """The body of every answer that is not 2xx."""

    error: ErrorContent


class ServiceError(XiaobaoError):
    """An error with a code of its own, and headers such as Retry-After."""

    def __init__(
        self,
        code: str,
        message: str,
        message_zh: str,
        headers: dict[str, str] | None = None,
        details: Sequence[ErrorDetail] = (),
    ) -> None:
        super().__init__(message, message_zh)
        self.code = code
        self.headers = headers
        self.details = list(details)


def store_off() -> ServiceError:
    return ServiceError(
        "store_off",
        "this service runs without a case store; start it with XIAOBAO_STORE=on and without --api-only",
        "本服务未启用案件库，请以 XIAOBAO_STORE=on 启动且不要使用 --api-only",
    )


INTERNAL = ErrorContent(
    code="internal", message="an unexpected error; nothing was stored; try again", message_zh="内部错误，请重试"
)
JSON_TYPES = {
    "str": "a string", "int": "a number", "float": "a number", "bool": "a boolean", "list": "an array",
    "dict": "an object", "NoneType": "null",
}  # fmt: skip


def add_error_handlers(app: Starlette) -> None:
    """Teach an app the one error shape."""
    app.add_exception_handler(XiaobaoError, _expected)
    app.add_exception_handler(HTTPException, _http)
    app.add_middleware(UnexpectedErrors)


def error_content(error: XiaobaoError) -> ErrorContent:
    details = error.details if isinstance(error, ServiceError) else []
    return ErrorContent(code=error.code, message=error.message, message_zh=error.message_zh, details=details)


def error_response(status: int, content: ErrorContent, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse(ErrorBody(error=content).model_dump(), status, headers)


async def _expected(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, XiaobaoError)
    if request.url.path.startswith("/v1/"):
        request.app.state.telemetry.rejected.labels(error.code).inc()
    headers = error.headers if isinstance(error, ServiceError) else None
    if error.code in RETRY_AFTER:
        headers = {**(headers or {}), "Retry-After": RETRY_AFTER[error.code]}
    return error_response(STATUS_OF_CODE.get(error.code, 422), error_content(error), headers)


async def refuse_invalid(request: Request, error: Exception) -> JSONResponse:
    """FastAPI's own validation error in the one shape. No FastAPI here, so its class is known by its `errors`."""
    errors: Callable[[], Sequence[Any]] = error.errors  # type: ignore[attr-defined]
    return await _expected(request, invalid_request(errors()))


def invalid_request(problems: Sequence[Any]) -> ServiceError:
    """pydantic's problems as one error: where, what was expected, the type that was found, never the value."""
    if any(problem["type"] == "json_invalid" for problem in problems):
        return ServiceError("body_not_json", "the body is not JSON; expected a JSON object", "请求体不是 JSON")
    details = [_detail(problem) for problem in problems]
    fields = ", ".join(detail.field for detail in details)
    return ServiceError(
        "request_invalid",
        f"the request does not fit: {fields}; see details",
        f"请求不符合要求：{fields}，请看 details",
        details=details,
    )


def _detail(problem: dict[str, Any]) -> ErrorDetail:
    where = [str(part) for part in problem["loc"] if part not in ("body", "query")]
    if problem["type"] == "extra_forbidden":
        # The name itself came from the client: it could be anything, so only known places are repeated.
        return ErrorDetail(field=".".join([*where[:-1], "(unknown field)"]), problem="this field is not known")
    found = JSON_TYPES.get(type(problem.get("input")).__name__, "another type")
    expected = str(problem["msg"])
    missing = problem["type"] == "missing"
    return ErrorDetail(field=".".join(where) or "(body)", problem=expected if missing else f"{expected}; found {found}")


async def _http(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code = CODE_OF_STATUS.get(error.status_code, f"http_{error.status_code}")
    message_zh = ZH_OF_STATUS.get(error.status_code, "请求未能处理")
    content = ErrorContent(code=code, message=str(error.detail), message_zh=message_zh)
    return error_response(error.status_code, content, dict(error.headers or {}))


class UnexpectedErrors:
    """Outermost of our middleware: answers what nobody expected, and keeps its message out of every log.

    The server would log a traceback, whose last line could quote a complaint; here only kind and place are logged.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except ClientDisconnect:
            if not started:
                await Response(status_code=CLIENT_GONE)(scope, receive, send)
        except Exception as error:
            if scope["type"] != "http":
                raise
            # The pattern, not the path: a client may have written anything into it.
            route = getattr(scope.get("route"), "path", "no route")
            logger.error("unexpected %s at %s while serving %s", type(error).__name__, place_of(error), route)
            if not started:
                await error_response(500, INTERNAL)(scope, receive, send)
