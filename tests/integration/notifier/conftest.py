"""The notifier's own fixtures; what they give stands in ``harness``."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from shared.runtime.postgres import Pool, open_pool
from tests.integration.notifier.harness import House, empty, house, migrated


@pytest.fixture
async def dsn(postgres: str) -> str:
    """A migrated database, empty at the beginning of each test."""
    await migrated(postgres)
    pool = await open_pool(postgres, "notifier")
    await empty(pool)
    await pool.close()
    return postgres


@pytest.fixture
async def pool(dsn: str) -> AsyncIterator[Pool]:
    """A pool on the notifier's schema."""
    opened = await open_pool(dsn, "notifier")
    yield opened
    await opened.close()


@pytest.fixture
async def notifier(dsn: str) -> AsyncIterator[House]:
    """A notifier without Kafka."""
    async with house(dsn) as opened:
        yield opened
