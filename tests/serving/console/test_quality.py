"""质检 over HTTP: blind readings show nothing of the model, and what they find is published with its interval."""

import re
from datetime import date
from html import unescape

from data.days import china_day
from data.shares import Share
from data.store.maintenance import erase
from data.store.scope import ROOT
from data.store.supervision_tables import MISSED, SECOND
from tests.serving.console.office import Office
from tests.serving.console.test_overview import lines

FEE = "信用卡年费说好首年免，今年扣了三百六十元，要求退还。"
QUEUE = "网点排队太久，只开一个窗口，希望增加人手。"
READING = {
    "order_type": "complaint", "leaf": "B03A.05", "subcause": "C02.1", "channel": "electronic", "opened": "",
    "seconds": "",
}  # fmt: skip


def draw(office: Office, *cases: tuple[str, str]) -> None:
    """As a night's draw would have it; what is drawn: `tests/data/store/test_quality.py`."""
    from data.store.supervision_tables import QualityDraw

    with office.store.writing() as work:
        day = china_day(work.now())
        work.session.add_all(QualityDraw(case_id=case_id, purpose=purpose, day=day) for case_id, purpose in cases)


def model_flags(office: Office, case_id: str) -> list[str]:
    with office.store.reading() as work:
        return [flag["code"] for flag in work.triage_results.of_case(case_id, within=ROOT)[-1].answer["flags"]]


def test_what_was_missed_is_found_by_reading_blind(office: Office) -> None:
    first, second = office.put(FEE), office.put(QUEUE)
    assert [model_flags(office, case_id) for case_id in (first, second)] == [[], []]
    draw(office, (first, MISSED), (second, MISSED))
    wu, zhou, tan, he = (office.seat(login) for login in ("wu", "zhou", "tan", "he"))
    page = wu.get("/quality").text
    assert first in page
    assert "漏报率" not in page  # figures are for supervisors
    assert first not in he.get("/quality").text
    assert first not in tan.get("/quality").text
    assert "尚无盲读结果" in zhou.get("/quality").text
    path = f"/quality/{first}/missed"
    blind = wu.get(path).text
    assert FEE in blind
    assert not re.search(r" selected| checked|<mark|%", blind.split("</header>")[1])
    assert [he.get(path).status_code, tan.get(path).status_code] == [404, 403]
    assert wu.post(path, page=path, **READING | {"leaf": "never"}).status_code == 422
    answer = wu.post(path, page=path, **READING, flag=["S03"])
    assert (answer.status_code, answer.headers["location"]) == (303, f"/console/quality/{second}/missed")
    assert wu.post(path, page=f"/quality/{second}/missed", **READING).status_code == 404
    assert wu.post(f"/quality/{second}/missed", page="/quality", **READING).headers["location"] == "/console/quality"
    shown = zhou.get("/quality").text
    assert Share(count=1, n=2).words in shown
    assert f'href="/console/cases/{first}"' in shown
    assert zhou.get(f"/cases/{first}").text.count("S03") < 3  # it stands on no case: a reading changes nothing
    assert Share(count=1, n=2).words in tan.get("/quality").text


def test_an_erased_case_breaks_no_page_and_is_no_disagreement(office: Office) -> None:
    case_id = office.put(FEE)
    wu, zhou, lin = (office.seat(login) for login in ("wu", "zhou", "lin"))
    with office.store.reading() as work:
        version = work.cases.version(case_id, within=ROOT)
    decision = READING | {"seen": version, "list": "", "then": "stay", "channel": "counter", "reason": "客户说明"}
    assert wu.post(f"/cases/{case_id}/label", page=f"/cases/{case_id}", **decision).status_code == 303
    draw(office, (case_id, SECOND), (case_id, MISSED))
    for seat, purpose in ((zhou, SECOND), (lin, MISSED)):
        path = f"/quality/{case_id}/{purpose}"
        assert seat.post(path, page=path, **READING).status_code == 303
    differing = "/overview/differing?field=channel"
    assert case_id in zhou.get(differing).text
    erase(office.store, case_id, actor_id="cli", reason="客户要求删除")
    for page in ("/model", "/quality", "/overview", f"/cases/{case_id}", "/supervision", differing):
        assert zhou.get(page).status_code == 200, page
    assert case_id not in zhou.get(differing).text
    with office.store.reading() as work:
        assert work.quality.counts(since=date.min, within=ROOT) == (0, 0)


def test_the_overview_has_the_miss_rate_by_flag_and_unit(office: Office) -> None:
    """East: of two read blind one has S03, of which the model said nothing. West: nobody has read."""
    cases = [office.put(FEE), office.put(QUEUE), office.put(FEE + "请尽快答复。", unit="west")]
    draw(office, *((case_id, MISSED) for case_id in cases))
    wu, zhou, tan = (office.seat(login) for login in ("wu", "zhou", "tan"))
    for case_id, flags in zip(cases, (["S03"], []), strict=False):
        path = f"/quality/{case_id}/missed"
        assert wu.post(path, page=path, **READING, flag=flags).status_code == 303
    low, high = Share(count=1, n=2).interval or (0, 0)
    expected = ["2", "1", "50.0", f"{100 * low:.1f}", f"{100 * high:.1f}"]
    for seat in (zhou, tan):
        table = lines(seat, "missed")
        assert table.pop("风险标志漏报率") == ["盲读件数", "漏报件数", "漏报率", "95% 区间下限", "95% 区间上限"]
        assert table.pop("任一风险标志") == expected
        assert [(name[:3], row) for name, row in table.items()] == [("S03", expected)]
    assert lines(tan, "missed", "unit=west")["任一风险标志"] == ["0", "0", "", "", ""]
    page = tan.get("/overview?days=7&unit=east").text
    [address] = set(re.findall(r'href="/console(/quality\?[^"]+)"', page))
    shown = tan.get(unescape(address)).text
    assert Share(count=1, n=2).words in shown
    assert "东城分行" in shown.partition("漏报率")[2][:120]
    assert Share(count=1, n=2).words not in tan.get("/quality?unit=west").text
    assert [zhou.get(f"/quality?{query}").status_code for query in ("unit=west", "days=31")] == [404, 422]
    assert "漏报率" not in wu.get("/overview").text
    assert wu.get("/overview/table.csv?table=missed").status_code == 403


def test_a_second_person_reads_what_the_first_decided(office: Office) -> None:
    case_id = office.put(FEE)
    wu, zhou = office.seat("wu"), office.seat("zhou")
    with office.store.reading() as work:
        version = work.cases.version(case_id, within=ROOT)
    decision = READING | {"seen": version, "list": "", "then": "stay"}
    assert wu.post(f"/cases/{case_id}/label", page=f"/cases/{case_id}", **decision).status_code == 303
    draw(office, (case_id, SECOND))
    path = f"/quality/{case_id}/second"
    assert wu.get(path).status_code == 404
    assert zhou.post(path, page=path, **READING | {"channel": "counter"}).status_code == 303
    people = zhou.get("/quality").text.partition("两人一致率")[2]
    rows = dict(re.findall(r'<th scope="row">([^<]+)</th><td class="figure">([^<]+)</td>', people))
    assert rows["业务渠道"] == Share(count=0, n=1).words
    assert rows["投诉原因"] == Share(count=1, n=1).words
