"""The bank's units and its people. In: units, users. Out: the tree, and who stands where in it.

A unit's path is made of ids: `/head/beijing/zhongguancun/`. A caller sees the unit whose path it gives as `within`, and
all below; `/` is everything.
"""

import re
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from data.errors import NotAllowedError, StoreError
from data.store.insertion import insert_if_new
from data.store.scope import ROOT, in_subtree, not_found, units_within
from data.store.tables import ROLES, Unit, User

WORKING_ROLES = frozenset({"handler", "supervisor"})
"""Who works on cases; a test holds it against the permissions of the service."""
_UNIT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LONGEST_PATH = 1000
# Dots stand between other characters only: letters to other addresses cannot be written (RFC 5322).
_WORD = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_EMAIL = re.compile(rf"(?=[^@]{{1,64}}@[^@]{{1,189}}$){_WORD}(?:\.{_WORD})*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")


class UnitRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, unit_id: str, *, name: str, parent_id: str | None, within: str) -> Unit:
        """Add a unit below another; one without a parent only from `/`. Raises StoreError, NotFoundError."""
        if not _UNIT_ID.fullmatch(unit_id):
            raise StoreError(
                "a unit's id is 1 to 64 letters, digits, _ or -",
                "机构代码为 1 至 64 位字母、数字、_ 或 -",
                code="unit_invalid",
            )
        path = _checked_path(f"{self._parent_path(parent_id, within)}{unit_id}/")
        values = {"id": unit_id, "name": name, "parent_id": parent_id, "path": path}
        if not insert_if_new(self._session, Unit, values, unique=["id"]):
            raise StoreError(f"unit {unit_id} exists already", f"机构 {unit_id} 已存在", code="unit_exists")
        return self._session.get_one(Unit, unit_id)

    def get(self, unit_id: str, *, within: str) -> Unit:
        """One unit. Raises NotFoundError."""
        unit = self._session.scalar(select(Unit).where(Unit.id == unit_id, in_subtree(Unit.path, within)))
        if unit is None:
            raise not_found("unit", "机构")
        return unit

    def all(self, *, within: str) -> Sequence[Unit]:
        """The units that the caller sees, each after its parent."""
        return self._session.scalars(select(Unit).where(in_subtree(Unit.path, within)).order_by(Unit.path)).all()

    def move(self, unit_id: str, *, parent_id: str | None, within: str) -> Unit:
        """Hang a unit with all below it under another parent. Raises StoreError if that lies below the unit itself."""
        unit = self.get(unit_id, within=within)
        parent_path = self._parent_path(parent_id, within)
        if parent_path.startswith(unit.path):
            raise StoreError("a unit cannot stand below itself", "机构不能隶属于其下级", code="unit_invalid")
        old_path, new_path = unit.path, f"{parent_path}{unit_id}/"
        self._check_depth(old_path, new_path)
        moved = in_subtree(Unit.path, old_path)
        path = new_path + func.substr(Unit.path, len(old_path) + 1)
        self._session.execute(
            update(Unit).where(moved).values(path=path), execution_options={"synchronize_session": False}
        )
        unit.parent_id = parent_id
        self._session.flush()
        self._session.expire_all()
        return self._session.get_one(Unit, unit_id)

    def _parent_path(self, parent_id: str | None, within: str) -> str:
        if parent_id is not None:
            return self.get(parent_id, within=within).path
        if within != ROOT:
            raise NotAllowedError("only from the root a unit may stand without parent", "无权新建顶级机构")
        return ROOT

    def _check_depth(self, old_path: str, new_path: str) -> None:
        longest = self._session.scalar(select(func.max(func.length(Unit.path))).where(in_subtree(Unit.path, old_path)))
        _checked_path(new_path + "x" * ((longest or 0) - len(old_path)))


