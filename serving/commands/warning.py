"""`xiaobao warn`, `xiaobao digest`: early warnings once, the weekly letter once. In: the store. Out: what was done."""

from datetime import datetime

import click


@click.command("warn")
@click.option(
    "--day",
    type=click.DateTime(["%Y-%m-%d"]),
    default=None,
    help="Last day to look at, one that is over; default: yesterday in China.",
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


@click.command("digest")
@click.option(
    "--monday", type=click.DateTime(["%Y-%m-%d"]), default=None, help="Of a week that is over; default: the last one."
)
@click.option("--show", is_flag=True, help="Print the letters instead of sending them.")
def digest_command(monday: datetime | None, show: bool) -> None:
    """Send the week's early warnings to each unit's supervisors and compliance who have an address; for cron.

    A running service with a mail server does the same on Monday morning; nobody gets it twice.
    """
    from data.store.outbox import DIGEST
    from serving.commands.opening import opened_store
    from serving.notifications.letters import letter_text
    from serving.warning import digest

    with opened_store() as store:
        with store.reading() as work:
            week = digest.monday_of_last_week(work) if monday is None else monday.date()
            digest.check_week(work, week)
            if show:
                tops = [unit for unit in work.units.all(within="/") if unit.parent_id is None]
                texts = [letter_text(DIGEST, digest.digest_of(work, unit, week), console_url=None) for unit in tops]
                click.echo("\n".join(f"{text.subject}\n\n{text.body}" for text in texts))
                return
        count = digest.send_digests(store, week)
    click.echo(f"{count} letters for the week from {week} were written; a running service sends them")
