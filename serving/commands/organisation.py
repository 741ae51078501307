"""`xiaobao unit …` and `xiaobao user …`: the bank's tree and its people. In: the store. Out: lists, changes.

A password comes from a prompt or from one line of standard input, never from the command line.
"""

import click

from serving.access.permissions import ROLES_OF_PERSONS

ROLE = click.Choice(ROLES_OF_PERSONS)


@click.group("unit")
def unit_group() -> None:
    """Units of the bank."""


@unit_group.command("add")
@click.argument("unit_id", metavar="ID")
@click.option("--name", required=True, help="As people call it.")
@click.option("--parent", "parent_id", help="The unit above; none for the head office.")
def unit_add_command(unit_id: str, name: str, parent_id: str | None) -> None:
    """Add a unit."""
    from data.store.scope import ROOT
    from serving.administration import add_unit
    from serving.commands.opening import actor, opened_store

    with opened_store() as store, store.writing() as work:
        unit = add_unit(work, unit_id, name=name, parent_id=parent_id, actor_id=actor(), within=ROOT)
    click.echo(unit.path)


@unit_group.command("list")
def unit_list_command() -> None:
    """All units, each below its parent."""
    from data.store.scope import ROOT
    from serving.commands.opening import opened_store

    with opened_store() as store, store.reading() as work:
        for unit in work.units.all(within=ROOT):
            click.echo(f"{'  ' * (unit.path.count('/') - 2)}{unit.id}  {unit.name}")


@unit_group.command("move")
@click.argument("unit_id", metavar="ID")
@click.option("--parent", "parent_id", required=True, help="The unit that will be above.")
def unit_move_command(unit_id: str, parent_id: str) -> None:
    """Hang a unit with all below it under another one."""
    from data.store.scope import ROOT
    from serving.administration import move_unit
    from serving.commands.opening import actor, opened_store

    with opened_store() as store, store.writing() as work:
        unit = move_unit(work, unit_id, parent_id=parent_id, actor_id=actor(), within=ROOT)
    click.echo(unit.path)


@click.group("user")
def user_group() -> None:
    """People who sign in."""


@user_group.command("add")
@click.argument("login")
@click.option("--name", required=True)
@click.option("--role", type=ROLE, required=True)
@click.option("--unit", "unit_id", required=True)
@click.option("--email", help="Where reminders and alerts go.")
def user_add_command(login: str, name: str, role: str, unit_id: str, email: str | None) -> None:
    """Add a person; asks for a password, or reads one line of standard input."""
    from data.store.scope import ROOT
    from data.store.sign_in import hash_password
    from serving.administration import add_user
    from serving.commands.opening import actor, opened_store, read_password

    password_hash = hash_password(read_password(login))
    with opened_store() as store, store.writing() as work:
        user = add_user(
            work, login=login, name=name, role=role, unit_id=unit_id, password_hash=password_hash, actor_id=actor(),
            within=ROOT, email=email,
        )  # fmt: skip
    click.echo(user.id)


@user_group.command("list")
def user_list_command() -> None:
    """All people, by login."""
    from data.store.scope import ROOT
    from serving.commands.opening import opened_store

    with opened_store() as store, store.reading() as work:
        for user in work.users.all(within=ROOT):
            state = "" if user.is_active else "  (inactive)"
            click.echo(f"{user.id}  {user.login}  {user.role}  {user.unit_id}  {user.name}{state}")


@user_group.command("password")
@click.argument("login")
def user_password_command(login: str) -> None:
    """Give a person a new password; their sessions end."""
    from data.store.scope import ROOT
    from data.store.sign_in import hash_password
    from serving.commands.opening import actor, opened_store, read_password

    password_hash = hash_password(read_password(login))
    with opened_store() as store, store.writing() as work:
        user = work.users.by_login(login, within=ROOT)
        work.sign_in.set_password(user.id, password_hash, actor_id=actor(), within=ROOT)
    click.echo(f"{login} has a new password")


@user_group.command("link")
@click.argument("login")
@click.option("--subject", help="What the bank's identity provider calls them.")
@click.option("--at-next-sign-in", "is_marked", is_flag=True, help="Their login there links them, once.")
def user_link_command(login: str, subject: str | None, is_marked: bool) -> None:
    """Let a person sign in at the bank's identity provider."""
    from data.store.scope import ROOT
    from serving.commands.opening import actor, opened_store
    from serving.settings import load_store_settings

    if (subject is None) != is_marked:
        raise click.UsageError("give either --subject SUBJECT or --at-next-sign-in")
    issuer = load_store_settings().oidc_issuer
    if issuer is None:
        raise click.ClickException("XIAOBAO_OIDC_ISSUER is not set; a person is linked to one provider")
    with opened_store() as store, store.writing() as work:
        user_id = work.users.by_login(login, within=ROOT).id
        if subject is None:
            work.identities.mark(user_id, actor_id=actor(), within=ROOT)
        else:
            work.identities.link(user_id, issuer=issuer, subject=subject, actor_id=actor(), within=ROOT)
    click.echo(f"{login} {'will be linked at the next sign-in' if is_marked else 'is linked'}")


@user_group.command("unlink")
@click.argument("login")
def user_unlink_command(login: str) -> None:
    """Let a person sign in at the bank's identity provider no longer; their password stays."""
    from data.store.scope import ROOT
    from serving.commands.opening import actor, opened_store

    with opened_store() as store, store.writing() as work:
        work.identities.unlink(work.users.by_login(login, within=ROOT).id, actor_id=actor(), within=ROOT)
    click.echo(f"{login} is not linked")


@user_group.command("deactivate")
@click.argument("login")
def user_deactivate_command(login: str) -> None:
    """Let a person in no more; what they did stays theirs. A running service follows within ten seconds."""
    _change(login, is_active=False)


@user_group.command("activate")
@click.argument("login")
def user_activate_command(login: str) -> None:
    """Let a person in again."""
    _change(login, is_active=True)


@user_group.command("role")
@click.argument("login")
@click.argument("role", type=ROLE)
def user_role_command(login: str, role: str) -> None:
    """Give a person another role."""
    _change(login, role=role)


@user_group.command("email")
@click.argument("login")
@click.argument("address")
def user_email_command(login: str, address: str) -> None:
    """Give a person an e-mail address for reminders and alerts; '' takes it away."""
    _change(login, email=address)


def _change(login: str, *, role: str | None = None, is_active: bool | None = None, email: str | None = None) -> None:
    from data.store.scope import ROOT
    from serving.administration import change_user
    from serving.commands.opening import actor, opened_store

    with opened_store() as store, store.writing() as work:
        user = work.users.by_login(login, within=ROOT)
        change_user(work, user.id, role=role, is_active=is_active, email=email, actor_id=actor(), within=ROOT)
    click.echo(f"{login}  {user.role}  {'active' if user.is_active else 'inactive'}")
