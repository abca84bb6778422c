"""A running notifier with an hour of the county in it, and a browser's way into its page."""

from __future__ import annotations

import asyncio
import re
import tempfile
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, TypeVar

from playwright.sync_api import Page, expect

from shared.events.envelope import Event
from shared.runtime.clock import utc_now
from tests.e2e.busy_county import in_order, lives
from tests.fakes.notifier import Life
from tests.integration.notifier.harness import KEYS
from tests.integration.notifier.processes import Service, forget, send, start

T = TypeVar("T")
LIVE = re.compile("实时")


@dataclass(slots=True)
class Background:
    """An event loop in a thread: Playwright's own API is blocking."""

    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        assert self.thread is not None
        self.thread.join()
        self.loop.close()

    def run(self, work: Callable[[], Awaitable[T]]) -> T:
        async def wrapped() -> T:
            return await work()

        return asyncio.run_coroutine_threadsafe(wrapped(), self.loop).result(120)


@dataclass(slots=True, kw_only=True)
class Desk:
    """A running notifier with an hour of the county in it."""

    background: Background
    service: Service
    kafka: str
    dsn: str
    folder: Path

    def send(self, events: Sequence[Event[Any]]) -> None:
        self.background.run(lambda: send(self.kafka, events))

    def restart(self) -> None:
        ports = {"WHISTLE_HTTP_PORT": str(self.service.http), "WHISTLE_OPS_PORT": str(self.service.ops)}
        self.service = self.background.run(lambda: start(self.kafka, self.dsn, self.folder, **ports))

    def kill(self) -> None:
        self.background.run(self.service.kill)


@contextmanager
def opened_desk(kafka: str, postgres: str) -> Iterator[Desk]:
    """The notifier as a process, over what was said in that hour."""
    with Background() as background, tempfile.TemporaryDirectory(prefix="whistle-console-") as folder:
        background.run(lambda: forget(kafka))
        events = in_order(lives(utc_now()))
        background.run(lambda: send(kafka, events, playbook=True))
        service = background.run(lambda: start(kafka, postgres, Path(folder)))
        opened = Desk(background=background, service=service, kafka=kafka, dsn=postgres, folder=Path(folder))
        yield opened
        background.run(opened.service.kill)


def enter(page: Page, key: str = "county") -> None:
    page.fill("#key", KEYS[key].token)
    page.click("#key-form button")
    expect(page.locator("#fresh")).to_have_text(LIVE)


def arrive(desk: Desk, name: str, **changes: object) -> Life:
    """A new case comes in now."""
    life = Life(name=f"{name}-{utc_now().timestamp()}", now=utc_now(), **changes)  # type: ignore[arg-type]
    desk.send(life.events)
    return life
