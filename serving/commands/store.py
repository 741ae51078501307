"""`xiaobao store …`: the database as a whole. In: the service's settings. Out: what was done; 1 on damage."""

import sys
from pathlib import Path

import click


@click.group("store")
def store_group() -> None:
    """The case store: create, check, rotate keys, purge, back up."""


@store_group.command("migrate")
def migrate_command() -> None:
    """Create the tables, or bring them to this version. Back up before."""
    from data.store.migration import migrate
    from serving.commands.opening import database_url

    click.echo(f"the database stands at revision {migrate(database_url())}")


@store_group.command("check")
def check_command() -> None:
    """Open the store with the master keys and look for damage. Exit code 1 if there is any."""
    from data.store.health import examine
    from serving.commands.opening import opened_store
    from serving.settings import load_store_settings

    masters = load_store_settings().read_master_keys()
    with opened_store() as store:
        health = examine(store, masters)
    click.echo(f"revision {health.revision}")
    click.echo(f"{health.units} units, {health.users} people, {health.api_keys} API keys, {health.cases} cases")
    for key_id, count in sorted(health.keys.items()):
        state = "current" if key_id == masters.current else "older; xiaobao store rotate"
        click.echo(f"master key {key_id} ({state}): {count} keys")
    for problem in health.problems:
        click.echo(f"PROBLEM: {problem}", err=True)
    if health.problems:
        sys.exit(1)
    click.echo("no damage found")


@store_group.command("rotate")
def rotate_command() -> None:
    """Wrap all keys with the current master key, the first of XIAOBAO_MASTER_KEYS; the others may be dropped then."""
    from data.store.maintenance import rotate
    from serving.commands.opening import actor, opened_store

    with opened_store() as store:
        count = rotate(store, actor_id=actor())
    click.echo(f"{count} keys were wrapped anew")


@store_group.command("purge")
@click.option("--years", type=int, required=True, help="Closed at least so long ago; 3 or more.")
def purge_command(years: int) -> None:
    """Delete cases that were closed long ago; their statistics stay."""
    from data.store.maintenance import purge
    from serving.commands.opening import actor, opened_store

    with opened_store() as store:
        count = purge(store, actor_id=actor(), years=years)
    click.echo(f"{count} cases were deleted")


@store_group.command("backup")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def backup_command(file: Path) -> None:
    """Copy a running SQLite store into a new FILE and check the copy. PostgreSQL: pg_dump.

    The copy holds wrapped keys: keep the master keys elsewhere.
    """
    from data.store.backup import backup
    from serving.commands.opening import database_url

    backup(database_url(), file)
    click.echo(f"the store was copied to {file} and the copy checked")


@store_group.command("restore")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--overwrite", is_flag=True, help="Also over a store that holds data.")
def restore_command(file: Path, overwrite: bool) -> None:
    """Put a backup of SQLite in place; stop the service before. PostgreSQL: pg_restore."""
    from data.store.backup import restore
    from serving.commands.opening import database_url

    restore(file, database_url(), overwrite=overwrite)
    click.echo("the backup is in place; now: xiaobao store migrate, xiaobao store check, xiaobao audit verify --head …")
