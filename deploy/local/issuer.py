"""A small OpenID Connect issuer for this machine: discovery, published keys and tokens for whoever asks.

``python -m deploy.local.issuer`` runs one until Ctrl-C. It believes everybody, so it listens on loopback alone and is
for demos and tests; ``WHISTLE_OIDC_ISSUERS`` names it to the services.

    curl -d role=desk -d area=990101001 http://127.0.0.1:8090/token
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from urllib.parse import parse_qs

import jwt
import uvicorn
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from deploy.local.ports import LOOPBACK
from shared.runtime.clock import utc_now
from shared.runtime.keyfile import must_fit
from shared.vocabulary import Refused, Role

LIFE: Final = timedelta(hours=1)
MAX_FORM: Final = 16 * 1024
AUDIENCE: Final = "whistle"


class LocalIssuer:
    """Signs tokens with a key of its own; ``turn_over`` takes a new one and forgets the old."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._turns = 0
        self.turn_over()

    def turn_over(self) -> None:
        """Sign with a new key from now on, and publish it alone."""
        self._turns += 1
        self.kid = f"local-{self._turns}"
        self.key = ec.generate_private_key(ec.SECP256R1())

    def token(self, claims: Mapping[str, object], *, life: timedelta = LIFE) -> str:
        """A token with ``claims`` beside those that every token has; what they name wins."""
        now = utc_now()
        own = {"iss": self.url, "aud": AUDIENCE, "sub": "somebody", "iat": now, "nbf": now, "exp": now + life}
        return jwt.encode({**own, **claims}, self.key, algorithm="ES256", headers={"kid": self.kid})

    def discovery(self) -> dict[str, object]:
        """What ``/.well-known/openid-configuration`` says."""
        return {
            "issuer": self.url,
            "jwks_uri": f"{self.url}/jwks",
            "token_endpoint": f"{self.url}/token",
            "id_token_signing_alg_values_supported": ["ES256"],
            "subject_types_supported": ["public"],
            "response_types_supported": ["token"],
        }

    def key_set(self) -> dict[str, object]:
        """The published keys."""
        own: dict[str, Any] = json.loads(ECAlgorithm.to_jwk(self.key.public_key()))
        return {"keys": [{**own, "kid": self.kid, "use": "sig", "alg": "ES256"}]}


def issuer_app(issuer: LocalIssuer) -> Starlette:
    """The issuer's three addresses as an ASGI app."""

    async def discovery(_request: Request) -> Response:
        return JSONResponse(issuer.discovery())

    async def jwks(_request: Request) -> Response:
        return JSONResponse(issuer.key_set())

    async def token(request: Request) -> Response:
        body = await request.body()
        if len(body) > MAX_FORM:
            return JSONResponse({"error": "invalid_request"}, status_code=413)
        form = {name: values[-1] for name, values in parse_qs(body.decode(errors="replace")).items()}
        try:
            claims = claims_of(form)
        except Refused as refusal:
            why = f"{refusal.field}: {refusal.reason}; allowed: {', '.join(refusal.allowed)}"
            return JSONResponse({"error": "invalid_request", "error_description": why}, status_code=400)
        made = issuer.token(claims)
        return JSONResponse({"access_token": made, "token_type": "Bearer", "expires_in": int(LIFE.total_seconds())})

    return Starlette(
        routes=[
            Route("/.well-known/openid-configuration", discovery),
            Route("/jwks", jwks),
            Route("/token", token, methods=["POST"]),
        ]
    )


def claims_of(form: Mapping[str, str]) -> dict[str, object]:
    """The claims that a form asks for: role, area, department, duties (codes with spaces between), name, sub.

    Raises:
        Refused: role, area, department and duties do not fit together; names the field.
    """
    try:
        role = Role(form.get("role", ""))
    except ValueError as error:
        raise Refused("no such role", field="role", allowed=[one.value for one in Role]) from error
    area, department, duties = form.get("area", ""), form.get("department"), form.get("duties", "").split()
    must_fit(role, area=area, department=department, duties=duties)
    claims: dict[str, object] = {"whistle_role": role.value, "whistle_area": area}
    if department is not None:
        claims["whistle_department"] = department
    if duties:
        claims["whistle_duties"] = duties
    name = form.get("name", f"{role} of {area}")
    return {**claims, "name": name, "sub": form.get("sub", name)}


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local.issuer", description=__doc__)
    parser.add_argument("--port", type=int, default=8090)
    options = parser.parse_args(arguments)
    issuer = LocalIssuer(f"http://{LOOPBACK}:{options.port}")
    sys.stdout.write(f"export WHISTLE_OIDC_ISSUERS={issuer.url}\n")
    sys.stdout.flush()
    uvicorn.run(issuer_app(issuer), host=LOOPBACK, port=options.port, log_level="warning")
    return 0


if __name__ == "__main__":
    sys.exit(main())
