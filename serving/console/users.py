"""人员: who works here and may do what? In: forms of an administrator. Out: people added, changed, locked out."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from data.store.sign_in import LONGEST_PASSWORD, hash_password
from data.store.unit_of_work import Store, UnitOfWork
from serving.access.permissions import ROLES_OF_PERSONS
from serving.administration import add_user, change_user
from serving.api.shapes import forget_callers
from serving.console.forms import Form
from serving.console.pages import Me, page
from serving.console.stored import in_store, in_transaction
from serving.console.visitors import Visitor, visitor
from serving.errors import ServiceError

LONGEST_NAME = 200
LONGEST_LOGIN = 128
Administrator = Annotated[Visitor, Depends(visitor("users.manage"))]
router = APIRouter(include_in_schema=False)


@router.get("/users")
async def users(request: Request, visitor: Administrator) -> Response:
    """By login."""

    def read(store: Store) -> tuple[Me, dict[str, Any]]:
        with store.reading() as work:
            units = work.units.all(within=visitor.within)
            return Me.of(work, visitor), {
                "users": work.users.all(within=visitor.within),
                "units": units,
                "unit_names": {unit.id: unit.name for unit in units},
                "roles": ROLES_OF_PERSONS,
            }

    me, context = await in_store(request, read)
    return page(request, "users", me=me, context=context)


@router.post("/users")
async def new_user(request: Request, visitor: Administrator) -> Response:
    """Add a person. Raises StoreError `login_taken`, `email_invalid`, `role_invalid`, ServiceError, NotFoundError."""
    form = await visitor.form(request)
    login, name = form.one("login"), form.one("name")
    if not (1 <= len(login) <= LONGEST_LOGIN and 1 <= len(name) <= LONGEST_NAME and " " not in login):
        raise ServiceError(
            "request_invalid",
            "login (without spaces) and name are needed; nothing was stored",
            "须填写姓名和登录名（不含空格），未保存",
        )
    password = _password(form)

    def add(work: UnitOfWork) -> None:
        add_user(
            work,
            login=login,
            name=name,
            role=form.one("role"),
            unit_id=form.one("unit"),
            password_hash=hashed,
            email=form.one("email"),
            actor_id=visitor.id,
            within=visitor.within,
        )

    hashed = await in_store(request, lambda _: hash_password(password)) if password else None
    return await _changed(request, add)


@router.post("/users/{user_id}")
async def changed_user(request: Request, visitor: Administrator, user_id: str) -> Response:
    """Role, unit, address, state and, where one is given, the password. Raises as `new_user`, `own_account`."""
    form = await visitor.form(request)
    password = _password(form)
    hashed = await in_store(request, lambda _: hash_password(password)) if password else None
    state = form.one("active")

    def change(work: UnitOfWork) -> None:
        change_user(
            work,
            user_id,
            role=form.one("role") or None,
            unit_id=form.one("unit") or None,
            is_active=None if not state else state == "yes",
            email=form.one("email") if "email" in form.fields else None,
            actor_id=visitor.id,
            within=visitor.within,
        )
        if hashed is not None:
            work.sign_in.set_password(user_id, hashed, actor_id=visitor.id, within=visitor.within)

    return await _changed(request, change)


async def _changed(request: Request, change: Callable[[UnitOfWork], None]) -> Response:
    """Do it in one transaction; everybody's rights are looked up anew."""
    await in_transaction(request, change)
    forget_callers(request)
    return RedirectResponse("/console/users", 303)


def _password(form: Form) -> str:
    """Not stripped: spaces are part of it."""
    password = form.fields.get("password", [""])[0]
    if len(password) > LONGEST_PASSWORD:
        raise ServiceError(
            "request_invalid",
            f"a password has at most {LONGEST_PASSWORD} characters; nothing was stored",
            f"密码最长 {LONGEST_PASSWORD} 位，未保存",
        )
    return password
