"""An hour in the fictional county, for the page: cases in every state, some late, some moved up."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from services.notifier.domain.fold import Told
from shared.events.envelope import Event
from shared.events.parts import Target
from shared.vocabulary import ClockKind, Level, OrderRole, Severity, TargetKind, at_level
from tests.fakes.notifier import Life, desk


class Matter(NamedTuple):
    """One case: what, where, whose, how far it has come, and how long ago and until when."""

    title: str
    area: str
    category: str
    severity: int
    lead: str
    upto: str
    ago_minutes: float
    limit_minutes: float


MATTERS = (
    Matter("南门市场后巷闻到很浓的燃气味，有人头晕", "990101001200001", "03.001", 1, "gas", "escalated", 24, 20),
    Matter("主干道水管爆裂，水柱三四米高", "990101001201001", "01.001", 2, "water-supply", "in_progress", 41, 60),
    Matter("学校门口井盖不见了，只插了根树枝", "990101002200001", "01.006", 2, "urban", "late", 95, 60),
    Matter("涵洞积水过不去，两辆车熄火在里面", "990101101200001", "01.005", 2, "drainage", "arrived", 18, 40),
    Matter("三楼以上已经两天没有自来水", "990101001202001", "01.002", 3, "water-supply", "signed", 33, 240),
    Matter("早市收摊后路口垃圾没人清", "990101001200002", "04.001", 4, "lucheng-sanitation", "routed", 7, 60),
    Matter("夜里工地打桩，孩子睡不着", "990101002201001", "06.001", 3, "environment", "resolved", 150, 300),
    Matter("路灯连着五盏不亮，放学路上全黑", "990101101201001", "02.003", 3, "power", "warned", 52, 60),
    Matter("自来水发黄有铁锈味", "990101001203001", "01.003", 3, "water-supply", "returned", 66, 240),
    Matter("小区化粪池外溢，污水流到路面", "990101002202001", "01.004", 3, "drainage", "closed", 210, 240),
    Matter("独居老人两天没开门，邻居担心", "990101101202001", "08.001", 2, "civil", "escalated", 70, 30),
    Matter("河边钓鱼人用电鱼设备", "990101102200001", "09.001", 4, "agriculture", "opened", 1, 60),
    Matter("雨水箅子被落叶堵住", "990101001201002", "01.007", 4, "lucheng-sanitation", "verified", 180, 480),
    Matter("村道塌了半边，约两平方米", "990101102201001", "05.001", 2, "transport", "signed", 12, 45),
    Matter("村口大树斜倒压着电线", "990101103200001", "02.001", 2, "power", "late", 58, 45),
    Matter("占道经营，救护车出不来", "990101001202002", "04.002", 3, "lucheng-enforcement", "routed", 3, 30),
)


def lives(now: datetime, *, repeat: int = 1) -> list[Life]:
    """The county as it is at ``now``; ``repeat`` tells each matter so many times, ever earlier."""
    return [
        live(matter, now - timedelta(minutes=7.3 * again), f"busy-{again}-{place}")
        for again in range(repeat)
        for place, matter in enumerate(MATTERS)
    ]


def in_order(all_lives: list[Life]) -> list[Event[Told]]:
    """All their events as they happened, each case's in its own order."""
    return sorted((event for life in all_lives for event in life.events), key=lambda event: event.time)


def live(matter: Matter, now: datetime, name: str) -> Life:
    """Live ``matter`` up to the state that it is to be in at ``now``."""
    began = now - timedelta(minutes=matter.ago_minutes)
    life = Life(
        name=name,
        area=matter.area,
        category=matter.category,
        severity=Severity(matter.severity),
        title=matter.title,
        now=began,
    )
    if matter.upto != "opened":
        _go_on(life, matter)
    return life


STEPS = ("signed", "arrived", "in_progress", "resolved", "verified", "closed")


def _go_on(life: Life, matter: Matter) -> None:
    """From the first order to the state that ``matter`` is to be in."""
    order = life.order(Target(kind=TargetKind.DEPARTMENT, id=matter.lead, name=matter.lead))
    handle = life.clock(order, ClockKind.HANDLE, minutes=matter.limit_minutes)
    sign_in = life.clock(order, ClockKind.SIGN_IN, minutes=min(15, matter.limit_minutes))
    life.warn(sign_in, 0.5)
    life.warn(handle, 0.5)
    if matter.severity == 1:
        life.order(desk(at_level(matter.area, Level.VILLAGE)), role=OrderRole.ASSIST)
    match matter.upto:
        case "routed":
            return
        case "late":
            life.sign(order)
            life.now = handle.due_at
            life.breach(handle)
        case "escalated":
            life.now = sign_in.due_at
            life.breach(sign_in)
            life.escalate(sign_in)
            above = life.order(desk(at_level(matter.area, Level.TOWN)), role=OrderRole.OVERSEE)
            life.warn(life.clock(above, ClockKind.SIGN_IN, minutes=25), 0.5)
        case "returned":
            life.give_back(order)
        case "warned":
            life.sign(order)
        case upto:
            acts = (life.sign, life.arrive, life.progress, life.resolve)
            for act in acts[: STEPS.index(upto) + 1]:
                act(order)
                life.wait(minutes=2)
            for end in (life.verify, life.close)[: max(0, STEPS.index(upto) - 3)]:
                end()