class UserRepository:
    def __init__(self, session: Session, *, now: Callable[[], datetime]) -> None:
        self._session = session
        self._now = now

    def add(self, *, login: str, name: str, role: str, unit_id: str, within: str, email: str | None = None) -> User:
        """Add a person or, in the role `system`, a machine. Raises StoreError, NotFoundError."""
        check_role(role)
        check_unit(self._session, unit_id, within)
        user_id = secrets.token_hex(8)
        values = {
            "id": user_id, "login": login, "name": name, "role": role, "unit_id": unit_id, "is_active": True,
            "created_at": self._now(), "email": _checked_email(email or ""),
        }  # fmt: skip
        if not insert_if_new(self._session, User, values, unique=["login"]):
            raise StoreError("this login is taken", "登录名已被使用", code="login_taken")
        return self._session.get_one(User, user_id)

    def get(self, user_id: str, *, within: str) -> User:
        """One user. Raises NotFoundError."""
        return self._one(User.id == user_id, within)

    def by_login(self, login: str, *, within: str) -> User:
        """The user with this login. Raises NotFoundError."""
        return self._one(User.login == login, within)

    def all(self, *, within: str) -> Sequence[User]:
        """The users of the caller's part of the organisation, by login."""
        query = select(User).where(User.unit_id.in_(units_within(within))).order_by(User.login)
        return self._session.scalars(query).all()

    def change(
        self,
        user_id: str,
        *,
        within: str,
        role: str | None = None,
        unit_id: str | None = None,
        is_active: bool | None = None,
        email: str | None = None,
    ) -> User:
        """Change what is given; an empty `email` takes the address away. Raises StoreError, NotFoundError."""
        user = self.get(user_id, within=within)
        if role is not None:
            check_role(role)
            user.role = role
        if unit_id is not None:
            check_unit(self._session, unit_id, within)
            user.unit_id = unit_id
        if is_active is not None:
            user.is_active = is_active
        if email is not None:
            user.email = _checked_email(email)
        self._session.flush()
        return user

    def names(self, ids: Iterable[str]) -> Mapping[str, str]:
        """Names of those among the ids that are people; for who sees the case on which they acted."""
        rows = self._session.execute(select(User.id, User.name).where(User.id.in_(list(ids))))
        return {row.id: row.name for row in rows}

    def path_of(self, user_id: str) -> str:
        """The path of a user's unit: what this caller gives as `within`. Raises NotFoundError."""
        path = self._session.scalar(select(Unit.path).join(User, User.unit_id == Unit.id).where(User.id == user_id))
        if path is None:
            raise not_found("user", "用户")
        return path

    def _one(self, condition: ColumnElement[bool], within: str) -> User:
        user = self._session.scalar(select(User).where(condition, User.unit_id.in_(units_within(within))))
        if user is None:
            raise not_found("user", "用户")
        return user


def active_user(session: Session, user_id: str) -> User:
    """A person who may decide. Raises NotAllowedError for machines, for people who left, for unknown ids."""
    user = session.get(User, user_id)
    if user is None or not user.is_active or user.role == "system":
        raise NotAllowedError("only an active person may do this", "只有在岗人员可以进行此操作")
    return user


def check_unit(session: Session, unit_id: str, within: str) -> None:
    """Raise NotFoundError unless the unit lies in the caller's part of the organisation."""
    if session.scalar(units_within(within).where(Unit.id == unit_id)) is None:
        raise not_found("unit", "机构")


def check_role(role: str) -> None:
    """Raise StoreError unless the role is one of `ROLES`."""
    if role not in ROLES:
        raise StoreError(f"unknown role; expected one of {', '.join(ROLES)}", "未知的角色", code="role_invalid")


def _checked_email(email: str) -> str | None:
    """None for an empty one; mail servers inside of banks take plain addresses only."""
    if email and not _EMAIL.fullmatch(email):
        raise StoreError(
            "the e-mail address is none; expected name@host in plain letters",
            "邮箱地址不正确，应为 name@host 的形式",
            code="email_invalid",
        )
    return email or None


def _checked_path(path: str) -> str:
    if len(path) > _LONGEST_PATH:
        raise StoreError("the organisation tree is too deep", "机构层级过深", code="unit_invalid")
    return path
