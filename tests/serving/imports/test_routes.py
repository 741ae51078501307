"""Files over HTTP: sent in any way, worked on in the background, seen by nobody else."""

import asyncio
import csv
import io
import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from httpx import Response
from sqlalchemy import func, select
from starlette.requests import Request

from data.store.scope import ROOT
from data.store.tables import Case
from models.predictor import Predictor
from serving.errors import ServiceError
from serving.imports.upload import XLSX_TYPE, UploadSlots, read_upload
from serving.imports.worker import ImportWorker
from tests.serving.banks import Bank, bearer, open_bank
from tests.serving.imports.files import COMPLAINTS, HEADER, complaints, csv_file, jsonl_file, xlsx_file, zip_bomb

CSV = csv_file(complaints(3), encoding="gb18030")


def send(
    bank: Bank, key: dict[str, str], content: bytes = CSV, kind: str = "text/csv", *, path: str = "", **query: str
) -> Response:
    headers = {**key, "Content-Type": kind}
    return bank.client.post(f"/v1/cases/import{path}", content=content, headers=headers, params=query)


def finished(bank: Bank, key: dict[str, str], sent: Response) -> dict[str, Any]:
    """The import once it has ended."""
    assert sent.status_code == 202, sent.text
    until = time.monotonic() + 60
    while time.monotonic() < until:
        answer = bank.client.get(sent.headers["location"], headers=key)
        body: dict[str, Any] = answer.json()
        # 503 on a machine that is too busy for the database to answer in time.
        if answer.status_code != 503 and body["state"] not in ("queued", "running"):
            return body
        time.sleep(0.02)
    raise AssertionError(body)


def code(answer: Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def without_worker(bank: Bank) -> None:
    """From here on jobs stay queued."""
    worker: ImportWorker = bank.client.app.state.import_worker  # type: ignore[attr-defined]
    worker.stop()


def cases(bank: Bank) -> int:
    with bank.store.reading() as work:
        return work.session.scalar(select(func.count()).select_from(Case)) or 0


def test_a_file_is_taken_worked_on_and_its_result_fetched(bank: Bank) -> None:
    key = bank.key()
    rows = [*complaints(3), ["=1+1", COMPLAINTS[0]], ["H9", " "]]
    sent = send(bank, key, csv_file(rows, encoding="gb18030"), name="投诉 13912345678.csv")
    body = sent.json()
    assert sent.headers["location"] == f"/v1/imports/{body['id']}"
    assert body["rows"]["total"] == 5
    assert body["file_name"].startswith("投诉")
    assert "13912345678" not in body["file_name"]
    done = finished(bank, key, sent)
    assert (done["state"], done["error"]) == ("done", None)
    assert done["rows"] == {"total": 5, "done": 5, "stored": 4, "existing": 0, "failed": 1}
    [error] = done["errors"]
    assert (error["row"], error["external_id"], error["error"]["code"]) == (6, "H9", "text_empty")
    assert error["error"]["message_zh"]

    lines = bank.client.get(f"/v1/imports/{body['id']}/result", headers=key).text.splitlines()
    results = [json.loads(line) for line in lines]
    assert [row["outcome"] for row in results] == ["stored"] * 4 + ["failed"]
    assert {"order_type", "category", "flags", "band"} <= results[0].keys()
    case = bank.client.get(f"/v1/cases/{results[0]['case_id']}", headers=key).json()["case"]
    assert (case["external_id"], case["category"]) == ("H1", results[0]["category"])
    assert not any("盗刷" in line for line in lines)


def test_a_spreadsheet_takes_no_cell_of_the_result_for_a_formula(bank: Bank) -> None:
    key = bank.key()
    numbers = ["=cmd|'/c calc'!A1", "+1", "-2", "@SUM(A1)", "H5"]
    sent = send(bank, key, csv_file([["编号", "内容"], *([number, COMPLAINTS[1]] for number in numbers)]))
    finished(bank, key, sent)
    answer = bank.client.get(f"{sent.headers['location']}/result", headers=key, params={"format": "csv"})
    assert answer.content.startswith(b"\xef\xbb\xbf")
    assert "attachment" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["external_id"] for row in rows] == [*(f"'{number}" for number in numbers[:4]), "H5"]
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())


