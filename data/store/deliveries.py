"""Which message goes to which webhook, and what became of it. In: a lease. Out: what to send, once at a time.

    waiting ── claimed (lease) ─┬─ delivered
       ^                        ├─ failed: waits longer each time ── dead after the last
       └── lease runs out ──────┘                                      └─ resend: waiting again

At least once: a worker that dies after the receiver's answer leaves a message that is sent again, with the same id.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.orm import Session

from data.store.notification_tables import Delivery, OutboxMessage, Webhook
from data.store.webhooks import WebhookRepository

State = Literal["waiting", "delivered", "dead"]
LEASE = timedelta(seconds=30)
"""Longer than an attempt may take."""
_SHORTEST_REST, _LONGEST_REST = timedelta(seconds=5), timedelta(seconds=60)
MOST_LISTED = 200


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One attempt to make: what, where to, signed with which secret."""

    message_id: str
    webhook_id: str
    kind: str
    created_at: datetime
    payload: dict[str, Any]
    url: str
    secret: bytes = field(repr=False)
    attempts: int
    """Made before this one."""


@dataclass(frozen=True, kw_only=True)
class ListedDelivery:
    message_id: str
    kind: str
    case_id: str | None
    created_at: datetime
    state: State
    attempts: int
    next_attempt_at: datetime | None
    last_status: str | None


@dataclass(frozen=True, kw_only=True)
class OutboxState:
    """How much stands in the outbox; `oldest`: since when a webhook that is on waits for one."""

    waiting: int
    dead: int
    oldest: datetime | None


