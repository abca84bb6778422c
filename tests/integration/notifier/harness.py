"""The notifier without Kafka: the real PostgreSQL, the real HTTP server, events handed to its own handler."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Any

import httpx
from cryptography.fernet import Fernet
from pydantic import SecretStr

from services.notifier.api import Rooms, make_api
from services.notifier.channels.stream import Hub
from services.notifier.channels.webhook import WebhookSender
from services.notifier.county import ShelfCounty
from services.notifier.domain.fold import Told
from services.notifier.domain.target_url import UrlRules
from services.notifier.handlers import Delivery, notify_batch
from services.notifier.handlers.subscribe import SubscribeDoors
from services.notifier.listening import Listener
from services.notifier.metrics import Metrics
from services.notifier.ports import Router
from services.notifier.settings import Settings
from services.notifier.store.cases import PostgresCases
from services.notifier.store.deliveries import PostgresDeliveries
from services.notifier.store.feed import PostgresFeed
from services.notifier.store.modes import PostgresModes
from services.notifier.store.public import PostgresPublic
from services.notifier.store.read_side import PostgresReadSide
from services.notifier.store.rulings import PostgresRulings
from services.notifier.store.subscriptions import PostgresSubscriptions
from services.notifier.store.vault import Vault
from services.notifier.store.warnings import PostgresWarnings
from shared.events.envelope import Event
from shared.playbook.load import load
from shared.playbook.model import Playbook
from shared.playbook.shelf import PlaybookShelf
from shared.runtime.auth import KeyRing, NewKey, new_key
from shared.runtime.blobs import open_blobs
from shared.runtime.clock import utc_now
from shared.runtime.migrate import migrate
from shared.runtime.postgres import Pool, open_pool
from shared.runtime.serving import HttpServer
from shared.vocabulary import Role

TOWN = "990101001"
OTHER_TOWN = "990101002"
VILLAGE = "990101001200"
OTHER_VILLAGE = "990101002200"
PATIENCE = 20.0
"""Seconds that a condition may take on a busy machine."""

SECRET_KEY = Fernet.generate_key().decode()

KEYS: Mapping[str, NewKey] = {
    "county": new_key(role=Role.OPERATOR, area="990101", name="县值班员"),
    "auditor": new_key(role=Role.AUDITOR, area="990101", name="县审计"),
    "town": new_key(role=Role.DESK, area=TOWN, name="麓城街道平台"),
    "other": new_key(role=Role.DESK, area=OTHER_TOWN, name="南屏街道平台"),
    "water": new_key(role=Role.DEPARTMENT, area="990101", name="供水公司", department="water"),
    "power": new_key(role=Role.DEPARTMENT, area="990101", name="供电公司", department="power"),
    "head": new_key(role=Role.LEADER, area="990101", name="县平台负责人"),
    "source": new_key(role=Role.SOURCE, area="990101", name="12345 热线"),
    "neighbour": new_key(role=Role.OPERATOR, area="990102", name="邻县"),
}


@cache
def county() -> Playbook:
    """The demo county's playbook."""
    return load(Path(__file__).resolve().parents[3] / "playbooks" / "yunlu", today=date(2026, 11, 21))


def bearer(name: str) -> dict[str, str]:
    """The header of one of the keys."""
    return {"Authorization": f"Bearer {KEYS[name].token}"}


async def until(met: Callable[[], Any], *, seconds: float = PATIENCE) -> None:
    """Return when ``met`` holds; it may be a coroutine function."""
    async with asyncio.timeout(seconds):
        while True:
            found = met()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return
            await asyncio.sleep(0.02)


@dataclass(slots=True)
class Names:
    """A resolver with answers of its own; what it does not know is an address, or unknown."""

    known: dict[str, list[str]] = field(default_factory=dict)

    async def addresses(self, host: str, port: int) -> Sequence[IPv4Address | IPv6Address]:
        if host in self.known:
            return [ip_address(text) for text in self.known[host]]
        try:
            return [ip_address(host)]
        except ValueError as error:
            raise OSError(f"{host} is not known") from error


@dataclass(slots=True)
class Hands:
    """A clock that stands where it is put."""

    ahead: timedelta = timedelta(0)

    def __call__(self) -> datetime:
        return utc_now() + self.ahead


@dataclass(slots=True, kw_only=True)
class House:
    """One notifier over ``dsn``."""

    pool: Pool
    hub: Hub
    http: HttpServer
    client: httpx.AsyncClient
    read_side: PostgresReadSide
    feed: PostgresFeed
    deliveries: PostgresDeliveries
    subscriptions: PostgresSubscriptions
    delivery: Delivery
    names: Names
    clock: Hands
    keyring: KeyRing
    settings: Settings
    county: ShelfCounty

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http.port}"

    async def tell(self, events: Sequence[Event[Told]]) -> None:
        """Tell events as the consumer would."""
        await notify_batch(events, read_side=self.read_side, now=self.clock(), county=self.county)

    async def get(self, key: str, path: str, *, status: int = 200) -> Any:
        """Read ``path`` with a key, and insist on the status."""
        answer = await self.client.get(path, headers=bearer(key))
        assert answer.status_code == status, answer.text
        return answer.json()

    async def post(self, key: str, path: str, body: object | None = None, *, status: int = 201) -> Any:
        """Post ``body`` with a key, and insist on the status."""
        content = None if body is None else json.dumps(body)
        headers = {**bearer(key), "content-type": "application/json"} if content else bearer(key)
        answer = await self.client.post(path, headers=headers, content=content)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None


