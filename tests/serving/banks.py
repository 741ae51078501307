"""A bank with a case store for tests of routes: units, people, keys, and an app on its database."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn
from argon2 import PasswordHasher
from fastapi.testclient import TestClient
from pydantic import SecretStr

from data.store.api_keys import NewApiKey
from data.store.scope import ROOT
from data.store.unit_of_work import Store, open_store
from models.predictor import Predictor
from serving.access.permissions import PERMISSIONS
from serving.app import create_app
from serving.settings import Settings
from tests.data.store.cases import build_organisation, master_key, masters, user_id

PASSWORD = "correct horse battery"
# A cheap hash: what a real one costs is no subject here, and people sign in hundreds of times.
_HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
PATIENCE_SECONDS = 60.0
TOKEN = "t0ken-of-the-tests-0123456789-abcdef"


@dataclass(frozen=True, kw_only=True)
class Bank:
    """An app on a database, and a store on the same one to look into it."""

    client: TestClient
    store: Store

    def key(
        self, unit: str = "east", *, scopes: Sequence[str] = PERMISSIONS, role: str = "system", **more: object
    ) -> dict[str, str]:
        """Headers of a new key."""
        new = NewApiKey(name="测试", source_system=f"hotline-{unit}", role=role, unit_id=unit, scopes=scopes, **more)  # type: ignore[arg-type]
        with self.store.writing() as work:
            return bearer(work.api_keys.add(new, actor_id="test", within=ROOT).token)

    def person(self, login: str) -> dict[str, str]:
        """Headers of somebody who has signed in."""
        self.give_password(login)
        answer = self.client.post("/v1/sessions", json={"login": login, "password": PASSWORD})
        assert answer.status_code == 201, answer.text
        return bearer(answer.json()["token"])

    def give_password(self, login: str) -> None:
        person = user_id(self.store, login)
        with self.store.writing() as work:
            work.sign_in.set_password(person, _HASH, actor_id="test", within=ROOT)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def bank_settings(url: str, **more: object) -> Settings:
    """Production settings on a test's database."""
    values = {
        "api_token": SecretStr(TOKEN), "workers": 1, "queue_size": 300, "database_url": SecretStr(url),
        "master_keys": SecretStr(master_key("2026a")),
    }  # fmt: skip
    return Settings(**(values | more))  # type: ignore[arg-type]


@contextmanager
def open_bank(
    url: str, predictor: Predictor, *, limit_seconds: float = PATIENCE_SECONDS, **settings: object
) -> Iterator[Bank]:
    """A bank with the organisation of `tests.data.store.cases` on a migrated, empty database.

    The store is waited for longer than in service, since a machine that tests is busy.
    """
    store = open_store(url, masters("2026a"))
    build_organisation(store)
    with TestClient(create_app(bank_settings(url, **settings), predictor), raise_server_exceptions=False) as client:
        client.app.state.store_access.limit_seconds = limit_seconds  # type: ignore[attr-defined]
        yield Bank(client=client, store=store)
    store.close()


@contextmanager
def served(url: str, predictor: Predictor, **settings: object) -> Iterator[tuple[str, Store]]:
    """The app behind uvicorn, and a store on the same database."""
    store = open_store(url, masters("2026a"))
    build_organisation(store)
    config = uvicorn.Config(
        create_app(bank_settings(url, **settings), predictor), port=0, log_level="warning", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", store
    server.should_exit = True
    thread.join()
    store.close()
