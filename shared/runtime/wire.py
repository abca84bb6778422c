"""HTTP/1.1 as uvicorn reads it with its C parser, within bounds that the parser itself does not know."""

from __future__ import annotations

import asyncio
from typing import Any, Final, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADER_LIMIT_BYTES: Final = 16 * 1024


class TooLong(Exception):  # noqa: N818  named for what is the matter
    """A head, or its end after a body, is longer than may be; the parser answers 400 and the line is closed."""


class NoHost(Exception):  # noqa: N818  named for what is the matter
    """A request of HTTP/1.1 that does not say whom it asks, or says it twice (RFC 9112, section 3.2)."""


class NoTunnel(Exception):  # noqa: N818  named for what is the matter
    """A request to be connected with somebody else."""


class HeadWithBody:
    """A transport that sends the head of an answer together with the first part of its body.

    Written apart they cost two system calls, each as much as all of the routing. A head that nothing follows at once,
    as of a live stream, goes out by itself in the same turn of the loop.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._head: bytes | None = None

    def write(self, data: bytes) -> None:
        """Send ``data``, after the head that waits for it."""
        if self._head is not None:
            head, self._head = self._head, None
            self._transport.write(head + data)
        elif data.startswith(b"HTTP/1.1 "):
            self._head = data
            self._loop.call_soon(self.flush)
        else:
            self._transport.write(data)

    def flush(self) -> None:
        """Send the head that waits, if one does."""
        if self._head is not None:
            head, self._head = self._head, None
            self._transport.write(head)

    def close(self) -> None:
        """Close when everything is sent."""
        self.flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  whatever a transport has
        return getattr(self._transport, name)


class BoundedProtocol(HttpToolsProtocol):
    """One connection; nobody makes it hold more than a head of ``HEADER_LIMIT_BYTES``.

    The parser keeps a line until it is whole and takes as many as come. So what it has been given and has not told
    of is counted, and what it has told of each request. Offers of another protocol are passed over.
    """

    _unheard = 0
    _told = 0
    _hosts = 0
    _offers = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Somebody has come."""
        super().connection_made(transport)
        self.transport = cast("asyncio.Transport", HeadWithBody(transport, self.loop))

    def data_received(self, data: bytes) -> None:
        """Parse what has come; what the parser keeps to itself must stay small."""
        self._unset_keepalive_if_required()
        self._unheard += len(data)
        try:
            self._parse(data)
        except httptools.HttpParserError:
            self.logger.warning("a request cannot be read as HTTP", extra={"event.name": "http.unreadable"})
            self.send_400_response("This is no request of HTTP/1.1 that can be read here.")
            return
        if self._unheard > HEADER_LIMIT_BYTES and not self.transport.is_closing():
            self.send_400_response("The head of the request is too long.")

    def _parse(self, data: bytes) -> None:
        while data:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as offer:
                # The parser takes every offer as accepted and would read the body as the next request.
                data = self._without_offer() + data[offer.args[0] :]
                self.parser = httptools.HttpRequestParser(self)
                self._offers = False
            else:
                return

    def _without_offer(self) -> bytes:
        """The head that has just been read, as if no other protocol had been offered."""
        lines = [b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())]
        lines += [b"%b: %b" % line for line in self.headers if line[0] != b"upgrade"]
        return b"\r\n".join([*lines, b"", b""])

    def on_message_begin(self) -> None:
        """A request begins: nothing of it is told yet."""
        self._unheard = self._told = self._hosts = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """A part of the target."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A whole line of the head, or of what follows a body in chunks."""
        self._count(len(name) + len(value))
        name = name.lower()
        if name == b"host":
            self._hosts += 1
        elif name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._unheard = 0
        if self._hosts != 1 and (self._hosts or self.parser.get_http_version() == "1.1"):
            raise NoHost
        if not self.parser.should_upgrade():
            super().on_headers_complete()
        elif self.parser.get_method() == b"CONNECT":
            raise NoTunnel
        else:
            self._offers = True

    def on_message_complete(self) -> None:
        """The request is whole."""
        if not self._offers:
            super().on_message_complete()

    def on_body(self, body: bytes) -> None:
        """A part of the body: the app counts those."""
        self._unheard = 0
        super().on_body(body)

    def _count(self, more: int) -> None:
        self._unheard = 0
        self._told += more
        if self._told > HEADER_LIMIT_BYTES:
            raise TooLong
