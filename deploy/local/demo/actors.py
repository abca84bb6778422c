"""Simulated desks and departments: they hear of their orders in the live stream and act on them through intake."""

import asyncio
import random
from collections import Counter
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

from deploy.local.demo.intake import Intake
from deploy.local.demo.messages import FORGOTTEN, HELD, STORY, TOLD, WHISTLED
from deploy.local.demo.people import (
    CALLED,
    FORGETTING,
    WHISTLE_REASON,
    Course,
    Plan,
    bearer_of,
    head_of,
    plan,
    prompt_plan,
)
from deploy.local.demo.stream import Heard
from shared.playbook.model import Playbook
from shared.runtime.clock import utc_now
from shared.vocabulary import Level, OrderRole, Post, Severity, TargetKind

TASKS_AT_MOST: Final = 2000
ACTIONS_AT_ONCE: Final = 8
REJECTING: Final = 0.04
RATED: Final = 0.5
DEADLINE_LOOKS: Final = 15
PAUSE_SECONDS: Final = 3.0
TOO_LATE: Final = frozenset({HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND})


@dataclass(slots=True)
class Tally:
    """What the actors did, and what intake refused beyond "too late"."""

    done: Counter[str] = field(default_factory=Counter)
    too_late: int = 0
    refused: list[str] = field(default_factory=list)


