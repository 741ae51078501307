"""The report's page: who sees it, of which units, and its files."""

from datetime import UTC, datetime

from data.quarter import Quarter
from tests.serving.console.office import Office

THIS = Quarter.of(datetime.now(UTC))


def test_report_on_ones_own_part_of_the_bank(office: Office) -> None:
    for _ in range(4):
        office.put("信用卡年费说好首年免，今年扣了三百六十元，要求退还。")
    zhou = office.seat("zhou")
    form = zhou.get("/reports").text
    assert "生成通报" in form
    assert "西城分行" not in form
    page = zhou.get(f"/reports?quarter={THIS}&numbers=exact")
    assert page.status_code == 200
    assert "东城分行共受理消费投诉4件" in page.text
    assert "<style" not in page.text
    for query in (f"quarter={THIS}&unit=west", "quarter=2026-3"):
        assert zhou.get(f"/reports?{query}").status_code in (404, 422)
        assert zhou.get(f"/reports/file?{query}&format=xlsx").status_code in (404, 422)
    file = zhou.get(f"/reports/file?quarter={THIS}&unit=east&format=xlsx")
    assert file.content.startswith(b"PK")
    assert file.headers["content-disposition"] == f'attachment; filename="report-{THIS}-east.xlsx"'
    assert zhou.get(f"/reports/file?quarter={THIS}&unit=east&format=exe").status_code == 422


def test_only_supervisors_compliance_and_auditors(office: Office) -> None:
    for login, status in (("zhou", 200), ("tan", 200), ("wu", 403), ("shen", 403)):
        seat = office.seat(login)
        assert seat.get("/reports").status_code == status
        assert (
            'href="/console/reports"' in seat.get("/").text or 'href="/console/reports"' in seat.get("/queue").text
        ) == (status == 200)
