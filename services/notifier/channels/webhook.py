"""Webhooks by the Standard Webhooks rules, sent only to addresses that were checked at the moment of connecting."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from ipaddress import IPv4Address, IPv6Address, ip_address
from socket import SOCK_STREAM
from typing import Any, Final

import httpcore
from httpcore._backends.auto import AutoBackend
from standardwebhooks import Webhook

from services.notifier.domain.delivery import Answer, Answered, Reason, Unreached
from services.notifier.domain.target_url import UrlRules, endpoint, refuse_address
from services.notifier.ports import Claim, Resolver
from shared.runtime.telemetry import SpanKind, current_traceparent, span_from
from shared.vocabulary import Refused

TIMEOUT_SECONDS: Final = 15.0
"""For the whole attempt, from the name to the last byte of the answer (Standard Webhooks: 15 to 30 s)."""
ANSWER_BYTES: Final = 64 * 1024
"""More of an answer is not read: only its status matters."""
CONNECTIONS: Final = 64
USER_AGENT: Final = "whistle-webhook/1"


class SystemResolver:
    """See ``ports.Resolver``; the machine's own resolver."""

    async def addresses(self, host: str, port: int) -> Sequence[IPv4Address | IPv6Address]:
        """See ``ports.Resolver.addresses``."""
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=SOCK_STREAM)
        return list(dict.fromkeys(ip_address(str(place[4][0]).partition("%")[0]) for place in found))


class AddressRefused(OSError):  # noqa: N818  named for what was decided
    """The name leads to an address that no webhook may reach."""


class NameUnknown(OSError):  # noqa: N818  named for the fact
    """The name leads nowhere."""


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Connects to the very address it has checked; TLS and the ``Host`` header keep the name.

    Between a check and a connection of its own, a name could come to mean another address (DNS rebinding).
    Every address is checked before any is used: a name with one private address is refused whole.
    """

    def __init__(self, resolver: Resolver, rules: UrlRules, below: httpcore.AsyncNetworkBackend) -> None:
        self._resolver = resolver
        self._rules = rules
        self._below = below

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first of the host's addresses that answers."""
        error: Exception = NameUnknown(f"{host} has no address")
        for address in await self._checked(host, port):
            try:
                return await self._below.connect_tcp(
                    str(address), port, timeout=timeout, local_address=local_address, socket_options=socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as failed:
                error = failed
        raise error

    async def _checked(self, host: str, port: int) -> Sequence[IPv4Address | IPv6Address]:
        try:
            addresses = await self._resolver.addresses(host, port)
        except OSError as error:
            raise NameUnknown(f"{host}: {error}") from error
        for address in addresses:
            try:
                refuse_address(address, self._rules)
            except Refused as refused:
                raise AddressRefused(refused.reason) from refused
        return addresses

    async def connect_unix_socket(self, *_args: object, **_kwargs: object) -> httpcore.AsyncNetworkStream:
        """Refuse: no webhook goes to a socket of this machine."""
        raise AddressRefused("no webhook goes to a socket of this machine")

    async def sleep(self, seconds: float) -> None:
        """Sleep, for httpcore's own retries."""
        await self._below.sleep(seconds)


class WebhookSender:
    """See ``ports.Sender``. Follows no redirect, reads no proxy settings, keeps no cookies."""

    def __init__(self, resolver: Resolver, rules: UrlRules, *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._rules = rules
        self._timeout_seconds = timeout_seconds
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl.create_default_context(),
            max_connections=CONNECTIONS,
            max_keepalive_connections=CONNECTIONS // 4,
            keepalive_expiry=10.0,
            network_backend=GuardedBackend(resolver, rules, AutoBackend()),
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.aclose()

    async def send(self, claim: Claim, *, now: datetime) -> Answer:
        """See ``ports.Sender.send``."""
        with span_from(claim.traceparent, "send webhook", SpanKind.PRODUCER) as span:
            span.set_attribute("whistle.delivery.id", str(claim.delivery_id))
            answer: Answer
            try:
                async with asyncio.timeout(self._timeout_seconds):
                    answer = await self._post(claim, now)
            except Exception as error:  # noqa: BLE001  every failure is an answer with a reason
                answer = unreached(error)
            if isinstance(answer, Answered):
                span.set_attribute("http.response.status_code", answer.status)
            return answer

    async def _post(self, claim: Claim, now: datetime) -> Answered:
        place = endpoint(claim.url, self._rules)
        body = claim.body.encode()
        headers = {**signed(claim, now), "Host": _authority(claim.url), "Content-Length": str(len(body))}
        async with self._pool.stream(
            "POST",
            place.url,
            headers=list(headers.items()),
            content=body,
            extensions={"timeout": dict.fromkeys(("connect", "read", "write", "pool"), self._timeout_seconds)},
        ) as response:
            read = 0
            async for chunk in response.aiter_stream():
                read += len(chunk)
                if read > ANSWER_BYTES:
                    break
            return Answered(status=response.status, retry_after=_retry_after(response.headers, now))


def signed(claim: Claim, now: datetime) -> dict[str, str]:
    """The headers of one attempt: a signature by each live secret, so that a receiver may change them in its time."""
    at = now.astimezone(UTC)
    message_id = str(claim.delivery_id)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(Webhook(secret).sign(message_id, at, claim.body) for secret in claim.secrets),
    }
    traceparent = current_traceparent() or claim.traceparent
    return headers if traceparent is None else {**headers, "traceparent": traceparent}


def unreached(error: Exception) -> Unreached:
    """The reason that stands for ``error``; its text is for a person."""
    detail = str(error) or type(error).__name__
    return Unreached(reason=_reason(error), detail=detail)


def _reason(error: BaseException) -> Reason:
    match error:
        case AddressRefused() | Refused():
            return Reason.ADDRESS_REFUSED
        case NameUnknown():
            return Reason.NAME_UNKNOWN
        case TimeoutError() | httpcore.TimeoutException():
            return Reason.TIMEOUT
        case ssl.SSLError():
            return Reason.TLS_FAILED
        case httpcore.ConnectError() if _is_tls(error):
            return Reason.TLS_FAILED
        case httpcore.ProtocolError():
            return Reason.BROKEN_ANSWER
        case _:
            return Reason.CONNECT_FAILED


def _is_tls(error: BaseException) -> bool:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLError):
            return True
        seen = seen.__cause__ or seen.__context__
    return "SSL" in str(error) or "CERTIFICATE" in str(error).upper()


def _authority(url: str) -> str:
    return url.split("://", 1)[1].split("/", 1)[0].split("?", 1)[0]


def _retry_after(headers: Sequence[tuple[bytes, bytes]], now: datetime) -> timedelta | None:
    """``Retry-After`` in seconds or as a date (RFC 9110, 10.2.3); what cannot be read counts as absent."""
    found: Mapping[bytes, bytes] = {name.lower(): value for name, value in headers}
    text = found.get(b"retry-after", b"").decode("latin-1").strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text[:9]), 7 * 24 * 3600))
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)) - now
