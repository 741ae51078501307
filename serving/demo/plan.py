"""What happens in two years of a fictional bank. In: corpus texts, a seed, today. Out: planned complaints.

The texts should be ones that the model has not learned from, or it would look better than it is. Texts and their right
codes are the corpus's, so that reviewers of the demo decide as ours did. Nothing here touches a store; `history`
carries the plan out.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from data.schema import LabelledText
from serving.demo.bank import BRANCHES, outlets

DAYS = 730
SURGE_DAYS, SURGE_SHARE = 10, 0.06
"""Lately one matter is told at one branch more than usual, for the early warning."""
LATE_DAYS, LATE_CASES = (17, 24), 2
"""So many complaints received so many days ago are still open today."""
ASKING_DAYS, ASKED_MINUTES_AGO = (14, 5), (165, 80, 35)
"""Extensions that nobody has decided yet: of complaints so many days old, asked for so many minutes ago."""
URGENT_MINUTES_AGO, URGENT = (55, 20), frozenset({"E01", "E07", "E09"})
"""The latest complaints are urgent, and nobody has taken them yet."""
UNREAD_FOR = timedelta(hours=30)
"""What came in later is not yet decided."""
SURGE_BRANCH, SURGE_LEAF, SURGE_SUBCAUSE = "haiwan", "B03A.01", "C03.1"
REPEATED = 0.06
"""Share of complaints of a customer who has complained before."""
SOURCES = {
    "hotline": 52, "web": 14, "counter": 10, "nfra": 8, "12345": 6, "mail": 4, "pboc": 2, "letter_visit": 2, "media": 2,
}  # fmt: skip
OF_VOICE = {"letter": "mail", "suggestion_book": "counter", "regulator_forward": "nfra", "app_review": "web"}
OTHER_CLOCKS = frozenset({"pboc", "letter_visit"})
"""Their limits are extended by other steps of the policy."""
FORWARDED = frozenset({"nfra", "pboc", "12345"})


@dataclass(frozen=True, kw_only=True)
class PlannedCase:
    """One complaint and how the bank treats it; durations count from receipt."""

    number: int
    text: LabelledText
    received_at: datetime
    branch: str
    unit: str
    source: str
    customer: str
    taken_after: timedelta
    """When somebody acknowledges its alert, if it has one."""
    decided_after: timedelta
    agrees: bool
    """Whether the reviewer leaves the model's answer as it is even where the corpus says otherwise."""
    extended_after: timedelta | None
    closed_after: timedelta
    outcome: str
    satisfaction: str | None
    redress_fen: int | None
    is_reopened: bool


def plan(texts: Sequence[LabelledText], *, cases: int, now: datetime, seed: int = 20261130) -> list[PlannedCase]:
    """So many cases, oldest first; the same for the same seed and day."""
    dice = random.Random(seed)
    surge = round(cases * SURGE_SHARE)
    chosen = dice.sample([text for text in texts if len(text.text) <= 1200], cases - surge - len(URGENT_MINUTES_AGO))
    rising = dice.sample([text for text in texts if text.leaf == SURGE_LEAF and text.subcause == SURGE_SUBCAUSE], surge)
    urgent = dice.sample([text for text in texts if URGENT & set(text.flags)], len(URGENT_MINUTES_AGO))
    customers: list[str] = []
    moments: list[tuple[datetime, LabelledText, str | None]]
    moments = [(_moment(dice, now, days=DAYS), text, None) for text in chosen]
    moments += [(_moment(dice, now, days=SURGE_DAYS), text, SURGE_BRANCH) for text in rising]
    ago = [timedelta(minutes=minutes) for minutes in URGENT_MINUTES_AGO]
    moments += [(now - gone, text, None) for gone, text in zip(ago, urgent, strict=True)]
    planned = [
        _planned(dice, number, text=text, at=at, branch=branch, customers=customers)
        for number, (at, text, branch) in enumerate(sorted(moments, key=lambda moment: moment[0]), start=1)
    ]
    return _latest_unread(_some_asking(_some_forgotten(planned, now), now), now)


def _some_forgotten(planned: Sequence[PlannedCase], now: datetime) -> list[PlannedCase]:
    """The latest complaints of `LATE_DAYS` are not closed in time."""
    youngest, oldest = (now - timedelta(days=days) for days in LATE_DAYS)
    old = [case for case in planned if oldest < case.received_at < youngest and case.text.order_type == "complaint"]
    forgotten = {case.number for case in old[-LATE_CASES:]}
    return [
        replace(case, extended_after=None, closed_after=timedelta(days=90)) if case.number in forgotten else case
        for case in planned
    ]


