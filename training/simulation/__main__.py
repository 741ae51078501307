"""The loop, proved. In: the corpus, the shipped bundle. Out: the tables of docs/loop.md.

python -m training.simulation curve [--weeks 8] [--batch 300] [--seeds 3]
python -m training.simulation gate [--batch 1500] --run-dir FOLDER
python -m training.simulation promotion [--rate 200] [--seconds 30]
"""

import json
from dataclasses import asdict
from pathlib import Path

import click

from data.dataset import read_corpus
from data.splits import read_splits
from data.taxonomy import default_taxonomy

FOLDER = click.Path(path_type=Path, file_okay=False)


@click.group()
def main() -> None:
    """Simulations of the loop from labels to models."""


@main.command("curve")
@click.option("--weeks", type=int, default=8, show_default=True)
@click.option("--batch", type=int, default=300, show_default=True)
@click.option("--seeds", type=int, default=3, show_default=True)
@click.option("--json", "output", type=click.Path(path_type=Path, dir_okay=False), help="Every point.")
def curve_command(weeks: int, batch: int, seeds: int, output: Path | None) -> None:
    """Macro-F1 against labels, active beside random choice."""
    from training.simulation.curve import curve_lines, simulate

    taxonomy, splits = default_taxonomy(), read_splits()
    texts = read_corpus(taxonomy)
    train, test = ([text for text in texts if splits[text.id] == name] for name in ("train", "test"))
    points = simulate(train, test, taxonomy, weeks=weeks, batch=batch, seeds=range(seeds))
    if output is not None:
        output.write_text(json.dumps([asdict(point) for point in points], indent=1) + "\n", encoding="utf-8")
    for line in curve_lines(points):
        click.echo(line)


@main.command("gate")
@click.option("--batch", type=int, default=1500, show_default=True)
@click.option("--run-dir", type=FOLDER, required=True, help="Bundles; reuse it to resume.")
def gate_command(batch: int, run_dir: Path) -> None:
    """A good batch and a spoilt one before the gate."""
    from eval.gate import finding_line
    from training.simulation.bad_batch import judge_batches

    for name, record in judge_batches(default_taxonomy(), run_dir, batch=batch).items():
        failed = [finding for finding in record.findings if not finding.passed]
        click.echo(f"{name}: {len(record.findings) - len(failed)} demands met, {len(failed)} not")
        for finding in failed:
            click.echo(f"  {finding_line(finding)}")


@main.command("promotion")
@click.option("--rate", type=int, default=200, show_default=True, help="Requests a second.")
@click.option("--seconds", type=float, default=30.0, show_default=True)
def promotion_command(rate: int, seconds: float) -> None:
    """Promotion and rollback while the service answers."""
    from training.simulation.promotion import promote_under_load

    click.echo(json.dumps(promote_under_load(rate=rate, seconds=seconds), indent=1))


if __name__ == "__main__":
    main()
