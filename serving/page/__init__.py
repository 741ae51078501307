"""The page at `/`: paste a complaint, see the answer. In: static files of this folder. Out: routes.

It calls `/v1/triage` like any client. A strict content security policy keeps it from loading anything from outside.
"""

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse

FOLDER = Path(__file__).parent
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}

router = APIRouter(include_in_schema=False)


def _file(name: str, media_type: str) -> FileResponse:
    return FileResponse(FOLDER / name, media_type=media_type, headers=HEADERS)


@router.get("/")
async def index() -> FileResponse:
    return _file("index.html", "text/html; charset=utf-8")


@router.get("/page.css")
async def stylesheet() -> FileResponse:
    return _file("page.css", "text/css; charset=utf-8")


@router.get("/page.js")
async def script() -> FileResponse:
    return _file("page.js", "text/javascript; charset=utf-8")
