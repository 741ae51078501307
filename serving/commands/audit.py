"""`xiaobao audit …` and `xiaobao erase`: what must be provable. In: the store. Out: a verdict; 1 on damage."""

import sys

import click


@click.group("audit")
def audit_group() -> None:
    """The audit log."""


@audit_group.command("verify")
@click.option("--head", "noted", metavar="SEQ:HASH", help="A head noted earlier and kept elsewhere.")
def verify_command(noted: str | None) -> None:
    """Recompute the whole chain. Exit code 1 if an entry was changed or removed; says which."""
    from data.store.audit import AuditHead
    from data.store.maintenance import verify
    from serving.commands.opening import opened_store

    head = None if noted is None else AuditHead.parse(noted)
    with opened_store() as store:
        report = verify(store, head)
    for problem in report.problems:
        click.echo(f"DAMAGED at {problem.seq}: {MEANINGS[problem.kind]}", err=True)
    if report.problems:
        sys.exit(1)
    click.echo(f"{report.entries} entries, all in their place; head {report.head}")


MEANINGS = {
    "missing": "entries before this one are gone",
    "changed": "this entry was edited or is not in its place",
    "cut": "the log does not hold the noted head: its end was cut off, or it is another log",
}


@audit_group.command("head")
def head_command() -> None:
    """Print number and hash of the last entry, to be noted outside of the database."""
    from serving.commands.opening import opened_store

    with opened_store() as store, store.reading() as work:
        click.echo(str(work.audit.head()))


@click.command("erase")
@click.argument("case")
@click.option("--reason", required=True, help="Why; at least 4 characters, kept in the audit log.")
def erase_command(case: str, reason: str) -> None:
    """Destroy the texts of one CASE for good; its codes stay for statistics."""
    from data.store.maintenance import erase
    from serving.commands.opening import actor, opened_store

    with opened_store() as store:
        erase(store, case, actor_id=actor(), reason=reason)
    click.echo(f"{case} was erased; backups still hold it until they are destroyed or their master key is")
