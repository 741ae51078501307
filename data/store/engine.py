"""Connections to the database. In: a URL, a timeout. Out: an engine that behaves the same on both databases.

    sqlite:////var/lib/xiaobao/xiaobao.db      the default: WAL, synchronous=FULL, foreign keys, one writer
    postgresql://user:password@host/xiaobao    needs the extra `postgres`; synchronous_commit=on

A transaction that writes takes SQLite's write lock with its first statement, so that two writers wait for each other
instead of failing half-way; one that only reads is refused every write by the database itself.
"""

import os
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry

from data.errors import StoreError

TIMEOUT_SECONDS = 5.0
# A statement that runs longer than this is a mistake; batches are small.
STATEMENT_SECONDS = 30
READ_ONLY = "xiaobao_read_only"


def open_engine(url: str, *, timeout_seconds: float = TIMEOUT_SECONDS) -> Engine:
    """An engine for a database URL; connects only when used. `timeout_seconds` bounds each wait for a connection or
    a lock. Raises StoreError on a URL that is neither SQLite in a file nor PostgreSQL.
    """
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed, timeout_seconds)
    return _postgres(parsed, timeout_seconds)


def parse_url(url: str) -> URL:
    """A checked URL with its driver. Messages never repeat it: it may hold a password."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise _wrong_url("it cannot be read as a URL") from None
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        if not parsed.database or parsed.database == ":memory:" or parsed.database.startswith("file:"):
            raise _wrong_url("SQLite needs a file")
        return parsed.set(drivername="sqlite+pysqlite")
    if backend == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    raise _wrong_url(f"it names {backend}")


def is_sqlite(connection: Connection) -> bool:
    return connection.dialect.name == "sqlite"


def _wrong_url(found: str) -> StoreError:
    return StoreError(
        f"wrong database URL: {found}; expected sqlite:////folder/file.db or postgresql://user:password@host/database",
        "数据库地址不正确，应为 sqlite:////目录/文件.db 或 postgresql://用户:密码@主机/库名",
        code="database_url_invalid",
    )


def _sqlite(url: URL, timeout_seconds: float) -> Engine:
    _create_private(Path(url.database or ""))
    engine = create_engine(url, connect_args={"timeout": timeout_seconds}, pool_timeout=timeout_seconds)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _entry: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # transactions begin below, not where sqlite3 guesses
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        read_only = connection.get_execution_options().get(READ_ONLY, False)
        connection.exec_driver_sql(f"PRAGMA query_only={'ON' if read_only else 'OFF'}")
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


def _create_private(file: Path) -> None:
    """A new database file is readable by its owner only; SQLite gives its journal the same mode."""
    try:
        os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise StoreError(
            f"the database file {file} cannot be opened: {error.strerror}; check folder and owner",
            f"数据库文件 {file} 无法打开，请检查目录和属主",
            code="database_url_invalid",
        ) from error


def _postgres(url: URL, timeout_seconds: float) -> Engine:
    milliseconds = round(timeout_seconds * 1000)
    try:
        engine = create_engine(
            url,
            pool_pre_ping=True,
            pool_timeout=timeout_seconds,
            connect_args={
                "connect_timeout": max(2, round(timeout_seconds)),
                "tcp_user_timeout": milliseconds,
                # A server that lost its power sends no word; the system's own patience is two hours.
                "keepalives_idle": 5,
                "keepalives_interval": 2,
                "keepalives_count": 3,
            },
        )
    except ModuleNotFoundError as error:
        raise StoreError(
            "PostgreSQL needs psycopg; install xiaobao[postgres]", "使用 PostgreSQL 需要安装 xiaobao[postgres]"
        ) from error

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _entry: ConnectionPoolEntry) -> None:
        connection.autocommit = True
        connection.execute("SET TIME ZONE 'UTC'")
        connection.execute("SET synchronous_commit = on")
        connection.execute(f"SET lock_timeout = {milliseconds}")
        connection.execute(f"SET statement_timeout = {STATEMENT_SECONDS * 1000}")
        connection.autocommit = False

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get(READ_ONLY, False):
            connection.exec_driver_sql("SET TRANSACTION READ ONLY")

    return engine
