"""Insert a row unless an equal one is there, decided by the database. In: values. Out: whether it was new."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from data.store.engine import is_sqlite
from data.store.tables import Base


def insert_if_new(session: Session, entity: type[Base], values: Mapping[str, Any], *, unique: Sequence[str]) -> bool:
    """Insert one row; false where another has the same `unique` columns, also if it was written at the same moment."""
    table = entity.__table__
    assert isinstance(table, Table)
    insert = sqlite.insert if is_sqlite(session.connection()) else postgresql.insert
    statement = insert(table).values(**values).on_conflict_do_nothing(index_elements=list(unique))
    return bool(session.connection().execute(statement.returning(table.c[unique[0]])).all())