@pytest.mark.parametrize("kind", ["application/x-ndjson", "application/jsonl", XLSX_TYPE, "text/csv; charset=gbk"])
def test_kinds_of_files(bank: Bank, kind: str) -> None:
    received = datetime(2026, 11, 23, 9, 30)
    rows = [HEADER, ("H1", received, COMPLAINTS[0], "王丽")]
    content = {
        XLSX_TYPE: xlsx_file(rows),
        "text/csv; charset=gbk": csv_file(rows, encoding="gb18030"),
    }.get(kind) or jsonl_file([{"id": "H1", "text": COMPLAINTS[0], "received_at": "2026-11-23 09:30"}])
    key = bank.key()
    sent = send(bank, key, content, kind)
    assert finished(bank, key, sent)["rows"]["stored"] == 1
    line = bank.client.get(f"{sent.headers['location']}/result", headers=key).json()
    with bank.store.reading() as work:
        assert work.cases.get(line["case_id"], within=ROOT).received_at == datetime(2026, 11, 23, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.xlsx", XLSX_TYPE), ("a.XLSX", "application/octet-stream"), ("a.csv", "application/vnd.ms-excel")],
)
def test_a_file_in_a_form(bank: Bank, name: str, kind: str) -> None:
    content = csv_file(complaints(2)) if name.endswith("csv") else xlsx_file(complaints(2))
    key = bank.key()
    files = {"file": (f"C:\\\\投诉\\\\{name}", content, kind)}
    sent = bank.client.post("/v1/cases/import", headers=key, files=files, data={"note": "x"})
    assert finished(bank, key, sent)["rows"]["stored"] == 2
    assert sent.json()["file_name"] == name


