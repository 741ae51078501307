"""What stands in the fields of the intake form. In: the form. Out: a request to triage and store, or what is missing.

`entry` is drawn when the form is shown and names the case for ever: however often a form is sent, it is one case.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import get_args

from data.days import CHINA, china_day, end_of
from serving.api.requests import LATEST_YEAR, TRIAGE_REQUEST, Source, TriageRequest
from serving.console.fields import day_of_text
from serving.console.forms import ENTRY, Form, new_entry
from serving.console.queue_query import MINE, NOBODY
from serving.errors import ServiceError

SOURCES = get_args(Source)
ENTRY_PREFIX = "intake:"
LONGEST_REFERENCE = 200
EARLIEST = timedelta(days=3660)
_MINUTE = "%Y-%m-%dT%H:%M"


@dataclass(frozen=True, kw_only=True)
class Draft:
    """Fields as typed."""

    entry: str
    source: str = "counter"
    received: str
    unit: str
    customer: str = field(default="", repr=False)
    regulator: str = ""
    due: str = ""
    assignee: str = MINE
    text: str = field(default="", repr=False)
    order_type: str = ""
    choices: Mapping[str, str] = field(default_factory=dict)
    """Facet → the person's choice where it differs from what the model said when they chose."""
    has_seen: bool = False
    """Whether a classification was in sight."""
    opened: str = ""

    @classmethod
    def fresh(cls, *, now: datetime, unit: str) -> "Draft":
        return cls(
            entry=new_entry(),
            received=now.astimezone(CHINA).strftime(_MINUTE),
            unit=unit,
            opened=now.isoformat(),
        )

    @classmethod
    def of_form(cls, form: Form) -> "Draft":
        names = ("source", "received", "unit", "customer", "regulator", "due", "assignee", "order_type", "opened")
        entry = form.one("entry")
        return cls(
            **{name: form.one(name) for name in names},
            entry=entry if ENTRY.fullmatch(entry) else new_entry(),
            text=form.fields.get("text", [""])[0].replace("\r\n", "\n"),
            choices={
                facet: form.one(facet)
                for facet in ("leaf", "subcause", "channel")
                if facet in form.fields and form.one(facet) != form.one(f"model_{facet}")
            },
            has_seen="model_leaf" in form.fields,
        )

    @property
    def external_id(self) -> str:
        return f"{ENTRY_PREFIX}{self.entry}"

    @property
    def received_at(self) -> datetime | None:
        """None where it is no time of China's."""
        try:
            return datetime.strptime(self.received[:16], _MINUTE).replace(tzinfo=CHINA)
        except ValueError:
            return None

    @property
    def due_at(self) -> datetime | None:
        """The first moment behind the day that the forwarder named."""
        try:
            day = day_of_text(self.due)
        except ServiceError:
            return None
        at = end_of(day) if day else None
        return at if at and at.year <= LATEST_YEAR else None

    def problems(self, now: datetime) -> dict[str, str]:
        """Field → name of the text that says what is wrong with it."""
        found = {}
        if self.source not in SOURCES:
            found["source"] = "source_missing"
        received = self.received_at
        if received is None:
            found["received"] = "received_missing"
        elif received > now:
            found["received"] = "received_future"
        elif received < now - EARLIEST:
            found["received"] = "received_early"
        if self.due and self.due_at is None:
            found["due"] = "due_wrong"
        elif self.due_at and received and china_day(self.due_at - timedelta(seconds=1)) < china_day(received):
            found["due"] = "due_early"
        found |= {
            name: "reference_long" for name in ("customer", "regulator") if len(getattr(self, name)) > LONGEST_REFERENCE
        }
        if not self.text.strip():
            found["text"] = "text_missing"
        if self.order_type and not self.has_seen:
            found["order_type"] = "classification_unseen"
        return found

    def request(self) -> TriageRequest:
        """What is triaged and stored; for a draft without problems."""
        received, due = self.received_at, self.due_at
        given = {
            "text": self.text,
            "external_id": self.external_id,
            "source": self.source if self.source in SOURCES else None,
            "branch": self.unit,
            "customer_ref": _storable(self.customer),
            "regulator_ref": _storable(self.regulator),
            "received_at": received and received.isoformat(timespec="seconds"),
            "due_at": due and due.isoformat(timespec="seconds"),
        }
        return TRIAGE_REQUEST.validate_python({name: value for name, value in given.items() if value})

    @property
    def receiver(self) -> str | None:
        """Whom to give it to; None leaves it in the queue."""
        return None if self.assignee in ("", NOBODY) else self.assignee


def _storable(reference: str) -> str:
    return reference.replace("\0", "")[:LONGEST_REFERENCE]
