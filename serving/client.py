"""A typed client of the HTTP API. In: complaints, files, filters. Out: the shapes that the service answers with.

    with Client("http://triage.bank.example:8000", token) as client:
        answer = client.triage("卡里少了三千块", external_id="H20261130-0042", store=True)
        answer.decision.priority, [flag.code for flag in answer.flags]

429 and 503 are tried again, after what `Retry-After` says, and so are broken connections: sending again is safe, since
what is stored has an `external_id`, one of ours where the caller gives none. Everything else that is not 2xx raises
`ApiError`.
"""

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

import httpx
from httpx_retries import Retry, RetryTransport
from httpx_sse import connect_sse
from pydantic import BaseModel, TypeAdapter, ValidationError

from models.answer import TriageAnswer
from serving.api.answering import BatchAnswer, BatchResult
from serving.api.case_endings import ClosingList, ClosingRow
from serving.api.cases import CaseBody, CasePageBody, CaseRow
from serving.api.imports import ImportBody, ImportDetails
from serving.api.requests import MOST_IN_BATCH
from serving.errors import ErrorBody, ErrorContent

SECONDS = 30.0
ATTEMPTS = 5
LONGEST_WAIT = 30.0
TYPES = {
    ".csv": "text/csv",
    ".jsonl": "application/x-ndjson",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
Answer = TypeVar("Answer", bound=BaseModel)


class ApiError(Exception):
    """An answer that is not 2xx. `code` is stable; the messages hold no complaint text."""

    def __init__(self, status: int, content: ErrorContent) -> None:
        super().__init__(f"{status} {content.code}: {content.message}")
        self.status = status
        self.code = content.code
        self.message = content.message
        self.message_zh = content.message_zh
        self.details = content.details


class Event(BaseModel):
    """What the service told: a case of high risk, a notice of an alert …"""

    position: str
    """What `last_event_id` takes to go on behind it."""
    id: str
    type: str
    timestamp: str
    data: dict[str, Any]


class Client:
    """For one service and one token; use as a context manager. Not to be shared between threads."""

    def __init__(
        self, url: str, token: str, *, seconds: float = SECONDS, transport: httpx.BaseTransport | None = None
    ) -> None:
        retry = Retry(
            total=ATTEMPTS,
            backoff_factor=0.5,
            max_backoff_wait=LONGEST_WAIT,
            allowed_methods=["GET", "POST", "DELETE"],
            status_forcelist=[429, 503],
        )
        self._http = httpx.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=seconds,
            trust_env=False,
            transport=RetryTransport(transport=transport or httpx.HTTPTransport(), retry=retry),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def triage(
        self, text: str, *, external_id: str | None = None, store: bool = False, full: bool = False, **facts: Any
    ) -> TriageAnswer:
        """Triage one complaint; `facts` are the request's other fields. Raises ApiError."""
        body = {"text": text, **_numbered(external_id, store), **facts}
        return self._ask(TriageAnswer, "POST", "/v1/triage", params=_wanted(store, full), json=body)

    def triage_batch(
        self, items: Sequence[Mapping[str, Any]], *, store: bool = False, full: bool = False
    ) -> list[BatchResult]:
        """Triage any number of complaints, 256 at a time; each has its own answer or error. Raises ApiError."""
        results: list[BatchResult] = []
        for start in range(0, len(items), MOST_IN_BATCH):
            part = [{**_numbered(None, store), **item} for item in items[start : start + MOST_IN_BATCH]]
            answer = self._ask(
                BatchAnswer, "POST", "/v1/triage/batch", params=_wanted(store, full), json={"items": part}
            )
            results += [one.model_copy(update={"index": start + one.index}) for one in answer.results]
        return results

    def cases(self, **filters: Any) -> Iterator[CaseRow]:
        """Cases that meet the filters of `GET /v1/cases`, page after page. Raises ApiError."""
        after: str | None = None
        while True:
            page = self._ask(
                CasePageBody, "GET", "/v1/cases", params={**filters, **({"after": after} if after else {})}
            )
            yield from page.cases
            after = page.next
            if after is None:
                return

    def case(self, case_id: str) -> CaseBody:
        """One case with its history. Raises ApiError."""
        return self._ask(CaseBody, "GET", f"/v1/cases/{case_id}")

    def closings(self, case_id: str) -> list[ClosingRow]:
        """How a case was closed, oldest first; only the last may still stand. Raises ApiError."""
        return self._ask(ClosingList, "GET", f"/v1/cases/{case_id}/closings").closings

    def import_file(self, file: Path) -> ImportBody:
        """Upload a CSV, JSONL or XLSX file; it is worked on in the background. Raises ApiError, ValueError."""
        kind = TYPES.get(file.suffix.lower())
        if kind is None:
            raise ValueError(f"{file.name} is not imported; expected a name that ends in {', '.join(TYPES)}")
        headers, params = {"Content-Type": kind}, {"name": file.name}
        return self._ask(
            ImportBody, "POST", "/v1/cases/import", content=file.read_bytes(), headers=headers, params=params
        )

    def import_job(self, job_id: str) -> ImportDetails:
        """How far an import has come. Raises ApiError."""
        return self._ask(ImportDetails, "GET", f"/v1/imports/{job_id}")

    def import_result(self, job_id: str, *, format: Literal["jsonl", "csv"] = "jsonl") -> str:
        """What became of each row, as text. Raises ApiError."""
        return self._send("GET", f"/v1/imports/{job_id}/result", params={"format": format}).text

    def events(self, *, last_event_id: str | None = None) -> Iterator[Event]:
        """What happens from now on, or after an event, until the service ends the stream; connect again then."""
        headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
        with connect_sse(self._http, "GET", "/v1/events", headers=headers, timeout=None) as source:
            if source.response.is_error:
                source.response.read()
                raise _error(source.response)
            for sent in source.iter_sse():
                if sent.data:
                    yield Event.model_validate({"position": sent.id, **json.loads(sent.data)})

    def _ask(self, shape: type[Answer], method: str, path: str, **more: Any) -> Answer:
        return TypeAdapter(shape).validate_json(self._send(method, path, **more).content)

    def _send(self, method: str, path: str, **more: Any) -> httpx.Response:
        response = self._http.request(method, path, **more)
        if response.is_error:
            raise _error(response)
        return response


def _wanted(store: bool, full: bool) -> dict[str, str]:
    return {"store": str(store).lower(), "detail": "full" if full else "normal"}


def _numbered(external_id: str | None, store: bool) -> dict[str, str]:
    number = external_id or (f"client-{uuid.uuid4().hex}" if store else None)
    return {"external_id": number} if number else {}


def _error(response: httpx.Response) -> ApiError:
    try:
        content = ErrorBody.model_validate_json(response.content).error
    except ValidationError:  # a gateway on the way answered
        content = ErrorContent(code=f"http_{response.status_code}", message="no answer of xiaobao", message_zh="")
    return ApiError(response.status_code, content)
