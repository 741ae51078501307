"""Bring a database to this version's tables. In: a URL. Out: the revision it stands at.

Forward only: the way back is a backup. Two processes that start at once migrate one after the other.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from data.errors import StoreError
from data.store.engine import is_sqlite, open_engine
from data.store.failures import as_store_errors

_FOLDER = Path(__file__).with_name("migrations")
_LOCK = 7_011_001


def migrate(url: str) -> str:
    """Create or upgrade the tables in one transaction; returns the revision. Raises StoreError."""
    engine = open_engine(url)
    try:
        with as_store_errors(), engine.begin() as connection:
            if not is_sqlite(connection):
                connection.execute(text("SET LOCAL lock_timeout = 0"))
                connection.execute(text("SET LOCAL statement_timeout = 0"))
                connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            return head_revision()
    finally:
        engine.dispose()


def head_revision() -> str:
    """The revision that this version of xiaobao works with."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None
    return head


def check_revision(connection: Connection) -> None:
    """Raise StoreError unless the database stands at this version's revision."""
    found = MigrationContext.configure(connection).get_current_revision()
    expected = head_revision()
    if found != expected:
        raise StoreError(
            f"the database stands at revision {found or 'none'}, this version needs {expected}: xiaobao store migrate",
            f"数据库版本为 {found or '空'}，本版本需要 {expected}，请先执行 xiaobao store migrate",
            code="migration_needed",
        )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
