"""质检 over HTTP: blind readings show nothing of the model, and what they find is published with its interval."""

import re

from data.policy.case_times import shanghai_day
from data.store.scope import ROOT
from data.store.supervision_tables import MISSED, SECOND
from serving.console.shares import Share
from tests.serving.console.office import Office

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
        day = shanghai_day(work.now())
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
