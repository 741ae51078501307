"""A decision on its way. In: a case, or a form. Out: codes for the page, facets for the store."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from data.store.label_tables import Label
from data.store.records import Facets
from data.store.tables import Case
from serving.console.forms import Form
from serving.labelling import COMPLAINT, IRRELEVANT

LONGEST_REASON = 500
MOST_SECONDS = 3600.0
_FIGURE = re.compile(r"[0-9]{1,6}(\.[0-9]{1,3})?")


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What stands in the fields of the page."""

    order_type: str
    leaf: str
    subcause: str
    channel: str
    causes2: Sequence[str]
    flags: Sequence[str]
    reason: str = ""

    @classmethod
    def of_case(cls, case: Case, flags: Sequence[str], causes2: Sequence[str]) -> "Draft":
        return cls(
            order_type=case.order_type,
            leaf=case.leaf or "",
            subcause=case.subcause or "",
            channel=case.channel,
            causes2=causes2,
            flags=flags,
        )

    @classmethod
    def of_form(cls, form: Form) -> "Draft":
        return cls(
            order_type=form.one("order_type"),
            leaf=form.one("leaf"),
            subcause=form.one("subcause"),
            channel=form.one("channel"),
            causes2=form.every("causes2"),
            flags=form.every("flag"),
            reason=form.one("reason")[:LONGEST_REASON],
        )

    def facets(self) -> Facets:
        """Parents follow from their children; what the order type excludes is left out."""
        is_relevant, complains = self.order_type != IRRELEVANT, self.order_type == COMPLAINT
        leaf = self.leaf or None if is_relevant else None
        subcause = self.subcause or None if complains else None
        return Facets(
            order_type=self.order_type,
            category=leaf and leaf.partition(".")[0],
            leaf=leaf,
            cause=subcause and subcause.partition(".")[0],
            subcause=subcause,
            channel=self.channel,
            flags=tuple(sorted(set(self.flags))),
        )

    def further_causes(self, facets: Facets) -> tuple[str, ...]:
        """The secondary causes, without the primary one."""
        return tuple(code for code in dict.fromkeys(self.causes2) if code != facets.cause) if facets.cause else ()


def causes2_of(standing: Label | None, answer: dict[str, object]) -> Sequence[str]:
    """The secondary causes that a person gave, else the model's."""
    found = standing.causes2 if standing is not None else answer.get("causes2", [])
    return [str(code) for code in found] if isinstance(found, list) else []


def seconds_spent(form: Form, now: datetime) -> float:
    """How long the page was looked at: the script's count of visible seconds, never more than since it was opened."""
    try:
        opened = (now - datetime.fromisoformat(form.one("opened"))).total_seconds()
    except (ValueError, TypeError):
        return 0.0
    visible = float(form.one("seconds")) if _FIGURE.fullmatch(form.one("seconds")) else opened
    return round(max(0.0, min(visible, opened, MOST_SECONDS)), 1)
