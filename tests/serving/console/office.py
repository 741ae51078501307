"""The console over plain HTTP. In: an app. Out: people signed in, pages and forms."""

import re
from dataclasses import dataclass, field
from html import unescape
from typing import Any

import httpx
from fastapi import FastAPI
from fastapi.testclient import TestClient

from data.store.unit_of_work import Store
from models.predictor import Predictor
from serving.console.forms import TOKEN_FIELD
from tests.serving.console.complaints import PASSWORD, put_complaint

_TOKEN = re.compile(rf'name="{TOKEN_FIELD}" value="([0-9a-f]+)"')


@dataclass(kw_only=True)
class Seat:
    """One browser's cookies."""

    client: TestClient

    def get(self, path: str) -> httpx.Response:
        return self.client.get(f"/console{path}", follow_redirects=False)

    def post(self, path: str, *, page: str = "/queue", token: str | None = None, **fields: Any) -> httpx.Response:
        """Send a form with the token of `page`, or another one."""
        token = token if token is not None else form_token(self.get(page).text)
        return self.client.post(f"/console{path}", data={TOKEN_FIELD: token, **fields}, follow_redirects=False)


@dataclass(kw_only=True)
class Office:
    client: TestClient
    app: FastAPI
    store: Store
    predictor: Predictor = field(repr=False)

    def seat(self, login: str | None = None, password: str = PASSWORD) -> Seat:
        """A fresh browser; signed in if there is a login."""
        seat = Seat(client=TestClient(self.app, base_url="https://bank.example", raise_server_exceptions=False))
        if login is not None:
            answer = seat.post("/sign-in", page="/sign-in", login=login, password=password)
            assert answer.status_code == 303, answer.text
        return seat

    def put(self, text: str, **more: Any) -> str:
        """The number of a new case."""
        return put_complaint(self.store, self.predictor, text, **more)


def form_token(html: str) -> str:
    found = _TOKEN.search(html)
    assert found, "the page holds no form"
    return found[1]


def fields_of(html: str, case_id: str) -> dict[str, Any]:
    """What a browser without scripts would send from the case page's decision form, as it stands."""
    start = html.index(f'action="/console/cases/{case_id}/label"')
    form = html[start : html.index("</form>", start)]
    fields: dict[str, Any] = {}
    for tag in re.findall(r"<input[^>]*>", form):
        name, value = _attribute(tag, "name"), _attribute(tag, "value")
        if 'type="checkbox"' not in tag:
            fields[name] = value
        elif " checked" in tag:
            fields.setdefault(name, []).append(value)
    for name, options in re.findall(r'<select[^>]*name="(\w+)"[^>]*>(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)"[^>]* selected>', options)
        fields[name] = chosen[1] if chosen else ""
    fields.pop(TOKEN_FIELD)
    return fields


def _attribute(tag: str, name: str) -> str:
    found = re.search(rf' {name}="([^"]*)"', tag)
    return unescape(found[1]) if found else ""
