"""What simulated desks and departments do with an order: decided once an order, by its id and the demo's seed."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, unique
from typing import Final
from uuid import UUID

from deploy.local.keys import Bearer
from shared.playbook.model import Playbook
from shared.vocabulary import Level, OrderRole, Role, Severity, TargetKind

FORGETFUL: Final = 0.06
RETURNING: Final = 0.05
# The slowest signature in seconds by severity; well inside the limits of the demo's fast playbook.
SLOWEST_SIGN: Final = {Severity.I: 2.0, Severity.II: 4.0, Severity.III: 8.0, Severity.IV: 10.0}
RETURN_REASONS: Final = ("不属于我单位职责范围", "地点在邻镇界内，请改派", "需要执法权限，我单位没有")

Notes = Mapping[str, str]
"""What is said with each action."""

NOTES: Final[Notes] = {
    "sign": "已安排人员",
    "arrive": "两人到场",
    "progress": "正在处理",
    "resolve": "已处理完毕，现场恢复",
}
CALLED: Final = ("police", "traffic-police", "market")
"""The departments for which the village whistles."""
WHISTLE_REASON: Final = "占道堵塞消防通道，涉及交通、治安和食品证照，请三部门联合到场"
STORY_NOTES: Final[Mapping[str, Notes]] = {
    "gas": {
        "sign": "抢修一组出发，预计十分钟到",
        "arrive": "抢修车到场，正在找漏点",
        "progress": "漏点在市场东门立管接口，阀门已关，浓度在降",
        "resolve": "接口已更换，保压三十分钟无泄漏，恢复供气",
    },
    "fire": {
        "sign": "两车十二人出动",
        "arrive": "已设警戒区，喷雾稀释",
        "progress": "逐层检测，地下室浓度百分之六LEL",
        "resolve": "检测归零，解除警戒",
    },
    "police": {
        "sign": "就近警力赶往",
        "arrive": "周边路口已封控",
        "progress": "已疏散四十余人，无人滞留",
        "resolve": "道路恢复通行",
    },
    "emergency": {
        "sign": "值班领导带队前往",
        "arrive": "现场指挥部已设在市场管理办",
        "progress": "已核对摊主名单，人员齐",
        "resolve": "险情排除，转入善后",
    },
}


@unique
class Course(Enum):
    """What becomes of an order in the hands of its target."""

    DO = "do"
    RETURN = "return"
    FORGET = "forget"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One order's course, each pause in seconds after the step before."""

    course: Course
    sign_after: float
    arrive_after: float
    resolve_after: float
    reason: str = ""
    notes: Notes = field(default_factory=lambda: NOTES)


def plan(order_id: UUID, role: OrderRole, severity: Severity, *, seed: int) -> Plan:
    """Return what the target of an order does with it; the same order gets the same plan in each run."""
    chance = random.Random(f"{seed}/{order_id}")
    slowest = SLOWEST_SIGN[severity]
    fate = chance.random()
    course = Course.DO
    if fate < FORGETFUL:
        course = Course.FORGET
    elif fate < FORGETFUL + RETURNING and role is OrderRole.LEAD:
        course = Course.RETURN
    return Plan(
        course=course,
        sign_after=chance.uniform(0.3, slowest),
        arrive_after=chance.uniform(0.3, slowest),
        resolve_after=chance.uniform(1.0, 2 * slowest),
        reason=chance.choice(RETURN_REASONS),
    )


def prompt_plan(target: str) -> Plan:
    """Return the plan of the people in the story: awake, not too fast to follow, with something to say."""
    notes = STORY_NOTES.get(target, NOTES)
    return Plan(course=Course.DO, sign_after=1.2, arrive_after=2.5, resolve_after=5.0, notes=notes)


FORGETTING: Final = Plan(course=Course.FORGET, sign_after=0, arrive_after=0, resolve_after=0)
"""The plan of those who leave the forgotten case alone, up to the county: until its leader on duty is told."""


def bearer_of(kind: TargetKind, target: str, county: str) -> str:
    """Return the id of the key that answers for a target."""
    match kind:
        case TargetKind.DESK:
            return f"desk-{target}"
        case TargetKind.DEPARTMENT:
            return f"{county}-{target}"


def head_of(area: str) -> str:
    """Return the id of the key of the head of a desk."""
    return f"head-{area}"


def desks_and_departments(playbook: Playbook) -> tuple[Bearer, ...]:
    """Return every desk, its head and every department of the county as somebody who needs a key."""
    desks = (
        Bearer(
            id=bearer_of(TargetKind.DESK, area.code, playbook.county),
            name=f"{area.name.zh}指挥平台",
            role=Role.DESK,
            area=area.code,
        )
        for area in playbook.areas.values()
        if area.desk
    )
    heads = (
        Bearer(id=head_of(area.code), name=f"{area.name.zh}负责人", role=Role.LEADER, area=area.code)
        for area in playbook.areas.values()
        if area.desk and area.level is not Level.COUNTY
    )
    departments = (
        Bearer(
            id=bearer_of(TargetKind.DEPARTMENT, one.id, playbook.county),
            name=one.name.zh,
            role=Role.DEPARTMENT,
            area=one.area,
            department=one.id,
        )
        for one in playbook.departments.values()
    )
    return (*desks, *heads, *departments)
