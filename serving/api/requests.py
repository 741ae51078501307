"""What clients send. In: bytes. Out: checked requests; anything unknown is refused."""

import re
from datetime import date, datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
)
from starlette.requests import Request

from data.schema import InputKind
from models.predictor import MAX_CHARACTERS
from serving.errors import ServiceError, invalid_request

MOST_IN_BATCH = 256
Source = Literal[
    "hotline", "counter", "comment_book", "web", "mail", "nfra", "pboc", "12345", "letter_visit", "court", "media",
    "other",
]  # fmt: skip
EARLIEST_YEAR, LATEST_YEAR = 1900, 2199
Days = TypeVar("Days", date, datetime)
RFC_3339 = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})", re.IGNORECASE)


def _written_out(value: object) -> object:
    """Refuse what pydantic would take for a time but a person would not, such as seconds since 1970."""
    if not isinstance(value, str) or not RFC_3339.fullmatch(value):
        raise ValueError("expected a time with zone, such as 2026-11-23T09:30:00+08:00")
    return value


def of_our_age(value: Days) -> Days:
    """Refuse what is certainly a slip, and what no other zone could express. Raises ValueError."""
    if not EARLIEST_YEAR <= value.year <= LATEST_YEAR:
        raise ValueError(f"expected a day or time of the years {EARLIEST_YEAR} to {LATEST_YEAR}")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_written_out), AfterValidator(of_our_age)]
Day = Annotated[date, AfterValidator(of_our_age)]
# PostgreSQL holds no U+0000 in a text.
Reference = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\u0000]*$")]
Body = TypeVar("Body")


class TriageRequest(BaseModel):
    """One complaint."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "text": "存三年定期，柜员说换个产品利息更高，回家一看是保险，要退还得扣钱。我今年六十八。",
                    "external_id": "H20261123-0042",
                    "source": "hotline",
                    "input": "typed",
                }
            ]
        },
    )

    # Length is checked with the text itself, so that file and HTTP give the same error.
    text: Annotated[str, WithJsonSchema({"type": "string", "minLength": 1, "maxLength": MAX_CHARACTERS})]
    external_id: Reference | None = None
    source: Source | None = None
    input: InputKind | None = None
    received_at: Moment | None = Field(default=None, description="RFC 3339 with zone.")
    branch: Reference | None = None
    region: Reference | None = None
    customer_ref: Reference | None = None
    regulator_ref: Reference | None = None
    due_at: Moment | None = Field(default=None, description="RFC 3339 with zone.")


class BatchRequest(BaseModel):
    """Several complaints. Items are checked one by one, so that a bad one does not fail its neighbours."""

    model_config = ConfigDict(extra="forbid")

    items: Annotated[
        list[Any],
        Field(min_length=1, max_length=MOST_IN_BATCH),
    ]


TRIAGE_REQUEST: TypeAdapter[TriageRequest] = TypeAdapter(TriageRequest)
BATCH_REQUEST: TypeAdapter[BatchRequest] = TypeAdapter(BatchRequest)


async def read_body(request: Request, adapter: TypeAdapter[Body], *, most_bytes: int | None = None) -> Body:
    """Read, bound, decode and check a JSON body; `most_bytes` is the caller's own limit. Raises ServiceError."""
    limit: int = request.app.state.settings.max_body_bytes
    raw = await read_bounded(request, limit if most_bytes is None else min(limit, most_bytes))
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ServiceError(
            "body_not_utf8",
            f"byte {error.start} of the body is not UTF-8; expected JSON in UTF-8",
            f"请求体第 {error.start} 字节不是 UTF-8，请用 UTF-8 编码",
        ) from None
    try:
        return adapter.validate_json(text)
    except ValidationError as error:
        raise invalid_request(error.errors(include_url=False)) from None


async def read_bounded(request: Request, limit: int) -> bytes:
    """The body. Raises ServiceError `body_too_large` as soon as it is longer than `limit` bytes."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise ServiceError(
                "body_too_large",
                f"the body is larger than {limit} bytes; send fewer or shorter texts",
                f"请求体超过 {limit} 字节，请减少文本",
            )
        chunks.append(chunk)
    return b"".join(chunks)


def body_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The OpenAPI part for a route that reads its body itself."""
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}}
    return {"requestBody": {"required": True, "content": content}}