class Actors:
    """Everybody who acts; the cases that are told have plans of their own."""

    def __init__(self, intake: Intake, playbook: Playbook, *, seed: int) -> None:
        self.tally = Tally()
        self._intake = intake
        self._playbook = playbook
        self._seed = seed
        self._tasks: set[asyncio.Task[None]] = set()
        self._gate = asyncio.Semaphore(ACTIONS_AT_ONCE)
        # The cases that are told do not wait behind the others, however slow the machine is.
        self._told_gate = asyncio.Semaphore(ACTIONS_AT_ONCE)
        self._chance = random.Random(seed)
        self._rejected: set[str] = set()

    def hear(self, heard: Heard) -> None:
        """Begin what ``heard`` makes somebody do."""
        match heard.type:
            case "whistle.case.opened.v1" if heard.data["case"]["state"] == "received":
                self._begin(self._file(heard))
            case "whistle.case.handed_over.v1" if heard.data["receipt"] is None:
                self._begin(self._confirm_receipt(heard))
            case "whistle.case.routed.v1":
                self._begin(self._answer_order(heard))
            case "whistle.case.whistle_asked.v1":
                self._begin(self._confirm(heard))
            case "whistle.case.resolved.v1" if heard.case["state"] == "resolved":
                self._begin(self._check(heard))
            case "whistle.case.rejected.v1":
                self._begin(self._do_again(heard))
            case "whistle.case.verified.v1":
                self._begin(self._close(heard))
            case "whistle.case.closed.v1":
                self._begin(self._rate(heard))
            case "whistle.sla.stepped.v1" if FORGOTTEN in heard.tags and told_a_leader(heard.data):
                self._begin(self._answer_order(_of_late_order(heard), woken=True))
            case _:
                return

    async def stop(self) -> None:
        """Drop whatever is still planned."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        if len(self._tasks) >= TASKS_AT_MOST:
            work.close()
            self.tally.done["skipped"] += 1
            return
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.tally.refused.append(f"{type(error).__name__}: {error}")

    def _plan(self, heard: Heard, role: OrderRole) -> Plan:
        if not heard.tags.isdisjoint({STORY, WHISTLED}):
            return prompt_plan(str(heard.data["target"]["id"]))
        if FORGOTTEN in heard.tags:
            return FORGETTING
        return plan(UUID(heard.data["order_id"]), role, Severity(heard.case["severity"]), seed=self._seed)

    async def _answer_order(self, heard: Heard, *, woken: bool = False) -> None:
        target, order = heard.data["target"], {"order_id": heard.data["order_id"]}
        role = OrderRole(heard.data["order_role"])
        key_id = bearer_of(TargetKind(target["kind"]), target["id"], self._playbook.county)
        todo = prompt_plan(str(target["id"])) if woken else self._plan(heard, role)
        if todo.course is Course.FORGET:
            self.tally.done["forgotten"] += 1
            return
        await asyncio.sleep(todo.sign_after)
        if todo.course is Course.RETURN:
            await self._act(heard, {"action": "return", "reason": todo.reason, **order}, key_id)
            return
        if not await self._act(heard, {"action": "sign", "note": todo.notes["sign"], **order}, key_id):
            return
        if role is OrderRole.OVERSEE:
            return
        if role is OrderRole.LEAD and WHISTLED in heard.tags:
            await self._whistle(heard)
        if role is OrderRole.LEAD and HELD in heard.tags:
            await self._hold(heard, order, key_id)
        await asyncio.sleep(todo.arrive_after)
        await self._act(heard, {"action": "arrive", "note": todo.notes["arrive"], **order}, key_id)
        await asyncio.sleep(todo.resolve_after / 2)
        await self._act(heard, {"action": "progress", "note": todo.notes["progress"], **order}, key_id)
        await asyncio.sleep(todo.resolve_after / 2)
        done = todo.notes["resolve"]
        await self._act(
            heard, {"action": "resolve", "note": done, **reply_of(heard, done, self._playbook), **order}, key_id
        )

    async def _file(self, heard: Heard) -> None:
        """The desk of the place reads what the machine was not sure of, and files it (立案)."""
        await asyncio.sleep(self._chance.uniform(0.5, 3.0))
        await self._act(heard, {"action": "file", "note": "已核实，予以立案"}, self._desk(heard))

    async def _confirm_receipt(self, heard: Heard) -> None:
        """The emergency service has taken it on, and the county's desk notes its number (接警回执)."""
        await asyncio.sleep(self._chance.uniform(0.5, 2.0))
        service = str(heard.data["service"])
        body = {"action": "hand_over", "service": service, "receipt": f"{service}-{self._chance.randrange(10_000):04d}"}
        await self._act(heard, body, self._county_desk)

    async def _hold(self, heard: Heard, order: Mapping[str, str], key_id: str) -> None:
        """More time by two words, an instruction from above and its reply, and a pause until a part has come."""
        later = (utc_now() + timedelta(hours=2)).isoformat()
        ask = {"action": "extend", "until": later, "reason": "控制箱需整体更换，配件在途", **order}
        for _ in range(DEADLINE_LOOKS):
            # Intake hears of the deadline a moment after the signature.
            if (await self._intake.act(heard.case_id, ask, key_id=key_id)).accepted:
                self.tally.done["extend"] += 1
                await self._act(heard, {"action": "approve", "note": "情况属实"}, self._desk(heard))
                await self._act(heard, {"action": "approve", "note": "同意"}, self._county_desk)
                break
            await asyncio.sleep(1.0)
        else:
            self.tally.refused.append(f"extend on {heard.case_id}: no deadline was known in time")
        supervise = {"action": "supervise", "until": later, "reason": "涉及学生通学安全，两小时内报处置方案"}
        await self._act(heard, supervise, self._county_desk)
        await self._act(heard, {"action": "reply", "reason": "已临时架灯并设警示，今晚到货即换"}, key_id)
        await self._act(heard, {"action": "sign_off", "note": "方案可行"}, self._county_desk)
        if await self._act(heard, {"action": "pause", "code": "parts", "reason": "等控制箱到货"}, key_id):
            await asyncio.sleep(PAUSE_SECONDS)
            await self._act(heard, {"action": "resume", "reason": "配件已到"}, key_id)

    async def _whistle(self, heard: Heard) -> None:
        """The village calls the departments without which the lead cannot end the matter (吹哨)."""
        desk = bearer_of(TargetKind.DESK, str(heard.case["area"]), self._playbook.county)
        body = {
            "action": "whistle",
            "kind": "joint_enforcement",
            "departments": list(CALLED),
            "reason": WHISTLE_REASON,
        }
        await self._act(heard, body, desk)

    async def _confirm(self, heard: Heard) -> None:
        """The head of the village says the word, and the whistle sounds."""
        await asyncio.sleep(1.0)
        body = {"action": "confirm", "whistle_id": heard.data["whistle"]["whistle_id"]}
        await self._act(heard, body, head_of(str(heard.case["area"])))

    async def _check(self, heard: Heard) -> None:
        """The desk above the place looks at the result; now and then, once a case, it sends the work back."""
        await asyncio.sleep(self._chance.uniform(0.5, 4.0))
        if not is_told(heard) and heard.case_id not in self._rejected and self._chance.random() < REJECTING:
            self._rejected.add(heard.case_id)
            await self._act(heard, {"action": "reject", "reason": "现场仍有遗留，请继续处理"}, self._desk(heard))
            return
        await self._act(heard, {"action": "verify", "note": "现场核查属实"}, self._desk(heard))

    async def _do_again(self, heard: Heard) -> None:
        target = heard.data["target"]
        key_id = bearer_of(TargetKind(target["kind"]), target["id"], self._playbook.county)
        await asyncio.sleep(self._chance.uniform(1.0, 4.0))
        done = "已返工处理，请再核查"
        reply = reply_of(heard, done, self._playbook)
        body = {"action": "resolve", "note": done, **reply, "order_id": heard.data["order_id"]}
        await self._act(heard, body, key_id)

    async def _close(self, heard: Heard) -> None:
        await asyncio.sleep(self._chance.uniform(0.3, 2.0))
        await self._act(heard, {"action": "close", "note": "结案"}, self._desk(heard))

    async def _rate(self, heard: Heard) -> None:
        if STORY not in heard.tags and self._chance.random() > RATED:
            return
        await asyncio.sleep(self._chance.uniform(0.3, 2.0))
        rating = self._chance.choices(("satisfied", "basically", "not"), weights=(7, 2, 1))[0]
        await self._act(heard, {"action": "rate", "rating": rating}, f"{self._playbook.county}-source")

    def _desk(self, heard: Heard) -> str:
        """The key of the desk that checks results about the place: the town's, or the county's."""
        area = self._playbook.desk_area(str(heard.case["area"]), at_least=Level.TOWN)
        return bearer_of(TargetKind.DESK, area.code, self._playbook.county)

    @property
    def _county_desk(self) -> str:
        return bearer_of(TargetKind.DESK, self._playbook.county, self._playbook.county)

    async def _act(self, heard: Heard, body: Mapping[str, Any], key_id: str) -> bool:
        async with self._told_gate if is_told(heard) else self._gate:
            answer = await self._intake.act(heard.case_id, body, key_id=key_id)
        action = str(body["action"])
        if answer.accepted:
            self.tally.done[action] += 1
        elif answer.status in TOO_LATE:
            self.tally.too_late += 1
        else:
            self.tally.refused.append(f"{action} on {heard.case_id}: {answer.status} {answer.body.get('detail', '')}")
        return answer.accepted


def told_a_leader(data: Mapping[str, Any]) -> bool:
    """Say whether a step of a chain told a leader on duty (带班领导) first of all."""
    return any(one["post"] == Post.LEADER for one in data["to"])


def _of_late_order(heard: Heard) -> Heard:
    """The order whose clock took a step, as its routing told of it."""
    clock = heard.data["clock"]
    data = {name: clock[name] for name in ("target", "order_id", "order_role", "level")}
    return replace(heard, data=data)


def reply_of(heard: Heard, done: str, playbook: Playbook) -> Mapping[str, Any]:
    """The four elements of a reply (答复四要素), where the county wants them for the case's source."""
    if str(heard.case["source"]) not in playbook.policy.reply_required:
        return {}
    reply = {
        "accepted_at": heard.case["opened_at"],
        "spoken_with": "来电人",
        "done": done,
        "done_by": utc_now().isoformat(),
    }
    return {"reply": reply}


def is_told(heard: Heard) -> bool:
    """True for events of the cases whose story is told."""
    return not heard.tags.isdisjoint(TOLD)
