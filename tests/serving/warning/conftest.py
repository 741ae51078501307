"""A bank with a quarter of quiet complaints, written straight into the table, and one branch where something begins."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from data.days import CHINA
from data.store.sketch import bands, sketch
from data.store.tables import OPEN, Case, SketchBand
from data.store.unit_of_work import Store

NOON = datetime(2026, 11, 29, 4, 0, tzinfo=UTC)
"""Of the last full day."""
Put = Callable[..., list[str]]


@pytest.fixture
def quiet(store: Store) -> Store:
    """98 days with one complaint in the east and one in the west, about three businesses each in turn."""
    rows = []
    for day in range(98):
        received, leaf = NOON - timedelta(days=day), f"0{day % 3 + 1}"
        rows.append(_row(received, "信用卡年费不合理，要求退还。", leaf=f"B03B.{leaf}"))
        loan = {"category": "B02", "leaf": f"B02.{leaf}", "cause": "C01", "subcause": "C01.1"}
        rows.append(_row(received, "提前还款收违约金，客服说法不一。", unit_id="west", **loan))
    with store.writing() as work:
        work.session.execute(insert(Case), [row | {"sketch": None} for row in rows])
    return store


def put_rows(
    store: Store, count: int, *, days_ago: float = 0, text: str | Callable[[int], str], **more: Any
) -> list[str]:
    """Ids of new complaints, each of a customer of its own."""
    received = NOON - timedelta(days=days_ago)
    rows = [_row(received, text if isinstance(text, str) else text(n), **more) for n in range(count)]
    parts = [
        {"case_id": row["id"], "band": band}
        for row in rows
        for band in set(bands(row["sketch"]) if row["sketch"] else [])
    ]
    with store.writing() as work:
        work.session.execute(insert(Case), rows)
        if parts:
            work.session.execute(insert(SketchBand), parts)
    return [row["id"] for row in rows]


_numbers = iter(range(10**9))


def _row(received: datetime, text: str, **more: Any) -> dict[str, Any]:
    number = next(_numbers)
    values = {
        "id": f"c{number:08}", "source_system": "test", "unit_id": "east", "status": OPEN, "received_at": received,
        "stored_at": received, "month": received.astimezone(CHINA).strftime("%Y-%m"), "redacted_text": text,
        "sketch": sketch(text), "customer_key": f"K{number}", "order_type": "complaint", "category": "B03B",
        "leaf": "B03B.02", "cause": "C07", "subcause": "C07.1", "channel": "mobile", "band": "suggest",
        "priority": "normal", "queue_rank": 2, "policy_version": "1.2.0",
    }  # fmt: skip
    return values | more
