"""Forms of the console. In: a POST. Out: its fields, if it comes from one of our own pages.

Every form carries a token that is an HMAC of the session's own token (OWASP's HMAC-based token pattern): only a page
made for this session can hold it, nothing is stored, and it ends with the session. The sign-in form, which has no
session yet, is bound to a random cookie in the same way. Browsers that say where a request comes from are believed too.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs

from starlette.requests import Request

from serving.errors import ServiceError

TOKEN_FIELD = "form_token"
MOST_BYTES = 200_000
MOST_FIELDS = 400
ENTRY = re.compile(r"[A-Za-z0-9_-]{22}")
"""What `new_entry` gives."""


@dataclass(frozen=True)
class Form:
    """The fields of a form; a name may stand there several times."""

    fields: Mapping[str, Sequence[str]]

    def one(self, name: str) -> str:
        """A field without the spaces around it; empty where it is not there."""
        return self.fields.get(name, [""])[0].strip()

    def every(self, name: str) -> tuple[str, ...]:
        return tuple(self.fields.get(name, ()))


def form_token(secret: str) -> str:
    """What forms of the session (or cookie) with this secret carry."""
    return hmac.new(secret.encode(), b"xiaobao console form", hashlib.sha256).hexdigest()


def new_entry() -> str:
    """Names one form: however often it is sent, it is one thing."""
    return secrets.token_urlsafe(16)


async def read_form(request: Request, *, secret: str) -> Form:
    """The fields. Raises ServiceError `form_refused`, `body_too_large`."""
    check_origin(request)
    form = Form(parse_qs((await _body(request)).decode("utf-8", "replace"), True, max_num_fields=MOST_FIELDS))
    check_token(form.one(TOKEN_FIELD), secret=secret)
    return form


def check_origin(request: Request) -> None:
    """Refuse what another site's page sends. Raises ServiceError `form_refused`."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise form_refused()


def check_token(token: str, *, secret: str) -> None:
    """Raises ServiceError `form_refused` for a token of another session."""
    if not hmac.compare_digest(token.encode(), form_token(secret).encode()):
        raise form_refused()


async def _body(request: Request) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MOST_BYTES:
            raise ServiceError(
                "body_too_large", f"the form is larger than {MOST_BYTES} bytes; nothing was stored", "内容过长，未保存"
            )
        parts.append(part)
    return b"".join(parts)


def form_refused() -> ServiceError:
    return ServiceError(
        "form_refused",
        "this form does not belong to your session; nothing was stored; open the page again",
        "该表单与当前登录不符，未保存；请重新打开页面后再试",
    )
