"""What commands on the store share. In: the service's settings. Out: an open store, the person at the keyboard."""

import getpass
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from data.store.unit_of_work import Store

LONGEST_ACTOR = 64


@contextmanager
def opened_store() -> Iterator["Store"]:
    """The store that the service would use. Raises StoreError, KeyMaterialError, SettingsError, PolicyError."""
    from data.store.unit_of_work import open_store
    from serving.settings import load_store_settings

    settings = load_store_settings()
    masters, book = settings.read_master_keys(), settings.read_policies()
    store = open_store(settings.database, masters, cipher=settings.cipher, book=book)
    try:
        yield store
    finally:
        store.close()


def database_url() -> str:
    """Where the store is; no key is asked for. Raises SettingsError, StoreError."""
    from data.store.engine import parse_url
    from serving.settings import load_store_settings

    settings = load_store_settings()
    parse_url(settings.database)
    return settings.database


def actor() -> str:
    """Whom the audit log names: the Unix user, or its number where it has no name (in a container)."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        import os

        name = str(os.getuid())
    return f"cli:{name}"[:LONGEST_ACTOR]


def read_password(login: str) -> str:
    """From a prompt, twice, or one line of standard input; never from the command line, which other users see."""
    if sys.stdin.isatty():
        prompted: str = click.prompt(f"Password of {login}", hide_input=True, confirmation_prompt=True, err=True)
        return prompted
    return sys.stdin.readline().rstrip("\r\n")
