"""Alerts that sound until a person takes them. In: a case's flags, the time. Out: alerts, notices in the outbox.

Raised in the transaction that gives the flag; told by a worker that calls `notify` again and again. What is due says
`data.policy.alerts`; what was sent stands here.
"""

import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from data.policy.alerts import Notice, alerting_flags, next_notice, notices_to_send, notices_until
from data.policy.schema import Policy
from data.store.events import EventRepository
from data.store.insertion import insert_if_new
from data.store.notification_tables import Alert, AlertAcknowledgement, AlertNotice
from data.store.organisation import active_user
from data.store.outbox import ACKNOWLEDGED, HIGH_RISK, NOTICE, OutboxRepository
from data.store.scope import not_found, units_within
from data.store.tables import Case, User


@dataclass(frozen=True, kw_only=True)
class AlertHistory:
    """How often it was told, and who has taken it, the first one first."""

    notices: int
    takers: Sequence[str]


LIVE_FOR = timedelta(days=30)
"""From receipt. Importing the complaints of three years must not ring the telephone of whoever is on duty."""
MOST_LISTED = 200
_BATCH = 100


class AlertRepository:
    def __init__(
        self,
        session: Session,
        *,
        policy: Policy,
        outbox: OutboxRepository,
        events: EventRepository,
        now: Callable[[], datetime],
    ) -> None:
        self._session = session
        self._policy = policy
        self._outbox = outbox
        self._events = events
        self._now = now

    def follow(self, case: Case, flags: Iterable[str]) -> None:
        """The flags of a case that the caller has locked are these from now on: tell, and raise an alert, where due.

        A priority is told once, a lower one after a higher one never. A flag that raised an alert on this case raises
        no second one; a new flag does, also after the first alert was acknowledged. Of a complaint that came in long
        ago, as those of an imported archive, nobody is told.
        """
        if self._now() - case.received_at > LIVE_FOR:
            return
        flags = tuple(dict.fromkeys(flags))
        self._tell_priority(case, flags)
        alerting = alerting_flags(flags, self._policy.alerts)
        if not alerting:
            return
        before = self._session.scalars(select(Alert.flags).where(Alert.case_id == case.id)).all()
        new = [flag for flag in alerting if not any(flag in alerted for alerted in before)]
        if not new:
            return
        now = self._now()
        self._session.add(Alert(id=secrets.token_hex(8), case_id=case.id, flags=new, raised_at=now, next_notice_at=now))
        self._session.flush()

    def listed(
        self, *, within: str, is_open: bool | None = None, limit: int = MOST_LISTED
    ) -> Sequence[tuple[Alert, Case]]:
        """Alerts with their cases, latest first; `is_open`: not acknowledged."""
        query = select(Alert, Case).join(Case).where(Case.unit_id.in_(units_within(within)))
        if is_open is not None:
            query = query.where(Alert.acknowledged_at.is_(None) if is_open else Alert.acknowledged_at.is_not(None))
        rows = self._session.execute(query.order_by(Alert.raised_at.desc(), Alert.id).limit(min(limit, MOST_LISTED)))
        return [(alert, case) for alert, case in rows]

    def histories(self, alerts: Iterable[Alert], *, within: str) -> Mapping[str, AlertHistory]:
        """Of alerts that the caller sees, by their id."""
        ids = [alert.id for alert in alerts]
        sees = select(Alert.id).join(Case).where(Alert.id.in_(ids), Case.unit_id.in_(units_within(within)))
        told = (
            select(AlertNotice.alert_id, func.count())
            .where(AlertNotice.alert_id.in_(sees))
            .group_by(AlertNotice.alert_id)
        )
        counts = {row[0]: int(row[1]) for row in self._session.execute(told)}
        takers: dict[str, list[str]] = defaultdict(list)
        taken = (
            select(AlertAcknowledgement.alert_id, User.name)
            .join(User, User.id == AlertAcknowledgement.user_id)
            .where(AlertAcknowledgement.alert_id.in_(sees))
            .order_by(AlertAcknowledgement.at)
        )
        for alert_id, name in self._session.execute(taken):
            takers[alert_id].append(name)
        return {alert: AlertHistory(notices=counts.get(alert, 0), takers=takers[alert]) for alert in ids}

    def count_open(self, *, within: str) -> int:
        """How many alerts nobody has acknowledged."""
        query = select(func.count()).select_from(Alert).join(Case)
        return (
            self._session.scalar(query.where(Alert.acknowledged_at.is_(None), Case.unit_id.in_(units_within(within))))
            or 0
        )

    def acknowledge(self, alert_id: str, *, user_id: str, within: str) -> tuple[Alert, Case]:
        """A person takes the alert: it is silent from now on. A second one is noted and changes nothing.

        Raises NotFoundError, NotAllowedError if the user is no active person.
        """
        user = active_user(self._session, user_id)
        query = select(Alert, Case).join(Case).where(Alert.id == alert_id, Case.unit_id.in_(units_within(within)))
        row = self._session.execute(query.with_for_update(of=Alert)).first()
        if row is None:
            raise not_found("alert", "预警")
        alert, case = row
        now = self._now()
        values = {"alert_id": alert.id, "user_id": user.id, "at": now}
        is_new = insert_if_new(self._session, AlertAcknowledgement, values, unique=["alert_id", "user_id"])
        if is_new:
            self._events.record(case.id, "alert_acknowledged", actor_id=user.id, details={"alert": alert.id})
        if alert.acknowledged_at is None:
            alert.acknowledged_at, alert.next_notice_at = now, None
            payload = _payload(alert, case) | {"user_id": user.id, "acknowledged_at": now.isoformat()}
            self._outbox.put(ACKNOWLEDGED, payload, key=alert.id, case=case)
        self._session.flush()
        return alert, case

    def is_due(self) -> bool:
        """Whether there is anything to notify."""
        return self._session.scalar(select(Alert.id).where(Alert.next_notice_at <= self._now()).limit(1)) is not None

    def notify(self, limit: int = _BATCH) -> int:
        """Put the notices that are due into the outbox; returns how many. Two workers never send the same."""
        query = (
            select(Alert, Case)
            .join(Case)
            .where(Alert.next_notice_at <= self._now())
            .order_by(Alert.next_notice_at)
            .limit(limit)
            .with_for_update(of=Alert, skip_locked=True)
        )
        return sum(self._notify(alert, case) for alert, case in self._session.execute(query).all())

    def _notify(self, alert: Alert, case: Case) -> int:
        now, rules = self._now(), self._policy.alerts
        sent = select(AlertNotice.level, AlertNotice.repeat).where(AlertNotice.alert_id == alert.id)
        recorded = {(row.level, row.repeat) for row in self._session.execute(sent)}
        due = notices_until(now, raised_at=alert.raised_at, rules=rules)
        to_send = notices_to_send(due, [notice for notice in due if (notice.level, notice.repeat) in recorded])
        for notice in to_send:
            self._send(alert, case, notice)
        following = next_notice(now, raised_at=alert.raised_at, rules=rules)
        alert.next_notice_at = None if following is None else following.at
        self._session.flush()
        return len(to_send)

    def _send(self, alert: Alert, case: Case, notice: Notice) -> None:
        self._session.add(
            AlertNotice(
                alert_id=alert.id, level=notice.level, repeat=notice.repeat, due_at=notice.at, sent_at=self._now()
            )
        )
        alert.level = notice.level
        told = {"level": notice.level, "repeat": notice.repeat, "due_at": notice.at.isoformat()}
        key = f"{alert.id}/{notice.level}/{notice.repeat}"
        self._outbox.put(NOTICE, _payload(alert, case) | told, key=key, case=case)

    def _tell_priority(self, case: Case, flags: tuple[str, ...]) -> None:
        priority = self._policy.priority_of(flags)
        if priority == "normal" or self._outbox.has(HIGH_RISK, f"{case.id}/urgent"):
            return
        payload = {
            "case_id": case.id,
            "unit_id": case.unit_id,
            "priority": priority,
            "flags": list(flags),
            "order_type": case.order_type,
            "category": case.category,
            "received_at": case.received_at.isoformat(),
        }
        self._outbox.put(HIGH_RISK, payload, key=f"{case.id}/{priority}", case=case)


def _payload(alert: Alert, case: Case) -> dict[str, Any]:
    return {
        "alert_id": alert.id,
        "case_id": case.id,
        "unit_id": case.unit_id,
        "flags": alert.flags,
        "raised_at": alert.raised_at.isoformat(),
    }
