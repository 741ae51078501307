"""Who may call. In: a request. Out: nothing, or 401.

Production wants `Authorization: Bearer TOKEN`. In development a request without the header is let in, because the
service listens on loopback only; a wrong token is refused there as well, so that clients can be tried out.
"""

import secrets

from starlette.requests import Request

from serving.errors import ServiceError
from serving.settings import Settings


def require_token(request: Request) -> None:
    """For every route under /v1. Raises ServiceError `unauthorized`."""
    settings: Settings = request.app.state.settings
    header = request.headers.get("authorization")
    if header is None and settings.is_development:
        return
    scheme, _, given = (header or "").partition(" ")
    expected = settings.api_token.get_secret_value() if settings.api_token else ""
    if scheme.lower() != "bearer" or not secrets.compare_digest(given.encode(), expected.encode()):
        raise ServiceError(
            "unauthorized",
            "no valid token; expected the header Authorization: Bearer TOKEN",
            "缺少有效令牌，请在 Authorization 头中提供 Bearer 令牌",
            {"WWW-Authenticate": "Bearer"},
        )
