"""The command `xiaobao`. In: the command line. Out: answers, reports, a service.

Exit codes: 0 done, 1 failed (or some rows failed), 2 wrong usage. Errors are one line on stderr, never a traceback,
never complaint text. Commands of other packages join by the entry-point group `xiaobao.commands`, so that a serving
install never imports training code; each command imports what it needs when it runs.
"""

import sys
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING

import click

from data.errors import XiaobaoError, place_of
from serving.logs import configure_logging

if TYPE_CHECKING:
    from importlib.metadata import EntryPoints

    from data.policy.schema import Policy


COMMANDS = {
    "audit": "serving.commands.audit:audit_group",
    "digest": "serving.commands.warning:digest_command",
    "drift": "serving.commands.drift:drift_group",
    "erase": "serving.commands.audit:erase_command",
    "key": "serving.commands.keys:key_group",
    "labels": "serving.commands.labels:labels_group",
    "mail": "serving.commands.mail:mail_group",
    "models": "serving.commands.models:models_group",
    "report": "serving.commands.report:report_command",
    "store": "serving.commands.store:store_group",
    "taxonomy": "serving.commands.taxonomy:taxonomy_group",
    "unit": "serving.commands.organisation:unit_group",
    "user": "serving.commands.organisation:user_group",
    "warn": "serving.commands.warning:warn_command",
}
"""The commands of other modules, imported when one is called or listed."""


