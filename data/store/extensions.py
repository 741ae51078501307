"""More time, with four eyes. In: who asks, who decides. Out: extensions; the policy says whether they count.

    request (handler) → approve or refuse (somebody else, in a role the policy names) → notice to the complainant

Only then it counts. How the policy's approvers map onto users is `capacities`.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from data.days import china_day
from data.errors import NotAllowedError, StoreError
from data.policy.case_times import Extension
from data.policy.clocks import check_extension
from data.store.audit import AuditLog, Scalar
from data.store.clock_tables import ClockExtension
from data.store.due_dates import DueDates
from data.store.events import EventRepository
from data.store.organisation import active_user
from data.store.scope import not_found, open_case, units_within, visible_case
from data.store.tables import Case, Unit, User

REQUESTING_ROLES = frozenset({"handler", "supervisor", "compliance"})


def capacities(*, role: str, path: str, case_path: str) -> frozenset[str]:
    """As which of the policy's approvers a user of the unit `path` may act on a case of the unit `case_path`.

    | approver | user |
    |---|---|
    | supervisor, unit_head | supervisor of the case's unit or of one above |
    | upper_unit | supervisor of a unit above |
    | head_office_executive | supervisor of the head office, the unit that stands below none |
    | complaints_head | compliance of the case's unit or of one above |
    """
    if not case_path.startswith(path):
        return frozenset()
    if role == "compliance":
        return frozenset({"complaints_head"})
    if role != "supervisor":
        return frozenset()
    upper = {"upper_unit"} if path != case_path else set()
    head = {"head_office_executive"} if path.count("/") == 2 else set()
    return frozenset({"supervisor", "unit_head"} | upper | head)


class ExtensionRepository:
    def __init__(
        self,
        session: Session,
        *,
        due_dates: DueDates,
        events: EventRepository,
        audit: AuditLog,
        now: Callable[[], datetime],
    ) -> None:
        self._session = session
        self._due_dates = due_dates
        self._events = events
        self._audit = audit
        self._now = now

    def request(
        self, case_id: str, *, step: str, total: int, reason: str, user_id: str, within: str, note: str = ""
    ) -> ClockExtension:
        """Ask for more time by a step of the policy: `total` is the whole limit then, `reason` one of the policy's.

        Raises NotAllowedError, NotFoundError, StoreError `case_closed`, `extension_pending`; ClockError for what
        nobody could approve (unknown step, other reason, too long, run out).
        """
        user = active_user(self._session, user_id)
        if user.role not in REQUESTING_ROLES:
            raise NotAllowedError("only who handles complaints may ask for more time", "您的角色不能申请延期")
        case = open_case(self._session, case_id, within=within)
        if self._session.scalar(_pending().where(ClockExtension.case_id == case_id)) is not None:
            raise StoreError("another extension waits for its decision", "已有延期申请待审批", code="extension_pending")
        row = ClockExtension(
            case_id=case_id, step=step, total=total, reason=reason, status="requested", requested_by=user.id,
            requested_at=self._now(),
        )  # fmt: skip
        self._check(case, row, approver="?", approver_role=self._first_approver(case, step))
        self._session.add(row)
        self._written(case, row, "extension_requested", actor_id=user.id, note=note)
        return row

    def approve(
        self,
        case_id: str,
        extension_id: int,
        *,
        user_id: str,
        within: str,
        notified_on: date | None = None,
        note: str = "",
    ) -> ClockExtension:
        """Grant a request of somebody else; `notified_on` where the complainant is told today already.

        Raises NotAllowedError (own request, no role that may), NotFoundError, StoreError `extension_decided`,
        ClockError for what the policy refuses.
        """
        user, case, row = self._to_decide(case_id, extension_id, user_id, within)
        row.approver_role = self._approver_role(user, case, row)
        self._check(case, row, approver=user.id, approver_role=row.approver_role, notified_on=notified_on)
        row.status, row.decided_by, row.decided_at = "approved", user.id, self._now()
        self._written(case, row, "extension_approved", actor_id=user.id, note=note)
        if notified_on is not None:
            self.record_notice(case_id, extension_id, notified_on=notified_on, actor_id=user.id, within=within)
        return row

    def refuse(self, case_id: str, extension_id: int, *, user_id: str, within: str, note: str = "") -> ClockExtension:
        """Decline a request of somebody else. Raises as `approve`."""
        user, case, row = self._to_decide(case_id, extension_id, user_id, within)
        row.approver_role = self._approver_role(user, case, row)
        row.status, row.decided_by, row.decided_at = "refused", user.id, self._now()
        self._written(case, row, "extension_refused", actor_id=user.id, note=note)
        return row

    def withdraw(self, case_id: str, extension_id: int, *, user_id: str, within: str) -> ClockExtension:
        """Take back one's own request while nobody has decided. Raises NotFoundError, StoreError, NotAllowedError."""
        case = open_case(self._session, case_id, within=within)
        row = self._row(case_id, extension_id)
        if row.status != "requested":
            raise _decided()
        if row.requested_by != user_id:
            raise NotAllowedError("only who asked may take the request back", "只能撤回本人提出的延期申请")
        row.status = "lapsed"
        self._written(case, row, "extension_withdrawn", actor_id=user_id)
        return row

    def restore(self, case_id: str, extension_id: int, *, user_id: str, within: str) -> ClockExtension:
        """A request that lapsed as its case was closed waits again. Raises NotFoundError, StoreError."""
        case = open_case(self._session, case_id, within=within)
        row = self._row(case_id, extension_id)
        if row.status != "lapsed":
            raise _decided()
        row.status = "requested"
        self._written(case, row, "extension_restored", actor_id=user_id)
        return row

    def record_notice(
        self, case_id: str, extension_id: int, *, notified_on: date, actor_id: str, within: str
    ) -> ClockExtension:
        """The complainant was told on a day in China; from then on the extension counts.

        Raises NotFoundError, StoreError `case_closed`, `extension_decided`, ClockError `extension_not_told` where it
        was too late or before the approval.
        """
        case = open_case(self._session, case_id, within=within)
        row = self._row(case_id, extension_id)
        if row.status != "approved" or row.notified_on is not None:
            raise _decided()
        if notified_on > china_day(self._now()):
            raise StoreError("the notice lies in the future", "告知日期不能晚于今天", code="time_invalid")
        self._check(
            case,
            row,
            approver=row.decided_by or "",
            approver_role=row.approver_role or "",
            approved_at=row.decided_at,
            notified_on=notified_on,
        )
        row.notified_on = notified_on
        self._written(case, row, "extension_told", actor_id=actor_id)
        self._due_dates.refresh(case)
        return row

    def of_case(self, case_id: str, *, within: str) -> Sequence[ClockExtension]:
        """All requests of a case, oldest first. Raises NotFoundError."""
        visible_case(self._session, case_id, within=within)
        query = select(ClockExtension).where(ClockExtension.case_id == case_id).order_by(ClockExtension.id)
        return self._session.scalars(query).all()

    def pending(self, *, within: str, limit: int = 200) -> Sequence[ClockExtension]:
        """Requests of the caller's part of the organisation that wait for a decision, oldest first."""
        cases = select(Case.id).where(Case.unit_id.in_(units_within(within)))
        query = _pending().where(ClockExtension.case_id.in_(cases)).order_by(ClockExtension.id).limit(limit)
        return self._session.scalars(query).all()

    def _to_decide(
        self, case_id: str, extension_id: int, user_id: str, within: str
    ) -> tuple[User, Case, ClockExtension]:
        user = active_user(self._session, user_id)
        case = open_case(self._session, case_id, within=within)
        row = self._row(case_id, extension_id)
        if row.status != "requested":
            raise _decided()
        if row.requested_by == user.id:
            raise NotAllowedError(
                "nobody decides on an own request; ask another approver",
                "不能审批本人提出的延期申请",
                code="own_request",
            )
        return user, case, row

    def _approver_role(self, user: User, case: Case, row: ClockExtension) -> str:
        """The first of the step's approvers that this user may act as. Raises NotAllowedError."""
        policy = self._due_dates.policy(case)
        wanted = policy.steps[row.step][1].approvers
        own, of_case = (self._session.get_one(Unit, unit_id).path for unit_id in (user.unit_id, case.unit_id))
        may = capacities(role=user.role, path=own, case_path=of_case)
        for role in wanted:
            if role in may:
                return role
        names = "或".join(policy.approvers[role] for role in wanted)
        raise NotAllowedError(
            f"{row.step} is decided by {' or '.join(wanted)} of this case; you act as {sorted(may) or 'none of them'}",
            f"该延期须由{names}审批",
            code="approver_not_allowed",
        )

    def _first_approver(self, case: Case, step: str) -> str:
        steps = self._due_dates.policy(case).steps
        return steps[step][1].approvers[0] if step in steps else "?"

    def _check(
        self,
        case: Case,
        row: ClockExtension,
        *,
        approver: str,
        approver_role: str,
        approved_at: datetime | None = None,
        notified_on: date | None = None,
    ) -> None:
        """Whether it counts if approved and told then, by default now and today. Raises ClockError."""
        approved_at = approved_at or self._now()
        extension = Extension(
            step=row.step,
            total=row.total,
            approver=approver,
            approver_role=approver_role,
            reason=row.reason,
            approved_at=approved_at,
            notified_on=notified_on or china_day(approved_at),
        )
        book, policy = self._due_dates.book, self._due_dates.policy(case)
        check_extension(extension, times=self._due_dates.times_in_force(case), policy=policy, calendar=book.calendar)

    def _row(self, case_id: str, extension_id: int) -> ClockExtension:
        row = self._session.get(ClockExtension, extension_id)
        if row is None or row.case_id != case_id:
            raise not_found("extension", "延期申请")
        return row

    def _written(self, case: Case, row: ClockExtension, kind: str, *, actor_id: str, note: str = "") -> None:
        self._session.flush()
        details: dict[str, Scalar] = {
            "extension": row.id, "step": row.step, "total": row.total, "approver_role": row.approver_role,
            "notified_on": row.notified_on.isoformat() if row.notified_on else None,
        }  # fmt: skip
        self._events.record(case.id, kind, actor_id=actor_id, details=details, note=note)
        self._audit.append(f"case.{kind}", actor_id=actor_id, subject=case.id, details=details)


def _pending() -> Select[ClockExtension]:
    return select(ClockExtension).where(ClockExtension.status == "requested")


def _decided() -> StoreError:
    return StoreError("this extension is decided already", "该延期申请已处理", code="extension_decided")
