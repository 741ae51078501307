"""`xiaobao drift`: does what comes in still look like what the model knows? In: the store. Out: distances; 1 on alert.

References lie in the registry, `drift/NAME.json`; the last week's measures in `drift/latest.json`, which the service
shows as metrics. `corpus-reference` comes from the extra `train`.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

import click

from data.files import write_whole

if TYPE_CHECKING:
    from models.drift import Measure, Observation

DAY = click.DateTime(["%Y-%m-%d"])


class _Drift(click.Group):
    """Finds the commands of the extra `train`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *entry_points(group="xiaobao.drift").names])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        found = entry_points(group="xiaobao.drift", name=cmd_name)
        return super().get_command(ctx, cmd_name) or next((point.load() for point in found), None)


@click.group("drift", cls=_Drift)
def drift_group() -> None:
    """Distances of recent complaints from a reference."""


@drift_group.command("reference")
@click.option("--from", "since", type=DAY, required=True, help="First day; days are those of China.")
@click.option("--to", "until", type=DAY, required=True, help="Day after the last one.")
@click.option("--name", default="current", show_default=True, help="The model whose reference it is.")
def reference_command(since: datetime, until: datetime, name: str) -> None:
    """Make a reference of the bank's own complaints of some weeks in which all was well."""
    from models.drift import build_reference
    from models.registry import Registry

    registry = Registry()
    named = registry.folder_of(name).name
    reference = build_reference(named, list(_observations(_midnight(since), _midnight(until))))
    reference.write(registry.folder / "drift" / f"{named}.json")
    click.echo(f"reference of {named}: {reference.texts} texts")


@drift_group.command("check")
@click.option("--days", type=click.IntRange(1, 366), default=7, show_default=True)
@click.option("--until", type=DAY, help="Day after the last one; default: now.")
def check_command(days: int, until: datetime | None) -> None:
    """Measure the last days against the reference of the model that serves; exit 1 on an alert. Run it weekly."""
    from models.drift import Reference, measure_drift
    from models.registry import Registry

    end = _midnight(until) if until else datetime.now(UTC)
    registry = Registry()
    reference = Reference.read(registry.folder / "drift" / f"{registry.folder_of('current').name}.json")
    observations = list(_observations(end - timedelta(days=days), end))
    measures = measure_drift(reference, observations)
    for one in measures:
        click.echo(
            f"{'ALERT' if one.alert else 'well '}  {one.name:22s} {one.distance:.3f}  threshold {one.threshold:.3f}  "
            f"chance {one.chance:.3f}"
        )
    _keep(registry.folder / "drift" / "latest.json", measures, texts=len(observations))
    if any(one.alert for one in measures):
        sys.exit(1)


def _keep(file: Path, measures: "Sequence[Measure]", *, texts: int) -> None:
    content = {
        "at": datetime.now(UTC).isoformat(),
        "texts": texts,
        "measures": {one.name: one.distance for one in measures},
        "alerts": [one.name for one in measures if one.alert],
    }
    write_whole(file, json.dumps(content, indent=1) + "\n")


def _midnight(day: datetime) -> datetime:
    """The beginning of a day in China."""
    from data.days import CHINA

    return day.replace(tzinfo=CHINA)


def _observations(since: datetime, until: datetime) -> "Iterator[Observation]":
    from data.store.label_export import PAGE
    from data.store.scope import ROOT
    from models.drift import Observation
    from serving.commands.opening import opened_store

    after = ""
    with opened_store() as store:
        while True:
            with store.reading() as work:
                page = work.label_export.received(since, until, after, within=ROOT, limit=PAGE)
            yield from (Observation(text=case.text, probabilities=case.probabilities) for case in page)
            if len(page) < PAGE:
                return
            after = page[-1].id
