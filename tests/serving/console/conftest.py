"""A bank at its desks. `office` talks HTTP, on SQLite and on PostgreSQL; `desk` is a browser at a running console."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fastapi.testclient import TestClient

from data.store.unit_of_work import open_store
from models.predictor import Predictor
from serving.app import create_app
from tests.data.store.cases import masters
from tests.serving.banks import bank_settings
from tests.serving.console.complaints import found_bank, put_all
from tests.serving.console.office import Office

if TYPE_CHECKING:
    from tests.serving.console.desk import Desk

CHROMIUM = Path("/usr/bin/chromium")


@pytest.fixture
def office(url: str, shipped_predictor: Predictor) -> Iterator[Office]:
    """A bank without cases, in production mode behind TLS."""
    store = open_store(url, masters("2026a"))
    found_bank(store)
    app = create_app(bank_settings(url), shipped_predictor)
    with TestClient(app, base_url="https://bank.example", raise_server_exceptions=False) as client:
        yield Office(client=client, app=app, store=store, predictor=shipped_predictor)
    store.close()


@pytest.fixture(scope="module")
def desk(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path, shipped_predictor: Predictor
) -> Iterator["Desk"]:
    """A running console with two dozen cases, and Chromium. Skipped without one, unless it is required.

    Of one module: playwright keeps an event loop running, which would be in the way of other tests.
    """
    _need_chromium()
    from playwright.sync_api import sync_playwright

    from tests.serving.console.desk import Desk, serve

    file = tmp_path_factory.mktemp("desk") / "store.db"
    shutil.copy(sqlite_template, file)
    url = f"sqlite:///{file}"
    store = open_store(url, masters("2026a"))
    found_bank(store)
    put_all(store, shipped_predictor)
    with serve(url, shipped_predictor) as address, sync_playwright() as playwright:
        # Without its sandbox, which needs rights that containers do not give; it opens our own pages only.
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield Desk(address=address, store=store, predictor=shipped_predictor, browser=browser)
        browser.close()
    store.close()


def _need_chromium() -> None:
    if CHROMIUM.exists():
        return
    message = f"NO BROWSER TESTS: {CHROMIUM} is missing; install the system's package chromium"
    print(f"\n{'!' * 80}\n{message}\n{'!' * 80}", file=sys.stderr)  # noqa: T201  (loud on purpose)
    if os.environ.get("XIAOBAO_BROWSER_TESTS") == "required":
        pytest.fail(message)
    pytest.skip(message)
