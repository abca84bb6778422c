"""``python -m tests.integration.escalation.process``: escalation on the topics of one test.

``ESCALATION_TEST_PREFIX`` names them; ``ESCALATION_TEST_GROUP`` the group. ``ESCALATION_TEST_HANG`` makes it hang:
``loop``, a fold that blocks the event loop for ever; ``poll``, a read that Faust never gets an answer to.
"""

import asyncio
import os
import time
from typing import Any

from services.escalation import app
from services.escalation.app import Wiring, run
from services.escalation.faust_app import LedgerConsumer
from services.escalation.settings import Settings
from shared.events.topics import CASE, ORDER, PLAYBOOK


def wiring() -> Wiring:
    prefix = os.environ["ESCALATION_TEST_PREFIX"]
    topics = (CASE, *ORDER.values())
    return Wiring(
        topics=tuple(prefix + topic.name for topic in topics),
        playbooks=prefix + PLAYBOOK.name,
        group=os.environ.get("ESCALATION_TEST_GROUP", prefix + "escalation"),
    )


async def blocks(*_: object, **__: object) -> Any:
    time.sleep(3600)  # noqa: ASYNC251  the fault


async def never_answers(*_: object, **__: object) -> Any:
    await asyncio.Event().wait()


def hang(how: str) -> None:
    if how == "loop":
        setattr(app, "fold_batch", blocks)  # noqa: B010  no name that it exports
    elif how == "poll":
        setattr(LedgerConsumer, "_wait_next_records", never_answers)  # noqa: B010


if __name__ == "__main__":
    hang(os.environ.get("ESCALATION_TEST_HANG", ""))
    run(Settings(), wiring())
