"""The rulebook of the fictional county, compiled once."""

from datetime import date
from pathlib import Path

import pytest

from services.router.domain.rulebook import Rulebook
from shared.playbook.load import load


@pytest.fixture(scope="session")
def book() -> Rulebook:
    return Rulebook(load(Path("playbooks/yunlu"), today=date(2026, 11, 21)))
