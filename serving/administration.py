"""Changes of units, people and keys, by whoever administers. In: a transaction, the change. Out: the row, audited.

Routes and commands both come through here: what a key may not be, and that every change is written down, stands once.
"""

from dataclasses import replace
from datetime import timedelta

from data.errors import StoreError
from data.store.api_keys import IssuedKey, NewApiKey
from data.store.tables import Unit, User
from data.store.unit_of_work import UnitOfWork
from serving.access.permissions import OF_PERSONS, PERMISSIONS_OF_ROLE, ROLES_OF_KEYS, ROLES_OF_PERSONS
from serving.errors import ServiceError

# What the service itself writes into cases as the deliverer.
RESERVED_SOURCES = frozenset({"console", "development", "api-token"})


def add_unit(work: UnitOfWork, unit_id: str, *, name: str, parent_id: str | None, actor_id: str, within: str) -> Unit:
    """Raises StoreError, NotFoundError, NotAllowedError (a top unit from below `/`)."""
    unit = work.units.add(unit_id, name=name, parent_id=parent_id, within=within)
    work.audit.append("unit.added", actor_id=actor_id, subject=unit_id, details={"parent": parent_id})
    return unit


def move_unit(work: UnitOfWork, unit_id: str, *, parent_id: str | None, actor_id: str, within: str) -> Unit:
    """Hang a unit with all below it under another one. Raises StoreError, NotFoundError, NotAllowedError."""
    before = work.units.get(unit_id, within=within).parent_id
    unit = work.units.move(unit_id, parent_id=parent_id, within=within)
    work.audit.append("unit.moved", actor_id=actor_id, subject=unit_id, details={"from": before, "to": parent_id})
    return unit


def add_user(
    work: UnitOfWork,
    *,
    login: str,
    name: str,
    role: str,
    unit_id: str,
    password_hash: str | None,
    actor_id: str,
    within: str,
    email: str | None = None,
) -> User:
    """A person; without a password they cannot sign in here. Raises StoreError, NotFoundError."""
    _check_role_of_person(role)
    user = work.users.add(login=login, name=name, role=role, unit_id=unit_id, within=within, email=email)
    work.audit.append("user.added", actor_id=actor_id, subject=user.id, details={"role": role, "unit": unit_id})
    if password_hash is not None:
        work.sign_in.set_password(user.id, password_hash, actor_id=actor_id, within=within)
    return user


def change_user(
    work: UnitOfWork,
    user_id: str,
    *,
    role: str | None = None,
    unit_id: str | None = None,
    is_active: bool | None = None,
    email: str | None = None,
    actor_id: str,
    within: str,
) -> User:
    """Change what is given; an empty `email` takes the address away.

    Raises ServiceError `own_account`, StoreError, NotFoundError.
    """
    if user_id == actor_id:
        raise ServiceError(
            "own_account", "nobody changes their own role, unit or state", "不能修改自己的角色、机构或状态"
        )
    if role is not None:
        _check_role_of_person(role)
    user = work.users.change(user_id, role=role, unit_id=unit_id, is_active=is_active, email=email, within=within)
    # The address itself is personal data, which the log never holds.
    given = {"role": role, "unit": unit_id, "active": is_active, "email_set": None if email is None else bool(email)}
    details = {key: value for key, value in given.items() if value is not None}
    work.audit.append("user.changed", actor_id=actor_id, subject=user_id, details=details)
    return user


def create_key(work: UnitOfWork, new: NewApiKey, *, actor_id: str, within: str) -> IssuedKey:
    """Raises StoreError for a role that needs a person and scopes beyond the role, NotFoundError."""
    if new.role not in ROLES_OF_KEYS:
        raise StoreError(
            f"a key cannot have a role that needs a person; expected one of {', '.join(ROLES_OF_KEYS)}",
            "密钥不能使用须由人员担任的角色",
            code="role_invalid",
        )
    beyond = sorted(set(new.scopes) - (PERMISSIONS_OF_ROLE[new.role] - OF_PERSONS))
    if beyond or not new.scopes:
        allowed = ", ".join(sorted(PERMISSIONS_OF_ROLE[new.role] - OF_PERSONS))
        raise StoreError(
            f"the scopes of a key with the role {new.role} are one or more of {allowed}",
            f"角色 {new.role} 的密钥权限应为：{allowed}",
            code="scopes_invalid",
        )
    if new.source_system.strip() in RESERVED_SOURCES:
        raise StoreError(
            "this source system is xiaobao's own; choose another", "该来源系统名称已保留", code="source_reserved"
        )
    return work.api_keys.add(replace(new, source_system=new.source_system.strip()), actor_id=actor_id, within=within)


def rotate_key(work: UnitOfWork, key_id: str, *, grace_hours: int, actor_id: str, within: str) -> IssuedKey:
    """A new secret; the old one stays valid for some hours. Raises StoreError, NotFoundError."""
    return work.api_keys.rotate(key_id, grace=timedelta(hours=grace_hours), actor_id=actor_id, within=within)


def _check_role_of_person(role: str) -> None:
    if role not in ROLES_OF_PERSONS:
        raise StoreError(
            f"the role of a person is one of {', '.join(ROLES_OF_PERSONS)}; machines get a key",
            "人员角色不正确；系统对接请使用 API 密钥",
            code="role_invalid",
        )
