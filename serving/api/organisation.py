"""Routes of units and people, for FastAPI. In: changes by an administrator. Out: the caller's part of the organisation.

Who may hand cases over or assign them may read the lists; only administrators change anything. Nobody changes their own
role, unit or state, so that an administrator neither raises nor locks themselves out.
"""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field, model_validator

from data.errors import NotAllowedError
from data.store.sign_in import LONGEST_PASSWORD, hash_password
from data.store.unit_of_work import Store, UnitOfWork
from serving.access.guard import authenticate, forbidden, require, require_person
from serving.access.principal import Principal
from serving.administration import add_unit, add_user, change_user, move_unit
from serving.api.responses import problems
from serving.api.shapes import Id, Name, RequestShape, RowShape, forget_callers
from serving.stored import HASHING_SECONDS, store_access

Administrator = Annotated[Principal, Depends(require("users.manage"))]
UnitReader = Annotated[Principal, Depends(require("users.manage", "keys.manage", "cases.read"))]
UserReader = Annotated[Principal, Depends(require("users.manage", "cases.assign"))]
Anybody = Annotated[Principal, Depends(authenticate)]
Password = Annotated[str, Field(min_length=1, max_length=LONGEST_PASSWORD)]
Email = Annotated[str, Field(max_length=254)]
router = APIRouter(prefix="/v1", tags=["organisation"], responses=problems(401, 403, 422, 503))


class UnitRow(RowShape):
    """`path` holds the ids of all units above: `/head/east/`."""

    id: str
    name: str
    parent_id: str | None
    path: str


class UnitList(RowShape):
    units: list[UnitRow]


class NewUnitBody(RequestShape):
    id: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")
    name: Name
    parent_id: Id


class MoveBody(RequestShape):
    parent_id: Id


class UserRow(RowShape):
    id: str
    login: str
    name: str
    role: str
    unit_id: str
    is_active: bool
    created_at: datetime
    email: str | None = Field(repr=False)


class UserList(RowShape):
    users: list[UserRow]


class NewUserBody(RequestShape):
    """Without a password the person cannot sign in until they get one."""

    login: str = Field(min_length=1, max_length=128, pattern=r"^[^\x00-\x20]+$")
    name: Name
    role: Id
    unit_id: Id
    password: Password | None = Field(default=None, repr=False)
    email: Email | None = Field(default=None, repr=False)


class UserChangeBody(RequestShape):
    """What is given is changed."""

    role: Id | None = None
    unit_id: Id | None = None
    is_active: bool | None = None
    email: Email | None = Field(default=None, repr=False, description="Empty takes it away.")

    @model_validator(mode="after")
    def _not_empty(self) -> "UserChangeBody":
        if not self.model_dump(exclude_none=True):
            raise ValueError("expected role, unit_id, is_active or email")
        return self


class PasswordBody(RequestShape):
    """`old_password` is needed for one's own."""

    password: Password = Field(repr=False)
    old_password: Password | None = Field(default=None, repr=False)


@router.get("/units", summary="Units that the caller sees")
async def units(request: Request, caller: UnitReader) -> UnitList:
    """Each after its parent."""

    def read(store: Store) -> UnitList:
        with store.reading() as work:
            return UnitList(units=[UnitRow.model_validate(unit) for unit in work.units.all(within=caller.unit_path)])

    return await store_access(request).run(read)


@router.post("/units", summary="Add a unit", status_code=201, responses=problems(404, 409))
async def new_unit(request: Request, caller: Administrator, body: NewUnitBody) -> UnitRow:
    """Below a unit that the caller sees."""

    def add(work: UnitOfWork) -> UnitRow:
        unit = add_unit(
            work, body.id, name=body.name, parent_id=body.parent_id, actor_id=caller.id, within=caller.unit_path
        )
        return UnitRow.model_validate(unit)

    return await store_access(request).change(add)


@router.patch("/units/{unit_id}", summary="Move a unit", responses=problems(404))
async def moved_unit(request: Request, caller: Administrator, unit_id: str, body: MoveBody) -> UnitRow:
    """With all below it, and their cases."""

    def move(work: UnitOfWork) -> UnitRow:
        unit = move_unit(work, unit_id, parent_id=body.parent_id, actor_id=caller.id, within=caller.unit_path)
        return UnitRow.model_validate(unit)

    row = await store_access(request).change(move)
    forget_callers(request)
    return row


@router.get("/users", summary="People of the caller's units")
async def users(request: Request, caller: UserReader) -> UserList:
    """By login."""

    def read(store: Store) -> UserList:
        with store.reading() as work:
            return UserList(users=[UserRow.model_validate(user) for user in work.users.all(within=caller.unit_path)])

    return await store_access(request).run(read)


@router.post("/users", summary="Add a person", status_code=201, responses=problems(404, 409))
async def new_user(request: Request, caller: Administrator, body: NewUserBody) -> UserRow:
    """In a unit that the caller sees."""

    def add(store: Store) -> UserRow:
        password_hash = None if body.password is None else hash_password(body.password)
        with store.writing() as work:
            user = add_user(
                work, login=body.login, name=body.name, role=body.role, unit_id=body.unit_id,
                password_hash=password_hash, email=body.email, actor_id=caller.id, within=caller.unit_path,
            )  # fmt: skip
            return UserRow.model_validate(user)

    return await store_access(request).run(add, extra_seconds=HASHING_SECONDS)


@router.patch("/users/{user_id}", summary="Change role, unit or state", responses=problems(404))
async def changed_user(request: Request, caller: Administrator, user_id: str, body: UserChangeBody) -> UserRow:
    """Not one's own."""

    def change(work: UnitOfWork) -> UserRow:
        user = change_user(
            work, user_id, role=body.role, unit_id=body.unit_id, is_active=body.is_active,
            email=body.email, actor_id=caller.id, within=caller.unit_path,
        )  # fmt: skip
        return UserRow.model_validate(user)

    row = await store_access(request).change(change)
    forget_callers(request)
    return row


@router.post("/users/{user_id}/password", summary="Set a password", status_code=204, responses=problems(404))
async def new_password(request: Request, caller: Anybody, user_id: str, body: PasswordBody) -> Response:
    """One's own with the old one, another person's as an administrator. All sessions of the person end."""
    require_person(caller)
    if user_id != caller.id and not caller.may("users.manage"):
        raise forbidden("users.manage")

    def set_it(store: Store) -> bool:
        if user_id == caller.id and not _knows_password(store, caller, body.old_password or ""):
            return False
        password_hash = hash_password(body.password)
        with store.writing() as work:
            work.sign_in.set_password(user_id, password_hash, actor_id=caller.id, within=caller.unit_path)
        return True

    if not await store_access(request).run(set_it, extra_seconds=HASHING_SECONDS):
        raise NotAllowedError(
            "the old password is wrong, or locked for a while", "原密码错误或暂时锁定", code="password_wrong"
        )
    forget_callers(request)
    return Response(status_code=204)


def _knows_password(store: Store, caller: Principal, password: str) -> bool:
    """Counts a wrong one as signing in does: enough of them lock."""
    with store.reading() as work:
        login = work.users.get(caller.id, within=caller.unit_path).login
        attempt = work.sign_in.attempt(login)
    if attempt.fits(password):
        return True
    with store.writing() as work:
        work.sign_in.record(attempt, succeeded=False)
    return False
