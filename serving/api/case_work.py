"""Routes of work on cases, for FastAPI. In: decisions of people. Out: the case as it stands then, with its version.

Persons only. Who labels, assigns, releases or hands over says in `If-Match` which version of the case they saw: the
`ETag` of the case, also `version` in its body. Without it the answer is 428; where somebody changed the case meanwhile
it is 412, and nothing happens. Claiming takes no version: it only succeeds on a case that nobody has.

A flag that raises alerts and that a label leaves out stands in `unconfirmed_flags` until a supervisor who did not
label confirms. A supervisor who does not agree labels the case again, with the flag.
"""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request, Response
from pydantic import BaseModel, Field

from data.errors import NotFoundError, StoreError
from data.store.free_text import LONGEST_NOTE
from data.store.maintenance import erase
from data.store.records import Facets, NewLabel
from data.store.unit_of_work import UnitOfWork
from data.taxonomy import default_taxonomy
from serving.access.guard import require
from serving.access.permissions import PERMISSIONS_OF_ROLE
from serving.access.principal import Principal
from serving.api.cases import CaseRow
from serving.api.responses import problems
from serving.api.shapes import Id, RequestShape
from serving.errors import ServiceError
from serving.labelling import check_codes, record_label
from serving.stored import store_access

MOST_CODES = 50
Labeller = Annotated[Principal, Depends(require("cases.label"))]
Assigner = Annotated[Principal, Depends(require("cases.assign"))]
Confirmer = Annotated[Principal, Depends(require("flags.confirm"))]
Eraser = Annotated[Principal, Depends(require("cases.erase"))]
Codes = Annotated[list[Id], Field(default_factory=list, max_length=MOST_CODES)]
router = APIRouter(prefix="/v1/cases", tags=["cases"], responses=problems(401, 403, 404, 410, 422, 503))
VERSIONED = problems(412, 428)


async def _seen_version(if_match: Annotated[str | None, Header(description="The ETag of the case.")] = None) -> str:
    """Raises ServiceError `version_missing`."""
    version = (if_match or "").strip().strip('"')
    if not version:
        raise ServiceError(
            "version_missing",
            "the header If-Match is missing; expected the ETag of the case as you saw it",
            "缺少 If-Match 头，应为所查看案件的 ETag",
        )
    return version


Seen = Annotated[str, Depends(_seen_version)]


class LabelBody(RequestShape):
    """Codes of the taxonomy. A reason is needed where a flag that stands is left out."""

    order_type: Id
    category: Id | None = None
    leaf: Id | None = None
    cause: Id | None = None
    subcause: Id | None = None
    channel: Id
    causes2: Codes
    flags: Codes
    seconds_spent: float = Field(ge=0, le=86_400, allow_inf_nan=False)
    reason: str = Field(default="", max_length=LONGEST_NOTE, repr=False)

    def facets(self) -> Facets:
        return Facets(
            order_type=self.order_type,
            category=self.category,
            leaf=self.leaf,
            cause=self.cause,
            subcause=self.subcause,
            channel=self.channel,
            flags=tuple(dict.fromkeys(self.flags)),
        )


class AssignBody(RequestShape):
    user_id: Id


class NoteBody(RequestShape):
    text: str = Field(min_length=1, max_length=LONGEST_NOTE, repr=False)


class HandOverBody(RequestShape):
    unit_id: Id


class ReasonBody(RequestShape):
    reason: str = Field(min_length=4, max_length=500, repr=False)


class ChangedCase(BaseModel):
    """The case as it stands now. `unconfirmed_flags` stand until a second person confirms that they are lowered."""

    case: CaseRow
    version: str
    unconfirmed_flags: list[str]


class HandedOver(BaseModel):
    """Where the case is now; the caller may no longer see it there."""

    case_id: str
    unit_id: str


@router.post("/{case_id}/labels", summary="Decide on a case", status_code=201, responses=VERSIONED)
async def label(
    request: Request, response: Response, caller: Labeller, case_id: str, seen: Seen, body: LabelBody
) -> ChangedCase:
    """The case follows the label; later answers of a model are kept and change nothing."""
    facets, causes2 = body.facets(), tuple(dict.fromkeys(body.causes2))
    check_codes(facets, causes2, default_taxonomy())
    new = NewLabel(
        user_id=caller.id, facets=facets, causes2=causes2, seconds_spent=body.seconds_spent, reason=body.reason
    )

    def decide(work: UnitOfWork) -> None:
        record_label(work, case_id, new, version=seen, within=caller.unit_path)

    return await change_case(request, response, caller, case_id, decide)


@router.post("/{case_id}/labels/confirm", summary="Confirm as the second person", responses=problems(409) | VERSIONED)
async def confirmation(
    request: Request, response: Response, caller: Confirmer, case_id: str, seen: Seen
) -> ChangedCase:
    """Lowers the flags in `unconfirmed_flags`; not by who labelled."""

    def confirm(work: UnitOfWork) -> None:
        work.cases.expect(case_id, version=seen, within=caller.unit_path)
        work.labels.confirm(case_id, user_id=caller.id, within=caller.unit_path)

    return await change_case(request, response, caller, case_id, confirm)


