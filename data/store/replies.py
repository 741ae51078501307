"""What the bank is going to answer. In: a person's draft. Out: the draft that stands, without personal data."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from data.errors import StoreError
from data.store.events import EventRepository
from data.store.free_text import redacted
from data.store.organisation import active_user
from data.store.scope import visible_case
from data.store.tables import ReplyDraft

LONGEST_REPLY = 6000


class ReplyRepository:
    def __init__(self, session: Session, *, events: EventRepository, now: Callable[[], datetime]) -> None:
        self._session = session
        self._events = events
        self._now = now

    def of_case(self, case_id: str, *, within: str) -> ReplyDraft | None:
        """The draft that stands. Raises NotFoundError."""
        visible_case(self._session, case_id, within=within)
        return self._session.get(ReplyDraft, case_id)

    def save(self, case_id: str, text: str, *, user_id: str, within: str) -> ReplyDraft:
        """Keep a draft, redacted like a note; it replaces the one before.

        Raises NotFoundError, StoreError `reply_invalid`, `case_erased`.
        """
        case = visible_case(self._session, case_id, within=within, for_update=True)
        if case.erased_at is not None:
            raise StoreError("this complaint was erased", "该投诉已按规定删除", code="case_erased")
        if not 1 <= len(text.strip()) <= LONGEST_REPLY:
            raise StoreError(
                f"a reply has 1 to {LONGEST_REPLY} characters; nothing was stored",
                f"答复须为 1 至 {LONGEST_REPLY} 个字，未保存",
                code="reply_invalid",
            )
        draft = self._session.get(ReplyDraft, case_id) or ReplyDraft(case_id=case_id)
        draft.text, draft.saved_by = redacted(text), active_user(self._session, user_id).id
        draft.saved_at = self._now()
        self._session.add(draft)
        self._events.record(case_id, "reply_saved", actor_id=user_id)
        self._session.flush()
        return draft
