"""Apply ``deploy/sql/<service>/nnnn_{pre,post}_what.sql`` forward-only, each service in its own schema.

``pre`` files run before new code starts, ``post`` files after the old code is gone. A file is one
transaction, is applied once, and may never change afterwards.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

import asyncpg

from shared.runtime.postgres import OUTAGES

if TYPE_CHECKING:
    from shared.runtime.postgres import Connection

SQL: Final = Path(__file__).resolve().parents[2] / "deploy" / "sql"
LOCK: Final = 0x7768_6973_746C_6521
"""One migration run at a time in a database; the number is the ASCII of ``whistle!``."""

_NAME: Final = re.compile(r"(?P<number>\d{4})_(?P<phase>pre|post)_[a-z0-9_]+\.sql")
_LEDGER: Final = """
    CREATE TABLE IF NOT EXISTS migration (
        number smallint PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT clock_timestamp())
"""


class Phase(StrEnum):
    """Which half of a release's migrations to apply."""

    PRE = "pre"
    POST = "post"
    ALL = "all"


class MigrationError(Exception):
    """A migration cannot or must not be applied; the text says which and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One file: its number orders it, its checksum proves that it has not changed."""

    number: int
    phase: Phase
    path: Path
    checksum: str


def migrations(folder: Path) -> list[Migration]:
    """Return the folder's migrations in order.

    Raises: MigrationError for a file that is misnamed or shares its number with another.
    """
    found = [_migration(path) for path in sorted(folder.glob("*.sql"))]
    for first, second in pairwise(found):
        if first.number == second.number:
            msg = f"{first.path.name} and {second.path.name} have the same number; give the later one the next free"
            raise MigrationError(msg)
    return found


def _migration(path: Path) -> Migration:
    name = _NAME.fullmatch(path.name)
    if name is None:
        msg = f"{path}: a migration is named nnnn_pre_what.sql or nnnn_post_what.sql (what: a-z, 0-9, _)"
        raise MigrationError(msg)
    checksum = hashlib.sha256(path.read_bytes()).hexdigest()
    return Migration(number=int(name["number"]), phase=Phase(name["phase"]), path=path, checksum=checksum)


def choose(known: Sequence[Migration], applied: dict[int, str], phase: Phase) -> list[Migration]:
    """Return what is still to apply for ``phase``, in order.

    An empty schema takes every file up to the last that ``phase`` asks for: no old code runs there.

    Raises: MigrationError when an applied file has changed, or when a ``pre`` file is asked for
    while an earlier ``post`` file is open: the release before was never finished.
    """
    for migration in known:
        if applied.get(migration.number, migration.checksum) != migration.checksum:
            msg = f"{migration.path} was changed after it had been applied; restore it and add a new file"
            raise MigrationError(msg)
    pending = [migration for migration in known if migration.number not in applied]
    wanted = [migration for migration in pending if phase is Phase.ALL or migration.phase is phase]
    if not wanted or phase is Phase.ALL:
        return wanted
    before = [migration for migration in pending if migration.number <= wanted[-1].number]
    if not applied:
        return before
    skipped = next((m for m in before if m.phase is Phase.POST and phase is Phase.PRE), None)
    if skipped is not None:
        msg = f"{skipped.path.name} of the release before is not applied; run --phase post for that release first"
        raise MigrationError(msg)
    return wanted


async def migrate(dsn: str, services: Sequence[str], *, phase: Phase = Phase.ALL, sql: Path = SQL) -> list[str]:
    """Bring each service's schema up to date and return what was applied, as ``service/file``.

    Runs that start together wait for one another; a file that fails leaves its schema as it was.

    Raises: MigrationError naming the file, PostgreSQL's words and the line; ``OUTAGES`` when it is away.
    """
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", LOCK, timeout=300)
        return [done for service in services for done in await _migrate_service(connection, sql / service, phase)]
    finally:
        await connection.close(timeout=5)


async def _migrate_service(connection: Connection, folder: Path, phase: Phase) -> list[str]:
    known, schema = migrations(folder), folder.name
    # IF NOT EXISTS asks for the right to create even when the schema is there, given to a role that has no such right.
    if not await connection.fetchval("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)", schema):
        await connection.execute(f'CREATE SCHEMA "{schema}"')
    await connection.execute(f'SET search_path = "{schema}"')
    await connection.execute(_LEDGER)
    rows = await connection.fetch("SELECT number, checksum FROM migration")
    todo = choose(known, {row["number"]: row["checksum"] for row in rows}, phase)
    for migration in todo:
        await _apply(connection, migration)
    return [f"{schema}/{migration.path.name}" for migration in todo]


async def _apply(connection: Connection, migration: Migration) -> None:
    text = migration.path.read_text(encoding="utf-8")
    try:
        async with connection.transaction():
            await connection.execute(text)
            await connection.execute(
                "INSERT INTO migration (number, name, checksum) VALUES ($1, $2, $3)",
                migration.number,
                migration.path.name,
                migration.checksum,
            )
    except asyncpg.PostgresError as error:
        line = text.count("\n", 0, int(error.position or 1) - 1) + 1
        msg = f"{migration.path}:{line}: {error}"
        raise MigrationError(msg) from error


def services(sql: Path = SQL) -> list[str]:
    """Return the names of the services that have migrations."""
    return sorted(folder.name for folder in sql.iterdir() if folder.is_dir())


def main(arguments: Sequence[str] | None = None) -> int:
    """Migrate the database of ``WHISTLE_POSTGRES`` and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m shared.runtime.migrate", description=__doc__)
    parser.add_argument("--phase", type=Phase, choices=list(Phase), default=Phase.ALL)
    parser.add_argument("--sql", type=Path, default=SQL, help="the folder that holds one folder a service")
    parser.add_argument("service", nargs="*", help="default: every service that has migrations")
    options = parser.parse_args(arguments)
    chosen = options.service or services(options.sql)
    unknown = sorted(set(chosen) - set(services(options.sql)))
    dsn = os.environ.get("WHISTLE_POSTGRES")
    if unknown or not dsn:
        problem = f"no migrations for {', '.join(unknown)}" if unknown else "WHISTLE_POSTGRES is not set"
        return _fail(f"{problem}; services with migrations: {', '.join(services(options.sql))}")
    try:
        done = asyncio.run(migrate(dsn, chosen, phase=options.phase, sql=options.sql))
    except (MigrationError, *OUTAGES) as error:
        return _fail(f"{type(error).__name__}: {error}")
    sys.stdout.write("".join(f"applied {name}\n" for name in done) or "nothing to apply\n")
    return 0


def _fail(problem: str) -> int:
    sys.stderr.write(f"migrate: {problem}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
