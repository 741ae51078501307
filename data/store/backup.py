"""Backup and restore of an SQLite store while it runs. In: a URL and a file. Out: a checked copy.

SQLite's own backup interface copies a consistent state, journal included. The copy holds wrapped keys, so without the
master keys its originals stay closed; keep those elsewhere. PostgreSQL has pg_dump and pg_restore.
"""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from data.errors import StoreError
from data.store.engine import parse_url


def backup(url: str, target: Path) -> None:
    """Copy a running store into a new file, then check the copy. Raises StoreError; an existing file is kept."""
    source = _file_of(url)
    if not source.is_file():
        raise _failed(f"there is no database at {source}")
    if target.exists():
        raise _failed(f"{target} exists already; give a new file")
    partial = target.with_name(target.name + ".part")
    partial.unlink(missing_ok=True)
    os.close(os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    _copy(source, partial)
    _check(partial)
    with partial.open("rb") as stream:
        os.fsync(stream.fileno())
    partial.rename(target)


def restore(source: Path, url: str, *, overwrite: bool = False) -> None:
    """Put a backup in place, after checking it. Raises StoreError; a store that holds tables is kept unless told."""
    target = _file_of(url)
    if not source.is_file():
        raise _failed(f"there is no backup at {source}")
    _check(source)
    if not overwrite and target.exists() and _tables(target):
        raise _failed(f"{target} holds data; say so if it is to be overwritten")
    if not target.exists():
        os.close(os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    _copy(source, target)
    _check(target)


def _file_of(url: str) -> Path:
    parsed = parse_url(url)
    if parsed.get_backend_name() != "sqlite":
        raise _failed(
            "this is PostgreSQL; use pg_dump --format=custom --file=store.dump URL, to bring it back pg_restore "
            "--exit-on-error --dbname=EMPTY_DATABASE_URL store.dump"
        )
    return Path(parsed.database or "")


def _copy(source: Path, target: Path) -> None:
    try:
        with closing(sqlite3.connect(source)) as origin, closing(sqlite3.connect(target)) as copy:
            origin.backup(copy, pages=1000, sleep=0.01)
            copy.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    except sqlite3.Error as error:
        raise _failed(f"{source} could not be copied to {target}: {error}") from error


def _check(file: Path) -> None:
    try:
        with closing(sqlite3.connect(file)) as connection:
            [(found,)] = connection.execute("PRAGMA integrity_check(1)").fetchall()
            versions = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    except (sqlite3.Error, ValueError) as error:
        raise _failed(f"{file} is not an intact store: {error}") from error
    if found != "ok" or not versions:
        raise _failed(f"{file} is not an intact store: {found}")


def _tables(file: Path) -> int:
    with closing(sqlite3.connect(file)) as connection:
        [(count,)] = connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
    return int(count)


def _failed(what: str) -> StoreError:
    return StoreError(what, f"备份或恢复未完成：{what}", code="backup_failed")
