"""A large run that is killed twice. In: a number of texts. Out: whether each was answered once, and nothing done twice.

One actor is killed with kill -9 when a fifth of the partitions is done; Ray replaces it. When half is done the whole
run is killed, Ray's own processes included, and the same command is started again. Partitions that were done before
must be the same files afterwards.
"""

import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from eval.scale.runs import RAY, Process, ids_of_answers, lines_of_problems, predict, records, wait_for_partitions
from eval.scale.texts import name, write_texts

PARTITION_ROWS = 1_000


@dataclass(frozen=True, kw_only=True)
class ContinuationOutcome:
    texts: int
    partitions: int
    seconds: float
    done_at_first_kill: int
    done_at_second_kill: int
    processes_killed: int
    answers: int
    problems: int
    expected_problems: int
    lost: int
    twice: int
    changed: int
    """Partitions done before the second kill whose file is another one afterwards."""
    left_over: int

    def is_good(self) -> bool:
        right = self.answers + self.problems == self.texts and self.problems == self.expected_problems
        return right and not (self.lost or self.twice or self.changed or self.left_over)


def prove_continuation(folder: Path, texts: int, *, workers: int) -> ContinuationOutcome:
    """Run, kill, kill, go on, count."""
    source, output = folder / "texts.parquet", folder / "answers"
    bad = write_texts(source, texts)
    options = (*RAY, "--workers", str(workers), "--partition-rows", str(PARTITION_ROWS))
    partitions = -(-texts // PARTITION_ROWS)
    started = time.monotonic()
    run = predict(source, output, *options)
    first = wait_for_partitions(run, output, partitions // 5)
    _kill_an_actor(run, [record["process"] for record in first.values()])
    before = wait_for_partitions(run, output, partitions // 2)
    killed = run.kill_all()
    before = records(output) | before
    stamps = _stamps(output)
    predict(source, output, *options).wait()
    seconds = time.monotonic() - started
    after = records(output)
    answered = ids_of_answers(sorted(output.glob("part-*/answers.jsonl")))
    told = lines_of_problems(sorted(output.glob("part-*/errors.jsonl")))
    seen = answered + type(answered)({name(line - 1): count for line, count in told.items()})
    return ContinuationOutcome(
        texts=texts,
        partitions=len(after),
        seconds=seconds,
        done_at_first_kill=len(first),
        done_at_second_kill=len(before),
        processes_killed=killed,
        answers=answered.total(),
        problems=told.total(),
        expected_problems=bad,
        lost=sum(name(i) not in seen for i in range(texts)),
        twice=sum(count > 1 for count in seen.values()),
        changed=sum(_stamps(output).get(place) != stamp for place, stamp in stamps.items()),
        left_over=len(list(output.glob(".part-*"))) + (len(after) != partitions),
    )


def _kill_an_actor(run: Process, pids: list[int]) -> None:
    """The first that still lives of those that have written a partition. Raises RuntimeError if none does."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            return
    run.kill_all()
    raise RuntimeError("no actor that has written a partition is alive")


def _stamps(output: Path) -> dict[str, tuple[int, int]]:
    """Which file the answers of each partition are: its inode and time."""
    files = output.glob("part-*/answers.jsonl")
    return {file.parent.name: ((stat := file.stat()).st_ino, stat.st_mtime_ns) for file in files}
