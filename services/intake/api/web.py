"""The form for residents and grid workers: files read once, under a policy that runs no other script."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse

from services.intake.api.public import PublicDoor, door_of

FOLDER: Final = Path(__file__).resolve().parents[1] / "web"
TYPES: Final[Mapping[str, str]] = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    body: bytes
    kind: str
    tag: str


def _read(folder: Path) -> Mapping[str, _File]:
    return {
        path.name: _File(
            body=(body := path.read_bytes()), kind=TYPES[path.suffix], tag=f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        )
        for path in sorted(folder.iterdir())
        if path.suffix in TYPES
    }


_FILES: Final = _read(FOLDER)


@router.get("/report")
async def entrance(request: Request) -> Response:
    """The form stands in a folder of its own, so that what it keeps for later is its alone."""
    door_of(request)
    return RedirectResponse("/report/", status_code=308)


@router.get("/report/")
async def form(request: Request) -> Response:
    """The form."""
    return _answer("index.html", request)


@router.get("/report/track")
async def track(request: Request) -> Response:
    """The page by which a report is followed; the code stands behind the ``#`` and never leaves the browser so."""
    return _answer("track.html", request)


@router.get("/report/{name}")
async def file(name: str, request: Request) -> Response:
    """One file of the form."""
    return _answer(name, request)


def _answer(name: str, request: Request) -> Response:
    door, found = door_of(request), _FILES.get(name)
    if found is None:
        raise HTTPException(404)
    headers = {"content-security-policy": _policy(door), "etag": found.tag, "cache-control": "no-cache"}
    headers["permissions-policy"] = "geolocation=(self), camera=(self), microphone=()"
    if request.headers.get("if-none-match") == found.tag:
        return Response(status_code=304, headers=headers)
    return Response(found.body, media_type=found.kind, headers=headers)


def _policy(door: PublicDoor) -> str:
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' {door.read_url}; "
        "img-src 'self' blob:; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
