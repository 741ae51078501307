"""`xiaobao labels …`: decisions of people as datasets. In: the store. Out: snapshots, redacted; no original ever.

`audit` and `next` come from the extra `train` by the entry-point group `xiaobao.labels`; they get the way to the store
from here.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from serving.commands.opening import actor, opened_store

if TYPE_CHECKING:
    from data.snapshots import LabelRow
    from data.store.audit import Scalar
    from data.store.label_export import ReviewedCase
    from data.store.label_tables import Label
    from data.store.unit_of_work import Store

FOLDER = click.Path(path_type=Path, file_okay=False)
SNAPSHOT = click.Path(path_type=Path, file_okay=False, exists=True)
FILE = click.Path(path_type=Path, dir_okay=False)
CODES = ("order_type", "category", "leaf", "cause", "subcause", "channel", "causes2", "flags")
FACETS = ("order_type", "category", "leaf", "cause", "subcause", "channel", "flags")


class _Labels(click.Group):
    """Finds the commands of the extra `train`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *entry_points(group="xiaobao.labels").names])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        found = entry_points(group="xiaobao.labels", name=cmd_name)
        return super().get_command(ctx, cmd_name) or next((point.load() for point in found), None)


@click.group("labels", cls=_Labels)
@click.pass_context
def labels_group(context: click.Context) -> None:
    """Decisions of people, for ML engineers."""
    from data.store.label_export import ExportDesk

    context.obj = ExportDesk(opened=opened_store, actor=actor)


@labels_group.command("pull")
@click.option("--into", "folder", type=FOLDER, required=True, help="Where snapshots lie, one folder each.")
@click.option("--unit", "unit_id", help="Only cases of this unit and below.")
@click.option("--datasets", "hugging_face", is_flag=True, help="Also as a Hugging Face dataset (extra `datasets`).")
def labels_pull_command(folder: Path, unit_id: str | None, hugging_face: bool) -> None:
    """Write all standing decisions as a new snapshot; erased cases leave the earlier ones."""
    from data.preparation import REDACTION_VERSION
    from data.snapshots import read_manifest, snapshot_name, write_snapshot
    from data.store.scope import ROOT
    from data.taxonomy import default_taxonomy

    with opened_store() as store:
        with store.reading() as work:
            within = work.units.get(unit_id, within=ROOT).path if unit_id else ROOT
        rows = list(_rows(store, within))
        versions = {"taxonomy": default_taxonomy().version, "redaction": REDACTION_VERSION}
        with store.writing() as work:  # before the file: nothing leaves that is not written down
            details: dict[str, Scalar] = {"snapshot": snapshot_name(folder, rows), "rows": len(rows)}
            work.audit.append("labels.pulled", actor_id=actor(), subject=unit_id or "all", details=details)
        snapshot = write_snapshot(folder, rows, versions=versions, hugging_face=hugging_face)
        gone, damaged = _forget(store, folder)
    counts = {name: file["rows"] for name, file in read_manifest(snapshot)["files"].items()}
    click.echo(f"{snapshot}: " + ", ".join(f"{name} {count}" for name, count in counts.items()))
    click.echo(f"{gone} rows of erased cases left the snapshots")
    _refuse_damaged(damaged)


@labels_group.command("forget")
@click.option("--into", "folder", type=SNAPSHOT, required=True, help="Where snapshots lie.")
def labels_forget_command(folder: Path) -> None:
    """Take rows of cases that were erased or deleted out of every snapshot."""
    with opened_store() as store:
        gone, damaged = _forget(store, folder)
    click.echo(f"{gone} rows left the snapshots")
    _refuse_damaged(damaged)


@labels_group.command("to-studio")
@click.argument("snapshot", type=SNAPSHOT)
@click.argument("output", type=FILE)
@click.option("--predictions", is_flag=True, help="The labels as predictions to start from, not as annotations.")
def labels_to_studio_command(snapshot: Path, output: Path, predictions: bool) -> None:
    """Write a snapshot as tasks of Label Studio (JSON)."""
    from data.label_studio import to_tasks
    from data.snapshots import read_snapshot

    tasks = to_tasks(read_snapshot(snapshot), as_predictions=predictions)
    output.write_text(json.dumps(tasks, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    click.echo(f"{len(tasks)} tasks → {output}")


@labels_group.command("from-studio")
@click.argument("export", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--into", "folder", type=FOLDER, required=True, help="Where snapshots lie, one folder each.")
def labels_from_studio_command(export: Path, folder: Path) -> None:
    """Make a snapshot of an export of Label Studio (JSON); texts are redacted again."""
    from data.label_studio import read_tasks
    from data.preparation import REDACTION_VERSION
    from data.snapshots import write_snapshot
    from data.taxonomy import default_taxonomy

    taxonomy = default_taxonomy()
    rows = read_tasks(export, taxonomy)
    versions = {"taxonomy": taxonomy.version, "redaction": REDACTION_VERSION}
    click.echo(f"{len(rows)} rows → {write_snapshot(folder, rows, versions=versions, hugging_face=False)}")


def _rows(store: "Store", within: str) -> "Iterator[LabelRow]":
    from data.store.label_export import PAGE

    after = ""
    while True:
        with store.reading() as work:
            page = work.label_export.reviewed(after, within=within, limit=PAGE)
            yield from (_row(reviewed, work.label_export.pseudonym) for reviewed in page)
        if len(page) < PAGE:
            return
        after = page[-1].case.id


def _row(reviewed: "ReviewedCase", pseudonym: Callable[[str], str]) -> "LabelRow":
    from data.snapshots import LabelRow

    label = reviewed.label
    return LabelRow(
        id=reviewed.case.id,
        text=reviewed.case.redacted_text,
        **_codes(label),
        labelled_at=label.created_at,
        reviewer=pseudonym(label.user_id),
        bundle=label.bundle,
        readings=tuple({"reviewer": pseudonym(one.user_id), **_codes(one)} for one in reviewed.readings),
        probabilities={name: reviewed.probabilities[name] for name in FACETS if name in reviewed.probabilities},
    )


def _codes(label: "Label") -> dict[str, Any]:
    lists = {name: tuple(getattr(label, name)) for name in ("causes2", "flags")}
    return {name: getattr(label, name) for name in CODES} | lists


def _forget(store: "Store", folder: Path) -> tuple[int, Sequence[str]]:
    """How many rows left because their case is gone, and the names of snapshots that cannot be read.

    A row with the number of a case is the store's, whoever labelled it; others are not the store's to judge.
    """
    from data.errors import InputFileError
    from data.snapshots import clear_drafts, forget, read_snapshot, snapshots
    from data.store.label_export import is_case_number
    from data.store.scope import ROOT

    clear_drafts(folder)
    total, damaged = 0, []
    for snapshot in snapshots(folder):
        try:
            ids = {row.id for row in read_snapshot(snapshot) if is_case_number(row.id)}
            with store.reading() as work:
                gone = work.label_export.gone(ids, within=ROOT)
            total += forget(snapshot, gone) if gone else 0
        except (InputFileError, OSError):
            damaged.append(snapshot.name)
    return total, damaged


def _refuse_damaged(names: Sequence[str]) -> None:
    """Raises InputFileError where erased cases may still stand in a snapshot."""
    from data.errors import InputFileError

    if names:
        raise InputFileError(
            f"{len(names)} snapshots are damaged and may hold erased cases: {', '.join(names)}; "
            "delete them and pull anew"
        )
