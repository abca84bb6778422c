"""The county's playbook as the demo plays it: its clocks run fast, and one more clock makes waiting visible."""

from dataclasses import replace
from typing import Final

from deploy.local.playbooks import load_playbook
from shared.playbook.model import Anchor, Chain, ChainStep, ClockLimit, Limit, LimitUnit, Playbook, Text, Threshold
from shared.playbook.record import sealed
from shared.vocabulary import ChainAction, ClockKind, Recipient, WhenLate

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
    limit=Limit(amount=6, unit=LimitUnit.CONTINUOUS_MINUTE),
    warn_at=(),
    when_late=WhenLate.NONE,
    source="演示：暴露垃圾6分钟签收，催办后逐级接管，直至县带班领导",
    chain="demo-forgotten",
)
FORGOTTEN_CHAIN: Final = Chain(
    id="demo-forgotten",
    title=Text(zh="逐级接管", en="Taken over, level by level"),
    source="演示",
    steps=(
        ChainStep(id="urge", at=Threshold(anchor=Anchor.PASSED, fraction=0.5), action=ChainAction.URGE),
        ChainStep(
            id="take-over",
            at=Threshold(anchor=Anchor.DUE),
            action=ChainAction.TAKE_OVER,
            copies=(Recipient.TARGET_LEADER,),
        ),
    ),
)
"""Above the county's desk its leader on duty is told, and somebody moves at last."""


def demo_playbook() -> Playbook:
    """Return the demo county's playbook in its drill form, checked and sealed."""
    playbook = load_playbook()
    return sealed(
        replace(
            playbook,
            speed=SPEED,
            version=f"{playbook.version}-demo",
            clocks=(*playbook.clocks, FORGOTTEN_CLOCK),
            chains={**playbook.chains, FORGOTTEN_CHAIN.id: FORGOTTEN_CHAIN},
        )
    )
