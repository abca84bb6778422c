"""Every request is noted with its door and the address that stood before it."""

from __future__ import annotations

import pytest
from starlette.types import Message, Receive, Scope, Send

from shared.runtime.origin import Origin, OriginNote, coming_from, current_origin


async def _receive() -> Message:
    return {"type": "http.request"}


async def _send(_message: Message) -> None:
    """Nothing is answered."""


async def noted(
    path: str, *, forwarded: tuple[str, ...] = (), client: tuple[str, int] | None = ("10.0.0.9", 1), proxies: int = 0
) -> Origin:
    seen: list[Origin] = []

    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(current_origin())

    headers = [(b"x-forwarded-for", one.encode()) for one in forwarded]
    scope: dict[str, object] = {"type": "http", "path": path, "headers": headers, "client": client}
    await OriginNote(app, proxies=proxies)(scope, _receive, _send)
    return seen[0]


async def test_a_request_is_noted_with_its_door_and_no_id() -> None:
    origin = await noted("/v1/cases/0f8fad5b-d9cb-469f-a165-138001380001/actions")
    assert str(origin) == "http /v1/cases 10.0.0.9"


async def test_a_header_that_anybody_can_write_is_not_believed() -> None:
    assert (await noted("/v1/reports", forwarded=("1.2.3.4",))).address == "10.0.0.9"


@pytest.mark.parametrize(
    ("forwarded", "proxies", "address"),
    (
        (("1.2.3.4",), 1, "1.2.3.4"),
        (("6.6.6.6, 1.2.3.4",), 1, "1.2.3.4"),
        (("6.6.6.6", "1.2.3.4"), 1, "1.2.3.4"),
        (("6.6.6.6, 1.2.3.4, 10.0.0.1",), 2, "1.2.3.4"),
        ((), 1, "10.0.0.9"),
    ),
)
async def test_behind_proxies_the_outermost_of_ours_says_who_asks(
    forwarded: tuple[str, ...], proxies: int, address: str
) -> None:
    assert (await noted("/v1/reports", forwarded=forwarded, proxies=proxies)).address == address


async def test_what_is_noted_is_bounded_and_printable() -> None:
    origin = await noted("/" + "é\n" * 200, forwarded=("\x00" + "9" * 500,), proxies=1)
    assert len(str(origin)) <= 48 + 1 + 64
    assert str(origin).isascii()
    assert str(origin).isprintable()


def test_inside_an_edge_everything_comes_from_it_and_outside_from_inside() -> None:
    with coming_from(Origin(channel="kafka whistle.inbound.v1")):
        assert str(current_origin()) == "kafka whistle.inbound.v1"
    assert str(current_origin()) == "inside"
