"""Errors over HTTP, in one place. In: any exception. Out: one JSON shape with code, English and Chinese message.

    {"error": {"code": "text_empty", "message": "…", "message_zh": "…", "details": [{"field", "problem"}]}}

Bodies never repeat the request: pydantic's `input` values are dropped, since they hold complaint text.
"""

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from data.errors import XiaobaoError

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
    "not_ready": 503,
}
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

    def __init__(self, code: str, message: str, message_zh: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message, message_zh)
        self.code = code
        self.headers = headers


def add_error_handlers(app: FastAPI) -> None:
    """Teach an app the one error shape."""
    app.add_exception_handler(XiaobaoError, _expected)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


def error_content(error: XiaobaoError) -> ErrorContent:
    return ErrorContent(code=error.code, message=error.message, message_zh=error.message_zh)


def error_response(status: int, content: ErrorContent, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse(ErrorBody(error=content).model_dump(), status, headers)


async def _expected(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, XiaobaoError)
    headers = error.headers if isinstance(error, ServiceError) else None
    return error_response(STATUS_OF_CODE.get(error.code, 422), error_content(error), headers)


async def _invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    problems = error.errors()
    if any(problem["type"] == "json_invalid" for problem in problems):
        return error_response(
            400,
            ErrorContent(
                code="body_not_json",
                message="the body is not JSON; expected a JSON object",
                message_zh="请求体不是 JSON",
            ),
        )
    details = [_detail(problem) for problem in problems]
    fields = ", ".join(detail.field for detail in details)
    return error_response(
        422,
        ErrorContent(
            code="request_invalid",
            message=f"the request does not fit: {fields}; see details and /docs",
            message_zh=f"请求不符合要求：{fields}，请看 details",
            details=details,
        ),
    )


def _detail(problem: dict[str, Any]) -> ErrorDetail:
    """Where and what, without the value that was sent."""
    where = [str(part) for part in problem["loc"] if part not in ("body", "query")]
    kind = problem["type"]
    if kind == "extra_forbidden":
        # The name itself came from the client: it could be anything, so only known places are repeated.
        return ErrorDetail(field=".".join([*where[:-1], "(unknown field)"]), problem="this field is not known")
    return ErrorDetail(field=".".join(where) or "(body)", problem=str(problem["msg"]))


async def _http(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code = CODE_OF_STATUS.get(error.status_code, f"http_{error.status_code}")
    message_zh = ZH_OF_STATUS.get(error.status_code, "请求未能处理")
    content = ErrorContent(code=code, message=str(error.detail), message_zh=message_zh)
    return error_response(error.status_code, content, dict(error.headers or {}))


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    # Only the kind and place of the error: its message could quote a complaint.
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    place = f"{frame.tb_frame.f_code.co_qualname}:{frame.tb_lineno}" if frame else "?"
    logger.error("unexpected %s at %s while serving %s", type(error).__name__, place, request.scope.get("path"))
    content = ErrorContent(
        code="internal", message="an unexpected error; nothing was stored; try again", message_zh="内部错误，请重试"
    )
    return error_response(500, content)
