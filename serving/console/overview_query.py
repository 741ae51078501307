"""What the overview's address says. In: `?days=30&unit=east&…`. Out: periods for the store, addresses of lists."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Literal, Self
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.datastructures import QueryParams

from data.store.overview import Period
from serving.console.queue_query import Code
from serving.errors import ServiceError

ANY = "any"
Days = Literal["7", "30", "90", "364"]


class OverviewQuery(BaseModel):
    """The days up to today, of one unit and all below, of one kind of order or of any."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    days: Days = "30"
    unit: Code | None = None
    order_type: Code = "complaint"

    @classmethod
    def of(cls, parameters: QueryParams | Mapping[str, str]) -> Self:
        """Raises ServiceError `query_invalid`."""
        try:
            return cls.model_validate({name: value for name, value in parameters.items() if value})
        except ValidationError:
            raise ServiceError(
                "query_invalid",
                "a filter in the address has an unknown value; choose it anew",
                "筛选条件不正确，请重新选择",
            ) from None

    def period(self, today: date) -> Period:
        """Up to today."""
        first = today - timedelta(days=int(self.days) - 1)
        return Period(first=first, last=today, order_type=None if self.order_type == ANY else self.order_type)

    def before(self, today: date) -> Period:
        """As many days before that."""
        period, length = self.period(today), timedelta(days=int(self.days))
        return Period(first=period.first - length, last=period.last - length, order_type=period.order_type)

    def at(self, path: str = "", **changes: str | None) -> str:
        """This page's address, or one below it, with some filters changed."""
        given = {name: str(value) for name, value in self.model_dump(exclude_defaults=True).items()}
        wanted = {name: value for name, value in (given | changes).items() if value is not None}
        return f"/console/overview{path}?{urlencode(wanted)}".rstrip("?")

    def quality(self) -> str:
        """Where the blind readings of the same days and unit are."""
        given = {"days": self.days} | ({"unit": self.unit} if self.unit is not None else {})
        return f"/console/quality?{urlencode(given)}"

    def queue(self, period: Period | None, **filters: str) -> str:
        """The list behind a figure: of the period's cases, or whenever received."""
        wanted = dict(filters)
        if period is not None:
            wanted = {"status": "any", "received_from": str(period.first), "received_to": str(period.last)} | wanted
        if self.order_type != ANY:
            wanted.setdefault("order_type", self.order_type)
        if self.unit is not None and "own" not in wanted:
            wanted.setdefault("unit", self.unit)
        return f"/console/queue?{urlencode(wanted)}"