class _Commands(click.Group):
    """Turns errors into one line, and finds the commands of other modules and those that other packages add."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *COMMANDS, *_added_commands().names])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        if cmd_name in COMMANDS:
            command: click.Command = resolve_name(COMMANDS[cmd_name])
            return command
        return next((point.load() for point in _added_commands().select(name=cmd_name)), None)

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except XiaobaoError as error:
            raise click.ClickException(error.message) from error
        except OSError as error:
            raise click.ClickException(f"{error.strerror or type(error).__name__}: {error.filename or ''}") from error
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:  # its message and a traceback could quote a complaint
            raise click.ClickException(
                f"unexpected {type(error).__name__} at {place_of(error)}; this is a fault of xiaobao, please report it"
            ) from error


def _added_commands() -> "EntryPoints":
    """Those that other packages add."""
    from importlib.metadata import entry_points

    return entry_points(group="xiaobao.commands")


@click.group(cls=_Commands)
@click.version_option(package_name="xiaobao")
def main() -> None:
    """xiaobao 消保: triage of Chinese bank complaints on your own machines."""
    configure_logging()


BUNDLE_OPTION = click.option(
    "--bundle",
    "bundle_folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Model bundle; default: the shipped one.",
)


@main.command("triage")
@click.argument("text")
@BUNDLE_OPTION
@click.option("--json", "as_json", is_flag=True, help="Print the whole answer as JSON.")
def triage_command(text: str, bundle_folder: Path | None, as_json: bool) -> None:
    """Triage one complaint; TEXT - reads standard input."""
    from models.predictor import Predictor
    from serving.readable import render_answer
    from serving.settings import policies_of_environment

    complaint = sys.stdin.read() if text == "-" else text
    predictor = Predictor.load(bundle_folder, policy=policies_of_environment().current)
    answer = predictor.triage([complaint], full=as_json)[0]
    click.echo(answer.model_dump_json(indent=1) if as_json else render_answer(answer))


@main.command("predict")
@click.option("--input", "input_file", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=True)
@click.option("--output", "output_file", type=click.Path(path_type=Path), required=True)
@click.option(
    "--workers", type=click.IntRange(1, 1024), help="Threads, on Ray actors; default: all cores of this machine."
)
@click.option("--engine", type=click.Choice(["local", "ray"]), default="local", help="Where; ray needs its extra.")
@click.option("--address", help="Of a Ray cluster, host:port; default: one on this machine for this run.")
@click.option(
    "--partition-rows", type=click.IntRange(1), default=2000, show_default=True, help="On Ray, of a partition."
)
@BUNDLE_OPTION
def predict_command(
    input_file: Path,
    output_file: Path,
    workers: int | None,
    engine: str,
    address: str | None,
    partition_rows: int,
    bundle_folder: Path | None,
) -> None:
    """Triage a file: JSONL, CSV, XLSX or Parquet with columns text and, if wanted, id (or 投诉内容, 工单号).

    The answers are JSON Lines, or Parquet where OUTPUT ends in .parquet. Bad rows are reported with their line, stand
    in OUTPUT.errors.jsonl, and the rest is done; then the exit code is 1. On Ray OUTPUT is a folder of partitions, and
    a run that was killed goes on where it was.
    """
    from models.predictor import Predictor
    from serving.predict_files import predict_file
    from serving.settings import policies_of_environment

    policy = policies_of_environment().current
    if address is not None and engine != "ray":
        raise click.UsageError("--address is of a Ray cluster; add --engine ray")
    if engine == "ray":
        _predict_on_ray(input_file, output_file, workers, address, partition_rows, bundle_folder, policy)
        return
    predictor = Predictor.load(bundle_folder, policy=policy)
    outcome = predict_file(predictor, input_file, output_file, workers=workers)
    for problem in outcome.problems:
        click.echo(str(problem), err=True)
    click.echo(f"{outcome.done} texts triaged, {outcome.failed} skipped → {output_file}", err=True)
    if outcome.failed:
        sys.exit(1)


def _predict_on_ray(
    input_file: Path,
    output_folder: Path,
    workers: int | None,
    address: str | None,
    partition_rows: int,
    bundle_folder: Path | None,
    policy: "Policy",
) -> None:
    from models.bundle import current_bundle_folder, load_bundle
    from serving.cluster.ray_engine import predict_on_ray

    outcome = predict_on_ray(
        load_bundle(bundle_folder or current_bundle_folder()),
        policy,
        input_file,
        output_folder,
        address=address,
        workers=workers,
        partition_rows=partition_rows,
    )
    told = f"{outcome.done} texts triaged, {outcome.failed} skipped, in {outcome.partitions} partitions"
    click.echo(f"{told} ({outcome.found} were there) → {output_folder}", err=True)
    if outcome.failed:
        sys.exit(1)


@main.command("serve")
@click.option("--host", default=None, help="Address to listen on; default from XIAOBAO_HOST, else 127.0.0.1.")
@click.option("--port", type=int, default=None, help="Port; default from XIAOBAO_PORT, else 8000.")
@click.option(
    "--api-only", is_flag=True, help="Triage alone, no store and no pages: less memory, faster start and answers."
)
def serve_command(host: str | None, port: int | None, api_only: bool) -> None:
    """Start the HTTP service."""
    from serving.run import serve
    from serving.settings import load_settings

    chosen: dict[str, object] = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    if api_only:
        chosen["store"] = "off"
    serve(load_settings(**chosen), api_only=api_only)


@main.group("bundle")
def bundle_group() -> None:
    """Model bundles."""


@bundle_group.command("show")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False), required=False)
def bundle_show_command(folder: Path | None) -> None:
    """Check a bundle's hashes and show what it is; default: the shipped one."""
    from models.bundle import current_bundle_folder, load_bundle

    bundle = load_bundle(folder or current_bundle_folder())
    labels = bundle.labels
    click.echo(f"{bundle.name}  taxonomy {bundle.taxonomy_version}  redaction {bundle.redaction_version}")
    click.echo(
        f"{len(labels.category)} categories, {len(labels.leaf)} leaves, {len(labels.cause)} causes, "
        f"{len(labels.subcause)} sub-causes, {len(labels.flags)} flags; at most {bundle.max_tokens} pieces a text"
    )
    for name, entry in bundle.manifest["files"].items():
        click.echo(f"  {entry['bytes']:>10,}  {entry['sha256'][:16]}  {name}")
    click.echo("all hashes match the manifest")


@bundle_group.command("use")
@click.argument("name")
def bundle_use_command(name: str) -> None:
    """Make a bundle of models/bundles/ the shipped one, for developers; a bank promotes: xiaobao models promote."""
    from models.bundle import BUNDLES_FOLDER, CURRENT_POINTER, load_bundle

    load_bundle(BUNDLES_FOLDER / name)
    CURRENT_POINTER.write_text(name + "\n", encoding="utf-8")
    click.echo(f"{name} is the shipped bundle now")