def _some_asking(planned: Sequence[PlannedCase], now: datetime) -> list[PlannedCase]:
    """For a few complaints of last week more time was asked for today, and nobody has decided yet."""
    oldest, youngest = (now - timedelta(days=days) for days in ASKING_DAYS)
    asking = [
        case.number
        for case in planned
        if oldest < case.received_at < youngest
        and case.text.order_type == "complaint"
        and case.source not in OTHER_CLOCKS | FORWARDED
    ]
    minutes = dict(zip(asking[-len(ASKED_MINUTES_AGO) :], ASKED_MINUTES_AGO, strict=False))
    return [
        replace(
            case,
            decided_after=min(case.decided_after, timedelta(days=1)),
            extended_after=now - case.received_at - timedelta(minutes=minutes[case.number]),
            closed_after=timedelta(days=25),
        )
        if case.number in minutes
        else case
        for case in planned
    ]


def _latest_unread(planned: Sequence[PlannedCase], now: datetime) -> list[PlannedCase]:
    """Work for whoever opens the queue."""
    soon = now + timedelta(days=1)
    return [
        replace(
            case,
            taken_after=soon - case.received_at if URGENT & set(case.text.flags) else case.taken_after,
            decided_after=soon - case.received_at,
            closed_after=max(case.closed_after, timedelta(days=4)),
        )
        if now - case.received_at < UNREAD_FOR
        else case
        for case in planned
    ]


def _moment(dice: random.Random, now: datetime, *, days: int) -> datetime:
    """More of them lately, most in working hours."""
    back = days * (1 - dice.random() ** 0.8)
    day = (now - timedelta(days=back)).replace(hour=0, minute=0, second=0, microsecond=0)
    at = day + timedelta(hours=dice.triangular(0, 15, 3), minutes=dice.randrange(60))  # UTC; 8 to 23 o'clock in China
    return min(at, now - timedelta(minutes=dice.randrange(5, 90)))


def _planned(
    dice: random.Random, number: int, *, text: LabelledText, at: datetime, branch: str | None, customers: list[str]
) -> PlannedCase:
    branch = branch or dice.choices(BRANCHES, weights=(5, 4, 3))[0]
    is_complaint = text.order_type == "complaint"
    source = OF_VOICE.get(text.voice) or dice.choices(list(SOURCES), weights=list(SOURCES.values()))[0]
    is_extended = is_complaint and source not in OTHER_CLOCKS and dice.random() < 0.1
    days = dice.uniform(16, 28) if is_extended else _days_to_close(dice, is_complaint=is_complaint)
    outcome = _outcome(dice, is_complaint=is_complaint)
    pays = outcome in ("supported", "partly_supported", "mediated") and dice.random() < 0.5
    return PlannedCase(
        number=number,
        text=text,
        received_at=at,
        branch=branch,
        unit=dice.choice(outlets(branch)),
        source=source,
        customer=_customer(dice, number, customers),
        taken_after=timedelta(minutes=5 + number % 50),
        decided_after=timedelta(hours=min(dice.lognormvariate(2.2, 0.9), 24 * days * 0.8)),
        agrees=not is_extended and dice.random() < 0.05,
        extended_after=timedelta(days=dice.uniform(9, 13)) if is_extended else None,
        closed_after=timedelta(days=days),
        outcome=outcome,
        satisfaction=dice.choices(["satisfied", "neutral", "dissatisfied", None], weights=(46, 22, 12, 20))[0],
        redress_fen=round(dice.lognormvariate(11, 1.3)) if pays else None,
        is_reopened=is_complaint and dice.random() < 0.03,
    )


def _days_to_close(dice: random.Random, *, is_complaint: bool) -> float:
    """A few are late."""
    if not is_complaint:
        return dice.uniform(0.2, 4)
    return dice.uniform(15.5, 24) if dice.random() < 0.05 else min(dice.gammavariate(3.2, 2.4) + 0.5, 14.5)


def _outcome(dice: random.Random, *, is_complaint: bool) -> str:
    if not is_complaint:
        return "answered"
    names = ("supported", "partly_supported", "not_supported", "mediated", "answered")
    return dice.choices(names, weights=(30, 24, 22, 10, 14))[0]


def _customer(dice: random.Random, number: int, customers: list[str]) -> str:
    customer = dice.choice(customers) if customers and dice.random() < REPEATED else f"KH{number:06d}"
    customers.append(customer)
    return customer
