"""What must be told, kept until it is. In: something that happened, in its own transaction. Out: messages in order.

A message is written with the case it is about: both are there after the commit, or neither. Afterwards `dispatch` gives
each its position and its deliveries. Ids given at insertion would not do as positions: a transaction that commits late
would slip its message behind a reader who has already gone on.
"""

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select, text
from sqlalchemy.orm import Session

from data.store.addressees import NOTICE as NOTICE
from data.store.addressees import REMINDER as REMINDER
from data.store.addressees import addressees
from data.store.engine import is_sqlite
from data.store.insertion import insert_if_new
from data.store.notification_tables import Delivery, Letter, OutboxMessage, Webhook
from data.store.scope import ROOT, units_within
from data.store.tables import Case, Unit

HIGH_RISK, ACKNOWLEDGED, AUDIT_HEAD = "case.high_risk", "alert.acknowledged", "audit.head"
DIRECTIVE = "case.supervised"
WARNING = "warning.raised"
DIGEST = "warning.digest"
"""By e-mail alone: it names who gets it."""
KINDS = (HIGH_RISK, NOTICE, ACKNOWLEDGED, AUDIT_HEAD, REMINDER, DIRECTIVE, WARNING)
_LOCK = 7_011_003
_BATCH = 500


@dataclass(frozen=True, kw_only=True)
class _Address:
    """A webhook as far as dispatch must know it."""

    webhook_id: str
    kinds: frozenset[str]
    path: str
    is_top: bool


class OutboxRepository:
    def __init__(self, session: Session, *, now: Callable[[], datetime]) -> None:
        self._session = session
        self._now = now

    def put(
        self, kind: str, payload: Mapping[str, Any], *, key: str, case: Case | None = None, unit_id: str | None = None
    ) -> bool:
        """Tell this once: false where a message of the same kind and key is there. `payload`: codes and numbers only.

        It is the matter of the case's unit, else of the unit that is named, else of the whole store.
        """
        values = {
            "id": f"msg_{secrets.token_hex(16)}",
            "key": f"{kind}/{key}",
            "created_at": self._now(),
            "kind": kind,
            "case_id": case and case.id,
            "unit_id": case.unit_id if case else unit_id,
            "payload": dict(payload),
        }
        return insert_if_new(self._session, OutboxMessage, values, unique=["key"])

    def has(self, kind: str, key: str) -> bool:
        """Whether this was told."""
        query = select(OutboxMessage.id).where(OutboxMessage.key == f"{kind}/{key}")
        return self._session.scalar(query) is not None

    def payload(self, kind: str, key: str) -> Mapping[str, Any] | None:
        """What was told under this key."""
        return self._session.scalar(select(OutboxMessage.payload).where(OutboxMessage.key == f"{kind}/{key}"))

    def waiting_since(self) -> datetime | None:
        """When the oldest message was written that is not dispatched; None where there is none."""
        return self._session.scalar(select(func.min(OutboxMessage.created_at)).where(OutboxMessage.position.is_(None)))

    def dispatch(self, limit: int = _BATCH, *, by_mail: bool = False) -> int:
        """Give committed messages their positions and deliveries; returns how many. One process at a time does it.

        `by_mail`: there is a mail server, so people get letters too.
        """
        if not self._may_dispatch():
            return 0
        waiting = (
            select(OutboxMessage, Unit.path)
            .outerjoin(Unit, Unit.id == OutboxMessage.unit_id)
            .where(OutboxMessage.position.is_(None))
            .order_by(OutboxMessage.created_at, OutboxMessage.id)
            .limit(limit)
        )
        # Only the purge of closed cases deletes messages, old ones: the last position is never given twice.
        position = self._session.scalar(select(func.max(OutboxMessage.position))) or 0
        addresses = self._addresses()
        count = 0
        for message, path in self._session.execute(waiting).all():
            count += 1
            message.position = position + count
            self._session.add_all(self._deliveries(message, path, addresses))
            if by_mail:
                self._session.add_all(self._letters(message))
        self._session.flush()
        return count

    def after(self, position: int, kinds: Iterable[str], *, within: str, limit: int = 100) -> Sequence[OutboxMessage]:
        """Dispatched messages behind a position that the caller may see, in order."""
        query = (
            select(OutboxMessage)
            .where(OutboxMessage.position > position, OutboxMessage.kind.in_(list(kinds)), _visible(within))
            .order_by(OutboxMessage.position)
            .limit(limit)
        )
        return self._session.scalars(query).all()

    def last_position(self, *, within: str) -> int:
        """Position of the last message that the caller may see; 0 where there is none."""
        return self._session.scalar(select(func.max(OutboxMessage.position)).where(_visible(within))) or 0

    def _may_dispatch(self) -> bool:
        if is_sqlite(self._session.connection()):
            return True  # it has one writer anyway
        return bool(self._session.scalar(text(f"SELECT pg_try_advisory_xact_lock({_LOCK})")))

    def _addresses(self) -> Sequence[_Address]:
        query = select(Webhook, Unit).join(Unit, Unit.id == Webhook.unit_id).where(Webhook.is_active)
        return [
            _Address(webhook_id=hook.id, kinds=frozenset(hook.kinds), path=unit.path, is_top=unit.parent_id is None)
            for hook, unit in self._session.execute(query).all()
        ]

    def _deliveries(
        self, message: OutboxMessage, path: str | None, addresses: Iterable[_Address]
    ) -> Iterable[Delivery]:
        for address in addresses:
            sees = address.is_top if path is None else path.startswith(address.path)
            if sees and message.kind in address.kinds:
                yield Delivery(
                    message_id=message.id, webhook_id=address.webhook_id, attempts=0, next_attempt_at=self._now()
                )

    def _letters(self, message: OutboxMessage) -> Iterable[Letter]:
        for user_id in addressees(self._session, message):
            yield Letter(message_id=message.id, user_id=user_id, attempts=0, next_attempt_at=self._now())


def _visible(within: str) -> ColumnElement[bool]:
    """Messages of the whole store are seen from the root."""
    own = OutboxMessage.unit_id.in_(units_within(within))
    return or_(own, OutboxMessage.unit_id.is_(None)) if within == ROOT else own
