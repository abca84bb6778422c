"""Two replicas of escalation under faults of seconds; the long form is ``python -m tests.bench clock-faults``."""

import subprocess
import sys

import pytest

from tests.contract.house.files import ROOT

COMMAND = ("tests.bench", "clock-faults", "--short", "--rounds", "2", "--only", "database,kill", "--seed", "2")
SECONDS = 400


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 60)
def test_killed_and_without_its_database_every_effect_is_said_once_and_none_that_nobody_planned() -> None:
    run = subprocess.run(
        (sys.executable, "-m", *COMMAND, "--rate", "4"),
        cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    assert run.returncode == 0, f"{run.stdout[-3000:]}\n{run.stderr[-2000:]}"
    assert "every effect once, none lost, none doubled, none early" in run.stdout
