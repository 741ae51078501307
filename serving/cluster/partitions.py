"""Parts of a file, each answered once. In: rows. Out: a folder per partition that appears as a whole or not at all.

A partition is written into a folder with a name of its own, brought to disk and renamed in one step. The name is taken
by the first who comes: a second attempt at the same partition, as after a worker that was thought dead, leaves what is
there and throws its own work away.
"""

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

from data.files import write_whole
from models.predictor import Predictor
from serving.input_rows import Row, RowProblem
from serving.output_files import ProblemFile, open_answers
from serving.triage_rows import triage_rows

PART, DRAFT = "part-", ".part-"
RECORD, MANIFEST = "record.json", "manifest.json"
ERRORS = "errors.jsonl"

Rows = Sequence[Row | RowProblem]


@dataclass(frozen=True, kw_only=True)
class PartitionRecord:
    """What stands in a partition; `process` wrote it."""

    number: int
    first_line: int
    last_line: int
    answers: int
    problems: int
    sha256: str
    """Of the file of answers."""
    process: int


def split(rows: Iterable[Row | RowProblem], *, size: int, done: Collection[int]) -> Iterator[tuple[int, Rows]]:
    """Number and rows of each partition that is not done."""
    remaining = iter(rows)
    parts = iter(lambda: list(islice(remaining, size)), [])
    for number, part in enumerate(parts):
        if number not in done:
            yield number, part


def write_partition(predictor: Predictor, folder: Path, number: int, rows: Rows, *, ending: str) -> PartitionRecord:
    """Triage a partition and put it in its place; the record of who was first."""
    place = folder / f"{PART}{number:05d}"
    if place.exists():
        return _record(place)
    draft = folder / f"{DRAFT}{number:05d}-{secrets.token_hex(4)}"
    draft.mkdir()
    try:
        record = _write(predictor, draft, number, rows, ending=ending)
        with suppress(OSError):  # there is one by now; anything else shows when it is read
            draft.rename(place)
            bring_to_disk(folder)
        return record if not draft.exists() else _record(place)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def finished(folder: Path) -> dict[int, PartitionRecord]:
    """The partitions that are done, by number."""
    records = map(_record, sorted(folder.glob(f"{PART}*")))
    return {record.number: record for record in records}


def sweep(folder: Path) -> None:
    """Remove what killed workers left. Nobody may be at work."""
    for draft in folder.glob(f"{DRAFT}*"):
        shutil.rmtree(draft, ignore_errors=True)


def write_manifest(folder: Path, records: Iterable[PartitionRecord]) -> None:
    """The last step: what stands in the folder."""
    parts = [asdict(record) for record in records]
    totals = {name: sum(part[name] for part in parts) for name in ("answers", "problems")}
    write_whole(folder / MANIFEST, json.dumps({**totals, "partitions": parts}, indent=1) + "\n")


def _write(predictor: Predictor, draft: Path, number: int, rows: Rows, *, ending: str) -> PartitionRecord:
    file, count = draft / f"answers{ending}", 0
    answers, problems = open_answers(file, ending=ending), ProblemFile(draft / ERRORS)
    try:
        for window in triage_rows(predictor, rows, workers=1):
            answers.write(window.answers)
            problems.write(window.problems)
            count += len(window.answers)
    finally:
        answers.close()
        problems.close()
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    record = PartitionRecord(
        number=number,
        first_line=rows[0].line,
        last_line=rows[-1].line,
        answers=count,
        problems=problems.count,
        sha256=digest,
        process=os.getpid(),
    )
    (draft / RECORD).write_text(json.dumps(asdict(record)) + "\n", encoding="utf-8")
    for written in draft.iterdir():
        bring_to_disk(written)
    bring_to_disk(draft)
    return record


def bring_to_disk(path: Path) -> None:
    """Bring a file, or the names in a folder, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _record(place: Path) -> PartitionRecord:
    return PartitionRecord(**json.loads((place / RECORD).read_text(encoding="utf-8")))
