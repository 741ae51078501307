"""投诉渠道公示: how to complain and what follows. In: nothing, no sign-in. Out: the bank's words, the policy's limits.

Limits come from the policy in force, as the clocks count them: a row from memory stands here once it is confirmed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from data.errors import StoreUnavailableError
from data.policy.book import PolicyBook
from data.policy.schema import ClockRow, ExtensionStep, Policy, Row, TriggerKind
from data.store.unit_of_work import Store
from serving.console.pages import page
from serving.console.stored import in_store

WAYS: tuple[TriggerKind, ...] = (
    "own", "nfra", "pboc", "hotline_12345", "petition", "credit_objection", "review_applied", "outcome_told",
)  # fmt: skip
"""What a customer does, or has done for them, in the order in which limits are told."""
router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, kw_only=True)
class Limit:
    """One promise: `row` says what within how long, `ways` after what."""

    row: ClockRow
    base: ClockRow
    """The row whose limit and extensions hold."""
    ways: Sequence[TriggerKind]
    extensions: Sequence[ExtensionStep]


@router.get("/public")
async def public(request: Request) -> Response:
    """For everybody."""
    book: PolicyBook = request.app.state.policies

    def read(store: Store) -> frozenset[str]:
        with store.reading() as work:
            return work.confirmations.confirmed(book.current)

    try:
        confirmed = await in_store(request, read)
    except StoreUnavailableError:  # what needs no confirmation holds all the same
        confirmed = frozenset()
    context = {
        "notice": request.app.state.notice,
        "limits": limits_of(book.current, confirmed),
        "rules": [row for row in _rules(book.current) if _holds(row, confirmed)],
        "counting": book.current.counting,
    }
    return page(request, "public", context=context)


def limits_of(policy: Policy, confirmed: frozenset[str]) -> list[Limit]:
    """What the bank owes those who complain, and what they may do, by the policy in force."""
    found = []
    for row in policy.clocks:
        ways = [way for way in WAYS if way in row.triggers]
        base = policy.clock_rows[row.follows] if row.follows else row
        if ways and row.duty != "authority" and row.told == "complainant" and _holds(row, confirmed):
            steps = [step for step in base.extensions if _holds(step, confirmed)]
            found.append(Limit(row=row, base=base, ways=ways, extensions=steps))
    return sorted(found, key=lambda limit: WAYS.index(limit.ways[0]))


def _rules(policy: Policy) -> Sequence[Row]:
    return (policy.rules.pause, policy.rules.restart, policy.rules.withdrawal)


def _holds(row: Row, confirmed: frozenset[str]) -> bool:
    return row.confidence != "M" or row.code in confirmed
