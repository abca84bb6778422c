"""Router replicas come and go in mid-stream: two rounds of ``python -m tests.bench faults``, which does twenty."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from deploy.local.playbooks import load_playbook, put_into_force
from services.router.handlers import GROUP
from shared.runtime.delivery import Partition
from tests.bench.audit import backward, commits
from tests.bench.faults import one_round, replicas
from tests.integration.conftest import Broker


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_replicas_that_join_freeze_wake_and_die_lose_and_double_nothing(
    own_broker: Broker, tmp_path: Path
) -> None:
    playbook = await asyncio.to_thread(load_playbook)
    await asyncio.to_thread(put_into_force, own_broker.bootstrap, playbook)
    async with replicas(own_broker.bootstrap, tmp_path) as crew:
        for _ in range(2):
            came = await one_round(crew, playbook)
            assert came.is_clean, came
            assert came.cases > 900
    assert len(await commits(own_broker.bootstrap, GROUP)) > 100, "the audit saw the commits"


def test_a_commit_that_undoes_another_is_found() -> None:
    here, there = Partition("t", 0), Partition("t", 1)
    assert list(backward([(here, 5), (there, 3), (here, 7), (here, 6), (there, 3)])) == [(here, 7, 6)]
