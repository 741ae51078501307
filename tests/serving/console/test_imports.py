"""Importing files at the console: what is said before, what is stored, and that only our own form may do it."""

import time
from typing import Any

from data.store.records import CaseFilter
from data.store.scope import ROOT
from serving.console.forms import TOKEN_FIELD
from tests.serving.console.office import Office, Seat, form_token

FILE = """工单编号,投诉内容,来源,受理时间,备注
H-1,信用卡年费多扣三百六十元，要求退还，手机13800138000。,热线,2026-11-20 09:30,甲
H-2,,热线,2026-11-20 10:00,乙
H-3,ATM取款两千元没有吐钞但是扣账了。,柜面,2026-11-21,丙
"""
PATIENCE_SECONDS = 60.0


def send(seat: Seat, path: str, content: str = FILE, *, token: str | None = None, name: str = "十一月.csv") -> Any:
    token = token if token is not None else form_token(seat.get("/imports").text)
    return seat.client.post(
        f"/console{path}", data={TOKEN_FIELD: token}, files={"file": (name, content.encode(), "text/csv")},
        follow_redirects=False,
    )  # fmt: skip


def ended(seat: Seat, address: str) -> str:
    """The page of a job that has ended."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        html: str = seat.client.get(address).text
        if "等待中" not in html and "导入中" not in html:
            return html
        time.sleep(0.05)
    raise AssertionError("the import does not end")


def test_a_file_is_looked_at_then_imported_with_its_bad_row_told(office: Office) -> None:
    seat = office.seat("wu")
    looked = send(seat, "/imports/preview")
    assert looked.status_code == 200
    for expected in ("十一月.csv", "工单编号", "备注", "有 1 行不能导入", "〔手机号〕", "投诉内容为空"):
        assert expected in looked.text
    assert "13800138000" not in looked.text
    with office.store.reading() as work:
        assert work.imports.page(within=ROOT, limit=5) == []
    started = send(seat, "/imports")
    assert started.status_code == 303
    address = started.headers["location"]
    html = ended(seat, address)
    assert "已完成" in html
    assert "投诉内容为空" in html
    failed = seat.client.get(f"{address}/failed.csv")
    assert failed.headers["content-disposition"].startswith("attachment")
    assert [line.split(",")[:2] for line in failed.text.splitlines()[1:]] == [["3", "H-2"]]
    assert len(seat.client.get(f"{address}/rows.csv").text.splitlines()) == 4
    with office.store.reading() as work:
        cases = work.case_list.page(CaseFilter(), within=ROOT).cases
    assert sorted((case.external_id, case.unit_id) for case in cases) == [("H-1", "east"), ("H-3", "east")]
    assert address.rpartition("/")[2] in seat.get("/imports").text
    other = office.seat("he")
    assert other.client.get(address).status_code == 404
    assert other.client.get(f"{address}/rows.csv").status_code == 404
    assert address.rpartition("/")[2] not in other.get("/imports").text


def test_what_cannot_be_read_is_said_and_nothing_queued(office: Office) -> None:
    seat = office.seat("wu")
    for path in ("/imports/preview", "/imports"):
        answer = send(seat, path, "甲,乙\n1,2\n")
        assert "未导入任何内容" in answer.text
        assert "投诉内容" in answer.text
    assert "投诉内容" not in send(seat, "/imports", "x" * 10, name="notes.docx").headers.get("location", "")
    with office.store.reading() as work:
        assert work.imports.page(within=ROOT, limit=5) == []


def test_only_our_own_form_and_only_who_may(office: Office) -> None:
    seat = office.seat("wu")
    for path in ("/imports/preview", "/imports"):
        for token in ("", "0" * 64, form_token(office.seat("zhou").get("/imports").text)):
            assert send(seat, path, token=token).status_code == 403
    assert office.seat("tan").get("/imports").status_code == 403
    assert "/console/imports" not in office.seat("tan").get("/queue").text
    assert "/console/imports" in seat.get("/queue").text
    with office.store.reading() as work:
        assert work.imports.page(within=ROOT, limit=5) == []
