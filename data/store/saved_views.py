"""Lists of cases that people come back to. In: a name and an address' query. Out: each person's own views."""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from data.errors import StoreError
from data.store.tables import SavedView

MOST_VIEWS = 20
LONGEST_NAME = 40
LONGEST_QUERY = 1000


class SavedViewRepository:
    """Takes the id of the person whose views they are; nobody sees another's."""

    def __init__(self, session: Session, *, now: Callable[[], datetime]) -> None:
        self._session = session
        self._now = now

    def of_user(self, user_id: str) -> Sequence[SavedView]:
        """By name."""
        return self._session.scalars(
            select(SavedView).where(SavedView.user_id == user_id).order_by(SavedView.name)
        ).all()

    def save(self, user_id: str, *, name: str, query: str) -> None:
        """Keep a view; one of the same name is replaced. Raises StoreError `view_invalid`."""
        if not 1 <= len(name) <= LONGEST_NAME or len(query) > LONGEST_QUERY:
            raise StoreError(
                f"a view needs a name of 1 to {LONGEST_NAME} characters and fewer filters",
                f"视图名称为 1 至 {LONGEST_NAME} 个字，且筛选条件不能过多",
                code="view_invalid",
            )
        self._session.execute(delete(SavedView).where(SavedView.user_id == user_id, SavedView.name == name))
        count = self._session.scalar(select(func.count()).where(SavedView.user_id == user_id)) or 0
        if count >= MOST_VIEWS:
            raise StoreError(
                f"you have {MOST_VIEWS} views already; delete one first",
                f"最多保存 {MOST_VIEWS} 个视图，请先删除不用的",
                code="view_invalid",
            )
        self._session.add(SavedView(user_id=user_id, name=name, query=query, created_at=self._now()))
        self._session.flush()

    def forget(self, view_id: int, *, user_id: str) -> None:
        """Delete one's own view; no error where it is gone already."""
        self._session.execute(delete(SavedView).where(SavedView.id == view_id, SavedView.user_id == user_id))
