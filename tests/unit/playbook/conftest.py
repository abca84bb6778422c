"""The fictional county, read once."""

from datetime import date
from pathlib import Path

import pytest

from shared.playbook.load import load
from shared.playbook.model import Playbook

TODAY = date(2026, 11, 21)


@pytest.fixture(scope="session")
def yunlu() -> Playbook:
    return load(Path("playbooks/yunlu"), today=TODAY)
