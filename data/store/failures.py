"""What the database driver raises, in our words. In: SQLAlchemy's errors. Out: StoreError without any statement.

SQLAlchemy's messages quote the parameters, which may hold complaint text; none of that is passed on.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc

from data.errors import StoreError, StoreUnavailableError


@contextmanager
def as_store_errors() -> Iterator[None]:
    """Turn errors of the database into StoreUnavailableError (gone, locked, full) or StoreError; `value_invalid` is
    one that it cannot hold, such as U+0000 in a text of PostgreSQL or a time beyond the year 9999."""
    try:
        yield
    except (exc.OperationalError, exc.InterfaceError, exc.TimeoutError) as error:
        raise StoreUnavailableError(
            f"the database does not answer ({_kind(error)}); nothing was stored; try again shortly",
            "数据库暂不可用，本次未保存，请稍后重试",
        ) from None
    except exc.DataError:
        raise _value_invalid() from None
    except exc.DBAPIError as error:
        raise StoreError(
            f"the database refused the change ({_kind(error)}); nothing was stored", "数据库拒绝了本次修改，未保存"
        ) from None
    except exc.StatementError as error:
        if not isinstance(error.orig, OverflowError):
            raise
        raise _value_invalid() from None


def _value_invalid() -> StoreError:
    return StoreError(
        "a value cannot be stored or compared: a text holds U+0000, or a time or number is out of range",
        "数值无法保存或比较：文本含空字符，或时间、数字超出范围",
        code="value_invalid",
    )


def _kind(error: Exception) -> str:
    cause = error.orig if isinstance(error, exc.DBAPIError) else error
    code = getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", None)
    return f"{type(cause).__name__} {code}" if code else type(cause).__name__
