"""答复草稿. In: a template, a case. Out: a text that a person edits, saves, copies, prints; no model writes any of it.

Templates come from `replies.yaml` in the bank's policy folder, else from the shipped one. What is saved is redacted
like a note.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import yaml
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from data.days import china_day
from data.errors import PolicyError
from data.store.clock_tables import OUTCOMES
from data.store.scope import ROOT
from data.store.tables import Case
from data.store.unit_of_work import Store, UnitOfWork
from data.yaml_files import read_yaml
from serving.console.names import names
from serving.console.pages import Me, page
from serving.console.people import people_named
from serving.console.stored import in_store, in_transaction
from serving.console.visitors import Visitor, visitor
from serving.settings import Settings

FILE = "replies.yaml"
SHIPPED = Path(__file__).with_name(FILE)
LONGEST_TEMPLATE = 4000
_PLACE = re.compile(r"\{(\w+)\}")
PLACES = frozenset({"case", "received", "unit", "category", "cause", "outcome", "redress", "today"})
UNKNOWN = "（待填写）"
Reader = Annotated[Visitor, Depends(visitor("cases.read"))]
Worker = Annotated[Visitor, Depends(visitor("cases.label"))]
router = APIRouter(include_in_schema=False)


class Template(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str = Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")
    name: str = Field(min_length=1, max_length=40)
    text: str = Field(min_length=1, max_length=LONGEST_TEMPLATE)


def templates(settings: Settings) -> Sequence[Template]:
    """The bank's templates, else the shipped ones. Raises PolicyError for a file that cannot be used."""
    own = settings.policy_folder / FILE if settings.policy_folder else SHIPPED
    return read_templates(own if own.exists() else SHIPPED)


@cache
def read_templates(file: Path) -> Sequence[Template]:
    """Read once. Raises PolicyError that names what is wrong."""
    try:
        found = TypeAdapter(list[Template]).validate_python(read_yaml(file))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValidationError) as error:
        raise PolicyError(f"{file.name}: expected a list of code, name and text", f"{file.name} 格式不正确") from error
    unknown = {place for one in found for place in _PLACE.findall(one.text)} - PLACES
    if unknown or not found or len({one.code for one in found}) < len(found):
        raise PolicyError(
            f"{file.name}: found places {sorted(unknown)}; expected {sorted(PLACES)}, and codes that differ",
            f"{file.name} 中有未知的占位符或重复的代码：{'、'.join(sorted(unknown))}",
        )
    return tuple(found)


def filled(template: Template, values: Mapping[str, str]) -> str:
    """The template with what the case says; what it does not say is left to be written."""
    return _PLACE.sub(lambda place: values.get(place[1]) or UNKNOWN, template.text)


def values_of(work: UnitOfWork, case: Case, *, within: str) -> Mapping[str, str]:
    """What a case says for the places of a template; in Chinese, as the complainant reads it."""
    name = names("zh")
    closings = [one for one in work.cases.closings(case.id, within=within) if one.reopened_at is None]
    closing = closings[-1] if closings else None
    paid = closing is not None and closing.redress_fen
    return {
        "case": case.id,
        "received": _day(china_day(case.received_at)),
        "unit": work.units.get(case.unit_id, within=ROOT).name,
        "category": name(case.leaf or case.category),
        "cause": name(case.subcause or case.cause),
        "outcome": OUTCOMES[closing.outcome] if closing else "",
        "redress": f"我行向您退还或补偿 {paid / 100:,.2f} 元" if paid else "",
        "today": _day(china_day(work.now())),
    }


@router.get("/cases/{case_id}/reply")
async def reply(request: Request, visitor: Reader, case_id: str, template: str = "") -> Response:
    """The saved draft, or a template filled from the case. Raises NotFoundError, PolicyError."""
    known = templates(request.app.state.settings)

    def read(store: Store) -> tuple[Me, dict[str, Any]]:
        with store.reading() as work:
            case = work.cases.get(case_id, within=visitor.within)
            draft = work.replies.of_case(case_id, within=visitor.within)
            chosen = next((one for one in known if one.code == template), None)
            values = values_of(work, case, within=visitor.within)
            if chosen is None and draft is None:
                chosen = known[0]
            return Me.of(work, visitor), {
                "case": case,
                "draft": draft,
                "by": people_named(work, [draft.saved_by])[draft.saved_by] if draft else "",
                "chosen": chosen,
                "text": filled(chosen, values) if chosen else draft.text if draft else "",
                "now": work.now(),
            }

    me, context = await in_store(request, read)
    return page(request, "reply", me=me, context=context | {"templates": known, "list": request.url.query})


@router.post("/cases/{case_id}/reply")
async def save(request: Request, visitor: Worker, case_id: str) -> Response:
    """Keep the draft. Raises StoreError `reply_invalid`, NotFoundError."""
    form = await visitor.form(request)
    text = form.one("text").replace("\r\n", "\n")
    await in_transaction(
        request, lambda work: work.replies.save(case_id, text, user_id=visitor.id, within=visitor.within)
    )
    return RedirectResponse(f"/console/cases/{case_id}/reply?saved=1", 303)


def _day(day: Any) -> str:
    return f"{day.year}年{day.month}月{day.day}日"
