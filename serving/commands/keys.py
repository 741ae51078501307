"""`xiaobao key …`: what machines sign in with. In: the store. Out: a token once, on standard output alone."""

from datetime import timedelta

import click

from serving.access.permissions import OF_PERSONS, PERMISSIONS, ROLES_OF_KEYS


@click.group("key")
def key_group() -> None:
    """API keys."""


@key_group.command("create")
@click.option("--name", required=True, help="As people call it.")
@click.option("--source", "source_system", required=True, help="The delivering system; external_id is unique in it.")
@click.option("--unit", "unit_id", required=True, help="It sees this unit and all below.")
@click.option("--role", type=click.Choice(ROLES_OF_KEYS), default="system", show_default=True)
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice([name for name in PERMISSIONS if name not in OF_PERSONS]),
    help="What it may do; give it several times.",
)
@click.option("--texts-per-minute", type=click.IntRange(min=1), help="Default: no limit.")
@click.option("--days", type=click.IntRange(min=1), help="Valid so long; default: until revoked.")
def key_create_command(
    name: str,
    source_system: str,
    unit_id: str,
    role: str,
    scopes: tuple[str, ...],
    texts_per_minute: int | None,
    days: int | None,
) -> None:
    """Make a key and print its token, this one time."""
    from data.store.api_keys import NewApiKey
    from data.store.scope import ROOT
    from serving.administration import create_key
    from serving.commands.opening import actor, opened_store

    with opened_store() as store, store.writing() as work:
        new = NewApiKey(
            name=name,
            source_system=source_system,
            role=role,
            unit_id=unit_id,
            scopes=scopes,
            texts_per_minute=texts_per_minute,
            expires_at=None if days is None else work.now() + timedelta(days=days),
        )
        issued = create_key(work, new, actor_id=actor(), within=ROOT)
    _show(issued.token, issued.key.id)


@key_group.command("list")
def key_list_command() -> None:
    """All keys, oldest first, without their secrets."""
    from data.store.scope import ROOT
    from serving.commands.opening import opened_store

    with opened_store() as store, store.reading() as work:
        now = work.now()
        for key in work.api_keys.all(within=ROOT):
            is_over = key.expires_at is not None and key.expires_at <= now
            state = "revoked" if key.revoked_at else "expired" if is_over else "valid"
            scopes = ",".join(key.scopes)
            click.echo(f"{key.id}  {state}  {key.source_system}  {key.role}  {key.unit_id}  {scopes}  {key.name}")


@key_group.command("rotate")
@click.argument("key_id", metavar="ID")
@click.option("--grace-hours", type=click.IntRange(min=0), required=True, help="The old token stays valid so long.")
def key_rotate_command(key_id: str, grace_hours: int) -> None:
    """Give a key a new token and print it, this one time."""
    from data.store.scope import ROOT
    from serving.administration import rotate_key
    from serving.commands.opening import actor, opened_store

    with opened_store() as store, store.writing() as work:
        issued = rotate_key(work, key_id, grace_hours=grace_hours, actor_id=actor(), within=ROOT)
    _show(issued.token, key_id)


@key_group.command("revoke")
@click.argument("key_id", metavar="ID")
def key_revoke_command(key_id: str) -> None:
    """End a key; a running service follows within ten seconds."""
    from data.store.scope import ROOT
    from serving.commands.opening import actor, opened_store

    with opened_store() as store, store.writing() as work:
        work.api_keys.revoke(key_id, actor_id=actor(), within=ROOT)
    click.echo(f"{key_id} is revoked")


def _show(token: str, key_id: str) -> None:
    """The token alone on standard output, so that a script can take it."""
    click.echo(f"key {key_id}; its token, shown this one time:", err=True)
    click.echo(token)
