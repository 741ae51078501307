"""总览 against a small bank counted by hand: 6 complaints and 1 question in 30 days, and every figure leads to them."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qsl

import pytest

from data.store.clock_records import NewClosing
from data.store.records import NewLabel
from data.store.scope import ROOT
from data.store.unit_of_work import Store
from serving.access.permissions import PERMISSIONS_OF_ROLE
from serving.access.principal import Principal
from serving.console.queue_query import QueueQuery
from serving.console.visitors import Visitor
from tests.data.store.cases import facets, put, result
from tests.serving.console.complaints import PEOPLE
from tests.serving.console.office import Office, Seat
from tests.serving.console.test_queue import cases_of, user_id

CARD: dict[str, Any] = {"category": "B03B", "leaf": "B03B.02", "cause": "C07", "subcause": "C07.1"}
LOAN: dict[str, Any] = {"category": "B02", "leaf": "B02.01", "cause": "C06", "subcause": "C06.1"}
HEAD_OFFICE = Visitor(
    principal=Principal(
        id="tan", kind="person", role="auditor", permissions=PERMISSIONS_OF_ROLE["auditor"], unit_id="head",
        unit_path=ROOT, source_system="",
    ),
    token="",
    language="zh",
)  # fmt: skip
CALM: dict[str, Any] = {"flags": (), "channel": "counter"}


@pytest.fixture
def counted(office: Office) -> Office:
    """East: 2 about cards and 1 about a loan. East's office: 2 about cards. West: 1 about a loan. East: 1 question.

    Before: 1 about cards, in the east, 40 days ago; it was closed late a week ago, and its customer is dissatisfied.
    Of the two cards of the east's office one is closed in time, its customer is satisfied.
    """
    store = office.store
    for day in (1, 2):
        keep(store, days=day, unit="east", flags=("E04",), channel="mobile", **CARD)
    keep(store, days=20, unit="east", **LOAN, **CALM)
    first, _ = (keep(store, days=day, unit="east-1", **CARD, **CALM) for day in (3, 4))
    keep(store, days=5, unit="west", **LOAN, **CALM)
    keep(store, days=1, unit="east", order_type="consultation", cause=None, subcause=None, **CALM)
    before = keep(store, days=40, unit="east", **CARD, **CALM)
    close(store, first, days=1, satisfaction="satisfied")
    close(store, before, days=7, satisfaction="dissatisfied")
    return office


def keep(store: Store, *, days: float, unit: str, **answer: Any) -> str:
    received = datetime.now(UTC) - timedelta(days=days)
    return put(store, f"{unit}第{days}天来电反映", unit_id=unit, received_at=received, result=result(**answer)).id


def close(store: Store, case_id: str, *, days: float, satisfaction: str) -> None:
    at = datetime.now(UTC) - timedelta(days=days)
    with store.writing() as work:
        work.cases.close(
            case_id,
            NewClosing(outcome="supported", told_at=at, satisfaction=satisfaction),
            actor_id="test",
            within=ROOT,
        )


def links(seat: Seat, query: str = "") -> list[tuple[int, str]]:
    """Every figure of the page that leads to the queue, with its address."""
    page = seat.get(f"/overview?{query}").text
    found = re.findall(r'<a href="/console(/queue\?[^"]+)">(?:<span class="value">)?\D{0,3}(\d+)', page)
    return [(int(figure), unescape(address)) for address, figure in found]


def lines(seat: Seat, table: str, query: str = "") -> dict[str, list[str]]:
    answer = seat.get(f"/overview/table.csv?table={table}&{query}")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return {row[0]: row[1:] for row in csv.reader(io.StringIO(answer.text.removeprefix("\ufeff")))}


def test_the_tables_are_what_was_counted(counted: Office) -> None:
    head = counted.seat("tan")
    assert lines(head, "category") == {
        "按业务类别": ["件数", "占比", "上期", "变化"],
        "信用卡": ["4", "66.7", "1", "300"],
        "贷款": ["2", "33.3", "0", ""],
    }
    assert lines(head, "flag")["E04 监管投诉或信访"] == ["2", "33.3", "0", ""]
    assert lines(head, "unit") == {
        "按机构": ["件数", "占比", "上期", "变化"],
        "总行": ["0", "0.0", "0", ""],
        "东城分行": ["5", "83.3", "1", "400"],
        "西城分行": ["1", "16.7", "0", ""],
    }
    assert lines(head, "order_type", "order_type=any")["咨询"] == ["1", "14.3", "0", ""]
    assert sum(int(row[0]) for name, row in lines(head, "trend").items() if name[0] == "2") == 6
    assert sum(int(row[0]) for name, row in lines(head, "trend", "days=90").items() if name[0] == "2") == 7
    units = lines(head, "units")
    assert units["各机构时限与满意度"][:5] == ["在办", "超期", "3 天内到期", "期内办结", "超期办结"]
    assert units["东城分行"] == ["4", "1", "0", "2", "1", "50.0", "1", "50.0"]
    assert units["西城分行"] == ["1", "0", "0", "0", "0", "", "0", ""]


def test_every_figure_is_the_length_of_its_list(counted: Office) -> None:
    seat = counted.seat("tan")
    found = {*links(seat), *links(seat, "unit=east&days=90&order_type=any")}
    assert len(found) > 40
    with counted.store.reading() as work:
        for figure, address in found:
            conditions = QueueQuery.of(dict(parse_qsl(address.partition("?")[2]))).conditions(work, HEAD_OFFICE)
            assert len(work.case_list.page(conditions, within=ROOT).cases) == figure, address
    figure, address = next(one for one in found if one[0] == 2)
    assert len(cases_of(seat.get(address).text)) == figure


def test_a_branch_counts_its_own_part(counted: Office) -> None:
    branch = counted.seat("zhou")
    assert lines(branch, "category")["信用卡"][0] == "4"
    assert lines(branch, "category")["贷款"][0] == "1"
    assert set(lines(branch, "unit")) == {"按机构", "东城分行", "东城分行营业部"}
    assert "西城分行" not in branch.get("/overview").text
    assert branch.get("/overview?unit=west").status_code == 404
    assert branch.get("/overview/table.csv?table=unit&unit=west").status_code == 404


def test_agreement_by_field_and_band_and_where_people_differ(office: Office) -> None:
    store, zhou = office.store, user_id(office, "zhou")
    cases = [office.put(f"信用卡年费说好首年免，今年扣了三百六十元，第{n}次反映，要求退还。") for n in range(4)]
    with store.writing() as work:
        for number, case_id in enumerate(cases):
            case = work.cases.get(case_id, within=ROOT)
            same = facets(
                order_type=case.order_type, category=case.category, leaf=case.leaf, cause=case.cause,
                subcause=case.subcause, channel=case.channel, flags=work.cases.flags(case_id, within=ROOT),
            )  # fmt: skip
            other = facets(**vars(same) | {"category": "B02", "leaf": "B02.01"})
            label = NewLabel(user_id=zhou, facets=other if number == 0 else same, seconds_spent=5, is_blind=number == 3)
            work.labels.add(case_id, label, within=ROOT)
    seat = office.seat("zhou")
    table = lines(seat, "agreement")
    assert table["业务类别"][0] == "66.7"
    assert table["业务类别"][4] == "100.0"
    assert table["投诉原因"][0] == "100.0"
    page = seat.get("/overview").text
    assert "66.7% · 2/3" in page
    differing = seat.get("/overview/differing?field=category").text
    assert [case_id for case_id in cases if f">{case_id}<" in differing] == [cases[0]]
    assert "贷款" in differing
    assert cases[0] not in seat.get("/overview/differing?field=category&band=blind").text
    assert cases[0] not in office.seat("he").get("/overview/differing?field=category").text
    for path in ("/overview/differing?field=words", "/overview?days=31", "/overview/table.csv?table=all"):
        assert seat.get(path).status_code == 422


def test_what_the_filters_do_not_show_is_kept_and_can_be_dropped(counted: Office) -> None:
    page = counted.seat("tan").get("/queue?status=any&cause=C07&received_from=2020-01-01").text
    assert '<input type="hidden" name="cause" value="C07">' in page
    assert "投诉原因 定价收费" in page
    assert 'href="/console/queue?status=any&amp;cause=C07"' in page


def test_who_reads_cases_sees_the_overview(office: Office) -> None:
    for login, _, role, _ in PEOPLE:
        expected = 200 if "cases.read" in PERMISSIONS_OF_ROLE[role] else 403
        seat = office.seat(login)
        for path in ("/overview", "/overview/table.csv?table=unit", "/overview/differing?field=flags"):
            assert seat.get(path).status_code == expected, (login, path)
