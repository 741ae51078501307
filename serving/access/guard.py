"""Who may call a route. In: a request. Out: its principal, or 401, or 403.

In development a request without the header is let in like a hotline's key, because the service listens on loopback
only; a wrong token is refused there as well, so that clients can be tried out.
"""

from collections.abc import Awaitable, Callable

from starlette.requests import Request

from serving.access.authentication import Authenticator, bearer_token
from serving.access.permissions import OF_PERSONS, Permission
from serving.access.principal import Principal, developer
from serving.errors import ServiceError
from serving.settings import Settings


def require(*permissions: Permission) -> Callable[[Request], Awaitable[Principal]]:
    """A dependency for a route: who calls it, if they have one of these permissions."""

    async def allowed(request: Request) -> Principal:
        return await authorize(request, *permissions)

    return allowed


async def authorize(request: Request, *permissions: Permission) -> Principal:
    """Who calls; what belongs to persons is refused to keys. Raises ServiceError `unauthorized` or `forbidden`,
    StoreUnavailableError.
    """
    principal = await authenticate(request)
    if not any(principal.may(permission) for permission in permissions):
        raise forbidden(*permissions)
    return require_person(principal) if OF_PERSONS.issuperset(permissions) else principal


async def authenticate(request: Request) -> Principal:
    """Who calls, whatever they want. Raises ServiceError `unauthorized`, StoreUnavailableError."""
    state = request.app.state
    settings: Settings = state.settings
    header = request.headers.get("authorization")
    if header is None and settings.is_development:
        return developer(state.development_unit)
    authenticator: Authenticator = state.authenticator
    principal = await authenticator.principal(bearer_token(header))
    if principal is None:
        raise ServiceError(
            "unauthorized",
            "no valid token; expected the header Authorization: Bearer TOKEN",
            "缺少有效令牌，请在 Authorization 头中提供 Bearer 令牌",
            {"WWW-Authenticate": "Bearer"},
        )
    request.state.principal = principal
    return principal


def require_person(principal: Principal) -> Principal:
    """For what a machine must not do. Raises ServiceError `forbidden`."""
    if principal.kind != "person":
        raise ServiceError("forbidden", "this needs a signed-in person, not a key", "此操作须由登录人员进行")
    return principal


def require_top_unit(principal: Principal) -> Principal:
    """For what concerns the whole bank. Raises ServiceError `forbidden` for callers of a branch."""
    if principal.unit_path.strip("/").count("/"):
        raise ServiceError("forbidden", "this is open to the head office alone", "仅限总行人员使用")
    return principal


class PermissionMissingError(ServiceError):
    """`forbidden`: the role or key lacks a permission."""


def forbidden(*permissions: Permission) -> PermissionMissingError:
    wanted = " or ".join(permissions)
    return PermissionMissingError(
        "forbidden",
        f"this role or key lacks the permission {wanted}; ask an administrator",
        f"当前角色或密钥没有 {wanted} 权限，请联系管理员",
    )
