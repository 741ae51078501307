"""Whose token it is. In: a bearer token. Out: the principal, or none.

Three kinds of token: the one of the settings (triage only, needs no database), keys of machines (`xb_…`), sessions of
people. What the store says of a token is believed for some seconds. While the database is gone, a key that was valid
stays so for a quarter of an hour, so that triage goes on; a session does not.
"""

import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from data.errors import StoreUnavailableError
from serving.access.principal import Principal, token_of_settings

LookUp = Callable[[str], Awaitable[Principal | None]]

BELIEVED_SECONDS = 10.0
BELIEVED_WITHOUT_DATABASE = 900.0
MOST_REMEMBERED = 10_000


@dataclass(frozen=True, kw_only=True)
class _Remembered:
    principal: Principal | None
    checked_at: float


class Authenticator:
    """Remembers what it was told; keys of the memory are hashes, so no token lies about."""

    def __init__(
        self, *, api_token: str | None, look_up: LookUp | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._api_token = api_token
        self._look_up = look_up
        self._clock = clock
        self._memory: OrderedDict[str, _Remembered] = OrderedDict()

    async def principal(self, token: str) -> Principal | None:
        """Who has this token. Raises StoreUnavailableError if the database is needed and gone."""
        if self._api_token is not None and secrets.compare_digest(token.encode(), self._api_token.encode()):
            return token_of_settings()
        if self._look_up is None or not token:
            return None
        digest = hashlib.sha256(token.encode()).hexdigest()
        known = self._memory.get(digest)
        if known is not None and self._clock() - known.checked_at < BELIEVED_SECONDS:
            return known.principal
        try:
            found = await self._look_up(token)
        except StoreUnavailableError:
            if known is not None and self._outlives_database(known):
                return known.principal
            raise
        self._remember(digest, found)
        return found

    def forget(self, token: str | None = None) -> None:
        """Ask the store again for this token, or for all: after a revocation, a sign-out, a change of role."""
        if token is None:
            self._memory.clear()
        else:
            self._memory.pop(hashlib.sha256(token.encode()).hexdigest(), None)

    def _outlives_database(self, known: _Remembered) -> bool:
        principal = known.principal
        is_recent = self._clock() - known.checked_at < BELIEVED_WITHOUT_DATABASE
        return principal is not None and principal.kind == "key" and is_recent

    def _remember(self, digest: str, principal: Principal | None) -> None:
        self._memory[digest] = _Remembered(principal=principal, checked_at=self._clock())
        self._memory.move_to_end(digest)
        while len(self._memory) > MOST_REMEMBERED:
            self._memory.popitem(last=False)


def bearer_token(header: str | None) -> str:
    """The token of an Authorization header; empty where there is none."""
    scheme, _, token = (header or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