@router.post("/{case_id}/assign", summary="Give a case to somebody", responses=VERSIONED)
async def assignment(
    request: Request, response: Response, caller: Assigner, case_id: str, seen: Seen, body: AssignBody
) -> ChangedCase:
    """To a person of the caller's units who works on cases and whose own units hold this one."""

    def assign(work: UnitOfWork) -> None:
        work.cases.expect(case_id, version=seen, within=caller.unit_path)
        check_assignee(work, case_id, body.user_id, caller)
        work.assignments.assign(case_id, user_id=body.user_id, actor_id=caller.id, within=caller.unit_path)

    return await change_case(request, response, caller, case_id, assign)


@router.post("/{case_id}/claim", summary="Take a case oneself", responses=problems(409))
async def claim(request: Request, response: Response, caller: Labeller, case_id: str) -> ChangedCase:
    """One that nobody has; 409 where somebody was faster."""

    def take(work: UnitOfWork) -> None:
        work.cases.expect(case_id, version=None, within=caller.unit_path)
        work.assignments.claim(case_id, user_id=caller.id, within=caller.unit_path)

    return await change_case(request, response, caller, case_id, take)


@router.post("/{case_id}/release", summary="Give a case back", responses=problems(409) | VERSIONED)
async def release(request: Request, response: Response, caller: Labeller, case_id: str, seen: Seen) -> ChangedCase:
    """One's own; a supervisor also another person's."""

    def give_back(work: UnitOfWork) -> None:
        expect_own(work, case_id, caller, seen)
        work.assignments.release(case_id, actor_id=caller.id, within=caller.unit_path)

    return await change_case(request, response, caller, case_id, give_back)


@router.post("/{case_id}/hand-over", summary="Give a case to another unit", responses=problems(409) | VERSIONED)
async def hand_over(request: Request, caller: Labeller, case_id: str, seen: Seen, body: HandOverBody) -> HandedOver:
    """To a unit below the caller's or above it; nobody has it then. Not while somebody else works on it, except by a
    supervisor.
    """

    def give(work: UnitOfWork) -> HandedOver:
        expect_own(work, case_id, caller, seen)
        case = work.cases.hand_over(case_id, unit_id=body.unit_id, actor_id=caller.id, within=caller.unit_path)
        return HandedOver(case_id=case.id, unit_id=case.unit_id)

    return await store_access(request).change(give)


@router.post("/{case_id}/notes", summary="Write a note", status_code=204)
async def note(request: Request, caller: Labeller, case_id: str, body: NoteBody) -> Response:
    """Into the timeline, redacted like a complaint."""

    def write(work: UnitOfWork) -> None:
        work.cases.expect(case_id, version=None, within=caller.unit_path)
        work.events.add(case_id, "noted", actor_id=caller.id, within=caller.unit_path, note=body.text)

    await store_access(request).change(write)
    return Response(status_code=204)


@router.post("/{case_id}/erase", summary="Destroy a case's texts for good", status_code=204)
async def erasure(request: Request, caller: Eraser, case_id: str, body: ReasonBody) -> Response:
    """Original, redacted text, notes and reasons; codes stay for statistics, the reason in the audit log."""
    await store_access(request).run(
        lambda store: erase(store, case_id, actor_id=caller.id, reason=body.reason, within=caller.unit_path)
    )
    return Response(status_code=204)


def expect_own(work: UnitOfWork, case_id: str, caller: Principal, seen: str) -> None:
    case = work.cases.expect(case_id, version=seen, within=caller.unit_path)
    if case.assignee_id not in (None, caller.id) and not caller.may("cases.assign"):
        raise StoreError("somebody else has this case; ask a supervisor", "该案件由他人处理", code="case_taken")


def check_assignee(work: UnitOfWork, case_id: str, user_id: str, caller: Principal) -> None:
    """Raises NotFoundError for people elsewhere, StoreError `assignee_invalid` for who could not work on it."""
    user = work.users.get(user_id, within=caller.unit_path)
    try:
        work.cases.get(case_id, within=work.users.path_of(user.id))
        is_able = user.is_active and "cases.label" in PERMISSIONS_OF_ROLE[user.role]
    except NotFoundError:
        is_able = False
    if not is_able:
        raise StoreError(
            "this person does not work on cases of this unit; expected an active handler or supervisor of it, or of a "
            "unit above",
            "该人员不能处理本机构案件",
            code="assignee_invalid",
        )


async def change_case(
    request: Request, response: Response, caller: Principal, case_id: str, change: Callable[[UnitOfWork], object]
) -> ChangedCase:
    """Do it in one transaction; the case as it is then, with its version as `ETag`."""
    within = caller.unit_path

    def write(work: UnitOfWork) -> ChangedCase:
        change(work)
        return ChangedCase(
            case=CaseRow.of(work.cases.get(case_id, within=within), work.cases.flags(case_id, within=within)),
            version=work.cases.version(case_id, within=within),
            unconfirmed_flags=list(work.labels.unconfirmed(case_id, within=within)),
        )

    changed = await store_access(request).change(write)
    response.headers["ETag"] = f'"{changed.version}"'
    return changed
