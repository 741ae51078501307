"""A file that a client sends. In: a request with the file as its body, or a form with one file. Out: `Upload`.

The file is held in memory, within the limit, and never written to disk in clear.
"""

import asyncio
import hashlib
import re
import unicodedata
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import PurePath

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from data.store.free_text import redacted
from serving.errors import ServiceError
from serving.input_files import FORMAT_OF_ENDING, FileFormat

XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORMAT_OF_TYPE: dict[str, FileFormat] = {
    "text/csv": "csv",
    "application/csv": "csv",
    "application/x-ndjson": "jsonl",
    "application/jsonl": "jsonl",
    "application/x-jsonlines": "jsonl",
    XLSX_TYPE: "xlsx",
}
FORM_TYPE = "multipart/form-data"
LONGEST_NAME = 100
STALLED_SECONDS = 30.0
"""Without a byte: a client that has gone to sleep would keep its place for ever."""
# Around the file in a form: boundaries, headers, small fields.
_FORM_BYTES = 65_536
_ZIP = b"PK\x03\x04"
_OLD_EXCEL = b"\xd0\xcf\x11\xe0"


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A file as sent; `name` is fit to be stored and shown."""

    name: str
    format: FileFormat
    content: bytes = field(repr=False)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


class UploadSlots:
    """How many files may be held in memory at once. Used on the event loop alone."""

    def __init__(self, most: int) -> None:
        self._left = most

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Raises ServiceError `uploads_busy`."""
        if self._left == 0:
            raise ServiceError(
                "uploads_busy",
                "other files are being uploaded; try again shortly",
                "正在接收其他文件，请稍后重试",
                {"Retry-After": "5"},
            )
        self._left -= 1
        try:
            yield
        finally:
            self._left += 1


async def read_upload(request: Request, *, most_bytes: int) -> Upload:
    """Read the file of a request. Raises ServiceError."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == FORM_TYPE:
        upload, _ = await _from_form(request, most_bytes)
    elif kind in FORMAT_OF_TYPE:
        content = b"".join([piece async for piece in _bounded(request, most_bytes, most_bytes)])
        file_format = FORMAT_OF_TYPE[kind]
        name = request.query_params.get("name", f"upload.{file_format}")
        upload = Upload(name=clean_name(name), format=file_format, content=content)
    else:
        raise _wrong_type("the Content-Type says none of the kinds of file")
    _check_content(upload)
    return upload


async def read_form_upload(request: Request, *, most_bytes: int) -> tuple[Upload, Mapping[str, str]]:
    """The file of a form and its other fields. Raises ServiceError."""
    if not request.headers.get("content-type", "").lower().startswith(FORM_TYPE):
        raise _wrong_type("the Content-Type is that of no form")
    upload, fields = await _from_form(request, most_bytes)
    _check_content(upload)
    return upload, fields


def clean_name(name: str) -> str:
    """A file name without folders, control characters and personal data, shortened in front of its ending."""
    base = PurePath(name.replace("\\", "/")).name
    plain = "".join(letter for letter in base if unicodedata.category(letter)[0] != "C")
    safe = re.sub(r"\s+", " ", redacted(plain)).strip() or "upload"
    if len(safe) <= LONGEST_NAME:
        return safe
    ending = PurePath(safe).suffix[:10]
    return safe[: LONGEST_NAME - len(ending) - 1] + "…" + ending


async def _from_form(request: Request, most_bytes: int) -> tuple[Upload, Mapping[str, str]]:
    class InMemory(MultiPartParser):
        spool_max_size = most_bytes + _FORM_BYTES  # a larger part would be written to a file

    pieces = _bounded(request, most_bytes + _FORM_BYTES, most_bytes)
    try:
        form = await InMemory(request.headers, pieces, max_files=1, max_fields=5, max_part_size=_FORM_BYTES).parse()
    except (MultiPartException, KeyError) as error:  # KeyError: no boundary
        raise ServiceError(
            "form_unreadable",
            f"the form cannot be read ({type(error).__name__}); expected multipart/form-data with one file",
            "表单无法读取，应为只含一个文件的 multipart/form-data",
        ) from None
    files = [value for value in form.values() if isinstance(value, UploadFile)]
    if len(files) != 1:
        raise ServiceError(
            "form_unreadable",
            f"the form holds {len(files)} files; expected one, in a field with a file name",
            f"表单中有 {len(files)} 个文件，应为一个",
        )
    fields = {name: value for name, value in form.items() if isinstance(value, str)}
    name, content = files[0].filename or "", await files[0].read()
    await form.close()
    if len(content) > most_bytes:
        raise _too_large(most_bytes)
    kind = (files[0].content_type or "").partition(";")[0].strip().lower()
    # The ending first: Windows calls CSV an Excel file.
    file_format = FORMAT_OF_ENDING.get(PurePath(name).suffix.lower()) or FORMAT_OF_TYPE.get(kind)
    if file_format is None:
        raise _wrong_type("the file in the form has another ending and Content-Type")
    return Upload(name=clean_name(name), format=file_format, content=content), fields


async def _bounded(request: Request, most: int, told: int) -> AsyncGenerator[bytes, None]:
    """The pieces of a body, refused as soon as it is known to be too large or no more comes."""
    stated = request.headers.get("content-length", "")
    if stated.isdecimal() and int(stated) > most:
        raise _too_large(told)
    size = 0
    pieces = aiter(request.stream())
    while (piece := await _next_piece(pieces)) is not None:
        size += len(piece)
        if size > most:
            raise _too_large(told)
        yield piece


async def _next_piece(pieces: AsyncIterator[bytes]) -> bytes | None:
    """None at the end. Raises ServiceError `upload_stalled`."""
    try:
        async with asyncio.timeout(STALLED_SECONDS):
            return await anext(pieces, None)
    except TimeoutError:
        raise ServiceError(
            "upload_stalled",
            f"nothing of the file has come for {STALLED_SECONDS:.0f} s; send it again",
            "文件传输中断，请重新上传",
        ) from None


def _check_content(upload: Upload) -> None:
    start = upload.content[:4]
    if start == _OLD_EXCEL:
        raise ServiceError(
            "file_type_wrong",
            f"{upload.name} is an old or password-protected Excel file; save it as .xlsx without a password",
            f"{upload.name} 是旧版或加密的 Excel 文件，请另存为不带密码的 .xlsx",
        )
    if (start == _ZIP) != (upload.format == "xlsx"):
        found = "an XLSX or other zip file" if start == _ZIP else "no XLSX file"
        raise ServiceError(
            "file_type_wrong",
            f"{upload.name} was sent as {upload.format} but is {found}; send it with its own Content-Type",
            f"{upload.name} 的内容与声明的类型 {upload.format} 不符，请使用正确的 Content-Type",
        )


def _too_large(most_bytes: int) -> ServiceError:
    return ServiceError(
        "file_too_large",
        f"the file is larger than {most_bytes} bytes; split it into several",
        f"文件超过 {most_bytes} 字节，请拆分后上传",
    )


def _wrong_type(found: str) -> ServiceError:
    kinds = ", ".join([*FORMAT_OF_TYPE, FORM_TYPE])
    return ServiceError(
        "content_type_unsupported",
        f"{found}; expected one of {kinds}",
        f"不支持的文件类型，Content-Type 应为 {kinds} 之一",
    )
