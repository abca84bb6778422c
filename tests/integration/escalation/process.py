"""``python -m tests.integration.escalation.process``: escalation on the topics of one test.

``ESCALATION_TEST_PREFIX`` names them; ``ESCALATION_TEST_GROUP`` the group.
"""

import os

from services.escalation.app import Wiring, run
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


if __name__ == "__main__":
    run(Settings(), wiring())