async def migrated(dsn: str) -> None:
    """Bring the notifier's schema up, once a module."""
    await migrate(dsn, ["notifier"])


async def empty(pool: Pool) -> None:
    """Forget everything, so that each test begins anew; positions go on rising."""
    await pool.execute(
        "TRUNCATE case_view, case_order, case_clock, timeline, feed, subscription, mode_change, ruling, tracked CASCADE"
    )
    latest = await pool.fetchval("SELECT coalesce(pg_sequence_last_value('feed_position_seq'), 0)")
    await pool.execute("UPDATE feed_floor SET position = $1", latest)


@asynccontextmanager
async def house(
    dsn: str, *, listen: bool = True, playbook: Playbook | None = None, router: Router | None = None, **changes: Any
) -> AsyncIterator[House]:
    """Open a notifier over ``dsn``; ``changes`` are settings."""
    settings = Settings(
        kafka="none",
        postgres=dsn,
        keys_file=Path("none"),
        secret_key=SecretStr(SECRET_KEY),
        **{"webhook_private": True, "heartbeat_seconds": 0.3, "stop_seconds": 0.2, **changes},
    )
    pool = await open_pool(dsn, "notifier")
    vault, names, clock = Vault(SECRET_KEY), Names(), Hands()
    rules = UrlRules(ports=settings.ports, private=settings.webhook_private)
    feed, deliveries = PostgresFeed(pool), PostgresDeliveries(pool, vault)
    subscriptions = PostgresSubscriptions(pool, vault)
    hub = Hub(
        feed,
        poll_seconds=0.5,
        most_streams=settings.streams,
        most_each=settings.streams_each,
        most_public=settings.public_streams,
    )
    sender = WebhookSender(names, rules, timeout_seconds=2)
    keyring, shelf = KeyRing([key.key for key in KEYS.values()]), PlaybookShelf()
    await shelf.put(playbook or county())
    charts = ShelfCounty(shelf)
    rooms = Rooms(
        settings=settings,
        keyring=keyring,
        hub=hub,
        feed=feed,
        cases=PostgresCases(pool),
        subscriptions=subscriptions,
        subscribing=SubscribeDoors(
            subscriptions=subscriptions,
            resolver=names,
            rules=rules,
            clock=clock,
            most_each=settings.subscriptions_each,
        ),
        modes=PostgresModes(pool),
        rulings=PostgresRulings(pool),
        warnings=PostgresWarnings(pool),
        public=PostgresPublic(pool),
        blobs=open_blobs(settings.blobs) if settings.blobs else None,
        router=router,
        shelf=shelf,
        county=charts,
        metrics=Metrics(),
        clock=clock,
    )
    http = HttpServer(make_api(rooms), "127.0.0.1", 0)
    tasks = [asyncio.create_task(hub.run())]
    if listen:
        tasks.append(asyncio.create_task(Listener(dsn, {"notifier_feed": hub.notice}).run()))
    await http.start()
    await hub.ready.wait()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{http.port}", timeout=PATIENCE) as client:
        yield House(
            pool=pool,
            hub=hub,
            http=http,
            client=client,
            read_side=PostgresReadSide(pool),
            feed=feed,
            deliveries=deliveries,
            subscriptions=subscriptions,
            delivery=Delivery(deliveries=deliveries, sender=sender, clock=clock, jitter=lambda: 0.0),
            names=names,
            clock=clock,
            keyring=keyring,
            settings=settings,
            county=charts,
        )
    hub.close()
    with suppress(TimeoutError):
        async with asyncio.timeout(settings.stop_seconds + 2):
            await hub.empty.wait()
    await http.stop()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await sender.close()
    await pool.close()


@dataclass(slots=True)
class Heard:
    """What one stream has said; ``positions`` of its events, in order."""

    events: list[dict[str, Any]] = field(default_factory=list)
    said: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    last_id: int | None = None
    ended: bool = False

    @property
    def ids(self) -> list[str]:
        """The events' ids, in order."""
        return [event["id"] for event in self.events]

    def words(self) -> list[str]:
        """What was said beside events, heartbeats left out."""
        return [name for name, _ in self.said if name != "heartbeat"]


async def listen(url: str, key: str, heard: Heard, *, headers: Mapping[str, str] | None = None, **query: Any) -> None:
    """Read a stream into ``heard`` until it ends."""
    async with (
        httpx.AsyncClient(timeout=httpx.Timeout(PATIENCE, read=60)) as client,
        client.stream("GET", f"{url}/v1/stream", params=query, headers={**bearer(key), **(headers or {})}) as answer,
    ):
        assert answer.status_code == 200, await answer.aread()
        block: dict[str, str] = {}
        async for line in answer.aiter_lines():
            if line:
                name, _, text = line.partition(": ")
                block[name] = text
                continue
            take(block, heard)
            block = {}
    heard.ended = True


def take(block: Mapping[str, str], heard: Heard) -> None:
    """Note one server-sent event."""
    if "data" not in block:
        return
    data = json.loads(block["data"])
    if "id" in block:
        heard.last_id = int(block["id"])
    if block["event"].startswith("whistle."):
        heard.events.append(data)
        heard.positions.append(int(block["id"]))
    else:
        heard.said.append((block["event"], data))


@asynccontextmanager
async def listening(url: str, key: str, **query: Any) -> AsyncIterator[Heard]:
    """A stream that is live when this is entered, and is left at the end."""
    heard = Heard()
    task = asyncio.create_task(listen(url, key, heard, **query))
    try:
        await until(lambda: "live" in heard.words() or task.done())
        if task.done():
            await task
        yield heard
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
