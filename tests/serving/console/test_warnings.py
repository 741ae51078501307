"""预警: what is rising, its cases, who owns it; nobody of another branch, and no button for who may not press it."""

from typing import Any

from data.days import china_day
from data.store.scope import ROOT
from data.store.warning_records import Finding
from serving.access.permissions import PERMISSIONS_OF_ROLE
from tests.data.store.cases import record_warnings
from tests.serving.console.complaints import PEOPLE
from tests.serving.console.office import Office
from tests.serving.console.test_queue import cases_of, user_id

FEE = "信用卡年费说好首年免，今年扣了三百六十元，要求退还。"


def raise_warning(office: Office, *cases: str, **changes: Any) -> str:
    values: dict[str, Any] = {
        "kind": "spike", "key": "spike/east/B03B/C07", "unit_id": "east", "case_ids": cases, "window_days": 7,
        "count": 17, "customers": 16, "expected": 2.5, "limit": 11, "category": "B03B", "cause": "C07",
    }  # fmt: skip
    with office.store.writing() as work:
        [warning] = record_warnings(work, Finding(**(values | changes)))
        return warning.id


def test_a_warning_from_the_list_to_its_end(office: Office) -> None:
    cases = [office.put(f"{FEE}第{n}次。") for n in range(3)]
    other = office.put(FEE)
    warning = raise_warning(office, *cases)
    zhou, lin = office.seat("zhou"), office.seat("lin")
    page = zhou.get("/warnings").text
    for words in ("突增", "信用卡", "7 天 17 件", "2.5", "东城分行", "1 条待签收"):
        assert words in page
    assert cases_of(zhou.get(f"/queue?warning={warning}").text) == cases_of(zhou.get("/queue").text.replace(
        f'<tr data-case="{other}"', "<tr"
    ))  # fmt: skip
    assert f'href="/console/warnings/{warning}"' in zhou.get(f"/cases/{cases[0]}").text
    assert f'href="/console/warnings/{warning}"' not in zhou.get(f"/cases/{other}").text
    assert zhou.post(f"/warnings/{warning}/acknowledge", list="1").headers["location"] == "/console/warnings"
    assert "周敏" in zhou.get("/warnings").text
    one = lin.get(f"/warnings/{warning}").text
    assert "接手" in one
    assert "结束预警" not in one
    refused = lin.post(f"/warnings/{warning}/end", ending="handled", reason="已约谈网点")
    assert refused.status_code == 409
    assert "请先接手" in refused.text
    lin.post(f"/warnings/{warning}/take-over")
    assert lin.post(f"/warnings/{warning}/end", ending="handled", reason="无").status_code == 422
    too_long = lin.post(f"/warnings/{warning}/end", ending="handled", reason="约" * 501)
    assert (too_long.status_code, "最多 500 个字" in too_long.text) == (422, True)
    lin.post(f"/warnings/{warning}/end", ending="false_alarm", reason="节后集中来件，联系13800138000")
    ended = zhou.get("/warnings?state=ended").text
    assert "误报" in ended
    closed = zhou.get(f"/warnings/{warning}").text
    assert "节后集中来件" in closed
    assert "13800138000" not in closed
    assert "<form" not in closed.split("<main")[1]
    assert zhou.post(f"/warnings/{warning}/take-over").status_code == 409
    assert "目前没有预警" in zhou.get("/warnings").text
    with office.store.reading() as work:
        entries = work.audit.entries(within=ROOT, subject=warning)
    assert [entry.actor_id for entry in entries] == [user_id(office, login) for login in ("lin", "lin", "zhou")]


def test_the_weeks_are_those_of_the_matter_in_the_unit_and_below(office: Office) -> None:
    cases = [office.put(f"{FEE}第{n}次。", unit=unit) for n, unit in enumerate(("east", "east-1", "west"))]
    with office.store.reading() as work:
        case = work.cases.get(cases[0], within=ROOT)
    warning = raise_warning(office, category=case.category, cause=case.cause)
    with office.store.reading() as work:
        today = china_day(work.now())
        found = work.warnings.get(warning, within=ROOT)
        daily = work.warning_signals.daily_of(found, today, today, within="/head/east/")
    assert daily == {today: 2}


def test_who_sees_and_handles_what(office: Office) -> None:
    case = office.put(FEE)
    for number, (login, _, role, _) in enumerate(PEOPLE):
        warning = raise_warning(office, case, key=f"spike/east/B03B/{number}")
        seat, permissions = office.seat(login), PERMISSIONS_OF_ROLE[role]
        listed, one = seat.get("/warnings"), seat.get(f"/warnings/{warning}")
        reads, handles, is_other = "cases.read" in permissions, "warnings.handle" in permissions, login == "he"
        assert listed.status_code == (200 if reads else 403), login
        assert one.status_code == (403 if not reads else 404 if is_other else 200), login
        assert (warning in listed.text) == (reads and not is_other), login
        assert ("/acknowledge" in one.text) == (handles and not is_other), login
        home = "/queue" if reads else "/"
        for path in ("acknowledge", "take-over", "end"):
            answer = seat.post(f"/warnings/{warning}/{path}", page=home, ending="handled", reason="已约谈网点")
            assert answer.status_code == (403 if not handles else 404 if is_other else 303), (login, path)
