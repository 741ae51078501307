"""Whom a message reaches by e-mail. In: a message of the outbox. Out: ids of active people who have an address.

    names people in `to`     those
    case.reminder            who works on the case; from the last day on, or where nobody does, its supervisors as well
    alert.notice             by level: on duty → who works on it or the case's unit, supervisor, compliance, head office

Of a role, the nearest are told: those of the case's unit, else of the unit above it, and so on.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from data.store.notification_tables import OutboxMessage
from data.store.tables import Case, Unit, User

NOTICE, REMINDER = "alert.notice", "case.reminder"
PRESSING = frozenset({"one_day", "overdue"})
"""Stages of a reminder that supervisors get too."""
ROLES_OF_LEVEL = {"on_duty": ("handler", "supervisor"), "supervisor": ("supervisor",), "compliance": ("compliance",)}
TOP_ROLES = ("supervisor", "compliance")
"""Who is told at the head office, the last level."""


def addressees(session: Session, message: OutboxMessage) -> Sequence[str]:
    """Each once; nobody for messages that are for machines only."""
    named = message.payload.get("to")
    if isinstance(named, list):
        return _reachable(session, named)
    case = session.get(Case, message.case_id) if message.case_id and message.kind in (NOTICE, REMINDER) else None
    if case is None:
        return ()
    if message.kind == REMINDER:
        return _reminded(session, case, stage=message.payload["stage"])
    return _alerted(session, case, level=message.payload["level"])


def _reminded(session: Session, case: Case, *, stage: str) -> Sequence[str]:
    own = _reachable(session, [case.assignee_id] if case.assignee_id else [])
    if own and stage not in PRESSING:
        return own
    return tuple(dict.fromkeys((*own, *_nearest(session, case, ("supervisor",)))))


def _alerted(session: Session, case: Case, *, level: str) -> Sequence[str]:
    roles = ROLES_OF_LEVEL.get(level)
    if roles is None:
        return _at_top(session, case)
    own = _reachable(session, [case.assignee_id] if level == "on_duty" and case.assignee_id else [])
    return own or _nearest(session, case, roles)


def _reachable(session: Session, ids: Iterable[str]) -> Sequence[str]:
    wanted = tuple(dict.fromkeys(ids))
    found = set(session.scalars(select(User.id).where(User.id.in_(wanted), User.is_active, User.email.is_not(None))))
    return tuple(user_id for user_id in wanted if user_id in found)


def _nearest(session: Session, case: Case, roles: Sequence[str]) -> Sequence[str]:
    rows = _of_units(session, _path(session, case), roles)
    depth = max((path.count("/") for _, path in rows), default=0)
    return tuple(user_id for user_id, path in rows if path.count("/") == depth)


def _at_top(session: Session, case: Case) -> Sequence[str]:
    top = _path(session, case)[:1]
    return tuple(user_id for user_id, _ in _of_units(session, top, TOP_ROLES))


def _of_units(session: Session, units: Sequence[str], roles: Sequence[str]) -> Sequence[tuple[str, str]]:
    query = (
        select(User.id, Unit.path)
        .join(Unit, Unit.id == User.unit_id)
        .where(Unit.id.in_(units), User.role.in_(roles), User.is_active, User.email.is_not(None))
        .order_by(User.login)
    )
    return [(user_id, path) for user_id, path in session.execute(query)]


def _path(session: Session, case: Case) -> Sequence[str]:
    """The units from the top down to the case's."""
    return session.get_one(Unit, case.unit_id).path.strip("/").split("/")
