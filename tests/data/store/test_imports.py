"""Uploaded files lie encrypted until their job ends; a job is worked on by one worker, and seen by its own branch."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from data.errors import KeyMaterialError, NotFoundError, StoreError
from data.store.import_tables import ImportChunk, ImportJob, ImportRow
from data.store.imports import CHUNK_BYTES, MOST_ATTEMPTS
from data.store.key_material import STORE
from data.store.maintenance import purge, rotate
from data.store.records import ImportOutcome, NewImport
from data.store.scope import ROOT
from data.store.tables import CLOSED, Case, KeyMaterial
from data.store.unit_of_work import Store
from tests.data.store.cases import EAST, HEAD, WEST, Clock, all_values, put

LEASE = timedelta(seconds=60)
CONTENT = "工单号,内容\nH1,我的卡被盗刷\n".encode()


def upload(content: bytes = CONTENT, **changes: object) -> NewImport:
    values = {
        "actor_id": "key-1", "unit_id": "east", "source_system": "hotline", "format": "csv", "file_name": "a.csv",
        "sha256": "0" * 64, "rows": 1, "content": content,
    }  # fmt: skip
    return NewImport(**(values | changes))  # type: ignore[arg-type]


def queue(store: Store, content: bytes = CONTENT, **changes: object) -> ImportJob:
    with store.writing() as work:
        return work.imports.add(upload(content, **changes), within=ROOT).job


def claim(store: Store, worker: str = "w1") -> ImportJob | None:
    with store.writing() as work:
        return work.imports.claim(worker, lease=LEASE, within=ROOT)


def finish(store: Store, job_id: str, worker: str = "w1") -> None:
    with store.writing() as work:
        work.imports.finish(work.imports.held(job_id, worker, lease=LEASE, within=ROOT))


def owners(store: Store) -> set[str]:
    with store.reading() as work:
        return set(work.session.scalars(select(KeyMaterial.owner)))


def test_a_file_is_nowhere_in_clear_and_comes_back(store: Store) -> None:
    content = CONTENT * (2 * CHUNK_BYTES // len(CONTENT) + 5)
    job = queue(store, content)
    put(store, "贷款被收违约金")
    with store.reading() as work:
        assert work.imports.content(job.id, within=EAST) == content
        assert len(work.session.scalars(select(ImportChunk)).all()) == 3
    assert [table for table, value in all_values(store) if "盗刷" in value] == []


@pytest.mark.parametrize("state", ["done", "failed", "cancelled"])
def test_file_and_key_are_gone_when_the_job_ends(store: Store, state: str) -> None:
    job = queue(store)
    assert owners(store) == {STORE, f"import {job.id}"}
    claim(store)
    with store.writing() as work:
        held = work.imports.held(job.id, "w1", lease=LEASE, within=ROOT)
        if state == "done":
            work.imports.finish(held)
        elif state == "failed":
            work.imports.fail(held, StoreError("broken", "坏", code="file_damaged"))
        else:
            work.imports.cancel(job.id, within=EAST)
    with store.reading() as work:
        ended = work.imports.get(job.id, within=EAST)
        assert work.session.scalars(select(ImportChunk)).all() == []
        with pytest.raises(NotFoundError):
            work.imports.content(job.id, within=EAST)
    assert (ended.state, ended.error_code) == (state, "file_damaged" if state == "failed" else None)
    assert owners(store) == {STORE}


@pytest.mark.parametrize("damage", ["swap", "cut"])
def test_pieces_that_were_moved_or_cut_do_not_open(store: Store, damage: str) -> None:
    job = queue(store, b"x" * (CHUNK_BYTES + 1))
    with store.writing() as work:
        pieces = work.session.scalars(select(ImportChunk).order_by(ImportChunk.number)).all()
        if damage == "swap":
            pieces[0].ciphertext, pieces[1].ciphertext = pieces[1].ciphertext, pieces[0].ciphertext
        else:
            work.session.delete(pieces[1])
    with pytest.raises(KeyMaterialError), store.reading() as work:
        work.imports.content(job.id, within=EAST)


def test_rotation_takes_the_keys_of_unfinished_imports_along(store: Store) -> None:
    job = queue(store)
    with store.writing() as work:
        work.session.execute(update(KeyMaterial).values(master_key_id="2026a"))
    rotate(store, actor_id="admin")
    with store.reading() as work:
        assert work.imports.content(job.id, within=EAST) == CONTENT


def test_the_same_file_of_the_same_caller_is_the_same_job_until_it_ends(store: Store, clock: Clock) -> None:
    first = queue(store)
    clock.advance(seconds=1)
    assert queue(store).id == first.id
    assert queue(store, actor_id="key-2").id != first.id
    assert queue(store, sha256="1" * 64).id != first.id
    claim(store)
    assert queue(store).id == first.id
    finish(store, first.id)
    assert queue(store).id != first.id


def test_jobs_are_claimed_oldest_first_and_once(store: Store, clock: Clock) -> None:
    first = queue(store)
    clock.advance(seconds=1)
    second = queue(store, sha256="1" * 64)
    claimed = [job and job.id for job in (claim(store, "w1"), claim(store, "w2"), claim(store, "w3"))]
    assert claimed == [first.id, second.id, None]


def test_workers_that_claim_at_once_get_different_jobs(store: Store) -> None:
    jobs = {queue(store, sha256=f"{i}" * 64).id for i in range(3)}
    start, found = threading.Barrier(6), []

    def take(name: str) -> None:
        start.wait()
        job = claim(store, name)
        found.append(job and job.id)

    threads = [threading.Thread(target=take, args=(f"w{i}",)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(job for job in found if job) == sorted(jobs)


def test_a_lease_that_ran_out_is_taken_over_and_its_former_holder_refused(store: Store, clock: Clock) -> None:
    job = queue(store)
    claim(store, "w1")
    clock.advance(seconds=59)
    assert claim(store, "w2") is None
    clock.advance(seconds=2)
    taken = claim(store, "w2")
    assert taken is not None
    assert taken.id == job.id
    with pytest.raises(StoreError) as caught, store.writing() as work:
        work.imports.held(job.id, "w1", lease=LEASE, within=ROOT)
    assert caught.value.code == "import_lost"


def test_a_job_that_never_gets_on_fails(store: Store, clock: Clock) -> None:
    job = queue(store)
    for _ in range(MOST_ATTEMPTS):
        claim(store)
        clock.advance(seconds=61)
    failed = claim(store)
    assert failed is not None
    assert (failed.id, failed.state, failed.error_code) == (job.id, "failed", "import_stuck")
    assert claim(store) is None


def test_a_recorded_row_gives_new_attempts(store: Store, clock: Clock) -> None:
    job = queue(store)
    for line in range(2, 2 + 2 * MOST_ATTEMPTS):
        claim(store)
        with store.writing() as work:
            held = work.imports.held(job.id, "w1", lease=LEASE, within=ROOT)
            work.imports.record(held, ImportOutcome(line=line, error=StoreError("bad", "坏", code="x")))
        clock.advance(seconds=61)
    with store.reading() as work:
        found = work.imports.get(job.id, within=EAST)
        assert work.imports.last_line(job.id, within=EAST) == 1 + 2 * MOST_ATTEMPTS
    assert (found.state, found.rows_failed) == ("running", 2 * MOST_ATTEMPTS)


def test_cancelling_ends_a_job_once(store: Store) -> None:
    job = queue(store)
    claim(store)
    for _ in range(2):
        with store.writing() as work:
            assert work.imports.cancel(job.id, within=HEAD).state == "cancelled"
    with pytest.raises(StoreError), store.writing() as work:
        work.imports.held(job.id, "w1", lease=LEASE, within=ROOT)
    other = queue(store)
    claim(store)
    finish(store, other.id)
    with pytest.raises(StoreError) as caught, store.writing() as work:
        work.imports.cancel(other.id, within=HEAD)
    assert caught.value.code == "import_finished"


def test_another_branch_sees_nothing_of_it(store: Store, clock: Clock) -> None:
    job = queue(store)
    clock.advance(seconds=1)
    own = queue(store, unit_id="west", sha256="1" * 64)
    with store.reading() as work:
        imports = work.imports
        for look in (
            lambda: imports.get(job.id, within=WEST),
            lambda: imports.errors(job.id, within=WEST, limit=1),
            lambda: imports.rows(job.id, within=WEST, limit=1),
            lambda: imports.content(job.id, within=WEST),
            lambda: imports.last_line(job.id, within=WEST),
            lambda: imports.page(within=WEST, limit=5, before=job.id),
        ):
            with pytest.raises(NotFoundError):
                look()
        assert [found.id for found in imports.page(within=WEST, limit=5)] == [own.id]
        assert [found.id for found in imports.page(within=HEAD, limit=5)] == [own.id, job.id]
        assert [found.id for found in imports.page(within=HEAD, limit=5, before=own.id)] == [job.id]
        assert imports.unfinished("key-1", within=WEST) == 1
    with pytest.raises(NotFoundError), store.writing() as work:
        work.imports.cancel(job.id, within=WEST)
    with pytest.raises(NotFoundError), store.writing() as work:
        work.imports.add(upload(sha256="2" * 64), within=WEST)


def test_a_case_that_was_handed_away_shows_no_codes(store: Store) -> None:
    job = queue(store)
    claim(store)
    case = put(store, external_id="H1")
    with store.writing() as work:
        held = work.imports.held(job.id, "w1", lease=LEASE, within=ROOT)
        work.imports.record(held, ImportOutcome(line=2, external_id="H1", case_id=case.id, is_new=True))
        work.cases.hand_over(case.id, unit_id="head", actor_id="x", within=EAST)
    with store.reading() as work:
        [east] = work.imports.rows(job.id, within=EAST, limit=5)
        [head] = work.imports.rows(job.id, within=HEAD, limit=5)
    assert (east.case, east.flags) == (None, ())
    assert head.case is not None
    assert head.flags == ("E07", "P02")


def test_a_purge_takes_outcomes_and_old_jobs_along(store: Store, clock: Clock) -> None:
    job = queue(store)
    claim(store)
    case = put(store, external_id="H1")
    with store.writing() as work:
        held = work.imports.held(job.id, "w1", lease=LEASE, within=ROOT)
        work.imports.record(held, ImportOutcome(line=2, external_id="H1", case_id=case.id, is_new=True))
        work.imports.record(held, ImportOutcome(line=3, external_id="H2", error=StoreError("bad", "坏", code="x")))
        work.imports.finish(held)
        work.session.execute(update(Case).values(status=CLOSED, closed_at=clock()))
    clock.advance(days=365 * 2)
    recent = queue(store)
    clock.advance(days=400)
    assert purge(store, actor_id="admin") == 1
    with store.reading() as work:
        assert [found.id for found in work.imports.page(within=ROOT, limit=5)] == [recent.id]
        assert work.session.scalars(select(ImportRow)).all() == []
