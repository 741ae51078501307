"""Who may see what: the part of the organisation below a unit. In: a unit's path. Out: conditions for queries."""

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from data.errors import NotFoundError, StoreError
from data.store.tables import CLOSED, Case, Unit

ROOT = "/"


def in_subtree(path: InstrumentedAttribute[str], within: str) -> ColumnElement[bool]:
    """The path is that of the unit or of one below it: a range, so one index serves it. Raises ValueError."""
    if not (within.startswith("/") and within.endswith("/")):
        raise ValueError("a unit's path begins and ends with /; expected the caller's own")
    return (path >= within) & (path < within[:-1] + "0")  # "0" follows "/" in ASCII


def units_within(within: str) -> Select[str]:
    """Ids of the units that a caller of this unit sees."""
    return select(Unit.id).where(in_subtree(Unit.path, within))


def visible_case(session: Session, case_id: str, *, within: str, for_update: bool = False) -> Case:
    """A case of the caller's part of the organisation; `for_update` makes other changes of it wait.

    Raises NotFoundError, the same for a case of another branch as for one that never was.
    """
    query = select(Case).where(Case.id == case_id, Case.unit_id.in_(units_within(within)))
    case = session.scalar(query.with_for_update(of=Case) if for_update else query)
    if case is None:
        raise not_found("case", "案件")
    return case


def open_case(session: Session, case_id: str, *, within: str) -> Case:
    """A visible case that is open, locked until the end of the transaction.

    Raises NotFoundError, StoreError `case_closed`.
    """
    case = visible_case(session, case_id, within=within, for_update=True)
    if case.status == CLOSED:
        raise StoreError("the case is closed; reopen it first", "案件已办结，请先重开", code="case_closed")
    return case


def not_found(what: str, what_zh: str) -> NotFoundError:
    return NotFoundError(
        f"no such {what}, or it belongs to another part of the organisation", f"没有该{what_zh}，或不在您的机构范围内"
    )
