"""`xiaobao warn`: look for early warnings once. In: the store. Out: what was found; nothing twice a day."""

from datetime import datetime

import click


@click.command("warn")
@click.option(
    "--day", type=click.DateTime(["%Y-%m-%d"]), default=None, help="Last day to look at; default: yesterday in China."
)
def warn_command(day: datetime | None) -> None:
    """Look for spikes, group complaints, templates and rising terms once; for cron.

    A running service does the same every morning; who comes second does nothing.
    """
    from serving.commands.opening import opened_store
    from serving.warning.rounds import look_for_warnings

    with opened_store() as store:
        raised = look_for_warnings(store, last=None if day is None else day.date())
        if raised is None:
            click.echo("this day was looked at already, or another process is at it")
            return
        with store.reading() as work:
            open_now, unseen = work.warnings.count_open(within="/")
    click.echo(f"{raised} new warnings; {open_now} open, {unseen} of them not acknowledged")
