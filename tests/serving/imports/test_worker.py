"""Every row becomes one case or one error, whatever happens to the worker, the database or the neighbours."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import select

from data.errors import StoreUnavailableError
from data.store.imports import MOST_ATTEMPTS
from data.store.tables import Case
from data.store.unit_of_work import Store, UnitOfWork
from models.predictor import Predictor
from serving.imports.worker import ROWS_IN_BATCH
from tests.data.store.cases import EAST
from tests.serving.imports.conftest import Desk
from tests.serving.imports.files import COMPLAINTS, complaints, csv_file, jsonl_file, xlsx_file

ROWS = 3 * ROWS_IN_BATCH + 5


class KilledError(BaseException):
    """The process ends here."""


def check_each_row_once(desk: Desk, job_id: str, rows: int = ROWS) -> None:
    job, outcomes = desk.job(job_id), desk.rows(job_id)
    assert (job.state, job.rows_stored, job.rows_existing, job.rows_failed) == ("done", rows, 0, 0)
    assert [outcome.row.line for outcome in outcomes] == list(range(2, rows + 2))
    assert len({outcome.row.case_id for outcome in outcomes}) == rows == desk.cases()


def test_rows_become_cases_of_the_uploader(desk: Desk) -> None:
    rows = [
        ["编号", "内容", "受理时间", "机构", "来源", "客户号"],
        ["H1", COMPLAINTS[0], "2026-11-23 09:30", "east-1", "热线", "K1"],
        ["", COMPLAINTS[1], "", "某某支行", "", "K1"],
    ]
    job_id = desk.queue(xlsx_file(rows), "xlsx")
    assert desk.worker().run_once()
    first, second = desk.rows(job_id)
    assert first.case is not None
    assert second.case is not None
    assert (first.case.external_id, first.case.unit_id, first.case.source) == ("H1", "east-1", "hotline")
    assert first.case.received_at.isoformat() == "2026-11-23T01:30:00+00:00"
    assert first.case.source_system == "hotline-east"
    assert "13912345678" not in first.case.redacted_text
    assert (second.case.external_id, second.case.unit_id) == (f"import-{desk.job(job_id).sha256[:16]}-east-3", "east")
    assert second.case.customer_key == first.case.customer_key is not None
    with desk.store.reading() as work:
        [event] = work.events.of_case(first.case.id, within=EAST)
        [answer] = work.triage_results.of_case(first.case.id, within=EAST)
    assert (event.kind, event.actor_id) == ("received", "key-east")
    assert answer.probabilities["category"]
    assert not desk.worker().run_once()


def test_a_bad_row_never_fails_its_neighbours(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = Predictor.answer

    def fail_on_three(self: Predictor, item: object, *rest: object, **more: object) -> object:
        if item.id == "H3":  # type: ignore[attr-defined]
            raise ValueError(COMPLAINTS[0])
        return answer(self, item, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Predictor, "answer", fail_on_three)
    lines = [
        jsonl_file([{"id": "H1", "text": COMPLAINTS[0]}]), b"{broken\n",
        jsonl_file([{"id": "H3", "text": COMPLAINTS[1]}, {"id": "H4", "text": " "}, {"id": "H5", "received_at": "?"},
                    {"id": "H6\0\ud83d", "text": "好\0"}, {"id": "H1", "text": COMPLAINTS[0]},
                    {"id": "H1", "text": COMPLAINTS[2]}, {"id": "H9", "text": COMPLAINTS[1]}]),
    ]  # fmt: skip
    job_id = desk.queue(b"".join(lines), "jsonl")
    desk.worker().run_once()
    found = {row.row.line: row.row.error_code or ("new" if row.row.is_new else "old") for row in desk.rows(job_id)}
    assert found == {
        1: "new", 2: "row_unreadable", 3: "internal", 4: "text_empty", 5: "row_unreadable", 6: "new", 7: "old",
        8: "external_id_reused", 9: "new",
    }  # fmt: skip
    job = desk.job(job_id)
    assert (job.state, job.rows_stored, job.rows_existing, job.rows_failed) == ("done", 3, 1, 5)
    counted = {
        outcome: desk.telemetry.registry.get_sample_value("xiaobao_import_rows_total", {"outcome": outcome})
        for outcome in ("stored", "existing", "failed")
    }
    assert counted == {"stored": 3, "existing": 1, "failed": 5}


def test_complaints_stand_in_no_log_and_no_error(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def quote(_: object, text: str, **_more: object) -> None:
        raise ValueError(text)

    monkeypatch.setattr(Predictor, "prepare", quote)
    job_id = desk.queue(csv_file(complaints(3)))
    desk.worker().run_once()
    told = caplog.text + "".join(row.row.message + row.row.message_zh for row in desk.rows(job_id))
    assert "ValueError" in told
    assert "盗刷" not in told
    assert desk.job(job_id).rows_failed == 3


@pytest.mark.parametrize("rows_before", [0, 1, ROWS_IN_BATCH, ROWS_IN_BATCH + 7, ROWS - 1])
def test_a_killed_worker_is_followed_by_another(desk: Desk, monkeypatch: pytest.MonkeyPatch, rows_before: int) -> None:
    """In the middle of a transaction: what it wrote is undone, and each row is there once in the end."""
    from serving.imports import worker

    keep, left = worker.keep_in, [rows_before]

    def keep_some(*arguments: object) -> object:
        if left[0] == 0:
            raise KilledError
        left[0] -= 1
        return keep(*arguments)  # type: ignore[arg-type]

    job_id = desk.queue(csv_file([["内容"], *([row[1]] for row in complaints(ROWS)[1:])]))
    monkeypatch.setattr(worker, "keep_in", keep_some)
    with pytest.raises(KilledError):
        desk.worker().run_once()
    monkeypatch.setattr(worker, "keep_in", keep)
    stored = rows_before // ROWS_IN_BATCH * ROWS_IN_BATCH
    assert (desk.job(job_id).state, desk.job(job_id).rows_stored, desk.cases()) == ("running", stored, stored)

    successor = desk.worker()
    assert not successor.run_once()
    desk.clock.advance(seconds=61)
    assert successor.run_once()
    check_each_row_once(desk, job_id)


def test_a_worker_that_was_overtaken_writes_nothing_more(desk: Desk) -> None:
    """It slept through its lease, another finished the job, then it wakes up in the middle of its batch."""
    calls = 0

    def oversleep() -> bool:
        nonlocal calls
        calls += 1
        if calls == ROWS_IN_BATCH // 2:
            desk.clock.advance(seconds=61)
            assert desk.worker().run_once()
        return False

    job_id = desk.queue(csv_file(complaints(ROWS)))
    assert desk.worker(is_busy=oversleep).run_once()
    check_each_row_once(desk, job_id)


class Unsteady:
    """A store whose transactions fail at certain turns: before they begin, or just after their commit."""

    def __init__(self, store: Store, *, before: set[int], after: set[int]) -> None:
        self._store = store
        self._before, self._after = before, after
        self._turn = 0
        self.reading, self.engine = store.reading, store.engine

    @contextmanager
    def writing(self) -> Iterator[UnitOfWork]:
        self._turn += 1
        if self._turn in self._before:
            raise StoreUnavailableError("gone", "不可用")
        with self._store.writing() as work:
            yield work
        if self._turn in self._after:
            raise StoreUnavailableError("the answer was lost", "不可用")


def test_a_database_that_comes_and_goes_is_waited_for(desk: Desk) -> None:
    job_id = desk.queue(csv_file(complaints(ROWS)))
    store = Unsteady(desk.store, before={2, 4}, after={5, 7})
    assert desk.worker(open_store=lambda: store).run_once()  # type: ignore[arg-type, return-value]
    check_each_row_once(desk, job_id)


def test_a_fault_of_the_worker_is_tried_again_and_then_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(COMPLAINTS[0])

    job_id = desk.queue(csv_file(complaints(3)))
    monkeypatch.setattr("serving.imports.worker.open_import", fail)
    worker = desk.worker()
    assert [worker.run_once() for _ in range(MOST_ATTEMPTS)] == [False] * MOST_ATTEMPTS  # each after a pause
    assert worker.run_once()
    job = desk.job(job_id)
    assert (job.state, job.error_code) == ("failed", "import_stuck")
    assert "盗刷" not in job.error_message + job.error_message_zh
    assert desk.telemetry.registry.get_sample_value("xiaobao_imports_total", {"state": "failed"}) == 1


def test_a_cancelled_import_stops_and_keeps_what_is_stored(desk: Desk) -> None:
    job_id = desk.queue(csv_file(complaints(ROWS)))

    def cancel_in_second_batch() -> bool:
        if desk.job(job_id).rows_stored == ROWS_IN_BATCH:
            with desk.store.writing() as work:
                work.imports.cancel(job_id, within=EAST)
        return False

    desk.worker(is_busy=cancel_in_second_batch).run_once()
    job = desk.job(job_id)
    assert (job.state, job.rows_stored, desk.cases()) == ("cancelled", ROWS_IN_BATCH, ROWS_IN_BATCH)
    desk.clock.advance(seconds=61)
    assert not desk.worker().run_once()


def test_the_same_numbers_imported_again_are_the_same_cases(desk: Desk) -> None:
    desk.queue(csv_file(complaints(5)))
    desk.worker().run_once()
    again = desk.queue(csv_file(complaints(7)))
    desk.worker().run_once()
    assert [row.row.is_new for row in desk.rows(again)] == [False] * 5 + [True] * 2
    assert desk.cases() == 7


def test_a_file_without_numbers_imported_again_is_stored_once(desk: Desk) -> None:
    """Also where its first import was cancelled half-way; another branch's same file is its own."""
    content = csv_file([["内容"], *([row[1]] for row in complaints(ROWS_IN_BATCH + 3)[1:])])
    first = desk.queue(content)

    def cancel_in_second_batch() -> bool:
        if desk.job(first).rows_stored == ROWS_IN_BATCH:
            with desk.store.writing() as work:
                work.imports.cancel(first, within=EAST)
        return False

    desk.worker(is_busy=cancel_in_second_batch).run_once()
    for _ in range(2):
        again = desk.queue(content)
        desk.worker().run_once()
    assert [row.row.is_new for row in desk.rows(again)] == [False] * (ROWS_IN_BATCH + 3)
    assert desk.cases() == ROWS_IN_BATCH + 3
    desk.queue(content, unit="west")
    desk.worker().run_once()
    assert desk.cases() == 2 * (ROWS_IN_BATCH + 3)


