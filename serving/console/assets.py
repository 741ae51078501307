"""Style sheet and scripts. In: the folder `static`. Out: files whose names hold a hash of what is in them.

A browser may keep such a file for ever, and an update is seen at once because its name is another.
"""

import hashlib
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import Response
from starlette.exceptions import HTTPException

FOLDER = Path(__file__).with_name("static")
MEDIA_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
HASH_DIGITS = 10

router = APIRouter(include_in_schema=False)


def _hashed(file: Path) -> str:
    digest = hashlib.sha256(file.read_bytes()).hexdigest()[:HASH_DIGITS]
    return f"{file.stem}.{digest}{file.suffix}"


_NAMES = {file.name: _hashed(file) for file in sorted(FOLDER.iterdir()) if file.suffix in MEDIA_TYPES}
_FILES = {hashed: FOLDER / name for name, hashed in _NAMES.items()}


def asset(name: str) -> str:
    """Where a file of `static` is served. Raises KeyError for one that is not there."""
    return f"/console/static/{_NAMES[name]}"


@router.get("/static/{name}")
async def static_file(name: str) -> Response:
    """One file, to be kept for a year."""
    file = _FILES.get(name)
    if file is None:
        raise HTTPException(404)
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(file.read_bytes(), media_type=MEDIA_TYPES[file.suffix], headers=headers)
