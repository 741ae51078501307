"""Who calls. In: nothing. Out: the shape that every route works with."""

from dataclasses import dataclass
from typing import Literal

from serving.access.permissions import PERMISSIONS_OF_ROLE, Permission

# Paths of `data.store.scope`, without loading the store.
WHOLE_BANK, NOWHERE = "/", "/-/"


@dataclass(frozen=True, kw_only=True)
class Principal:
    """A machine with a key or a person with a session, and what it may do."""

    id: str
    """A key's or a user's; what events and audit name as actor."""
    kind: Literal["key", "person"]
    role: str
    permissions: frozenset[Permission]
    unit_id: str | None
    """None for the token of the settings, which belongs to no unit and can store nothing."""
    unit_path: str
    """The part of the organisation that is visible: every query's `within`."""
    source_system: str
    """Of cases that it delivers; `external_id` is unique within it."""
    texts_per_minute: int | None = None
    max_body_bytes: int | None = None

    def may(self, permission: Permission) -> bool:
        return permission in self.permissions


def token_of_settings() -> Principal:
    """Who knows `XIAOBAO_API_TOKEN`: may triage, sees no case."""
    return Principal(
        id="api-token",
        kind="key",
        role="system",
        permissions=frozenset({"triage"}),
        unit_id=None,
        unit_path=NOWHERE,
        source_system="api-token",
    )


def developer(unit_id: str | None) -> Principal:
    """Who calls without a token in development: like a hotline's key for the whole bank."""
    return Principal(
        id="development",
        kind="key",
        role="system",
        permissions=PERMISSIONS_OF_ROLE["system"],
        unit_id=unit_id,
        unit_path=WHOLE_BANK,
        source_system="development",
    )
