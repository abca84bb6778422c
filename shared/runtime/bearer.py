"""The door for FastAPI endpoints: the header ``Authorization`` to a ``Principal`` with one of the allowed roles."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import Request, Security
from fastapi.security import HTTPBearer
from starlette.requests import HTTPConnection

from shared.runtime.auth import KeyRing, Principal, TokensAway
from shared.runtime.problem import Problem
from shared.vocabulary import Role

_SCHEME = HTTPBearer(
    bearerFormat="wk_<key id>_<secret>",
    description="An API key, or a signed token (JWT) of an issuer that this installation trusts",
    auto_error=False,
)
_AGAIN_SECONDS = 5


def bearer(keyring: Callable[[Request], KeyRing], *roles: Role) -> Callable[..., Awaitable[Principal]]:
    """A dependency (``Depends(bearer(keyring_of, Role.DESK))``) that returns who is asking; no roles = every role.

    ``keyring`` finds the keys behind a request. The dependency raises ``Unauthenticated`` (401) and
    ``Forbidden`` (403), answers 503 while the issuer of a token with an unknown key is away,
    and puts the key scheme into the OpenAPI file.
    """

    # async, or FastAPI would send each request through its thread pool for a look-up in a dict
    async def principal(request: Request, _scheme: object = Security(_SCHEME)) -> Principal:
        try:
            await keyring(request).prepare(request.headers.get("authorization"))
        except TokensAway as away:
            raise Problem(
                503,
                "unavailable",
                "A part of the system is away",
                f"{away}. Send the same request again in {_AGAIN_SECONDS} s, or use an API key.",
                headers={"Retry-After": str(_AGAIN_SECONDS)},
            ) from away
        return who(keyring(request), request, *roles)

    return principal


def who(keyring: KeyRing, connection: HTTPConnection, *roles: Role) -> Principal:
    """Who is asking on ``connection``; see ``bearer``.

    Raises:
        Unauthenticated: when the key is missing or not known.
        Forbidden: when it has none of ``roles``.
    """
    principal = keyring.authenticate(connection.headers.get("authorization"))
    if roles:
        principal.must_be(*roles)
    return principal
