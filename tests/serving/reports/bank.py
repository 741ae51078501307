"""A quarter of a small bank, counted by hand. In: a store. Out: cases whose every figure is known.

In 2026Q3 the branch `east-1` has the seven complaints of the paragraph, all at the counter. `MORE` says what else there
is; the tests count it by eye.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from data.store.clock_records import NewClosing
from data.store.scope import ROOT
from data.store.unit_of_work import Store, UnitOfWork
from tests.data.store.cases import Clock, new_case, result

AUGUST, MAY, LAST_AUGUST = (
    datetime(2026, 8, 12, 2, tzinfo=UTC), datetime(2026, 5, 12, 2, tzinfo=UTC), datetime(2025, 8, 12, 2, tzinfo=UTC)
)  # fmt: skip
OCTOBER = datetime(2026, 10, 9, 2, tzinfo=UTC)

# Leaf, sub-cause: 3 savings, 1 loan, 1 personal information, 2 functions; 1 attitude, 2 handling, 4 rules.
SEVEN = (
    ("B01.01", "C01.1"), ("B01.02", "C03.7"), ("B01.03", "C03.6"), ("B02.01", "C03.3"), ("B09.04", "C03.2"),
    ("B99.01", "C01.2"), ("B99.01", "C01.2"),
)  # fmt: skip
PARAGRAPH = (
    "2026年第三季度，east-1共受理消费投诉7件，均为营业现场渠道。"
    "按业务类别分：储蓄类3件，贷款业务类1件，个人金融信息的收集与使用类1件，功能业务类2件。"
    "按投诉原因分：服务态度1件，业务操作与效率2件，业务规则与流程4件。"
    "截至2026年10月9日，无未办结投诉。"
)


def complain(work: UnitOfWork, leaf: str, subcause: str, **more: Any) -> str:
    """The number of a complaint, at the counter of east-1 in August unless said otherwise."""
    codes = {"category": leaf.split(".")[0], "leaf": leaf, "cause": subcause.split(".")[0], "subcause": subcause}
    answer = result(
        **codes,
        channel=more.pop("channel", "counter"),
        order_type=more.pop("order_type", "complaint"),
        flags=more.pop("flags", ()),
    )
    text = more.pop("text", "柜台办理业务，材料不齐被退回，要求说明规则。")
    new = new_case(text, **{"unit_id": "east-1", "received_at": AUGUST, "region": "城东"} | more)
    return work.cases.add(new, answer, actor_id="hotline-key", within=ROOT).case.id


def close(work: UnitOfWork, case_id: str, *, at: datetime, **more: Any) -> None:
    told = NewClosing(**({"outcome": "supported", "told_at": at} | more))
    work.cases.close(case_id, told, actor_id="handler", within=ROOT)


def seven(store: Store, clock: Clock) -> Sequence[str]:
    """The branch's quarter: the first five were closed in time, the last two late."""
    with store.writing() as work:
        clock.now = AUGUST
        cases = [complain(work, leaf, subcause) for leaf, subcause in SEVEN]
        clock.now = datetime(2026, 8, 20, 2, tzinfo=UTC)
        for number, case_id in enumerate(cases[:5]):
            close(work, case_id, at=clock.now, satisfaction="satisfied" if number < 4 else "dissatisfied")
        clock.now = datetime(2026, 9, 28, 2, tzinfo=UTC)
        for case_id in cases[5:]:
            close(work, case_id, at=clock.now)
        clock.now = OCTOBER
    return cases


def rest(store: Store, clock: Clock) -> None:
    """Beside the seven: six complaints of `west`, three orders that are none, and earlier quarters."""
    with store.writing() as work:
        clock.now = AUGUST
        for number in range(6):
            complain(
                work, "B03B.02", "C12.1", unit_id="west", region="城西", channel="electronic",
                source="nfra" if number < 4 else "hotline", customer_reference="K1" if number < 4 else None,
                flags=("E07",) if number < 3 else (),
            )  # fmt: skip
        for order_type in ("verification", "verification", "feedback"):
            complain(work, "B01.01", "C01.1", order_type=order_type)
        clock.now = MAY
        for _ in range(4):
            complain(work, "B01.01", "C01.1", received_at=MAY)
        clock.now = LAST_AUGUST
        for _ in range(10):
            complain(work, "B03B.02", "C12.1", received_at=LAST_AUGUST, unit_id="west", region="城西")
        clock.now = OCTOBER