def test_a_file_that_no_longer_fits_the_limits_fails_as_a_whole(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = desk.queue(xlsx_file(complaints(3)), "xlsx")
    monkeypatch.setenv("XIAOBAO_IMPORT_MAX_UNPACKED_BYTES", "1024")
    desk.worker().run_once()
    job = desk.job(job_id)
    assert (job.state, job.error_code, job.worker_id) == ("failed", "file_unpacks_too_large", None)
    assert "1024" in job.error_message_zh


def test_the_thread_works_when_woken_survives_faults_and_puts_its_job_down(desk: Desk) -> None:
    faults, reached, go_on = (
        [RuntimeError(COMPLAINTS[0]), StoreUnavailableError("gone")],
        threading.Event(),
        threading.Event(),
    )

    def open_store() -> Store:
        if faults:
            raise faults.pop()
        return desk.store

    def hold() -> bool:
        if desk.job(job_id).rows_stored >= ROWS_IN_BATCH:
            reached.set()
            go_on.wait(5)
        return False

    job_id = desk.queue(csv_file(complaints(ROWS)))
    worker = desk.worker(open_store=open_store, is_busy=hold)
    worker.start()
    for _ in range(100):
        worker.wake()
        if reached.wait(0.1):
            break
    stopper = threading.Thread(target=worker.stop)
    stopper.start()
    go_on.set()
    stopper.join(2)
    assert not stopper.is_alive()
    job = desk.job(job_id)
    assert job.state == "running"
    assert 0 < job.rows_stored < ROWS
    assert desk.worker().run_once()  # at once: the lease was given back
    check_each_row_once(desk, job_id)


def test_requests_go_first(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.imports.worker.MOST_GIVEN_WAY_SECONDS", 0.2)
    busy = [True, True, False]
    asked: list[int] = []

    def is_busy() -> bool:
        asked.append(len(busy))
        return busy.pop(0) if busy else False

    desk.queue(csv_file(complaints(2)))
    desk.worker(is_busy=is_busy).run_once()
    assert asked[:3] == [3, 2, 1]
    assert desk.cases() == 2


def test_jobs_of_two_branches_stay_apart(desk: Desk) -> None:
    east, west = desk.queue(csv_file(complaints(2))), desk.queue(csv_file(complaints(2)), unit="west")
    worker = desk.worker()
    assert [worker.run_once() for _ in range(3)] == [True, True, False]
    assert {row.case and row.case.unit_id for row in desk.rows(east)} == {"east"}
    assert {row.case and row.case.unit_id for row in desk.rows(west)} == {"west"}
    with desk.store.reading() as work:
        assert sorted(work.session.scalars(select(Case.unit_id))) == ["east", "east", "west", "west"]
