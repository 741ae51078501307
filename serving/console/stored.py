"""The store for pages. In: work to do in it. Out: its result; a person waits a little longer than a machine."""

from collections.abc import Callable
from typing import TypeVar

from starlette.requests import Request

from data.store.unit_of_work import Store, UnitOfWork
from serving.stored import store_access

# On a busy machine checking a password alone can take a second or two.
PATIENCE_SECONDS = 5.0
Result = TypeVar("Result")


async def in_store(request: Request, work: Callable[[Store], Result]) -> Result:
    """Do the work. Raises what it raises, StoreUnavailableError if it takes too long."""
    return await store_access(request).run(work, extra_seconds=PATIENCE_SECONDS)


async def in_transaction(request: Request, change: Callable[[UnitOfWork], Result]) -> Result:
    """Change something, as a whole or not at all. Raises as `in_store`."""
    return await store_access(request).change(change, extra_seconds=PATIENCE_SECONDS)
