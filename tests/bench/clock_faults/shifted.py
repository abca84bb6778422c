"""``python -m tests.bench.clock_faults.shifted SECONDS``: escalation on a host whose wall clock is wrong.

Shifted is what Python reads: ``time.time``, which the libraries ask, and ``shared.runtime.clock``, which alone the
service asks (the linter holds it to that). The monotonic clock is left, as it is on a host that is merely set wrong.
libfaketime would shift below Python, but under it the service does not become ready: its reader fails with EINVAL.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime, timedelta

from shared.runtime import clock


def shift(seconds: int) -> None:
    """Set this process's wall clock ahead by so much (behind when negative); before anything else is imported."""
    now, now_ns = time.time, time.time_ns  # noqa: TID251  what is shifted
    time.time = lambda: now() + seconds  # noqa: TID251
    time.time_ns = lambda: now_ns() + seconds * 10**9  # noqa: TID251
    clock.utc_now = lambda: datetime.now(UTC) + timedelta(seconds=seconds)  # noqa: TID251  what is shifted


if __name__ == "__main__":
    shift(int(sys.argv[1]))
    from services.escalation.app import run
    from services.escalation.settings import Settings

    if vars(sys.modules["services.escalation.app"])["utc_now"] is not clock.utc_now:
        raise SystemExit("the service was imported before its clock was shifted")
    run(Settings())
