"""Rows of the policy from memory, confirmed by compliance. In: a person and a code. Out: what is confirmed.

A confirmation covers the row as it was worded then, in every version of the policy that has it word for word. What was
confirmed and withdrawn before stands in the audit log. The policy is the whole bank's, so there is no `within`.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from data.errors import NotAllowedError, NotFoundError, StoreError
from data.policy.book import PolicyBook
from data.policy.schema import Policy, Row, digest_of
from data.store.audit import AuditLog
from data.store.clock_tables import PolicyConfirmation
from data.store.insertion import insert_if_new
from data.store.organisation import active_user
from data.store.tables import OPEN, Case, User


class ConfirmationRepository:
    def __init__(self, session: Session, *, book: PolicyBook, audit: AuditLog, now: Callable[[], datetime]) -> None:
        self._session = session
        self._book = book
        self._audit = audit
        self._now = now
        self._confirmed: dict[str, frozenset[str]] = {}

    def confirm(self, code: str, *, user_id: str) -> PolicyConfirmation:
        """Confirm a row of the current policy; from now on its limit binds. Confirming again changes nothing.

        Raises NotAllowedError for anybody but a person in compliance, NotFoundError, StoreError `not_confirmable`.
        """
        user, row = self._checked(code, user_id)
        values = {
            "code": code, "row_digest": digest_of(row), "policy_version": self._book.current.version,
            "confirmed_by": user.id, "confirmed_at": self._now(),
        }  # fmt: skip
        if insert_if_new(self._session, PolicyConfirmation, values, unique=["code", "row_digest"]):
            self._changed("policy.confirmed", code, row, user)
        return self._session.get_one(PolicyConfirmation, (code, digest_of(row)))

    def withdraw(self, code: str, *, user_id: str) -> None:
        """Take a confirmation back; the row only warns again. Raises as `confirm`, NotFoundError if there is none."""
        user, row = self._checked(code, user_id)
        standing = self._session.get(PolicyConfirmation, (code, digest_of(row)))
        if standing is None:
            raise NotFoundError(f"{code} is not confirmed", f"{code} 尚未确认")
        self._session.execute(
            delete(PolicyConfirmation).where(
                PolicyConfirmation.code == code, PolicyConfirmation.row_digest == standing.row_digest
            )
        )
        self._changed("policy.confirmation_withdrawn", code, row, user)

    def standing(self, policy: Policy) -> Sequence[PolicyConfirmation]:
        """The confirmations that hold for a policy."""
        rows = self._session.scalars(
            select(PolicyConfirmation).where(PolicyConfirmation.code.in_(policy.unconfirmed))
        ).all()
        return [row for row in rows if digest_of(policy.rows[row.code]) == row.row_digest]

    def confirmed(self, policy: Policy) -> frozenset[str]:
        """Codes of a policy's rows from memory that are confirmed."""
        if policy.version not in self._confirmed:
            self._confirmed[policy.version] = frozenset(row.code for row in self.standing(policy))
        return self._confirmed[policy.version]

    def _checked(self, code: str, user_id: str) -> tuple[User, Row]:
        user = active_user(self._session, user_id)
        if user.role != "compliance":
            raise NotAllowedError("only a person in compliance may confirm the policy", "只有合规人员可以确认政策条目")
        row = self._book.current.rows.get(code)
        if row is None:
            raise NotFoundError(f"the policy has no row {code}", f"政策中没有条目 {code}")
        if row.confidence != "M":
            raise StoreError(
                f"{code} has confidence {row.confidence} and holds already; only rows marked M are confirmed",
                f"{code} 已有出处，无需确认",
                code="not_confirmable",
            )
        return user, row

    def _changed(self, action: str, code: str, row: Row, user: User) -> None:
        """Have the clocks of every open case that it touches looked at again, a batch at a time, and audit it.

        Cases before audit, as everywhere: who holds a case and waits for the audit log must not be waited for.
        """
        self._confirmed.clear()
        digest = digest_of(row)
        touched = [
            version
            for version, policy in self._book.versions.items()
            if code in policy.clock_rows and digest_of(policy.clock_rows[code]) == digest
        ]
        self._session.execute(
            update(Case)
            .where(Case.status == OPEN, Case.policy_version.in_(touched))
            .values(clock_check_at=self._now()),
            execution_options={"synchronize_session": False},
        )
        details = {"policy": self._book.current.version, "row_digest": digest}
        self._audit.append(action, actor_id=user.id, subject=code, details=details)
