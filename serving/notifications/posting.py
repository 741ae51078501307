"""One attempt to hand over a message. In: a claim. Out: what became of it. Nothing is retried here.

Signed as Standard Webhooks has it (`webhook-id`, `webhook-timestamp`, `webhook-signature`). A redirect is not
followed: it would lead past the list of hosts. The answer's body is not read, and proxies of the environment are not
used.
"""

import asyncio
import logging
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version

import httpx
from standardwebhooks import Webhook

from data.store.deliveries import Claim
from serving.notifications.envelope import envelope
from serving.notifications.hosts import AllowedHosts

# It would log every URL, and a receiver's URL may hold a token.
logging.getLogger("httpx").setLevel(logging.WARNING)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """`status` is the HTTP status or a word; `is_down`: the receiver as a whole does not work just now."""

    status: str
    is_delivered: bool = False
    is_down: bool = False


class Poster:
    """Use as `async with`; connections are kept while it is open."""

    def __init__(self, hosts: AllowedHosts, *, timeout_seconds: float) -> None:
        self._hosts = hosts
        self._timeout = timeout_seconds
        # The machine's own list of authorities, where a bank puts its own.
        self._client = httpx.AsyncClient(
            verify=ssl.create_default_context(),
            trust_env=False,
            follow_redirects=False,
            timeout=timeout_seconds,
            headers={"User-Agent": f"xiaobao/{version('xiaobao')}"},
        )

    async def __aenter__(self) -> "Poster":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def post(self, claim: Claim) -> Outcome:
        """Send it, signed, within the time limit. Raises nothing that the receiver could cause."""
        if not self._hosts.allows(claim.url):
            return Outcome(status="host_refused")
        body = envelope(id=claim.message_id, kind=claim.kind, created_at=claim.created_at, payload=claim.payload)
        try:
            async with asyncio.timeout(self._timeout):
                status = await self._status(claim, body)
        except (TimeoutError, httpx.TimeoutException):
            return Outcome(status="timeout", is_down=True)
        except httpx.ConnectError:
            return Outcome(status="connect_failed", is_down=True)
        except (httpx.HTTPError, httpx.InvalidURL):
            return Outcome(status="protocol_failed", is_down=True)
        return Outcome(
            status=str(status), is_delivered=200 <= status < 300, is_down=status >= 500 or status in (408, 429)
        )

    async def _status(self, claim: Claim, body: str) -> int:
        headers = {"Content-Type": "application/json", **_signed(claim, body)}
        async with self._client.stream("POST", claim.url, content=body.encode(), headers=headers) as response:
            return response.status_code


def _signed(claim: Claim, body: str) -> dict[str, str]:
    now = datetime.now(UTC)
    return {
        "webhook-id": claim.message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(claim.secret).sign(claim.message_id, now, body),
    }
