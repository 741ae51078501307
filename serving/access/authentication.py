"""Whose token it is. In: a bearer token. Out: the principal, or none.

Three kinds of token: the one of the settings (triage only, needs no database), keys of machines (`xb_…`), sessions of
people. What the store says of a token is believed for ten seconds and asked again after five, beside the request, so
that no caller in a steady stream waits for it. While the database is gone, a key that was valid stays so for a quarter
of an hour, so that triage goes on; a session does not.
"""

import asyncio
import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from data.errors import StoreUnavailableError
from serving.access.principal import Principal, token_of_settings

LookUp = Callable[[str], Awaitable[Principal | None]]

BELIEVED_SECONDS = 10.0
ASKED_AGAIN_SECONDS = 5.0
BELIEVED_WITHOUT_DATABASE = 900.0
MOST_REMEMBERED = 10_000


@dataclass(kw_only=True)
class _Remembered:
    principal: Principal | None
    checked_at: float
    failed_at: float | None = None
    """When the store was last asked in vain since."""


class Authenticator:
    """Remembers what it was told; keys of the memory are hashes, so no token lies about."""

    def __init__(
        self, *, api_token: str | None, look_up: LookUp | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._api_token = api_token
        self._look_up = look_up
        self._clock = clock
        self._memory: OrderedDict[str, _Remembered] = OrderedDict()
        self._asking: dict[str, asyncio.Task[Principal | None]] = {}

    async def principal(self, token: str) -> Principal | None:
        """Who has this token. Raises StoreUnavailableError if the database is needed and gone."""
        if self._api_token is not None and secrets.compare_digest(token.encode(), self._api_token.encode()):
            return token_of_settings()
        if self._look_up is None or not token:
            return None
        digest = hashlib.sha256(token.encode()).hexdigest()
        known = self._memory.get(digest)
        if known is not None and self._is_believed(known):
            if self._is_due(known):
                self._ask(digest, token)
            return known.principal
        try:
            # One question for all who wait; who leaves does not take it away from the others.
            return await asyncio.shield(self._ask(digest, token))
        except StoreUnavailableError:
            if known is not None and self._outlives_database(known):
                return known.principal
            raise

    def forget(self, token: str | None = None) -> None:
        """Ask the store again for this token, or for all: after a revocation, a sign-out, a change of role."""
        if token is None:
            self._memory.clear()
            self._asking.clear()
        else:
            digest = hashlib.sha256(token.encode()).hexdigest()
            self._memory.pop(digest, None)
            self._asking.pop(digest, None)

    def _is_believed(self, known: _Remembered) -> bool:
        now = self._clock()
        has_just_failed = known.failed_at is not None and now - known.failed_at < BELIEVED_SECONDS
        return now - known.checked_at < BELIEVED_SECONDS or (has_just_failed and self._outlives_database(known))

    def _is_due(self, known: _Remembered) -> bool:
        asked_at = known.checked_at if known.failed_at is None else known.failed_at
        return self._clock() - asked_at >= ASKED_AGAIN_SECONDS

    def _outlives_database(self, known: _Remembered) -> bool:
        principal = known.principal
        is_recent = self._clock() - known.checked_at < BELIEVED_WITHOUT_DATABASE
        return principal is not None and principal.kind == "key" and is_recent

    def _ask(self, digest: str, token: str) -> "asyncio.Task[Principal | None]":
        """The question that is under way for this token, else a new one."""
        running = self._asking.get(digest)
        if running is not None:
            return running
        assert self._look_up is not None
        task = asyncio.ensure_future(self._look_up(token))
        assert isinstance(task, asyncio.Task)
        self._asking[digest] = task
        task.add_done_callback(partial(self._answered, digest))
        return task

    def _answered(self, digest: str, task: "asyncio.Task[Principal | None]") -> None:
        """Remember the answer, unless the token was to be forgotten while the store was asked."""
        error = None if task.cancelled() else task.exception()
        if self._asking.get(digest) is not task:
            return
        del self._asking[digest]
        if task.cancelled():
            return
        if error is None:
            self._remember(digest, task.result())
        elif isinstance(error, StoreUnavailableError) and digest in self._memory:
            self._memory[digest].failed_at = self._clock()

    def _remember(self, digest: str, principal: Principal | None) -> None:
        self._memory[digest] = _Remembered(principal=principal, checked_at=self._clock())
        self._memory.move_to_end(digest)
        while len(self._memory) > MOST_REMEMBERED:
            self._memory.popitem(last=False)


def bearer_token(header: str | None) -> str:
    """The token of an Authorization header; empty where there is none."""
    scheme, _, token = (header or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
