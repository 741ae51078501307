"""The proofs that the service loses nothing and goes on. In: which of them. Out: tables in docs/operations.md.

    python -m eval.proofs                       all, about 15 minutes on two cores
    python -m eval.proofs --quick               all with short times, about 5 minutes; writes nothing
    python -m eval.proofs crash overload        some of them

Real processes throughout: `xiaobao serve` in production mode, SQLite in a file, PostgreSQL with fsync on. Nothing else
should run on the machine. Exit code 1 if a proof fails; what was measured is printed and written either way.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from eval.proofs import tables
from eval.proofs.crash import prove_crashes
from eval.proofs.damaged_bundle import prove_damage
from eval.proofs.full_disk import prove_full_disks
from eval.proofs.outage import prove_outages
from eval.proofs.overload import prove_overload
from eval.proofs.shutdown import prove_shutdowns


class Outcome(Protocol):
    def is_good(self) -> bool: ...


@dataclass(frozen=True, kw_only=True)
class Proof:
    """How to run it, with the options of the command line, and how to show it."""

    run: Callable[[argparse.Namespace], Sequence[Outcome]]
    show: Callable[[Any], str]


PROOFS = {
    "crash": Proof(run=lambda options: prove_crashes(options.kills), show=tables.crash_table),
    "outage": Proof(run=lambda options: prove_outages(options.outage_seconds), show=tables.outage_table),
    "full-disk": Proof(run=lambda _: prove_full_disks(), show=tables.full_disk_table),
    "damaged-bundle": Proof(run=lambda _: prove_damage(), show=tables.damaged_bundle_table),
    "shutdown": Proof(run=lambda _: prove_shutdowns(), show=tables.shutdown_table),
    "overload": Proof(
        run=lambda options: prove_overload(options.seconds, seconds_stored=options.seconds_stored),
        show=tables.overload_table,
    ),
}


def main() -> None:
    """Run, print, write the tables; exit 1 if one was not good."""
    options = _options()
    failed = [name for name in options.proofs or PROOFS if not _prove(name, options)]
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def _prove(name: str, options: argparse.Namespace) -> bool:
    load_before = os.getloadavg()[0]
    sys.stdout.write(f"{name} …\n")
    sys.stdout.flush()
    outcomes = PROOFS[name].run(options)
    shown = PROOFS[name].show(outcomes)
    is_good = bool(outcomes) and all(outcome.is_good() for outcome in outcomes)
    sys.stdout.write(f"{shown}{name}: {'good' if is_good else 'FAILED'}\n\n")
    sys.stdout.flush()
    if not options.quick:
        command = " ".join(["python -m eval.proofs", name, *(word for word in sys.argv[1:] if word not in PROOFS)])
        where = f"`{command}`, {os.cpu_count()} cores, load before the run {load_before:.1f}"
        tables.replace_block(name, [f"{where}{'' if is_good else ', **failed**'}", "", shown])
    return is_good


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("proofs", nargs="*", metavar="PROOF", help=f"{', '.join(PROOFS)}; default: all.")
    parser.add_argument("--quick", action="store_true", help="Short times; the page is left alone.")
    parser.add_argument("--kills", type=int, help="Of the service, on each database.")
    parser.add_argument("--outage-seconds", type=float, help="How long the database is gone.")
    parser.add_argument("--seconds", type=float, help="Of overload by triage alone.")
    parser.add_argument("--seconds-stored", type=float, help="Of overload by requests that store, on each database.")
    options = parser.parse_args()
    if unknown := set(options.proofs) - set(PROOFS):
        parser.error(f"unknown proof {', '.join(sorted(unknown))}; expected {', '.join(PROOFS)}")
    usual = {"kills": (10, 3), "outage_seconds": (30.0, 8.0), "seconds": (300.0, 20.0), "seconds_stored": (60.0, 15.0)}
    for name, (whole, quick) in usual.items():
        if getattr(options, name) is None:
            setattr(options, name, quick if options.quick else whole)
    return options


if __name__ == "__main__":
    main()
