"""Beyond one machine, proved and measured. In: which parts. Out: tables in docs/scaling.md.

    python -m eval.scale                                  all, about half an hour on two idle cores
    python -m eval.scale continuation --texts 100000
    python -m eval.scale throughput --texts 10000 --rounds 3
    python -m eval.scale cost --texts 500
    python -m eval.scale --quick                          all with few texts; writes nothing

Needs the extra `ray`. Nothing else should run on the machine. Exit code 1 if a proof fails or Ray reaches less than
85 % of as many processes without it; what was measured is printed and written either way.
"""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from eval.latency_table import table
from eval.proofs.banks import temporary_folder
from eval.proofs.tables import replace_block
from eval.scale.continuation import ContinuationOutcome, prove_continuation
from eval.scale.cost import VOLUMES, CostOutcome, measure_cost
from eval.scale.throughput import Comparison, compare

PAGE = Path(__file__).resolve().parents[2] / "docs" / "scaling.md"
USUAL = {"continuation": 100_000, "throughput": 10_000, "cost": 500}
QUICK = {"continuation": 6_000, "throughput": 1_000, "cost": 100}


def main() -> None:
    """Run, print, write the tables; exit 1 if one was not good."""
    options = _options()
    parts: dict[str, Callable[[Path, argparse.Namespace, int], tuple[str, bool]]] = {
        "continuation": _continuation,
        "throughput": _throughput,
        "cost": _cost,
    }
    wanted = options.parts or list(parts)
    failed = [part for part in wanted if not _measure(part, parts[part], options)]
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def _measure(
    part: str, measure: Callable[[Path, argparse.Namespace, int], tuple[str, bool]], options: argparse.Namespace
) -> bool:
    load_before = os.getloadavg()[0]
    texts = options.texts or (QUICK if options.quick else USUAL)[part]
    with temporary_folder("scale") as folder:
        shown, is_good = measure(folder, options, texts)
    sys.stdout.write(f"{shown}{part}: {'good' if is_good else 'FAILED'}\n\n")
    sys.stdout.flush()
    if not options.quick:
        command = f"python -m eval.scale {part} --texts {texts}"
        command += "" if part == "cost" else f" --workers {options.workers}"
        command += f" --rounds {options.rounds}" if part == "throughput" else ""
        where = f"`{command}`, {os.cpu_count()} cores, load before the run {load_before:.1f}"
        replace_block(part, [f"{where}{'' if is_good else ', **failed**'}", "", shown], PAGE)
    return is_good


def _continuation(folder: Path, options: argparse.Namespace, texts: int) -> tuple[str, bool]:
    outcome = prove_continuation(folder, texts, workers=options.workers)
    return continuation_table(outcome), outcome.is_good()


def _throughput(folder: Path, options: argparse.Namespace, texts: int) -> tuple[str, bool]:
    comparison = compare(folder, texts, workers=options.workers, rounds=options.rounds)
    return throughput_table(comparison, options.workers), comparison.is_good()


def _cost(folder: Path, _options: argparse.Namespace, texts: int) -> tuple[str, bool]:
    outcome = measure_cost(folder, texts)
    return cost_table(outcome), outcome.is_good()


def continuation_table(one: ContinuationOutcome) -> str:
    head = ["texts", "partitions", "seconds in all", "partitions done when an actor was killed",
            "done when the whole run was killed", "processes killed then", "answers", "problems (expected)", "lost",
            "twice", "partitions done again", "left over"]  # fmt: skip
    row = [
        f"{one.texts:,}", f"{one.partitions}", f"{one.seconds:.0f}", f"{one.done_at_first_kill}",
        f"{one.done_at_second_kill}", f"{one.processes_killed}", f"{one.answers:,}",
        f"{one.problems} ({one.expected_problems})", f"{one.lost}", f"{one.twice}", f"{one.changed}",
        f"{one.left_over}",
    ]  # fmt: skip
    return table(head, [row])


def throughput_table(comparison: Comparison, workers: int) -> str:
    head = ["engine", "texts", "rounds", "start s", "whole s, median", "texts/s without the start", "of the processes"]
    rows = [
        [
            name, f"{one.texts:,}", f"{one.rounds}", f"{one.start_seconds:.1f}", f"{one.seconds:.1f}",
            f"{one.per_second:.1f}", f"{one.per_second / comparison.plain.per_second:.0%}",
        ]
        for name, one in (
            (f"{workers} processes of `--workers 1`", comparison.plain),
            (f"{workers} actors on Ray", comparison.ray),
        )
    ]  # fmt: skip
    return table(head, rows)


def cost_table(one: CostOutcome) -> str:
    measured = table(
        ["of one complaint, mean of", "bulk: CPU ms", "stored by HTTP: CPU ms of the service", "of PostgreSQL",
         "bytes in PostgreSQL"],
        [[
            f"{one.texts}", f"{one.bulk_seconds * 1e3:.1f}", f"{one.service_seconds * 1e3:.1f}",
            f"{one.database_seconds * 1e3:.1f}", f"{one.database_bytes:,.0f}",
        ]],
    )  # fmt: skip
    million = f"A million: {one.hours_a_million(one.bulk_seconds):.1f} core hours in bulk, "
    million += f"{one.hours_a_million(one.online_seconds):.1f} stored by HTTP, {one.database_bytes / 1e3:.1f} GB.\n"
    volumes = table(
        ["who", "complaints a year", "an hour at the busiest time", "replicas of 2 cores", "core hours a year",
         "GB a year"],
        (
            [
                who, f"{count:,}", f"{one.peak(count) * 3600:,.0f}", f"{one.replicas(count)}",
                f"{one.online_seconds * count / 3600:,.2f}", f"{one.database_bytes * count / 1e9:,.2f}",
            ]
            for who, count in VOLUMES
        ),
    )  # fmt: skip
    return f"{measured}\n{million}\n{volumes}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(USUAL)}; default: all.")
    parser.add_argument("--texts", type=int, help="Default: 100000, 10000 and 500.")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=3, help="Of the comparison.")
    parser.add_argument("--quick", action="store_true", help="Few texts; the page is left alone.")
    options = parser.parse_args()
    if unknown := set(options.parts) - set(USUAL):
        parser.error(f"unknown part {', '.join(sorted(unknown))}; expected {', '.join(USUAL)}")
    return options


if __name__ == "__main__":
    main()