def test_a_large_form_is_not_written_to_disk(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the file went to disk")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    monkeypatch.setattr("tempfile.SpooledTemporaryFile.rollover", refuse)
    content = csv_file([*complaints(1), ["H2", "长" * 1_500_000]])
    sent = bank.client.post("/v1/cases/import/preview", headers=bank.key(), files={"file": ("a.csv", content)})
    assert sent.status_code == 200, sent.text
    assert [row["error"] and row["error"]["code"] for row in sent.json()["rows"]] == [None, "cell_too_long"]


def test_a_preview_shows_columns_and_redacted_texts_and_stores_nothing(bank: Bank) -> None:
    rows = [HEADER, *((f"H{i}", "2026-11-23", COMPLAINTS[0], "王丽") for i in range(30)), ("H30", "?", "", "")]
    answer = send(bank, bank.key(), xlsx_file(rows), XLSX_TYPE, path="/preview").json()
    assert answer["columns"] == {"工单号": "external_id", "受理时间": "received_at", "投诉内容（必填）": "text"}
    assert answer["unknown_columns"] == ["经办人"]
    assert len(answer["rows"]) == 20
    assert "13912345678" not in json.dumps(answer, ensure_ascii=False)
    assert answer["rows"][0]["text"].startswith("信用卡被盗刷三千元")
    assert cases(bank) == 0
    with bank.store.reading() as work:
        assert work.imports.page(within=ROOT, limit=1) == []


def test_the_same_file_sent_again_while_it_is_worked_on_is_the_same_import(bank: Bank) -> None:
    without_worker(bank)
    key = bank.key()
    first, second = send(bank, key).json(), send(bank, key).json()
    assert second["id"] == first["id"]
    assert send(bank, bank.key("west")).json()["id"] != first["id"]
    bank.client.delete(f"/v1/imports/{first['id']}", headers=key)
    assert send(bank, key).json()["id"] != first["id"]


def test_cancelling(bank: Bank) -> None:
    without_worker(bank)
    key = bank.key()
    path = send(bank, key).headers["location"]
    for _ in range(2):
        assert bank.client.delete(path, headers=key).json()["state"] == "cancelled"
    assert bank.client.get(path, headers=key).json()["rows"]["done"] == 0
    metrics = bank.client.get("/metrics").text
    assert 'xiaobao_imports_total{state="queued"} 1.0' in metrics
    assert 'xiaobao_imports_total{state="cancelled"} 1.0' in metrics
    with bank.store.reading() as work:
        entries = [entry.action for entry in work.audit.entries(within=ROOT) if entry.action.startswith("import.")]
    assert entries == ["import.cancelled", "import.queued"]


def test_what_has_ended_cannot_be_cancelled(bank: Bank) -> None:
    key = bank.key()
    sent = send(bank, key)
    finished(bank, key, sent)
    assert code(bank.client.delete(sent.headers["location"], headers=key)) == (409, "import_finished")
    assert cases(bank) == 3


def test_another_branch_sees_neither_job_nor_result(bank: Bank) -> None:
    east, west, head = bank.key("east"), bank.key("west"), bank.key("head")
    sent = send(bank, bank.key("east-1"))
    finished(bank, east, sent)
    path = sent.headers["location"]
    for call in (
        bank.client.get(path, headers=west),
        bank.client.get(f"{path}/result", headers=west),
        bank.client.delete(path, headers=west),
        bank.client.get("/v1/imports", headers=west, params={"before": sent.json()["id"]}),
    ):
        assert code(call) == (404, "not_found")
    listed = {
        unit: len(bank.client.get("/v1/imports", headers=key).json()["imports"])
        for unit, key in (("east", east), ("west", west), ("head", head))
    }
    assert listed == {"east": 1, "west": 0, "head": 1}


def test_lists_are_paged(bank: Bank) -> None:
    without_worker(bank)
    key = bank.key()
    sent = [send(bank, key, csv_file(complaints(1, first=i))).json()["id"] for i in range(5)]
    found, before = [], None
    while True:
        query = {"limit": "2", **({"before": before} if before else {})}
        page = bank.client.get("/v1/imports", headers=key, params=query).json()
        found += [job["id"] for job in page["imports"]]
        before = page["next"]
        if before is None:
            break
    assert found == sent[::-1]


def test_people_import_as_the_console(bank: Bank) -> None:
    handler = bank.person("handler-east")
    sent = send(bank, handler)
    finished(bank, handler, sent)
    line = bank.client.get(f"{sent.headers['location']}/result", headers=handler).text.splitlines()[0]
    with bank.store.reading() as work:
        case = work.cases.get(json.loads(line)["case_id"], within=ROOT)
    assert (case.source_system, case.unit_id) == ("console", "east")


@pytest.mark.parametrize(
    ("content", "kind", "expected"),
    [
        (CSV, "application/pdf", (415, "content_type_unsupported")),
        (CSV, XLSX_TYPE, (422, "file_type_wrong")),
        (xlsx_file(complaints(1)), "text/csv", (422, "file_type_wrong")),
        (b"\xd0\xcf\x11\xe0old", XLSX_TYPE, (422, "file_type_wrong")),
        (csv_file([["a", "b"], ["1", "2"]]), "text/csv", (422, "text_column_missing")),
        (b"text\n\xff\xff\xff\n", "text/csv", (422, "file_encoding_unknown")),
        (b"text\n", "text/csv", (422, "file_empty")),
        (zip_bomb(), XLSX_TYPE, (422, "file_unpacks_too_large")),
        (csv_file(complaints(101)), "text/csv", (422, "file_too_many_rows")),
        (csv_file([["text"], ["长" * 100_000]]), "text/csv", (413, "file_too_large")),
        (b"no form", "multipart/form-data", (400, "form_unreadable")),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x", (400, "form_unreadable")),
    ],
)
def test_refusals(sqlite_bank: Bank, content: bytes, kind: str, expected: tuple[int, str]) -> None:
    answer = send(sqlite_bank, sqlite_bank.key(), content, kind)
    assert code(answer) == expected
    error = answer.json()["error"]
    assert error["message"] != error["message_zh"]
    assert cases(sqlite_bank) == 0


def test_forms_hold_one_file(sqlite_bank: Bank) -> None:
    key = sqlite_bank.key()
    for files in ([], [("a", ("a.csv", CSV)), ("b", ("b.csv", CSV))], [("a", ("a.doc", CSV))]):
        answer = sqlite_bank.client.post(
            "/v1/cases/import",
            headers=key,
            files=files or {"a": (None, b"x")},  # type: ignore[arg-type]
        )
        assert answer.status_code in (400, 415)


def test_a_body_of_unstated_length_is_cut_off_at_the_limit(sqlite_bank: Bank) -> None:
    def endless() -> Any:
        for _ in range(10_000):
            yield b"x" * 10_000

    headers = {**sqlite_bank.key(), "Content-Type": "text/csv"}
    answer = sqlite_bank.client.post("/v1/cases/import", content=endless(), headers=headers)
    assert code(answer) == (413, "file_too_large")


def test_who_may_not_import_is_refused(sqlite_bank: Bank) -> None:
    for key in (sqlite_bank.key(scopes=["triage"]), sqlite_bank.key(role="auditor")):
        assert send(sqlite_bank, key).status_code == 403
        assert sqlite_bank.client.get("/v1/imports", headers=key).status_code == 403
    assert send(sqlite_bank, bearer("xb_wrong")).status_code == 401


def test_a_keys_own_limit_holds_for_files(sqlite_bank: Bank) -> None:
    key = sqlite_bank.key(max_body_bytes=100)
    assert code(send(sqlite_bank, key)) == (413, "file_too_large")


def test_a_caller_may_not_queue_without_end(sqlite_bank: Bank) -> None:
    without_worker(sqlite_bank)
    key = sqlite_bank.key()
    answers = [send(sqlite_bank, key, csv_file(complaints(1, first=i))) for i in range(4)]
    assert [answer.status_code for answer in answers] == [202, 202, 202, 429]
    assert answers[-1].headers["retry-after"]
    assert len(sqlite_bank.client.get("/v1/imports", headers=key).json()["imports"]) == 3


def test_only_a_few_files_are_held_at_once(sqlite_bank: Bank) -> None:
    sqlite_bank.client.app.state.upload_slots = UploadSlots(0)  # type: ignore[attr-defined]
    assert code(send(sqlite_bank, sqlite_bank.key())) == (429, "uploads_busy")


def test_a_client_that_falls_asleep_gives_its_place_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.imports.upload.STALLED_SECONDS", 0.05)
    sent = [{"type": "http.request", "body": b"text\n", "more_body": True}]

    async def receive() -> Any:
        if not sent:
            await asyncio.Event().wait()
        return sent.pop()

    async def upload(slots: UploadSlots) -> None:
        with slots.taken():
            await read_upload(
                Request({"type": "http", "headers": [(b"content-type", b"text/csv")]}, receive), most_bytes=100
            )

    slots = UploadSlots(1)
    with pytest.raises(ServiceError, match="nothing of the file has come"):
        asyncio.run(upload(slots))
    with slots.taken():
        pass


@pytest.fixture
def sqlite_bank(sqlite_template: Any, tmp_path: Any, tiny_predictor: Predictor) -> Any:
    """For what does not reach the database: small limits."""
    file = tmp_path / "store.db"
    file.write_bytes(sqlite_template.read_bytes())
    limits = {
        "import_max_bytes": 200_000, "import_max_rows": 100, "import_max_unpacked_bytes": 10_000_000,
        "import_max_waiting": 3,
    }  # fmt: skip
    with open_bank(f"sqlite:///{file}", tiny_predictor, **limits) as bank:
        yield bank
