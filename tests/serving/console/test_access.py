"""Every page and form of the console: nothing without a session, nothing of another branch.

What each role sees: `test_queue.py`.
"""

import re
from collections.abc import Iterable, Iterator

from fastapi import FastAPI
from starlette.routing import BaseRoute, Mount

from data.store.scope import ROOT
from tests.serving.console.office import Office, Seat, form_token

NEVER = "20261130-00000000"
WITHOUT_SESSION = {
    "GET /sign-in",
    "POST /sign-in",
    "GET /static/{name}",
    "GET /public",
    "GET /oidc/start",
    "GET /oidc/callback",
    "GET /oidc/sign-out",
}
FORM = {"unit": "head", "to": "", "note": "已回电", "reason": "核对身份", "entry": "0" * 22}


def routes(app: FastAPI) -> list[str]:
    [mounted] = [route for route in app.routes if isinstance(route, Mount) and route.path == "/console"]
    return sorted(_walked(mounted.routes))


def _walked(found: Iterable[BaseRoute]) -> Iterator[str]:
    for route in found:
        included = getattr(route, "original_router", None)
        if included is not None:
            yield from _walked(included.routes)
        else:
            yield from (f"{method} {route.path}" for method in route.methods - {"HEAD"})  # type: ignore[attr-defined]


def ask(seat: Seat, route: str, case_id: str, token: str) -> tuple[int, str, str]:
    """Status, where to, and the page without the case's number and the tokens of its forms."""
    method, path = route.split(" ")
    path = path.replace("{case_id}", case_id).replace("{name}", "none")
    answer = seat.get(path) if method == "GET" else seat.post(path, token=token, **FORM)
    page = re.sub(r'value="[0-9a-f]{32,}"', "", answer.text.replace(case_id, ""))
    return answer.status_code, answer.headers.get("location", "").split("?")[0], page


def test_without_a_session_every_page_leads_to_the_form(office: Office) -> None:
    case_id = office.put("卡被盗刷三千元")
    found = {route: ask(office.seat(), route, case_id, "0" * 64) for route in routes(office.app)}
    assert len(found) > 10
    for route, (status, location, page) in found.items():
        if route not in WITHOUT_SESSION:
            assert (status, location) == (303, "/console/sign-in"), route
            assert "盗刷" not in page


def test_another_branchs_case_is_a_case_that_never_was(office: Office) -> None:
    case_id = office.put("卡被盗刷三千元")
    seat = office.seat("he")
    token = form_token(seat.get("/queue").text)
    of_cases = [route for route in routes(office.app) if "{case_id}" in route]
    assert len(of_cases) > 5
    for route in of_cases:
        other, never = (ask(seat, route, number, token) for number in (case_id, NEVER))
        assert other == never, route
        assert other[0] in (404, 409), route  # 409: nothing of theirs to be undone
        assert "盗刷" not in other[2]
    assert case_id not in seat.get("/queue").text
    with office.store.reading() as work:
        assert [event.kind for event in work.events.of_case(case_id, within=ROOT)] == ["received"]
