"""What the queue's address says. In: `?flag=E&due=soon&…`. Out: conditions for the store, addresses of lists.

The address keeps the whole state of the page, so that it can be saved, sent and come back to. Parameters that are empty
or that nobody knows do not matter.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError
from starlette.datastructures import QueryParams

from data.days import end_of, start_of
from data.store.records import CaseFilter, PageKey
from data.store.unit_of_work import UnitOfWork
from serving.api.cases import MOST_RANK
from serving.api.requests import Day, of_our_age
from serving.console.visitors import Visitor
from serving.errors import ServiceError

Code = Annotated[str, StringConstraints(pattern=r"^[\w.-]{1,64}$")]
MINE, NOBODY = "me", "none"
SOON_DAYS = 3
KEPT = (
    "order_type", "cause", "own", "received_from", "received_to", "closed_from", "closed_to", "in_time", "satisfaction",
    "warning",
)  # fmt: skip


class QueueQuery(BaseModel):
    """Filters that all hold; None does not matter."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    status: Literal["open", "closed", "any"] = "open"
    decided: Literal["yes", "no"] | None = None
    due: Literal["overdue", "soon"] | None = None
    flag: Code | None = None
    category: Code | None = None
    unit: Code | None = None
    channel: Code | None = None
    band: Literal["auto", "suggest", "human"] | None = None
    assignee: Code | None = None
    """A user's id, `me` or `none`."""
    order_type: Code | None = None
    cause: Code | None = None
    own: Code | None = None
    """A unit alone; `unit` is one with all below."""
    received_from: Day | None = None
    received_to: Day | None = None
    closed_from: Day | None = None
    closed_to: Day | None = None
    in_time: Literal["yes", "no"] | None = None
    satisfaction: Code | None = None
    warning: Code | None = None
    words: Annotated[str, StringConstraints(max_length=200)] | None = None
    after: Annotated[str, StringConstraints(max_length=300)] | None = None

    @classmethod
    def of(cls, parameters: QueryParams | Mapping[str, str]) -> Self:
        """Raises ServiceError `query_invalid`."""
        given = {name: value.strip() for name, value in parameters.items()}
        try:
            return cls.model_validate({name: value for name, value in given.items() if value})
        except ValidationError:
            raise ServiceError(
                "query_invalid",
                "a filter in the address has an unknown value; nothing was changed; choose it anew",
                "地址中的筛选条件不正确，未做任何修改，请重新选择",
            ) from None

    @property
    def given(self) -> dict[str, str]:
        """What the address says, without the place in the list."""
        return {name: str(value) for name, value in self.model_dump(exclude={"after"}, exclude_defaults=True).items()}

    @property
    def kept(self) -> dict[str, str]:
        """What pages that lead here ask for and the filters above the list do not show."""
        return {name: value for name, value in self.given.items() if name in KEPT}

    @property
    def query(self) -> str:
        return urlencode(self.given)

    def at(self, **changes: str | None) -> str:
        """The queue's address with some filters changed, from its beginning."""
        wanted = {name: value for name, value in (self.given | changes).items() if value is not None}
        return f"/console/queue?{urlencode(wanted)}"

    def case(self, case_id: str, **more: str) -> str:
        """A case's address that leads on in this list."""
        query = urlencode(self.given | more)
        return f"/console/cases/{case_id}?{query}" if query else f"/console/cases/{case_id}"

    def conditions(self, work: UnitOfWork, visitor: Visitor) -> CaseFilter:
        """For the store. Raises NotFoundError for a unit that is not in the visitor's part of the bank."""
        person = None if self.assignee in (None, NOBODY) else self.assignee
        return CaseFilter(
            status=None if self.status == "any" else self.status,
            is_labelled=None if self.decided is None else self.decided == "yes",
            is_overdue={"overdue": True, "soon": False}.get(self.due or ""),
            due_within_days=SOON_DAYS if self.due == "soon" else None,
            flag=self.flag,
            category=self.category,
            channel=self.channel,
            band=self.band,
            below=None if self.unit is None else work.units.get(self.unit, within=visitor.within).path,
            assignee_id=visitor.id if person == MINE else person,
            is_assigned=False if self.assignee == NOBODY else None,
            order_type=self.order_type,
            cause=self.cause,
            unit_id=self.own,
            received_from=None if self.received_from is None else start_of(self.received_from),
            received_until=None if self.received_to is None else end_of(self.received_to),
            closed_first=self.closed_from,
            closed_last=self.closed_to,
            is_in_time=None if self.in_time is None else self.in_time == "yes",
            satisfaction=self.satisfaction,
            warning_id=self.warning,
            words=self.words,
        )

    @property
    def page_key(self) -> PageKey | None:
        """Raises ServiceError `cursor_invalid`."""
        return None if self.after is None else _read(self.after)


def cursor_of(key: PageKey) -> str:
    """A place in the queue as an address carries it."""
    due = key.due_at and key.due_at.isoformat()
    values = json.dumps([key.queue_rank, due, key.received_at.isoformat(), key.case_id])
    return base64.urlsafe_b64encode(values.encode()).decode().rstrip("=")


def _read(cursor: str) -> PageKey:
    try:
        values: Any = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        rank, due, received, case_id = values
        key = PageKey(
            queue_rank=max(0, min(int(rank), MOST_RANK)),
            due_at=None if due is None else of_our_age(datetime.fromisoformat(due)),
            received_at=of_our_age(datetime.fromisoformat(received)),
            case_id=str(case_id),
        )
        if key.received_at.tzinfo is None or (key.due_at and key.due_at.tzinfo is None):
            raise ValueError("a time without zone")
    except (ValueError, TypeError, OverflowError, binascii.Error):
        raise ServiceError(
            "cursor_invalid", "this place in the list is not one of ours; start from its top", "页码无效，请从头查看"
        ) from None
    return key
