"""The live page: files of this service, read once, served under a policy that runs no other script."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

FOLDER: Final = Path(__file__).resolve().parents[1] / "page"
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
TYPES: Final[Mapping[str, str]] = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
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


@router.get("/")
async def index(request: Request) -> Response:
    """The page."""
    return _answer("index.html", request)


@router.get("/page/{name}")
async def file(name: str, request: Request) -> Response:
    """One file of the page."""
    return _answer(name, request)


def _answer(name: str, request: Request) -> Response:
    found = _FILES.get(name)
    if found is None:
        raise HTTPException(404)
    headers = {"content-security-policy": POLICY, "etag": found.tag, "cache-control": "no-cache"}
    if request.headers.get("if-none-match") == found.tag:
        return Response(status_code=304, headers=headers)
    return Response(found.body, media_type=found.kind, headers=headers)
