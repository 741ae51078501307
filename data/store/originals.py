"""Originals: encrypted at intake, revealed for a reason, erased for good. In: a case. Out: its text, audited."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from data.errors import NotAllowedError, NotFoundError
from data.store.audit import AuditLog
from data.store.crypto import decrypt, encrypt
from data.store.free_text import checked_reason, without_credentials
from data.store.key_material import KeyRing
from data.store.label_tables import Label
from data.store.records import NewCase
from data.store.rectification_tables import Rectification
from data.store.scope import visible_case
from data.store.supervision_tables import Directive
from data.store.tables import Event, Original, ReplyDraft, SearchText, SketchBand, TriageResult, Unit, User


class OriginalRepository:
    def __init__(
        self,
        session: Session,
        *,
        keys: KeyRing,
        cipher: str,
        audit: AuditLog,
        reveal_roles: frozenset[str],
        now: Callable[[], datetime],
    ) -> None:
        self._session = session
        self._keys = keys
        self._cipher = cipher
        self._audit = audit
        self._reveal_roles = reveal_roles
        self._now = now

    def add(self, case_id: str, new: NewCase) -> None:
        """Encrypt a new case's original under a key of its own; its credentials are dropped before."""
        text = without_credentials(new.original, new.prepared.pii).encode("utf-8", "surrogatepass")
        sealed = encrypt(text, key=self._keys.create(case_id), cipher=self._cipher, bound_to=_bound_to(case_id))
        self._session.add(Original(case_id=case_id, cipher=self._cipher, ciphertext=sealed))

    def reveal(self, case_id: str, *, user_id: str, reason: str, within: str) -> str:
        """The original, for a person whose role may see it, with the reason in audit and timeline.

        Raises NotAllowedError (no person, wrong role, no reason), NotFoundError (not visible, erased). The entry is
        written before the text is opened, and a unit of work that only reads refuses it.
        """
        user = self._allowed_user(user_id)
        reason = checked_reason(reason)
        own_path = self._session.get_one(Unit, user.unit_id).path
        visible_case(self._session, case_id, within=own_path)
        # Locked before the audit log is: who closes the case meanwhile takes both in the same order.
        visible_case(self._session, case_id, within=within, for_update=True)
        self._audit.append("original.revealed", actor_id=user.id, subject=case_id, details={"reason": reason})
        self._session.add(_event(case_id, "revealed", actor_id=user.id, at=self._now()))
        return self._open(case_id)

    def erase(self, case_id: str, *, actor_id: str, reason: str, within: str) -> None:
        """Destroy a case's key and everything written about it; codes, times and unit stay for statistics.

        Raises NotAllowedError without a reason, NotFoundError. Erasing twice is no error and leaves one entry more.
        """
        reason = checked_reason(reason)
        case = visible_case(self._session, case_id, within=within, for_update=True)
        self._keys.destroy(case_id)
        for table in (Original, SearchText, SketchBand, ReplyDraft):
            self._session.execute(delete(table).where(table.case_id == case_id))
        self._session.execute(update(Label).where(Label.case_id == case_id).values(reason=""))
        self._session.execute(update(Event).where(Event.case_id == case_id).values(note=""))
        self._session.execute(update(Directive).where(Directive.case_id == case_id).values(text=""))
        self._session.execute(update(TriageResult).where(TriageResult.case_id == case_id).values(answer={}))
        of_case = Rectification.case_id == case_id
        self._session.execute(update(Rectification).where(of_case).values(case_id=None))
        case.redacted_text, case.customer_key, case.sketch = "", None, None
        case.erased_at = self._now()
        self._session.add(_event(case_id, "erased", actor_id=actor_id, at=case.erased_at))
        self._audit.append("case.erased", actor_id=actor_id, subject=case_id, details={"reason": reason})

    def _allowed_user(self, user_id: str) -> User:
        user = self._session.get(User, user_id)
        if user is None or not user.is_active or user.role not in self._reveal_roles:
            raise NotAllowedError(
                f"only a person in the role {' or '.join(sorted(self._reveal_roles))} may see an original; "
                "an API key never may",
                "您的角色无权查看原文",
                code="reveal_not_allowed",
            )
        return user

    def _open(self, case_id: str) -> str:
        key = self._keys.open(case_id)
        row = self._session.get(Original, case_id)
        if row is None:
            raise NotFoundError("the original was erased", "原文已按规定删除，无法恢复", code="original_erased")
        text = decrypt(row.ciphertext, key=key, cipher=row.cipher, bound_to=_bound_to(case_id))
        return text.decode("utf-8", "surrogatepass")


def _bound_to(case_id: str) -> str:
    return f"original of {case_id}"


def _event(case_id: str, kind: str, *, actor_id: str, at: datetime) -> Event:
    return Event(case_id=case_id, at=at, kind=kind, actor_id=actor_id, details={}, note="")
