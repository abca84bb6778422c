"""Horizons for tests and benches that fold no log."""

from datetime import timedelta
from typing import Final

from services.escalation.ports import Horizon

EVERYTHING: Final = Horizon(settled={number: timedelta() for number in range(64)})
"""All facts of every partition that a test may use are known up to now."""
