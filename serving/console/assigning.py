"""Who works on a case. In: a case, whom to. Out: the assignment, if the visitor may give it.

Everybody may take a free case and let their own go; taking one from somebody or giving it to others needs
`cases.assign`.
"""

from data.errors import StoreError
from data.store.unit_of_work import UnitOfWork
from serving.access.guard import forbidden
from serving.api.case_work import check_assignee
from serving.console.people import people_named
from serving.console.queue_query import MINE, NOBODY
from serving.console.visitors import Visitor


def give(work: UnitOfWork, visitor: Visitor, case_id: str, *, to: str) -> None:
    """`to` is a user's id, `me` or `none`.

    Raises ServiceError `forbidden`, StoreError `case_taken`, `assignee_invalid`, NotFoundError.
    """
    receiver = visitor.id if to == MINE else to
    expect_free(work, visitor, case_id)
    if receiver not in (visitor.id, NOBODY):
        if not visitor.may("cases.assign"):
            raise forbidden("cases.assign")
        check_assignee(work, case_id, receiver, visitor.principal)
    if receiver == NOBODY:
        work.assignments.release(case_id, actor_id=visitor.id, within=visitor.within)
    else:
        work.assignments.assign(case_id, user_id=receiver, actor_id=visitor.id, within=visitor.within)


def expect_free(work: UnitOfWork, visitor: Visitor, case_id: str) -> None:
    """Lock a case that nobody else works on, or that the visitor may take from them.

    Raises StoreError `case_taken`, `case_erased`, NotFoundError.
    """
    holder = work.cases.expect(case_id, version=None, within=visitor.within).assignee_id
    if holder not in (None, visitor.id) and not visitor.may("cases.assign"):
        raise _taken(people_named(work, [holder])[holder])


def _taken(holder: str) -> StoreError:
    return StoreError(
        f"{holder} works on this case; nothing was changed; a supervisor can give it to you",
        f"该案件已由{holder}经办，未做修改；如需转办请联系主管",
        code="case_taken",
    )
