"""Migrations on a real PostgreSQL: forward-only, once, whole or not at all."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from shared.runtime.migrate import MigrationError, Phase, migrate
from shared.runtime.postgres import OUTAGES, PoolSettings, open_pool


@pytest.fixture
def sql(tmp_path: Path) -> Path:
    folder = tmp_path / tmp_path.name.replace("-", "_")
    folder.mkdir()
    return folder


def add(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text, encoding="utf-8")


async def apply(dsn: str, folder: Path, phase: Phase = Phase.ALL) -> list[str]:
    return [name.split("/")[1] for name in await migrate(dsn, [folder.name], phase=phase, sql=folder.parent)]


async def tables(dsn: str, schema: str) -> set[str]:
    connection = await asyncpg.connect(dsn)
    rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = $1", schema)
    await connection.close()
    return {row["tablename"] for row in rows} - {"migration"}


async def test_files_are_applied_in_order_and_only_once(postgres: str, sql: Path) -> None:
    add(sql, "0001_pre_first.sql", "CREATE TABLE a (n int); CREATE TABLE b (n int);")
    add(sql, "0002_post_tidy.sql", "DROP TABLE b;")
    assert await apply(postgres, sql) == ["0001_pre_first.sql", "0002_post_tidy.sql"]
    assert await apply(postgres, sql) == []
    assert await tables(postgres, sql.name) == {"a"}


async def test_the_halves_of_a_release_are_applied_apart(postgres: str, sql: Path) -> None:
    add(sql, "0001_pre_first.sql", "CREATE TABLE a (n int);")
    await apply(postgres, sql)
    add(sql, "0002_pre_new.sql", "CREATE TABLE b (n int);")
    add(sql, "0003_post_old.sql", "DROP TABLE a;")
    assert await apply(postgres, sql, Phase.PRE) == ["0002_pre_new.sql"]
    assert await tables(postgres, sql.name) == {"a", "b"}
    assert await apply(postgres, sql, Phase.POST) == ["0003_post_old.sql"]
    assert await tables(postgres, sql.name) == {"b"}


async def test_a_release_is_not_begun_before_the_one_before_it_is_finished(postgres: str, sql: Path) -> None:
    add(sql, "0001_pre_first.sql", "CREATE TABLE a (n int);")
    await apply(postgres, sql)
    add(sql, "0002_post_old.sql", "DROP TABLE a;")
    add(sql, "0003_pre_new.sql", "CREATE TABLE b (n int);")
    with pytest.raises(MigrationError, match="0002_post_old"):
        await apply(postgres, sql, Phase.PRE)


async def test_an_empty_schema_takes_every_earlier_file_in_order(postgres: str, sql: Path) -> None:
    add(sql, "0001_pre_first.sql", "CREATE TABLE a (n int);")
    add(sql, "0002_post_old.sql", "DROP TABLE a;")
    add(sql, "0003_pre_new.sql", "CREATE TABLE a (m int);")
    assert len(await apply(postgres, sql, Phase.PRE)) == 3


async def test_a_file_that_changed_after_it_was_applied_is_refused(postgres: str, sql: Path) -> None:
    add(sql, "0001_pre_first.sql", "CREATE TABLE a (n int);")
    await apply(postgres, sql)
    add(sql, "0001_pre_first.sql", "CREATE TABLE a (n bigint);")
    with pytest.raises(MigrationError, match="was changed after it had been applied"):
        await apply(postgres, sql)


async def test_a_file_that_fails_leaves_nothing_and_names_its_line(postgres: str, sql: Path) -> None:
    add(sql, "0001_pre_first.sql", "CREATE TABLE a (n int);\nCREATE TABLE b (n int);\nCREATE TABEL c (n int);\n")
    with pytest.raises(MigrationError, match=r"0001_pre_first\.sql:3: syntax error"):
        await apply(postgres, sql)
    assert await tables(postgres, sql.name) == set()


async def test_a_misnamed_file_and_a_shared_number_are_refused(postgres: str, sql: Path) -> None:
    add(sql, "first.sql", "")
    with pytest.raises(MigrationError, match="nnnn_pre_what"):
        await apply(postgres, sql)
    (sql / "first.sql").unlink()
    add(sql, "0001_pre_a.sql", "")
    add(sql, "0001_post_b.sql", "")
    with pytest.raises(MigrationError, match="same number"):
        await apply(postgres, sql)


async def test_runs_that_start_together_wait_for_one_another(postgres: str, sql: Path) -> None:
    add(sql, "0001_pre_first.sql", "CREATE TABLE a (n int); SELECT pg_sleep(0.2);")
    done = await asyncio.gather(*(apply(postgres, sql) for _ in range(4)))
    assert sorted(len(names) for names in done) == [0, 0, 0, 1]


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    (
        (["nobody"], 1, "no migrations for nobody"),
        (["--phase", "all"], 0, "nothing to apply"),
    ),
)
def test_the_command_line_says_what_it_did(postgres: str, arguments: list[str], status: int, words: str) -> None:
    command = [sys.executable, "-m", "shared.runtime.migrate"]
    environment = {**os.environ, "WHISTLE_POSTGRES": postgres}
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=60)
    done = subprocess.run(
        [*command, *arguments], env=environment, check=False, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, words in done.stdout + done.stderr) == (status, True)


async def test_a_pool_is_bounded_sees_its_schema_and_ends_what_hangs(postgres: str) -> None:
    connection = await asyncpg.connect(postgres)
    await connection.execute("CREATE SCHEMA mine")
    await connection.close()
    pool = await open_pool(postgres, "mine", settings=PoolSettings(largest=2))
    async with pool.acquire() as one, pool.acquire():
        assert await one.fetchval("SELECT current_schema()") == "mine"
        assert await one.fetchval("SHOW statement_timeout") == "15s"
        assert await one.fetchval("SHOW idle_in_transaction_session_timeout") == "30s"
        with pytest.raises(TimeoutError):
            await pool.acquire(timeout=0.2)
    await pool.close()


async def test_a_server_that_is_away_is_an_outage() -> None:
    with pytest.raises(OUTAGES):
        await open_pool("postgresql://whistle@127.0.0.1:1/whistle", "mine")


async def test_a_role_may_migrate_the_schema_it_owns_and_make_no_other(postgres: str, sql: Path) -> None:
    add(sql, "0001_pre_first.sql", "CREATE TABLE a (n int);")
    role = f"owner_{sql.name}"
    connection = await asyncpg.connect(postgres)
    try:
        await connection.execute(f'CREATE ROLE "{role}" NOLOGIN')
        await connection.execute(f'CREATE SCHEMA "{sql.name}" AUTHORIZATION "{role}"')
        # The address of the administrator, who becomes the role at once.
        become = f"{postgres}{'&' if '?' in postgres else '?'}role={role}"
        assert await apply(become, sql) == ["0001_pre_first.sql"]
        other = sql.parent / f"{sql.name}_other"
        other.mkdir()
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await apply(become, other)
    finally:
        await connection.execute(f'DROP OWNED BY "{role}" CASCADE')
        await connection.execute(f'DROP ROLE "{role}"')
        await connection.close()
