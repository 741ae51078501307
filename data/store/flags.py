"""The risk flags that stand on cases, and the other codes that are held true. In: codes. Out: rows."""

from collections.abc import Iterable, Mapping

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from data.store.records import Facets
from data.store.tables import Case, CaseFlag


def set_facets(session: Session, case: Case, facets: Facets) -> None:
    """Hold these codes true of a case from now on."""
    for name in ("order_type", "category", "leaf", "cause", "subcause", "channel"):
        setattr(case, name, getattr(facets, name))
    session.flush()
    session.execute(delete(CaseFlag).where(CaseFlag.case_id == case.id))
    session.add_all(CaseFlag(case_id=case.id, flag=flag) for flag in dict.fromkeys(facets.flags))
    session.flush()


def facets_of(session: Session, case: Case) -> Facets:
    """The codes that are held true of a case."""
    names = ("order_type", "category", "leaf", "cause", "subcause", "channel")
    return Facets(**{name: getattr(case, name) for name in names}, flags=flags_of(session, [case.id])[case.id])


def flags_of(session: Session, case_ids: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    """The flags that stand on each case, in order of code."""
    flags: dict[str, tuple[str, ...]] = dict.fromkeys(case_ids, ())
    query = select(CaseFlag).where(CaseFlag.case_id.in_(list(flags))).order_by(CaseFlag.flag)
    for row in session.scalars(query):
        flags[row.case_id] += (row.flag,)
    return flags
