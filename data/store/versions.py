"""The version of a case: what a person saw when they decided. In: a case. Out: a short text that changes with it.

`2.5` means the second answer of a model and five changes by people. Who changes a case says which version they saw;
if it is another one by then, nothing happens and they look again. Notes and revealed originals change nothing.
"""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from data.errors import StoreError
from data.store.tables import Event, TriageResult

LABELLED, WITHDRAWN, CONFIRMED, ASSIGNED, RELEASED, HANDED_OVER, ESCALATED, TAKEN_BACK = (
    "labelled",
    "label_withdrawn",
    "flags_confirmed",
    "assigned",
    "released",
    "handed_over",
    "escalated",
    "taken_back",
)
CHANGES = frozenset(
    {
        LABELLED, WITHDRAWN, CONFIRMED, ASSIGNED, RELEASED, HANDED_OVER, ESCALATED, TAKEN_BACK, "closed", "reopened",
        "erased",
    }
)  # fmt: skip


def version_of(session: Session, case_id: str) -> str:
    """The version of a case that the caller has in hand."""
    answers = select(func.max(TriageResult.version)).where(TriageResult.case_id == case_id)
    changes = select(func.count()).select_from(Event).where(Event.case_id == case_id, Event.kind.in_(CHANGES))
    return f"{session.scalar(answers) or 0}.{session.scalar(changes) or 0}"


def check_version(session: Session, case_id: str, seen: str) -> None:
    """Raise StoreError `version_stale` unless a case that the caller has locked still stands at this version."""
    found = version_of(session, case_id)
    if found != seen:
        raise StoreError(
            f"the case changed meanwhile: it stands at version {found}, you saw another; read it again, then decide",
            "案件已被他人修改，请重新查看后再操作",
            code="version_stale",
        )
