"""Keeps what lists sort by right. In: cases. Out: their clocks; due date, place in the queue and next look on the row.

No repository: others call it with cases that they have in hand, whenever something has happened to them.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from data.policy.book import PolicyBook
from data.policy.case_clocks import STAGES, clocks_in_force, next_change, times_in_force, trigger_of
from data.policy.case_times import CaseTimes, Extension, Fulfilment, Pause, PauseKind, Trigger
from data.policy.clocks import Clock, deciding_clock
from data.policy.schema import Policy, TriggerKind
from data.store.clock_tables import ClockExtension, ClockFact, ClockPause
from data.store.confirmations import ConfirmationRepository
from data.store.flags import flags_of
from data.store.tables import OPEN, Case


class DueDates:
    def __init__(
        self,
        session: Session,
        *,
        book: PolicyBook,
        confirmations: ConfirmationRepository,
        now: Callable[[], datetime],
    ) -> None:
        self._session = session
        self._book = book
        self._confirmations = confirmations
        self._now = now

    @property
    def book(self) -> PolicyBook:
        return self._book

    def policy(self, case: Case) -> Policy:
        """The policy a case was opened with. Raises PolicyError."""
        return self._book.of(case.policy_version)

    def clocks(self, case: Case, times: CaseTimes | None = None) -> tuple[Clock, ...]:
        """The clocks of a case now, the earliest first. Raises PolicyError, ClockError."""
        policy = self.policy(case)
        return clocks_in_force(
            times or self.times([case])[case.id],
            decided_order_type=_decided(case),
            policy=policy,
            calendar=self._book.calendar,
            now=self._now(),
            confirmed=self._confirmations.confirmed(policy),
        )

    def opening(
        self, source: str | None, *, received_at: datetime, due_at: datetime | None, decided_order_type: str | None
    ) -> tuple[CaseTimes, tuple[Clock, ...]]:
        """What a case that came in by `source` would open with, by the policy of new cases. Raises ClockError."""
        policy = self._book.current
        trigger = Trigger(kind=trigger_of(source), at=received_at, due=due_at)
        times = CaseTimes(policy_version=policy.version, triggers=[trigger])
        clocks = clocks_in_force(
            times,
            decided_order_type=decided_order_type,
            policy=policy,
            calendar=self._book.calendar,
            now=self._now(),
            confirmed=self._confirmations.confirmed(policy),
        )
        return times, clocks

    def times_in_force(self, case: Case) -> CaseTimes:
        """What extensions are checked against."""
        return times_in_force(self.times([case])[case.id], decided_order_type=_decided(case), policy=self.policy(case))

    def refresh(self, case: Case) -> None:
        """After something has happened to a case. Raises PolicyError."""
        self.apply(case, times=self.times([case])[case.id], flags=flags_of(self._session, [case.id])[case.id])

    def apply(self, case: Case, *, times: CaseTimes, flags: Sequence[str], is_reminded: bool = False) -> Clock | None:
        """Write due date, rank and next look on a case's row; returns its deciding clock. Raises PolicyError.

        While nobody `is_reminded` of the stage it is in, the next look is due at once.
        """
        now = self._now()
        policy = self.policy(case)
        case.queue_rank, case.priority = policy.rank_of(flags), policy.priority_of(flags)
        clocks = self.clocks(case, times) if case.status == OPEN else ()
        deciding = deciding_clock(clocks)
        case.due_at = deciding.due_at if deciding else None
        case.due_code = deciding.code if deciding else None
        if case.status != OPEN:
            case.clock_check_at = None
        elif deciding and deciding.state in STAGES and not is_reminded:
            case.clock_check_at = now
        else:
            case.clock_check_at = next_change(times, clocks, calendar=self._book.calendar, now=now)
        return deciding

    def times(self, cases: Sequence[Case]) -> Mapping[str, CaseTimes]:
        """What happened to the clocks of each case."""
        ids = [case.id for case in cases]
        facts: dict[str, list[ClockFact]] = defaultdict(list)
        query = select(ClockFact).where(ClockFact.case_id.in_(ids), ClockFact.voided_at.is_(None))
        for fact in self._session.scalars(query.order_by(ClockFact.id)):
            facts[fact.case_id].append(fact)
        pauses: dict[str, list[Pause]] = defaultdict(list)
        for pause in self._session.scalars(select(ClockPause).where(ClockPause.case_id.in_(ids))):
            pauses[pause.case_id].append(_pause(pause))
        extensions: dict[str, list[Extension]] = defaultdict(list)
        told = (ClockExtension.status == "approved") & ClockExtension.notified_on.is_not(None)
        for row in self._session.scalars(select(ClockExtension).where(ClockExtension.case_id.in_(ids), told)):
            extensions[row.case_id].append(extension_of(row))
        return {
            case.id: _times(case, facts[case.id], pauses=pauses[case.id], extensions=extensions[case.id])
            for case in cases
        }


def extension_of(row: ClockExtension) -> Extension:
    """An approved row, notice included, as the policy reads it."""
    assert row.decided_by is not None
    assert row.decided_at is not None
    assert row.approver_role is not None
    assert row.notified_on is not None
    return Extension(
        step=row.step,
        total=row.total,
        approver=row.decided_by,
        approver_role=row.approver_role,
        reason=row.reason,
        approved_at=row.decided_at,
        notified_on=row.notified_on,
    )


def _decided(case: Case) -> str | None:
    """What a person said the order is; a model's word stops no clock."""
    return case.order_type if case.labelled_at is not None else None


def _times(
    case: Case, facts: Sequence[ClockFact], *, pauses: Sequence[Pause], extensions: Sequence[Extension]
) -> CaseTimes:
    def at(kind: str) -> list[datetime]:
        return [fact.at for fact in facts if fact.kind == kind]

    return CaseTimes(
        policy_version=case.policy_version,
        triggers=[_trigger(fact) for fact in facts if fact.kind == "trigger"],
        new_facts_at=at("new_facts"),
        pauses=pauses,
        extensions=extensions,
        fulfilments=[Fulfilment(code=fact.code or "", at=fact.at) for fact in facts if fact.kind == "fulfilment"],
        withdrawn_at=at("withdrawal"),
    )


def _trigger(fact: ClockFact) -> Trigger:
    return Trigger(kind=cast(TriggerKind, fact.code), at=fact.at, due=fact.due_at)


def _pause(row: ClockPause) -> Pause:
    return Pause(
        kind=cast(PauseKind, row.kind), began_at=row.began_at, ended_at=row.ended_at, notified_on=row.notified_on
    )
