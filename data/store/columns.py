"""Column types that behave the same on SQLite and PostgreSQL."""

from datetime import UTC, datetime

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Integer, String
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """Aware datetimes in, aware UTC datetimes out; SQLite has no zone of its own. A naive one is our own bug."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without zone; expected an aware datetime")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# Plain JSON on both: nothing inside is queried, and JSONB refuses the character U+0000.
Json = JSON()
# Only INTEGER PRIMARY KEY counts up by itself on SQLite.
BigId = BigInteger().with_variant(Integer(), "sqlite")
# Compared byte by byte on both, whatever the database's locale: a subtree is a range of paths.
Path = String(1000).with_variant(String(1000, collation="C"), "postgresql")
