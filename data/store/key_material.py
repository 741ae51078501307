"""Keys that live in the database, wrapped. In: a session, the master keys. Out: data keys and the store's secret.

The secret is random, made once, wrapped like a data key; the keys of the hashes (customers, audit) are derived from it.
Derived from the master key itself they would change with every rotation, and old hashes would match nothing.
"""

import os

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from data.errors import KeyMaterialError, NotFoundError
from data.store.crypto import MasterKeys, new_key, unwrap, wrap
from data.store.insertion import insert_if_new
from data.store.tables import AuditEntry, Case, KeyMaterial

STORE = "store"


class KeyRing:
    """The wrapped keys, for one transaction."""

    def __init__(self, session: Session, masters: MasterKeys, cipher: str) -> None:
        self._session = session
        self._masters = masters
        self._cipher = cipher

    def create(self, case_id: str) -> bytes:
        """A new data key for a case."""
        key = new_key(self._cipher)
        self._session.add(
            KeyMaterial(
                owner=case_id,
                case_id=case_id,
                master_key_id=self._masters.current,
                cipher=self._cipher,
                wrapped=wrap(key, masters=self._masters, owner=case_id, cipher=self._cipher),
            )
        )
        return key

    def open(self, case_id: str) -> bytes:
        """A case's data key. Raises NotFoundError once it was destroyed, KeyMaterialError if it does not open."""
        row = self._session.get(KeyMaterial, case_id)
        if row is None:
            raise NotFoundError(
                "the original was erased; its key is destroyed", "原文已按规定删除，无法恢复", code="original_erased"
            )
        return self._unwrap(row)

    def destroy(self, case_id: str) -> None:
        """Forget a case's key: what was encrypted with it can never be read again."""
        self._session.execute(delete(KeyMaterial).where(KeyMaterial.case_id == case_id))

    def keep(self, secret: bytes, *, owner: str) -> None:
        """Keep another secret of the store, wrapped like a key; rotation wraps it anew as well."""
        wrapped = wrap(secret, masters=self._masters, owner=owner, cipher=self._cipher)
        self._session.add(
            KeyMaterial(owner=owner, master_key_id=self._masters.current, cipher=self._cipher, wrapped=wrapped)
        )

    def kept(self, owner: str) -> bytes:
        """What `keep` kept. Raises NotFoundError, KeyMaterialError if it does not open."""
        row = self._session.get(KeyMaterial, owner)
        if row is None:
            raise NotFoundError("no secret is kept under this name", "没有该密钥")
        return self._unwrap(row)

    def forget(self, owner: str) -> None:
        """Delete what `keep` kept."""
        self._session.execute(delete(KeyMaterial).where(KeyMaterial.owner == owner))

    def rewrap(self, limit: int) -> int:
        """Wrap up to `limit` keys of older master keys anew; returns how many. No text is touched."""
        rows = self._session.scalars(
            select(KeyMaterial)
            .where(KeyMaterial.master_key_id != self._masters.current)
            .order_by(KeyMaterial.owner)
            .limit(limit)
            .with_for_update()
        ).all()
        for row in rows:
            key = self._unwrap(row)
            row.wrapped = wrap(key, masters=self._masters, owner=row.owner, cipher=self._cipher)
            row.cipher, row.master_key_id = self._cipher, self._masters.current
        self._session.flush()
        return len(rows)

    def secret(self) -> bytes:
        """The store's secret, made at first use. Raises KeyMaterialError if the master key is another's."""
        row = self._session.get(KeyMaterial, STORE)
        return self._unwrap(row) if row else self._make_secret()

    def _make_secret(self) -> bytes:
        """Two processes that start at once get the same: the first one's."""
        used = self._session.scalar(select(func.count()).select_from(Case)) or self._session.scalar(
            select(func.count()).select_from(AuditEntry)
        )
        if used:
            raise KeyMaterialError(
                "the store's secret is missing although the store is in use; restore key_material from a backup",
                "密钥材料缺失，请从备份恢复",
            )
        wrapped = wrap(os.urandom(32), masters=self._masters, owner=STORE, cipher=self._cipher)
        values = {"owner": STORE, "master_key_id": self._masters.current, "cipher": self._cipher, "wrapped": wrapped}
        insert_if_new(self._session, KeyMaterial, values, unique=["owner"])
        return self._unwrap(self._session.get_one(KeyMaterial, STORE))

    def _unwrap(self, row: KeyMaterial) -> bytes:
        return unwrap(
            row.wrapped,
            masters=self._masters,
            master_key_id=row.master_key_id,
            owner=row.owner,
            cipher=row.cipher,
        )
