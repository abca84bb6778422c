"""The county's playbook as the demo plays it: its clocks run fast, and one more clock makes waiting visible."""

from dataclasses import replace
from typing import Final

from deploy.local.playbooks import load_playbook
from shared.playbook.model import ClockLimit, Limit, LimitUnit, Playbook
from shared.playbook.record import sealed
from shared.vocabulary import ClockKind, WhenLate

SPEED: Final = 40
"""Forty seconds of a clock in a second: ten minutes for a gas leak's signature become fifteen seconds."""
FORGOTTEN_CATEGORY: Final = "05.001"
WHISTLED_CATEGORY: Final = "05.004"
HELD_CATEGORY: Final = "02.003"
FORGOTTEN_CLOCK: Final = ClockLimit(
    id="demo-rubbish-sign",
    kind=ClockKind.SIGN_IN,
    category=FORGOTTEN_CATEGORY,
    condition=None,
    severity=None,
    limit=Limit(amount=8, unit=LimitUnit.CONTINUOUS_MINUTE),
    warn_at=(0.5,),
    when_late=WhenLate.TAKE_OVER,
    source="演示：暴露垃圾8分钟签收，逾期逐级接管",
)


def demo_playbook() -> Playbook:
    """Return the demo county's playbook in its drill form, checked and sealed."""
    playbook = load_playbook()
    return sealed(
        replace(
            playbook,
            speed=SPEED,
            version=f"{playbook.version}-demo",
            clocks=(*playbook.clocks, FORGOTTEN_CLOCK),
        )
    )
