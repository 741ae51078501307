"""Who somebody is at the bank's identity provider. In: issuer and subject of a checked token. Out: the user here.

A person is linked by an administrator, by subject or, where the subject is not known yet, by a mark that lets their
next sign-in link them by the login that the provider tells. Nobody becomes a user by signing in there. Whatever an
administrator changes here ends the person's sessions.
"""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from data.errors import StoreError
from data.store.audit import AuditLog
from data.store.insertion import insert_if_new
from data.store.scope import not_found, units_within
from data.store.sign_in_tables import Identity, SignedIn
from data.store.tables import User

LONGEST_SUBJECT = 255


class IdentityRepository:
    def __init__(self, session: Session, *, audit: AuditLog, now: Callable[[], datetime]) -> None:
        self._session = session
        self._audit = audit
        self._now = now

    def link(self, user_id: str, *, issuer: str, subject: str, actor_id: str, within: str) -> None:
        """This subject is that user from now on. Raises NotFoundError, StoreError `identity_taken`."""
        if not 1 <= len(subject) <= LONGEST_SUBJECT:
            raise StoreError(f"a subject has 1 to {LONGEST_SUBJECT} characters", "统一认证标识的长度不正确")
        self._forget(user_id, within)
        self._add(user_id, issuer=issuer, subject=subject)
        self._audit.append("identity.linked", actor_id=actor_id, subject=user_id)

    def mark(self, user_id: str, *, actor_id: str, within: str) -> None:
        """The next sign-in with this user's login links it. Raises NotFoundError."""
        self._forget(user_id, within)
        self._session.add(Identity(user_id=user_id, issuer=None, subject=None, linked_at=None))
        self._session.flush()
        self._audit.append("identity.marked", actor_id=actor_id, subject=user_id)

    def unlink(self, user_id: str, *, actor_id: str, within: str) -> None:
        """They sign in there no longer; no error where they never did. Raises NotFoundError."""
        self._forget(user_id, within)
        self._audit.append("identity.unlinked", actor_id=actor_id, subject=user_id)

    def recognised(self, issuer: str, subject: str, *, login: str | None) -> User | None:
        """The active person with this subject, or the marked one with this login, who is linked by that.

        Raises StoreError `identity_taken` where two sign in for the first time at once.
        """
        is_active = User.is_active & (User.role != "system")
        known = select(User).join(Identity, Identity.user_id == User.id)
        linked = (Identity.issuer == issuer) & (Identity.subject == subject)
        user = self._session.scalar(known.where(linked, is_active))
        if user is not None or not login or not subject or self._session.scalar(known.where(linked)) is not None:
            return user
        marked = self._session.scalar(known.where(Identity.subject.is_(None), User.login == login, is_active))
        if marked is None or len(subject) > LONGEST_SUBJECT:
            return None
        self._session.execute(delete(Identity).where(Identity.user_id == marked.id))
        self._add(marked.id, issuer=issuer, subject=subject)
        self._audit.append("identity.linked", actor_id=marked.id, subject=marked.id)
        return marked

    def _add(self, user_id: str, *, issuer: str, subject: str) -> None:
        values = {"user_id": user_id, "issuer": issuer, "subject": subject, "linked_at": self._now()}
        if not insert_if_new(self._session, Identity, values, unique=["issuer", "subject"]):
            raise StoreError(
                "this subject is linked to somebody else; unlink it there first",
                "该统一认证账号已关联其他人员，请先解除关联",
                code="identity_taken",
            )

    def _forget(self, user_id: str, within: str) -> None:
        query = select(User.id).where(User.id == user_id, User.unit_id.in_(units_within(within)))
        if self._session.scalar(query) is None:
            raise not_found("user", "用户")
        for table in (Identity, SignedIn):
            self._session.execute(delete(table).where(table.user_id == user_id))
        self._session.flush()
