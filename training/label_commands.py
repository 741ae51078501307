"""`xiaobao labels audit` and `next`. In: a snapshot, or the store behind the group. Out: what people should look at."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from data.errors import SettingsError

if TYPE_CHECKING:
    from data.store.audit import Scalar
    from data.store.label_export import ExportDesk
    from data.store.unit_of_work import Store
    from training.selection import Candidate

SHOWN = 20


def _need(*modules: str) -> None:
    from importlib.util import find_spec

    if any(find_spec(module) is None for module in modules):
        raise SettingsError("this command needs the extra `train`; run: pip install 'xiaobao[train]'")


@click.command("audit")
@click.argument("snapshot", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="All suspicious labels as JSON Lines.")
def labels_audit_command(snapshot: Path, output: Path | None) -> None:
    """Suspicious labels, disagreement between people, shifts of label use. Prints ids and codes, no text."""
    _need("sklearn", "cleanlab")
    from data.snapshots import read_snapshot
    from training.label_audit import SUSPECTED, disagreement, shifts, suspicious_labels

    rows = read_snapshot(snapshot)
    found = [suspicion for facet in SUSPECTED for suspicion in suspicious_labels(rows, facet)]
    click.echo(f"{len(rows)} labels, {len(found)} suspicious")
    for one in sorted(found, key=lambda suspicion: -suspicion.doubt)[:SHOWN]:
        click.echo(f"  {one.id} {one.facet} {one.given}, the model says {one.suggested} (doubt {one.doubt:.2f})")
    for facet, figures in disagreement(rows).items():
        click.echo(f"two readings {facet:11s} n {figures['n']:4.0f}  agreement {figures['agreement']:.3f}  "
                   f"kappa {figures['kappa']:.3f}")  # fmt: skip
    for shift in shifts(rows):
        click.echo(f"shift {shift.facet} {shift.code} by {shift.where}: {shift.share:.3f}, elsewhere "
                   f"{shift.elsewhere:.3f} (p {shift.p:.4f})")  # fmt: skip
    if output is not None:
        output.write_text("".join(json.dumps(vars(one)) + "\n" for one in found), encoding="utf-8")


@click.command("next")
@click.option("-n", "number", type=click.IntRange(1, 10_000), default=200, show_default=True)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), required=True, help="Ids and reasons.")
@click.option("--studio", type=click.Path(path_type=Path, dir_okay=False), help="Tasks of Label Studio as well.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.pass_obj
def labels_next_command(desk: "ExportDesk", number: int, output: Path, studio: Path | None, seed: int) -> None:
    """Which cases to decide next: uncertain, diverse, risky, random; and some decided ones again, blind."""
    _need("sklearn")
    from collections import Counter

    from training.selection import choose

    with desk.opened() as store:
        waiting, decided = list(_waiting(store)), dict(_decided(store))
        choices = choose(waiting, number, decided=list(decided), seed=seed)
        with store.writing() as work:  # before the files: nothing leaves that is not written down
            details: dict[str, Scalar] = {"cases": len(choices), "texts": len(choices) if studio else 0}
            work.audit.append("labels.chosen", actor_id=desk.actor(), subject="all", details=details)
    output.write_text("".join(json.dumps(vars(one)) + "\n" for one in choices), encoding="utf-8")
    if studio is not None:
        texts = {candidate.id: candidate.text for candidate in waiting} | decided
        tasks = [{"data": {"id": one.id, "text": texts[one.id]}} for one in choices]
        studio.write_text(json.dumps(tasks, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    counts = Counter(choice.reason for choice in choices)
    click.echo(f"{len(choices)} of {len(waiting)} undecided cases: " + ", ".join(f"{k} {v}" for k, v in counts.items()))


def _waiting(store: "Store") -> "Iterator[Candidate]":
    from data.store.label_export import PAGE
    from data.store.scope import ROOT
    from training.selection import Candidate

    after = ""
    while True:
        with store.reading() as work:
            page = work.label_export.waiting(after, within=ROOT, limit=PAGE)
        yield from (Candidate(id=case.id, text=case.text, probabilities=case.probabilities) for case in page)
        if len(page) < PAGE:
            return
        after = page[-1].id


def _decided(store: "Store") -> Iterator[tuple[str, str]]:
    """Cases with one decision and no second reading."""
    from data.store.label_export import PAGE
    from data.store.scope import ROOT

    after = ""
    while True:
        with store.reading() as work:
            page = work.label_export.reviewed(after, within=ROOT, limit=PAGE)
        yield from ((one.case.id, one.case.redacted_text) for one in page if not one.readings)
        if len(page) < PAGE:
            return
        after = page[-1].case.id
