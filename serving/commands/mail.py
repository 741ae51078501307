"""`xiaobao mail …`: letters that reached nobody. In: the store. Out: a list; letters that begin anew or are gone."""

import click


@click.group("mail")
def mail_group() -> None:
    """E-mail of reminders, alerts and the weekly letter."""


@mail_group.command("dead")
@click.option("--resend", "is_resent", is_flag=True, help="Send them again; mend the address or the server before.")
@click.option("--forget", "is_forgotten", is_flag=True, help="Delete them: they are of no use any more.")
def mail_dead_command(is_resent: bool, is_forgotten: bool) -> None:
    """List letters that were given up: when, what, to whom, the server's answer."""
    from data.days import CHINA
    from data.store.scope import ROOT
    from serving.commands.opening import actor, opened_store

    if is_resent and is_forgotten:
        raise click.UsageError("give either --resend or --forget")
    with opened_store() as store:
        if not (is_resent or is_forgotten):
            with store.reading() as work:
                letters = work.letters.dead(within=ROOT)
            for letter in letters:
                day = letter.created_at.astimezone(CHINA)
                click.echo(f"{day:%Y-%m-%d %H:%M}  {letter.kind:16s}  {letter.login}  {letter.status}")
            click.echo(f"{len(letters)} letters were given up")
            return
        with store.writing() as work:
            count = work.letters.resend(within=ROOT) if is_resent else work.letters.forget(within=ROOT)
            action = "mail.resent" if is_resent else "mail.forgotten"
            work.audit.append(action, actor_id=actor(), subject="all", details={"letters": count})
    click.echo(f"{count} letters {'begin anew; a running service sends them' if is_resent else 'were forgotten'}")
