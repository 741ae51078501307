"""What was measured, as tables of docs/operations.md. In: outcomes of a proof. Out: the page with its block replaced.

Only what stands between a proof's two markers is replaced; the prose around it is written by hand.
"""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from data.errors import InputFileError
from eval.latency_table import table
from eval.proofs.crash import CrashOutcome
from eval.proofs.damaged_bundle import DamageOutcome
from eval.proofs.full_disk import FullDiskOutcome
from eval.proofs.outage import OutageOutcome
from eval.proofs.overload import OverloadOutcome
from eval.proofs.shutdown import ShutdownOutcome

PAGE = Path(__file__).resolve().parents[2] / "docs" / "operations.md"


def crash_table(outcomes: Sequence[CrashOutcome]) -> str:
    head = ["database", "killed", "kills", "acknowledged", "lost", "twice", "wrong text", "half-stored",
            "in flight when killed", "of them committed", "longest restart s"]  # fmt: skip
    return table(
        head,
        (
            [
                one.database, one.killed, f"{one.kills}", f"{one.acknowledged:,}", f"{one.lost}", f"{one.twice}",
                f"{one.wrong_text}", f"{one.incomplete}", f"{one.unanswered}", f"{one.kept_before_resending}",
                f"{one.longest_restart_seconds:.1f}",
            ]
            for one in outcomes
        ),
    )  # fmt: skip


def outage_table(outcomes: Sequence[OutageOutcome]) -> str:
    head = ["database", "gone for s", "503 to requests that store", "longest 503 ms", "without Retry-After", "429",
            "triage before: p50, p99 ms", "triage during", "first stored after s", "acknowledged", "lost or twice",
            "other answers"]  # fmt: skip
    return table(
        head,
        (
            [
                one.kind, f"{one.seconds:.0f}", f"{one.refused}", f"{one.longest_refusal_ms:.0f}",
                f"{one.without_retry_after}", f"{one.busy}", _two(one.triaged_before), _two(one.triaged_during),
                f"{one.recovery_seconds:.2f}", f"{one.acknowledged}", f"{one.lost + one.twice}", f"{one.unexpected}",
            ]
            for one in outcomes
        ),
    )  # fmt: skip


def full_disk_table(outcomes: Sequence[FullDiskOutcome]) -> str:
    head = ["database", "how", "503 with Retry-After", "longest 503 ms", "triage meanwhile: p50, p99 ms",
            "PostgreSQL had to be started again", "first stored after s", "acknowledged", "lost or twice",
            "half-stored", "other answers"]  # fmt: skip
    return table(
        head,
        (
            [
                one.database, one.how, f"{one.refused}", f"{one.longest_refusal_ms:.0f}", _two(one.triaged_during),
                "yes" if one.server_restarted else "no", f"{one.recovery_seconds:.2f}", f"{one.acknowledged}",
                f"{one.lost + one.twice}", f"{one.incomplete + one.wrong_text}", f"{one.unexpected}",
            ]
            for one in outcomes
        ),
    )  # fmt: skip


def damaged_bundle_table(outcomes: Sequence[DamageOutcome]) -> str:
    head = ["file with one byte changed", "exit code", "lines printed", "names the file"]
    return table(
        head,
        ([f"`{one.file}`", f"{one.exit_code}", f"{one.lines}", "yes" if one.names_it else "no"] for one in outcomes),
    )


def overload_table(outcomes: Sequence[OverloadOutcome]) -> str:
    head = ["what", "seconds", "capacity /s", "offered /s", "requests", "200", "429", "503", "other", "unanswered",
            "200: p50, p99 ms", "429: p50, p99 ms", "memory at start, most, last MB", "MB a minute, second half",
            "lost or twice"]  # fmt: skip
    return table(
        head,
        (
            [
                one.kind, f"{one.seconds:.0f}", f"{one.capacity_per_second:.0f}", f"{one.offered_per_second:.0f}",
                f"{one.requests:,}", f"{one.accepted:,}", f"{one.refused:,}", f"{one.unavailable}",
                f"{one.unexpected}", f"{one.unanswered}",
                _two(one.accepted_ms), _two(one.refused_ms),
                f"{one.memory_start_mb:.0f}, {one.memory_most_mb:.0f}, {one.memory_last_mb:.0f}",
                f"{one.memory_slope_mb_per_minute:.1f}", f"{one.lost + one.twice}",
            ]
            for one in outcomes
        ),
    )  # fmt: skip


def shutdown_table(outcomes: Sequence[ShutdownOutcome]) -> str:
    head = ["database", "gone after s", "requests under way", "answered", "unanswered", "acknowledged", "lost or twice"]
    return table(
        head,
        (
            [
                one.kind, f"{one.seconds:.1f}", f"{one.under_way}", f"{one.answered_after}", f"{one.unanswered}",
                f"{one.acknowledged}", f"{one.lost + one.twice}",
            ]
            for one in outcomes
        ),
    )  # fmt: skip


def replace_block(name: str, lines: Iterable[str], page: Path = PAGE) -> None:
    """Put a proof's lines between its markers. Raises InputFileError if they are not there once each."""
    begin, end = f"<!-- proof:{name}:begin -->", f"<!-- proof:{name}:end -->"
    content = page.read_text(encoding="utf-8")
    if content.count(begin) != 1 or content.count(end) != 1 or content.index(begin) > content.index(end):
        raise InputFileError(f"{page.name} does not hold {begin} and {end} once, in this order")
    before, _, rest = content.partition(begin)
    block = "\n".join(lines).strip()
    page.write_text(f"{before}{begin}\n{block}\n{end}{rest.partition(end)[2]}", encoding="utf-8")


def _two(milliseconds: tuple[float, float, float]) -> str:
    p50, p99, _ = milliseconds
    return "none" if math.isnan(p50) else f"{p50:.0f}, {p99:.0f}"
