"""The typed client and the lines of docs/hotline.sh against a real service."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from data.store.unit_of_work import Store
from models.predictor import Predictor
from serving.client import ApiError, Client
from tests.serving.banks import Bank, served

COMPLAINT = "信用卡被盗刷三千元，再不处理我就去跳楼"
HOTLINE = Path(__file__).resolve().parents[2] / "docs" / "hotline.sh"


@pytest.fixture
def service(tmp_path: Path, sqlite_template: Path, tiny_predictor: Predictor) -> Iterator[tuple[str, Store]]:
    file = tmp_path / "client.db"
    shutil.copy(sqlite_template, file)
    with served(f"sqlite:///{file}", tiny_predictor) as opened:
        yield opened


@pytest.fixture
def token(service: tuple[str, Store]) -> str:
    return Bank(client=None, store=service[1]).key()["Authorization"].removeprefix("Bearer ")  # type: ignore[arg-type]


@pytest.fixture
def client(service: tuple[str, Store], token: str) -> Iterator[Client]:
    with Client(service[0], token) as client:
        yield client


def test_triage_keeps_once_what_is_sent_twice(client: Client) -> None:
    first, second = (client.triage(COMPLAINT, external_id="H1", store=True, source="hotline") for _ in range(2))
    assert first.case is not None
    assert second.case is not None
    assert (first.case.is_new, second.case.is_new, second.case.id) == (True, False, first.case.id)
    assert client.case(first.case.id).case.external_id == "H1"


def test_a_stored_complaint_without_a_number_gets_one(client: Client) -> None:
    stored = client.triage(COMPLAINT, store=True)
    assert stored.case is not None
    assert (client.case(stored.case.id).case.external_id or "").startswith("client-")
    assert client.triage(COMPLAINT).case is None


def test_a_batch_may_be_longer_than_a_request(client: Client) -> None:
    results = client.triage_batch([{"text": "排队太久"}] * 256 + [{"text": ""}])
    assert [result.index for result in results] == list(range(257))
    assert [result.error.code for result in results if result.error] == ["text_empty"]


def test_cases_are_listed_page_after_page(client: Client) -> None:
    client.triage_batch([{"text": f"第{number}次来电，贷款违约金"} for number in range(3)], store=True)
    client.triage("理财亏了", store=True)
    assert len(list(client.cases(words="贷款", limit=1))) == 3


def test_a_file_is_imported_and_its_result_fetched(client: Client, tmp_path: Path) -> None:
    file = tmp_path / "投诉.csv"
    file.write_text("工单号,投诉内容\nA1,信用卡年费没说清\nA2,\n", encoding="utf-8")
    job = client.import_file(file)
    while client.import_job(job.id).state in ("queued", "running"):
        pass
    done = client.import_job(job.id)
    assert (done.rows.stored, done.rows.failed) == (1, 1)
    assert "A1" in client.import_result(job.id)
    with pytest.raises(ValueError, match="ends in"):
        client.import_file(tmp_path / "投诉.pdf")


def test_events_are_followed(client: Client) -> None:
    stored = client.triage(COMPLAINT, store=True)
    assert stored.case is not None
    event = next(client.events(last_event_id="0"))
    assert (event.type, event.data["case_id"]) in {
        ("case.high_risk", stored.case.id),
        ("alert.notice", stored.case.id),
    }


def test_an_error_has_its_code_and_no_text(client: Client) -> None:
    with pytest.raises(ApiError) as caught:
        client.triage("")
    assert (caught.value.status, caught.value.code) == (422, "text_empty")
    client.triage(COMPLAINT, external_id="H1", store=True)
    with pytest.raises(ApiError, match="external_id_reused") as caught:
        client.triage("另一件事，存单丢了", external_id="H1", store=True)
    assert "存单" not in str(caught.value)


def test_a_busy_service_is_asked_again_and_a_gateway_page_is_an_error() -> None:
    answers = [httpx.Response(503, headers={"Retry-After": "0"}), httpx.Response(502, text="<html>")]

    def busy(_request: httpx.Request) -> httpx.Response:
        return answers.pop(0)

    with (
        Client("http://service", "t", transport=httpx.MockTransport(busy)) as client,
        pytest.raises(ApiError, match="http_502"),
    ):
        client.triage("x")
    assert answers == []


def test_the_lines_of_the_hotline_script_run(service: tuple[str, Store], token: str, tmp_path: Path) -> None:
    file = tmp_path / "complaints.csv"
    file.write_text("工单号,投诉内容\nB1,贷款提前还款被收违约金\n", encoding="utf-8")
    environment = {"PATH": os.environ["PATH"], "URL": service[0], "KEY": token, "FILE": str(file), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        ["bash", HOTLINE], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert '"is_new":false' in done.stdout
    assert "B1" in done.stdout
