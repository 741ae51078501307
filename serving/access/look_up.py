"""Whose token it is, asked of the store. In: a token. Out: the principal of a key or of a person's session."""

from data.store.api_keys import looks_like_key
from data.store.sign_in_tables import ApiKey
from data.store.tables import User
from data.store.unit_of_work import Store
from serving.access.permissions import PERMISSIONS_OF_ROLE, permissions_of_key
from serving.access.principal import Principal


def look_up(store: Store, token: str) -> Principal | None:
    """The principal, None where the token is unknown, revoked or over. Raises StoreUnavailableError."""
    return _key(store, token) if looks_like_key(token) else _person(store, token)


def of_person(user: User, unit_path: str) -> Principal:
    """The principal of a signed-in user."""
    return Principal(
        id=user.id,
        kind="person",
        role=user.role,
        permissions=PERMISSIONS_OF_ROLE[user.role],
        unit_id=user.unit_id,
        unit_path=unit_path,
        source_system="console",
    )


def _key(store: Store, token: str) -> Principal | None:
    with store.reading() as work:
        found = work.api_keys.by_token(token)
        return None if found is None else of_key(*found)


def _person(store: Store, token: str) -> Principal | None:
    with store.reading() as work:
        found = work.sign_in.by_token(token)
        is_due = found is not None and work.sign_in.is_due(token)
    if is_due:
        with store.writing() as work:
            work.sign_in.seen(token)
    return None if found is None else of_person(*found)


def of_key(key: ApiKey, unit_path: str) -> Principal:
    """The principal of a machine."""
    return Principal(
        id=key.id,
        kind="key",
        role=key.role,
        permissions=permissions_of_key(key.role, key.scopes),
        unit_id=key.unit_id,
        unit_path=unit_path,
        source_system=key.source_system,
        texts_per_minute=key.texts_per_minute,
        max_body_bytes=key.max_body_bytes,
    )
