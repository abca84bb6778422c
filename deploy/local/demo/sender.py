"""Sends the good messages at an even pace and the bad requests among them, and keeps what became of each."""

import asyncio
import random
from collections.abc import Sequence
from itertools import count
from typing import Final

from deploy.local.demo.bad_input import BadRequest, bad_requests
from deploy.local.demo.intake import Answer, Intake, Unanswered
from deploy.local.demo.messages import FORGOTTEN, SECOND_NEIGHBOUR, STORY, WHISTLED, Draft, Gazetteer, read_messages
from deploy.local.demo.reconcile import Sent
from shared.playbook.model import Playbook

AT_ONCE: Final = 4
REPEAT_EVERY: Final = 40
"""Each so manyth report is sent twice, as a nervous client does; it must not become two cases."""
NEIGHBOUR_SECONDS: Final = 1.0
NOW_AND_THEN_SECONDS: Final = (4.0, 12.0)


class Sender:
    """The sources of the county."""

    def __init__(self, intake: Intake, playbook: Playbook) -> None:
        self.sent = Sent()
        self.astray: dict[str, str] = {}
        """Stories whose report joined a case that was there already: story → that case."""
        self._intake = intake
        self._county = playbook.county
        self._told: dict[str, str] = {}
        self._gate = asyncio.Semaphore(AT_ONCE)

    @property
    def story(self) -> str | None:
        """The case of the gas leak that is told, once it is accepted."""
        return self._told.get(STORY)

    @property
    def forgotten(self) -> str | None:
        """The case that nobody signs, once it is accepted."""
        return self._told.get(FORGOTTEN)

    @property
    def whistled(self) -> str | None:
        """The case for which the village whistles, once it is accepted."""
        return self._told.get(WHISTLED)

    async def send_all(self, drafts: Sequence[Draft], *, within: float) -> None:
        """Send every draft and every bad request, spread over ``within`` seconds, and wait for all answers."""
        bad = bad_requests(self._county)
        pause = within / (len(drafts) + len(bad))
        every = max(1, len(drafts) // len(bad))
        async with asyncio.TaskGroup() as tasks:
            for number, draft in enumerate(drafts):
                if draft.name == SECOND_NEIGHBOUR:
                    # A neighbour comes by when the first has sent; at one instant either could be the first.
                    await asyncio.sleep(NEIGHBOUR_SECONDS)
                tasks.create_task(self._report(draft, again=number % REPEAT_EVERY == REPEAT_EVERY - 1))
                await asyncio.sleep(pause)
                if number % every == every - 1 and bad:
                    tasks.create_task(self._bad(bad.pop(0)))
                    await asyncio.sleep(pause)
            for request in bad:
                tasks.create_task(self._bad(request))

    async def send_now_and_then(self, playbook: Playbook, *, seed: int) -> None:
        """Go on for ever, a message every few seconds."""
        chance = random.Random(seed)
        places = Gazetteer(playbook, seed + 1)
        messages = [message for message in read_messages() if not message.burst]
        for number in count():
            await asyncio.sleep(chance.uniform(*NOW_AND_THEN_SECONDS))
            await self._report(places.report(chance.choice(messages), f"later-{number}"), again=False)

    async def _report(self, draft: Draft, *, again: bool) -> None:
        async with self._gate:
            first = await self._answer(draft)
            if first is None:
                return
            self._keep(draft, first)
            if again and first.accepted:
                second = await self._answer(draft)
                if second is not None:
                    self._keep_repeat(draft, first, second)

    async def _answer(self, draft: Draft) -> Answer | None:
        self.sent.sent += 1
        try:
            return await self._intake.report(draft, key_id=f"{self._county}-source")
        except Unanswered as error:
            self.sent.wrong.append(f"{draft.name} got no answer: {error}")
            return None

    def _keep(self, draft: Draft, answer: Answer) -> None:
        if not answer.accepted:
            self.sent.refused[f"{answer.status}"] += 1
            self.sent.wrong.append(f"{draft.name} should be accepted: {answer.status} {answer.body.get('detail', '')}")
            return
        case_id = str(answer.body["case_id"])
        if answer.body.get("merged"):
            self.sent.joined[str(answer.body["report_id"])] = case_id
            if draft.name != SECOND_NEIGHBOUR:
                self.astray |= dict.fromkeys(draft.body.get("tags", ()), case_id)
            return
        if draft.name == SECOND_NEIGHBOUR:
            self.sent.wrong.append("two neighbours reported one matter, and it became two cases")
        self.sent.accepted.add(case_id)
        for tag in draft.body.get("tags", ()):
            self._told[tag] = case_id

    def _count_bad(self, answer: Answer) -> None:
        if answer.body.get("merged"):
            self.sent.joined[str(answer.body["report_id"])] = str(answer.body["case_id"])
        else:
            self.sent.accepted.add(str(answer.body["case_id"]))

    def _keep_repeat(self, draft: Draft, first: Answer, second: Answer) -> None:
        self.sent.repeated += 1
        if second.body != first.body:
            self.sent.wrong.append(f"{draft.name} was sent twice and answered differently")

    async def _bad(self, request: BadRequest) -> None:
        key_id = None if request.key is None else f"{self._county}-{request.key}"
        self.sent.sent += 1
        async with self._gate:
            try:
                answer = await self._intake.bad(request, key_id=key_id)
            except Unanswered as error:
                self.sent.wrong.append(f"bad input {request.name!r} got no answer: {error}")
                return
        if answer.accepted:
            self._count_bad(answer)
        else:
            self.sent.refused[str(answer.status)] += 1
        if answer.status != request.status:
            self.sent.wrong.append(
                f"bad input {request.name!r} should be refused with {request.status}, got {answer.status}"
            )
