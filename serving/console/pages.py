"""Pages from templates. In: a template, what it shows, who looks. Out: HTML, everything in it escaped.

Templates know `t` (the page's texts), `visitor` (None before sign-in), `me` (their name and unit) and `asset`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from data.store.scope import ROOT
from data.store.unit_of_work import UnitOfWork
from serving.console import readable
from serving.console.assets import asset
from serving.console.forms import TOKEN_FIELD
from serving.console.navigation import links, section
from serving.console.texts import texts
from serving.console.visitors import Visitor, keep_language, language_of

_ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
_ENVIRONMENT.globals |= {"asset": asset, "token_field": TOKEN_FIELD}
_ENVIRONMENT.filters |= {
    "ago": readable.ago,
    "exact": readable.exact,
    "lasting": readable.lasting,
    "day": readable.day,
    "machine_time": readable.machine_time,
    "percent": readable.percent,
}


@dataclass(frozen=True, kw_only=True)
class Me:
    """The visitor as the page's head names them, and what waits for them."""

    name: str
    unit_name: str
    alerts: int
    """Urgent alerts that nobody has acknowledged and they may."""
    waiting: int
    """Reminders without an act, notes that they have not acknowledged, flags that they may lower as the second."""

    @classmethod
    def of(cls, work: UnitOfWork, visitor: Visitor) -> "Me":
        user = work.users.get(visitor.id, within=visitor.within)
        takes_alerts = visitor.may("alerts.acknowledge")
        return cls(
            name=user.name,
            unit_name=work.units.get(user.unit_id, within=ROOT).name,
            alerts=work.alerts.count_open(within=visitor.within) if takes_alerts else 0,
            waiting=waiting_for(work, visitor) if visitor.may("cases.label") else 0,
        )


def waiting_for(work: UnitOfWork, visitor: Visitor) -> int:
    """A supervisor's are those of all their units, a handler's their own."""
    assignee_id = None if visitor.may("cases.assign") else visitor.id
    reminders = work.supervision.count_waiting(within=visitor.within, assignee_id=assignee_id)
    lowered = work.labels.count_for_second(visitor.id, within=visitor.within) if visitor.may("flags.confirm") else 0
    return reminders + work.supervision.count_for(visitor.id, within=visitor.within) + lowered


def page(
    request: Request,
    template: str,
    *,
    me: Me | None = None,
    context: Mapping[str, Any] = {},
    status: int = 200,
    words: str | None = None,
) -> HTMLResponse:
    """One page. `me` is None where nobody is signed in, or nothing is known of them. `words`: another page's texts."""
    visitor: Visitor | None = getattr(request.state, "visitor", None)
    language = language_of(request)
    html = _ENVIRONMENT.get_template(f"{template}.html").render(
        context,
        t=texts(words or template, language),
        lang=language,
        visitor=visitor,
        me=me,
        links=links(visitor),
        page_name=template,
        section=section(template),
        other_language=_in_other_language(request, language),
    )
    response = HTMLResponse(html, status)
    keep_language(request, response)
    return response


def _in_other_language(request: Request, language: str) -> str:
    """This page's address in the other language; of an answer to a form only the console's first page."""
    query = [(name, value) for name, value in request.query_params.multi_items() if name != "lang"]
    path = request.url.path if request.method == "GET" else "/console"
    return f"{path}?{urlencode([*query, ('lang', 'en' if language == 'zh' else 'zh')])}"
