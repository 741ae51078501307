"""`xiaobao taxonomy migrate`: other codes. In: a map of codes, files. Out: converted files beside the old ones."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from data.taxonomy import Taxonomy
    from data.taxonomy_map import TaxonomyMap

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)
NEW_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group("taxonomy")
def taxonomy_group() -> None:
    """The codes of the regulator and of the bank."""


@taxonomy_group.command("migrate")
@click.option("--map", "map_file", type=FILE, required=True, help="Old code → new code, several, or null.")
@click.option("--taxonomy", "taxonomy_file", type=FILE, help="The new taxonomy; default: the one in force here.")
@click.option("--labels", "snapshot", type=FOLDER, help="A snapshot; the new one is written beside it.")
@click.option("--policy", "policy_file", type=FILE, help="A policy file.")
@click.option("--policy-version", help="Version of the new policy file.")
@click.option("--report", "report_file", type=FILE, help="Figures by code, CSV.")
@click.option("--column", default="code", show_default=True, help="The report's column of codes.")
@click.option("--output", type=NEW_FILE, help="Where the new policy or report goes.")
def migrate_command(
    map_file: Path,
    taxonomy_file: Path | None,
    snapshot: Path | None,
    policy_file: Path | None,
    policy_version: str | None,
    report_file: Path | None,
    column: str,
    output: Path | None,
) -> None:
    """Convert labels, a policy or a report; old decisions in the store keep their version."""
    from data.taxonomy import default_taxonomy, load_taxonomy
    from data.taxonomy_map import TaxonomyMap, convert_policy, convert_report

    new = load_taxonomy(taxonomy_file) if taxonomy_file else default_taxonomy()
    codes = TaxonomyMap.read(map_file, new)
    if snapshot is not None:
        _migrate_labels(snapshot, codes, new)
    if policy_file is None and report_file is None:
        return
    if output is None or (policy_file is not None) == (report_file is not None):
        raise click.UsageError("--output takes one file: give either --policy or --report with it")
    if policy_file is not None:
        if policy_version is None:
            raise click.UsageError("a changed policy needs a version of its own: --policy-version")
        text = convert_policy(policy_file.read_text(encoding="utf-8"), codes, policy_version)
    else:
        assert report_file is not None
        text = convert_report(report_file.read_text(encoding="utf-8"), codes, column=column)
    output.write_text(text, encoding="utf-8")
    click.echo(f"written: {output}")


def _migrate_labels(snapshot: Path, codes: "TaxonomyMap", new: "Taxonomy") -> None:
    from data.snapshots import read_manifest, read_snapshot, write_snapshot
    from data.taxonomy_map import convert_rows

    versions = read_manifest(snapshot)["versions"]
    if versions["taxonomy"] != codes.source:
        found = versions["taxonomy"]
        raise click.UsageError(f"{snapshot.name} speaks taxonomy {found}, the map begins at {codes.source}")
    rows, left = convert_rows(read_snapshot(snapshot), codes, new)
    target = write_snapshot(
        snapshot.parent, rows, versions=versions | {"taxonomy": new.version, "from": snapshot.name}, hugging_face=False
    )
    by_hand = target.with_name(f"{target.name}-by-hand.jsonl")
    by_hand.write_text("".join(json.dumps(vars(one)) + "\n" for one in left), encoding="utf-8")
    click.echo(f"{len(rows)} rows → {target}; {len({one.id for one in left})} need a person → {by_hand}")
