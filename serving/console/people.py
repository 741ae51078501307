"""Who is who on a page. In: an open unit of work, ids. Out: names; those who may be given a case."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from data.store.tables import Unit, User
from data.store.unit_of_work import UnitOfWork
from serving.access.permissions import PERMISSIONS_OF_ROLE


@dataclass(frozen=True, kw_only=True)
class Person:
    id: str
    name: str
    unit_name: str


def people_named(work: UnitOfWork, ids: Iterable[str | None]) -> Mapping[str, str]:
    """Names of those who acted on a visible case, wherever they belong; ids of neither keep standing."""
    wanted = {actor for actor in ids if actor}
    return {actor: actor for actor in wanted} | {**work.api_keys.names(wanted), **work.users.names(wanted)}


def deciders(
    work: UnitOfWork, *, within: str, units: Mapping[str, Unit], of_unit: str | None = None
) -> Sequence[Person]:
    """The active people of the visitor's part of the bank who may work on cases, or on those `of_unit`."""
    path = None if of_unit is None else units[of_unit].path
    return [
        Person(id=user.id, name=user.name, unit_name=units[user.unit_id].name)
        for user in work.users.all(within=within)
        if _decides(user) and (path is None or path.startswith(units[user.unit_id].path))
    ]


def _decides(user: User) -> bool:
    return user.is_active and "cases.label" in PERMISSIONS_OF_ROLE[user.role]