class DeliveryRepository:
    def __init__(self, session: Session, *, webhooks: WebhookRepository, now: Callable[[], datetime]) -> None:
        self._session = session
        self._webhooks = webhooks
        self._now = now

    def due_webhooks(self) -> Sequence[str]:
        """Webhooks that have something to get now."""
        query = (
            select(Webhook.id)
            .join(Delivery, Delivery.webhook_id == Webhook.id)
            .where(*self._due())
            .group_by(Webhook.id)
            .order_by(func.min(Delivery.next_attempt_at))
        )
        return self._session.scalars(query).all()

    def claim(self, webhook_id: str, *, limit: int) -> Sequence[Claim]:
        """Take up to `limit` deliveries that are due, oldest first; for LEASE no other worker gets them."""
        query = (
            select(Delivery, OutboxMessage, Webhook.url)
            .join(OutboxMessage, OutboxMessage.id == Delivery.message_id)
            .join(Webhook, Webhook.id == Delivery.webhook_id)
            .where(Delivery.webhook_id == webhook_id, *self._due())
            .order_by(OutboxMessage.position)
            .limit(limit)
            .with_for_update(of=Delivery, skip_locked=True)
        )
        rows = self._session.execute(query).all()
        secret = self._webhooks.secret(webhook_id) if rows else b""
        for delivery, _, _ in rows:
            delivery.lease_until = self._now() + LEASE
        self._session.flush()
        return [
            Claim(
                message_id=message.id,
                webhook_id=webhook_id,
                kind=message.kind,
                created_at=message.created_at,
                payload=message.payload,
                url=url,
                secret=secret,
                attempts=delivery.attempts,
            )
            for delivery, message, url in rows
        ]

    def release(self, claims: Sequence[Claim]) -> None:
        """Give back what was not tried."""
        for claim in claims:
            delivery = self._in_hand(claim)
            if delivery is not None:
                delivery.lease_until = None

    def delivered(self, claim: Claim, status: str) -> None:
        """The receiver has it."""
        delivery = self._in_hand(claim)
        if delivery is None:
            return
        delivery.attempts, delivery.last_status = claim.attempts + 1, status
        delivery.delivered_at, delivery.next_attempt_at, delivery.lease_until = self._now(), None, None
        awake = update(Webhook).where(Webhook.id == claim.webhook_id, Webhook.failures > 0)
        self._session.execute(awake.values(failures=0, resting_until=None))

    def failed(self, claim: Claim, status: str, *, retry_after: timedelta | None, is_down: bool) -> bool:
        """The attempt failed: try again after a while, or (None) never; true if it is dead now.

        `is_down`: the receiver itself does not work, so the webhook rests, longer each time.
        """
        delivery = self._in_hand(claim)
        if delivery is None:
            return False
        now = self._now()
        delivery.attempts, delivery.last_status, delivery.lease_until = claim.attempts + 1, status, None
        delivery.next_attempt_at = None if retry_after is None else now + retry_after
        delivery.dead_at = now if retry_after is None else None
        if is_down:
            webhook = self._session.get_one(Webhook, claim.webhook_id, with_for_update=True)
            webhook.failures += 1
            webhook.resting_until = now + min(_SHORTEST_REST * 2 ** min(webhook.failures - 1, 8), _LONGEST_REST)
        return retry_after is None

    def of_webhook(
        self, webhook_id: str, *, within: str, state: State | None = None, limit: int = MOST_LISTED
    ) -> Sequence[ListedDelivery]:
        """Latest first. Raises NotFoundError."""
        webhook = self._webhooks.get(webhook_id, within=within)
        query = (
            select(Delivery, OutboxMessage)
            .join(OutboxMessage, OutboxMessage.id == Delivery.message_id)
            .where(Delivery.webhook_id == webhook.id)
            .order_by(OutboxMessage.position.desc())
            .limit(min(limit, MOST_LISTED))
        )
        rows = self._session.execute(query if state is None else query.where(_in_state(state))).all()
        return [_listed(delivery, message) for delivery, message in rows]

    def resend(self, webhook_id: str, *, within: str, message_ids: Sequence[str] | None = None) -> int:
        """Let dead deliveries, all or the given ones, begin anew; returns how many. Raises NotFoundError."""
        webhook = self._webhooks.get(webhook_id, within=within)
        dead = [Delivery.webhook_id == webhook.id, _in_state("dead")]
        if message_ids is not None:
            dead.append(Delivery.message_id.in_(message_ids))
        revived = self._session.scalars(select(Delivery).where(*dead).with_for_update()).all()
        for delivery in revived:
            delivery.attempts, delivery.dead_at, delivery.next_attempt_at = 0, None, self._now()
        webhook.failures, webhook.resting_until = 0, None
        self._session.flush()
        return len(revived)

    def state(self, *, within: str) -> OutboxState:
        """How much waits and how much is dead, of the webhooks of the caller's part."""
        hooks = [webhook.id for webhook in self._webhooks.all(within=within)]
        waiting = (Delivery.webhook_id.in_(hooks), _in_state("waiting"))
        oldest = (
            select(func.min(OutboxMessage.created_at))
            .join(Delivery, Delivery.message_id == OutboxMessage.id)
            .join(Webhook, Webhook.id == Delivery.webhook_id)
            .where(*waiting, Webhook.is_active)
        )
        return OutboxState(
            waiting=self._count(*waiting),
            dead=self._count(Delivery.webhook_id.in_(hooks), _in_state("dead")),
            oldest=self._session.scalar(oldest),
        )

    def _count(self, *conditions: ColumnElement[bool]) -> int:
        return self._session.scalar(select(func.count()).select_from(Delivery).where(*conditions)) or 0

    def _due(self) -> tuple[ColumnElement[bool], ...]:
        now = self._now()
        return (
            Webhook.is_active.is_(True),
            or_(Webhook.resting_until.is_(None), Webhook.resting_until <= now),
            Delivery.next_attempt_at <= now,
            or_(Delivery.lease_until.is_(None), Delivery.lease_until <= now),
        )

    def _in_hand(self, claim: Claim) -> Delivery | None:
        """None once it was delivered by another (the lease ran out), or its webhook or case is gone."""
        key = (claim.message_id, claim.webhook_id)
        delivery = self._session.get(Delivery, key, with_for_update=True)
        return delivery if delivery is not None and delivery.delivered_at is None else None


def _in_state(state: State) -> ColumnElement[bool]:
    column = {"waiting": Delivery.next_attempt_at, "delivered": Delivery.delivered_at, "dead": Delivery.dead_at}[state]
    return column.is_not(None)


def _listed(delivery: Delivery, message: OutboxMessage) -> ListedDelivery:
    state: State = "delivered" if delivery.delivered_at else "dead" if delivery.dead_at else "waiting"
    return ListedDelivery(
        message_id=message.id,
        kind=message.kind,
        case_id=message.case_id,
        created_at=message.created_at,
        state=state,
        attempts=delivery.attempts,
        next_attempt_at=delivery.next_attempt_at,
        last_status=delivery.last_status,
    )
