"""Look over a store without changing it. In: an open store, the master keys. Out: counts, and what is wrong."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from data.store.crypto import MasterKeys
from data.store.engine import is_sqlite
from data.store.migration import head_revision
from data.store.sign_in_tables import ApiKey
from data.store.tables import Case, KeyMaterial, Original, Unit, User
from data.store.unit_of_work import Store


@dataclass(frozen=True, kw_only=True)
class StoreHealth:
    """`keys` counts wrapped keys by the id of their master key; `problems` are sentences, none if all is well."""

    revision: str
    units: int
    users: int
    api_keys: int
    cases: int
    keys: Mapping[str, int]
    problems: tuple[str, ...]


def examine(store: Store, masters: MasterKeys) -> StoreHealth:
    """Count, and check what the database cannot see: master keys, originals without key, damage of the file."""
    with store.reading() as work:
        session = work.session
        by_master = select(KeyMaterial.master_key_id, func.count()).group_by(KeyMaterial.master_key_id)
        keys = {row[0]: row[1] for row in session.execute(by_master)}
        return StoreHealth(
            revision=head_revision(),  # an open store stands at it
            units=_count(session, Unit),
            users=_count(session, User),
            api_keys=_count(session, ApiKey),
            cases=_count(session, Case),
            keys=keys,
            problems=(*_missing(keys, masters), *_without_key(session), *_damage(session)),
        )


def _count(session: Session, table: type[Unit | User | ApiKey | Case]) -> int:
    return session.scalar(select(func.count()).select_from(table)) or 0


def _missing(keys: Mapping[str, int], masters: MasterKeys) -> list[str]:
    return [
        f"{count} keys are wrapped with the master key {key_id}, which is not given"
        for key_id, count in keys.items()
        if key_id not in masters.keys
    ]


def _without_key(session: Session) -> list[str]:
    known = select(KeyMaterial.case_id).where(KeyMaterial.case_id.is_not(None))
    count = session.scalar(select(func.count()).select_from(Original).where(Original.case_id.not_in(known)))
    return [f"{count} originals have no key and cannot be opened"] if count else []


def _damage(session: Session) -> list[str]:
    if not is_sqlite(session.connection()):
        return []
    found = [str(row[0]) for row in session.execute(text("PRAGMA integrity_check(1)"))]
    strays = len(session.execute(text("PRAGMA foreign_key_check")).all())
    damage = [] if found == ["ok"] else [f"the file is damaged: {found[0]}"]
    return [*damage, *([f"{strays} rows refer to rows that are not there"] if strays else [])]
