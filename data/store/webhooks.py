"""Addresses that get messages. In: a URL, a unit, kinds of messages. Out: webhooks; each secret once in clear.

The host is checked by who serves (`serving.notifications.hosts`): which hosts are allowed is a setting, not data.
"""

import os
import secrets
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from data.errors import StoreError
from data.store.key_material import KeyRing
from data.store.notification_tables import Webhook
from data.store.outbox import AUDIT_HEAD, KINDS
from data.store.scope import in_subtree, not_found, units_within
from data.store.tables import Unit

# Standard Webhooks asks for 24 to 64 bytes.
SECRET_BYTES = 32


class WebhookRepository:
    def __init__(self, session: Session, *, keys: KeyRing, now: Callable[[], datetime]) -> None:
        self._session = session
        self._keys = keys
        self._now = now

    def add(self, *, name: str, url: str, unit_id: str, kinds: Iterable[str], within: str) -> tuple[Webhook, bytes]:
        """A new webhook for a unit of the caller's part, and its signing secret, which no query gives again in clear.

        Raises NotFoundError, StoreError `webhook_kind_invalid`.
        """
        unit = self._session.scalar(select(Unit).where(Unit.id == unit_id, in_subtree(Unit.path, within)))
        if unit is None:
            raise not_found("unit", "机构")
        webhook = Webhook(
            id=secrets.token_hex(8),
            name=name,
            url=url,
            unit_id=unit_id,
            kinds=_checked_kinds(kinds, is_top=unit.parent_id is None),
            is_active=True,
            created_at=self._now(),
            failures=0,
        )
        self._session.add(webhook)
        secret = os.urandom(SECRET_BYTES)
        self._keys.keep(secret, owner=_owner(webhook.id))
        self._session.flush()
        return webhook, secret

    def get(self, webhook_id: str, *, within: str) -> Webhook:
        """One webhook. Raises NotFoundError."""
        query = select(Webhook).where(Webhook.id == webhook_id, Webhook.unit_id.in_(units_within(within)))
        webhook = self._session.scalar(query)
        if webhook is None:
            raise not_found("webhook", "回调地址")
        return webhook

    def all(self, *, within: str) -> Sequence[Webhook]:
        """The webhooks of the caller's part of the organisation, oldest first."""
        query = select(Webhook).where(Webhook.unit_id.in_(units_within(within)))
        return self._session.scalars(query.order_by(Webhook.created_at, Webhook.id)).all()

    def switch(self, webhook_id: str, *, is_active: bool, within: str) -> Webhook:
        """Off: it gets no new messages, and those that wait for it stay. Raises NotFoundError."""
        webhook = self.get(webhook_id, within=within)
        webhook.is_active = is_active
        self._session.flush()
        return webhook

    def remove(self, webhook_id: str, *, within: str) -> None:
        """Forget a webhook, its secret and its deliveries. Raises NotFoundError."""
        self._session.delete(self.get(webhook_id, within=within))
        self._keys.forget(_owner(webhook_id))
        self._session.flush()

    def secret(self, webhook_id: str) -> bytes:
        """For the worker that signs. Raises KeyMaterialError, NotFoundError."""
        return self._keys.kept(_owner(webhook_id))


def _owner(webhook_id: str) -> str:
    return f"webhook {webhook_id}"


def _checked_kinds(kinds: Iterable[str], *, is_top: bool) -> list[str]:
    wanted = list(dict.fromkeys(kinds))
    if not wanted or not set(wanted) <= set(KINDS):
        raise StoreError(
            f"a webhook needs one or more of the kinds {', '.join(KINDS)}",
            f"请选择一种或多种消息：{'、'.join(KINDS)}",
            code="webhook_kind_invalid",
        )
    if AUDIT_HEAD in wanted and not is_top:
        raise StoreError(
            f"{AUDIT_HEAD} is a message of the whole store; only a webhook of a top unit gets it",
            f"{AUDIT_HEAD} 属全行消息，只能由总行机构订阅",
            code="webhook_kind_invalid",
        )
    return wanted
