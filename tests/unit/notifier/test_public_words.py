"""What the office that acts is called in the public's two languages."""

from __future__ import annotations

from uuid import uuid4

import pytest

from services.notifier.domain.tracking import step_of
from services.notifier.domain.words import Codes
from shared.events import case as facts
from shared.events.parts import Target
from shared.vocabulary import OrderRole, TargetKind
from shared.words import Words
from tests.fakes.notifier import Life


class Known(Codes):
    """A playbook that knows one department and one town."""

    def department(self, area: str, code: str) -> Words:
        return Words(zh="麓城环卫所", en="Lucheng Depot") if code == "depot" else super().department(area, code)

    def area(self, code: str) -> Words:
        return Words(zh="麓城街道", en="Lucheng") if code == "990101001" else super().area(code)


@pytest.mark.parametrize(
    ("target", "zh", "en"),
    (
        (Target(kind=TargetKind.DEPARTMENT, id="depot", name="环卫所"), "环卫所", "Lucheng Depot"),
        (Target(kind=TargetKind.DEPARTMENT, id="gone", name="撤并的所"), "撤并的所", "撤并的所"),
        (Target(kind=TargetKind.DESK, id="990101001", name="麓城指挥平台"), "麓城指挥平台", "the desk of Lucheng"),
        (Target(kind=TargetKind.DESK, id="990101999", name="旧平台"), "旧平台", "旧平台"),
        (Target(kind=TargetKind.DEPARTMENT, id="depot"), "部门 depot", "department depot"),
    ),
)
def test_who_reads_english_is_told_the_offices_english_name(target: Target, zh: str, en: str) -> None:
    life = Life(name="english")
    life.tell(facts.CaseSigned, target=target, order_id=uuid4(), order_role=OrderRole.LEAD)
    step = step_of(life.events[-1], Known())
    assert step is not None
    assert step.office == Words(zh=zh, en=en)
    assert step.words == Words(zh=f"{zh}已签收", en=f"{en} has taken it on")
