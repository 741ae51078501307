"""The console as a person meets it: a real server, a real browser. In: a predictor. Out: pages of a signed-in person.

The browser is the system's Chromium; nothing is downloaded.
"""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser, BrowserContext, Page, expect

from data.store.unit_of_work import Store
from models.predictor import Predictor
from serving.app import create_app
from tests.serving.banks import bank_settings
from tests.serving.console.complaints import PASSWORD, put_complaint

# A busy machine is no fault of a page.
PATIENCE_MS = 20_000
OFFICE = {"width": 1366, "height": 768}


@dataclass(kw_only=True)
class Desk:
    """A running console on a store, and browsers to sit at it."""

    address: str
    store: Store
    predictor: Predictor = field(repr=False)
    browser: Browser

    def sit(self, login: str | None = None, **options: Any) -> Page:
        """A page of a fresh browser profile, at the queue of whoever signs in; close it with `page.context.close()`."""
        context: BrowserContext = self.browser.new_context(**{"viewport": OFFICE, "locale": "zh-CN"} | options)
        context.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        page = context.new_page()
        page.goto(f"{self.address}/console")
        if login is not None:
            page.fill("#login", login)
            page.fill("#password", PASSWORD)
            page.click("button.primary")
            page.wait_for_url("**/console/**")
        return page

    def put(self, text: str, **more: Any) -> str:
        """The number of a new case."""
        return put_complaint(self.store, self.predictor, text, **more)

    def case(self, case_id: str, query: str = "") -> str:
        """A case's address."""
        return f"{self.address}/console/cases/{case_id}{query}"


@contextmanager
def serve(url: str, predictor: Predictor) -> Iterator[str]:
    """The address of a console in development mode (no TLS here) on a filled database."""
    with running(create_app(bank_settings(url, environment="development"), predictor)) as address:
        yield address


@contextmanager
def running(app: FastAPI) -> Iterator[str]:
    """The address of an app that listens as long as this lasts."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        until = time.monotonic() + 30
        while not server.started and thread.is_alive() and time.monotonic() < until:
            time.sleep(0.05)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:  # or an error would leave a process that never ends
            server.should_exit = True
            thread.join()
