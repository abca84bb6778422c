"""Fixtures: a world for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.escalation.world import World, world


@pytest.fixture
async def here(kafka: str, postgres: str, tmp_path: Path) -> AsyncIterator[World]:
    async with world(kafka, postgres, tmp_path) as made:
        await made.pool.execute("TRUNCATE clock, case_facts, ledger, outbox")
        yield made
