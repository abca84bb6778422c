"""A broker, a database and replicas of escalation that can be killed, frozen, taken away and told a wrong time."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg
import httpx

from deploy.local.places import default_cache
from deploy.local.ports import free_port
from deploy.local.processes import Keeper, Program
from deploy.local.progress import Quiet
from deploy.local.servers import running_kafka, running_postgres
from shared.runtime.migrate import migrate

PATIENCE_SECONDS: Final = 180.0


class Replica:
    """One escalation process under a name that it keeps; whoever dies is started again, as a cluster would."""

    def __init__(self, name: str, environment: Mapping[str, str], folder: Path) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self._ops = free_port()
        self._environment = {**environment, "WHISTLE_INSTANCE": name, "WHISTLE_OPS_PORT": str(self._ops)}
        self._keeper: Keeper | None = None
        self.starts = 0

    async def start(self, *, ahead_seconds: int = 0) -> None:
        """Start it, with a clock that is so far ahead (behind when negative) of everybody else's."""
        shifted = ("tests.bench.clock_faults.shifted", str(ahead_seconds))
        program = Program(
            name=self.name,
            command=(sys.executable, "-m", *(shifted if ahead_seconds else ("services.escalation",))),
            log=self.log,
            why_not_ready=lambda: None,
            environment={**os.environ, **self._environment},
        )
        self._keeper = Keeper(program, Quiet())
        await asyncio.to_thread(self._keeper.start)

    async def stop(self) -> None:
        """End it with a goodbye."""
        if self._keeper is not None:
            await asyncio.to_thread(self._keeper.stop)
            self.starts += self._keeper.starts
            self._keeper = None

    async def signal(self, number: signal.Signals) -> None:
        """Send it a signal; after SIGKILL it is started again at once."""
        if self._keeper is not None and self._keeper.pid is not None:
            await asyncio.to_thread(self._keeper.kill, number)

    async def ready(self) -> None:
        """Return when it has partitions, a playbook and a database."""
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self._ops}") as client:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not await _is_ready(client):  # noqa: ASYNC110  another process has no event to wait for
                    await asyncio.sleep(0.2)

    @property
    def lives(self) -> int:
        """How often it was started in all."""
        return self.starts + (self._keeper.starts if self._keeper else 0)


async def _is_ready(client: httpx.AsyncClient) -> bool:
    with suppress(httpx.HTTPError):
        return (await client.get("/readyz", timeout=2)).status_code == httpx.codes.OK
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What faults are done to; the third replica is not there unless a fault brings it."""

    bootstrap: str
    dsn: str
    kafka: Keeper
    postgres: Keeper
    replicas: tuple[Replica, Replica, Replica]

    async def ledger(self) -> int:
        """Records folded so far; raises while PostgreSQL is away."""
        connection = await asyncpg.connect(self.dsn, timeout=10)
        try:
            return int(await connection.fetchval("SELECT coalesce(sum(next_offset), 0) FROM escalation.ledger"))
        finally:
            await connection.close(timeout=5)

    async def kept(self) -> Mapping[str, int]:
        """How many cases and clocks stand in the database, and how many clocks still run."""
        connection = await asyncpg.connect(self.dsn, timeout=10)
        try:
            row = await connection.fetchrow(
                """SELECT (SELECT count(*) FROM escalation.case_facts) AS cases, count(*) AS clocks,
                          count(*) FILTER (WHERE stopped_at IS NOT NULL) AS stopped FROM escalation.clock"""
            )
            return dict(row or {})
        finally:
            await connection.close(timeout=5)


@asynccontextmanager
async def ground(folder: Path, *, session_seconds: float) -> AsyncIterator[Ground]:
    """Servers of this run's own; nothing of them is left afterwards."""
    cache = default_cache()
    with (
        running_kafka(folder / "kafka", cache=cache, progress=Quiet()) as (kafka, broker),
        running_postgres(folder / "postgres", cache=cache, progress=Quiet()) as (postgres, database),
    ):
        await migrate(database.dsn, ["escalation"])
        environment = {
            "WHISTLE_KAFKA": broker.bootstrap,
            "WHISTLE_POSTGRES": database.dsn,
            "WHISTLE_SESSION": f"PT{session_seconds:g}S",
        }
        first, second, third = (Replica(f"escalation-{number}", environment, folder) for number in range(3))
        try:
            yield Ground(
                bootstrap=broker.bootstrap,
                dsn=database.dsn,
                kafka=kafka,
                postgres=postgres,
                replicas=(first, second, third),
            )
        finally:
            for replica in (first, second, third):
                await replica.signal(signal.SIGCONT)
                await replica.stop()
