"""Bounded PostgreSQL pools in which nothing waits for ever."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, TypeAlias

import asyncpg

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
else:
    # asyncpg's own classes are generic in its type stubs only.
    Pool, Connection = asyncpg.Pool, asyncpg.Connection

OUTAGES = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    # A connection that the server cuts in the midst of an operation ends in this, not in a lost connection.
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.LockNotAvailableError,
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
)
"""What asyncpg raises when PostgreSQL is away or overloaded: a caller may repeat the transaction."""


CONFLICTS = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError, asyncpg.LockNotAvailableError)
"""Another transaction was in the way of this one, which was undone: it may be tried again at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSettings:
    """How many connections a pool may hold and how long anything on them may take."""

    smallest: int = 1
    largest: int = 8
    connect: timedelta = timedelta(seconds=5)
    statement: timedelta = timedelta(seconds=15)
    lock: timedelta = timedelta(seconds=5)
    idle_in_transaction: timedelta = timedelta(seconds=30)
    idle_connection: timedelta = timedelta(minutes=5)


async def open_pool(
    dsn: str,
    schema: str,
    *,
    application: str | None = None,
    settings: PoolSettings | None = None,
) -> Pool:
    """Return an open pool whose connections see ``schema`` only (and ``pg_catalog``).

    A statement, a lock and a forgotten transaction each end after their limit, so that neither a
    caller nor vacuum waits on them. Acquire with a time limit of your own: ``pool.acquire(timeout=…)``.

    Raises: one of ``OUTAGES`` when PostgreSQL cannot be reached.
    """
    limits = settings or PoolSettings()
    return await asyncpg.create_pool(
        dsn,
        min_size=limits.smallest,
        max_size=limits.largest,
        max_inactive_connection_lifetime=limits.idle_connection.total_seconds(),
        timeout=limits.connect.total_seconds(),
        # The server ends a statement first; this one is for a server that no longer answers at all.
        command_timeout=(limits.statement + limits.connect).total_seconds(),
        server_settings=_server_settings(schema, application or f"whistle-{schema}", limits),
        reset=_nothing_to_undo,
    )


async def _nothing_to_undo(_connection: Connection) -> None:
    """Give a connection back without asking the server to forget what nobody does: that is a round trip a transaction.

    Settings and locks are those of a transaction here (``SET LOCAL``, ``pg_advisory_xact_lock``) and end with it, for
    asyncpg undoes a transaction that was left open; whoever listens keeps the connection until it is closed.
    """


def _server_settings(schema: str, application: str, limits: PoolSettings) -> dict[str, str]:
    return {
        "search_path": f'"{schema}"',
        "application_name": application,
        "timezone": "UTC",
        "statement_timeout": _milliseconds(limits.statement),
        "lock_timeout": _milliseconds(limits.lock),
        "idle_in_transaction_session_timeout": _milliseconds(limits.idle_in_transaction),
    }


def _milliseconds(limit: timedelta) -> str:
    return str(int(limit.total_seconds() * 1000))
