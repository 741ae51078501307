"""Who looks at the console. In: a request's cookies. Out: a signed-in person, or the way to the sign-in page.

A page is reached with the session's cookie only, never with a header; machines' keys are no visitors.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from data.store.sign_in import SESSION_FOR
from serving.access.authentication import Authenticator
from serving.access.guard import forbidden
from serving.access.permissions import Permission
from serving.access.principal import Principal
from serving.console.forms import Form, form_token, read_form
from serving.console.texts import LANGUAGES, Language
from serving.settings import Settings

HOME = "/console"
SESSION_COOKIE = "xiaobao_session"
LANGUAGE_COOKIE = "xiaobao_language"
KEEP_LANGUAGE_FOR = timedelta(days=365)
AWAY_FOR = timedelta(minutes=10)


@dataclass(frozen=True, kw_only=True)
class Visitor:
    principal: Principal
    token: str = field(repr=False)
    language: Language

    @property
    def id(self) -> str:
        return self.principal.id

    @property
    def within(self) -> str:
        """The part of the organisation that they see."""
        return self.principal.unit_path

    @property
    def is_of_head_office(self) -> bool:
        """Belongs to a top unit, as what concerns the whole bank demands."""
        return not self.within.strip("/").count("/")

    @property
    def form_token(self) -> str:
        return form_token(self.token)

    def may(self, permission: Permission) -> bool:
        return self.principal.may(permission)

    async def form(self, request: Request) -> Form:
        """The fields that they sent. Raises ServiceError `form_refused`."""
        return await read_form(request, secret=self.token)


class SignInNeeded(Exception):
    """Nobody is signed in, or no longer."""

    def __init__(self, *, was_signed_in: bool) -> None:
        super().__init__("sign in first")
        self.was_signed_in = was_signed_in


def visitor(*permissions: Permission) -> Callable[[Request], Awaitable[Visitor]]:
    """A dependency for a page: who looks at it, if they have one of the permissions.

    Raises SignInNeeded, ServiceError `forbidden`.
    """

    async def allowed(request: Request) -> Visitor:
        found = await signed_in(request)
        if permissions and not any(found.may(permission) for permission in permissions):
            raise forbidden(*permissions)
        return found

    return allowed


async def signed_in(request: Request) -> Visitor:
    """Who looks. Raises SignInNeeded, StoreUnavailableError."""
    token = request.cookies.get(SESSION_COOKIE, "")
    authenticator: Authenticator = request.app.state.authenticator
    principal = await authenticator.principal(token) if token else None
    if principal is None or principal.kind != "person":
        raise SignInNeeded(was_signed_in=bool(token))
    found = Visitor(principal=principal, token=token, language=language_of(request))
    request.state.visitor = found
    return found


def language_of(request: Request) -> Language:
    """`?lang=`, else the language chosen before, else Chinese."""
    for wanted in (request.query_params.get("lang"), request.cookies.get(LANGUAGE_COOKIE)):
        for language in LANGUAGES:
            if wanted == language:
                return language
    return LANGUAGES[0]


def keep_session(request: Request, response: Response, token: str) -> None:
    """Hand a session's token to the browser; no script can read it, and without TLS it is not sent."""
    _set(request, response, SESSION_COOKIE, token, max_age=SESSION_FOR)


def keep_language(request: Request, response: Response) -> None:
    """Remember a language that was asked for in the address."""
    if request.query_params.get("lang") in LANGUAGES:
        _set(request, response, LANGUAGE_COOKIE, language_of(request), max_age=KEEP_LANGUAGE_FOR)


def keep_form_secret(request: Request, response: Response, name: str, secret: str) -> None:
    """What binds the sign-in form to this browser; gone when the browser closes."""
    _set(request, response, name, secret, max_age=None)


def keep_for_callback(request: Request, response: Response, name: str, value: str) -> None:
    """What binds a sign-in elsewhere to this browser, while it is away."""
    _set(request, response, name, value, max_age=AWAY_FOR)


def drop_cookie(request: Request, response: Response, name: str) -> None:
    settings: Settings = request.app.state.settings
    response.delete_cookie(name, path=HOME, secure=not settings.is_development, httponly=True, samesite="lax")


def own_page(address: str) -> str:
    """An address to go on to, if it is one of the console's; else the console's first page."""
    parts = urlsplit(address)
    is_ours = not parts.scheme and not parts.netloc and (parts.path == HOME or parts.path.startswith(f"{HOME}/"))
    return address if is_ours and "\\" not in address and address.isprintable() else HOME


def _set(request: Request, response: Response, name: str, value: str, *, max_age: timedelta | None) -> None:
    settings: Settings = request.app.state.settings
    response.set_cookie(
        name,
        value,
        max_age=None if max_age is None else int(max_age.total_seconds()),
        path=HOME,
        secure=not settings.is_development,
        httponly=True,
        samesite="lax",
    )
