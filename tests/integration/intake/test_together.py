"""Reports of one moment are kept by one transaction of a real PostgreSQL; each gets the answer that is its own."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast
from uuid import UUID, uuid4

import asyncpg
import httpx

from services.intake.api import make_api
from services.intake.domain.asking.actions import ActionRequest
from services.intake.domain.life.permissions import Bearer
from services.intake.domain.life.states import Action
from services.intake.domain.reports.report import Report
from services.intake.handlers.actions import acted
from services.intake.handlers.deeds import Deed, do_all
from services.intake.handlers.doors import Doors, Reply
from services.intake.handlers.papers import Paper, keep_all
from services.intake.handlers.reports import paper_of
from services.intake.handlers.together import Together, Work
from services.intake.metrics import Metrics
from services.intake.ports import Answer, CaseStore, ClientKey, Transaction
from shared.runtime.auth import KeyRing
from shared.vocabulary import Purpose, Role, Source
from tests.fakes.small_county import COUNTY, WEST_VILLAGE
from tests.integration.intake.harness import Intake

HOTLINE = Bearer(key_id="hotline", role=Role.SOURCE, area=COUNTY, name="12345")


def paper(intake: Intake, number: int, *, key: str | None = None, purpose: Purpose = Purpose.REAL) -> Paper:
    report = Report(source=Source.HOTLINE, text=f"第{number}处燃气味很重", area=WEST_VILLAGE, purpose=purpose)
    return paper_of(report, bearer=HOTLINE, client_key=key, doors=intake.doors)


async def begun(intake: Intake, papers: list[Paper], told: list[int]) -> list[object]:
    together: Together[Paper, object] = Together(told=lambda size, _seconds: told.append(size))
    work = partial(keep_all, doors=intake.doors)
    waiting = [together.begin(one, turn="hotline", work=work) for one in papers]
    return list(await asyncio.gather(*waiting, return_exceptions=True))


async def test_hundreds_at_once_are_kept_by_a_few_transactions_and_each_is_told_its_own_case(intake: Intake) -> None:
    before, sizes = await intake.rows("case_snapshot"), list[int]()
    papers = [paper(intake, number) for number in range(400)]
    answers = await begun(intake, papers, sizes)
    assert {type(answer).__name__ for answer in answers} == {"Reply"}
    assert await intake.rows("case_snapshot") == before + 400
    assert sum(sizes) == 400
    assert len(sizes) <= 4
    for one, answer in zip(papers, answers, strict=True):
        assert str(one.draft.command.report_id) in str(answer)


async def test_a_drill_that_is_refused_touches_nobody_beside_it(intake: Intake) -> None:
    sizes: list[int] = []
    drill = paper(intake, 3, key="drill", purpose=Purpose.DRILL)
    papers = [*(paper(intake, number) for number in range(3)), drill, drill, paper(intake, 4)]
    answers = await begun(intake, papers, sizes)
    assert [type(answer).__name__ for answer in answers] == ["Reply"] * 3 + ["Refused"] * 2 + ["Reply"]
    assert sizes == [6]


async def test_one_that_postgresql_cannot_hold_stands_alone_with_its_fault(intake: Intake) -> None:
    before = await intake.rows("case_snapshot")
    papers = [paper(intake, number) for number in range(9)]
    papers[5] = replace(papers[5], key=ClientKey(owner="hotline", key="no\x00text"))
    answers = await begun(intake, papers, [])
    assert [number for number, answer in enumerate(answers) if isinstance(answer, asyncpg.DataError)] == [5]
    assert sum(type(answer).__name__ == "Reply" for answer in answers) == 8
    assert await intake.rows("case_snapshot") == before + 8


async def test_a_key_sent_twice_in_one_moment_is_one_report_and_answered_alike(intake: Intake) -> None:
    before = await intake.rows("report")
    same = [paper(intake, 1, key="twice") for _ in range(5)]
    other = paper(intake, 2, key="twice")
    *answers, reused = await begun(intake, [*same, other], [])
    assert len({answer.body for answer in answers}) == 1  # type: ignore[attr-defined]
    assert sorted(answer.replayed for answer in answers) == [False, True, True, True, True]  # type: ignore[attr-defined]
    assert type(reused).__name__ == "KeyReused"
    assert await intake.rows("report") == before + 1


async def test_two_replicas_given_the_same_keys_at_once_keep_each_once_and_answer_alike(
    intake: Intake, keyring: KeyRing
) -> None:
    before = await intake.rows("report")
    other = replace(intake.doors, papers=Together())
    app = make_api(other, keyring, Metrics())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://other") as http:
        second = replace(intake, http=http)
        sent = [
            replica.report(text=f"路灯{number}不亮", headers={"Idempotency-Key": f"both-{number}"})
            for number in range(60)
            for replica in (intake, second)
        ]
        answers = await asyncio.gather(*sent)
    assert {answer.status_code for answer in answers} == {201}
    pairs = zip(answers[::2], answers[1::2], strict=True)
    assert all(one.content == two.content for one, two in pairs)
    assert await intake.rows("report") == before + 60


async def test_actions_of_one_moment_are_kept_together_and_each_is_told_its_own(intake: Intake) -> None:
    cases = [await intake.open() for _ in range(12)]
    answers = await asyncio.gather(*(intake.act(case_id, "county desk", "note", note="已联系") for case_id in cases))
    assert [answer.status_code for answer in answers] == [200] * 12
    assert [UUID(answer.json()["case_id"]) for answer in answers] == cases


async def test_two_deeds_on_one_case_in_one_batch_are_decided_one_after_the_other(intake: Intake) -> None:
    case_id, other = await intake.open(), await intake.open()
    deeds = [deed(case_id, Action.NOTE, key="n1"), deed(case_id, Action.NOTE, key="n1"), deed(case_id, Action.CLOSE)]
    sizes: list[int] = []
    together: Together[Deed, Reply] = Together(told=lambda size, _seconds: sizes.append(size))
    doors = replace(intake.doors, deeds=together)
    asked = [*deeds, deed(uuid4(), Action.NOTE), deed(other, Action.RESOLVE), deed(other, Action.NOTE), deed(case_id)]
    answers = await asyncio.gather(
        *(together.begin(one, turn="desk", work=work_on(doors)) for one in asked), return_exceptions=True
    )
    assert sizes == [7]
    kinds = [type(answer).__name__ for answer in answers]
    assert kinds[:2] == ["Reply", "Reply"]
    assert (kinds[3], kinds[5], kinds[6]) == ("UnknownCase", "Reply", "Reply")
    assert kinds[4] in {"NotYours", "WrongState"}
    first, second, last = (answers[place] for place in (0, 1, 6))
    assert isinstance(first, Reply)
    assert isinstance(second, Reply)
    assert isinstance(last, Reply)
    assert (second.body, second.replayed) == (first.body, True)
    assert json.loads(last.body)["version"] > json.loads(first.body)["version"]


def deed(case_id: UUID, action: Action = Action.NOTE, *, key: str | None = None) -> Deed:
    return Deed(
        case_id=case_id,
        request=ActionRequest(action=action, note="已联系"),
        bearer=Bearer(key_id="desk", role=Role.DESK, area=COUNTY, name="小县指挥中心"),
        key=None if key is None else ClientKey(owner="desk", key=f"{case_id} {key}"),
        asked=b"note",
    )


def work_on(doors: Doors) -> Work[Deed, Reply]:
    return partial(do_all, act=partial(acted, doors=doors), doors=doors)


@dataclass
class Overtaken:
    """A store in which another replica comes first, once: after a transaction has looked for keys, before it claims."""

    store: CaseStore
    meanwhile: list[Callable[[], Awaitable[object]]]

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        async with self.store.transaction() as transaction:
            yield cast("Transaction", OvertakenTransaction(transaction, self.meanwhile))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


@dataclass
class OvertakenTransaction:
    transaction: Transaction
    meanwhile: list[Callable[[], Awaitable[object]]]

    async def answers(self, keys: Collection[ClientKey]) -> Mapping[ClientKey, Answer]:
        found = await self.transaction.answers(keys)
        while self.meanwhile:
            await self.meanwhile.pop()()
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self.transaction, name)


def overtaken(intake: Intake, *meanwhile: Callable[[], Awaitable[object]]) -> Doors:
    return replace(intake.doors, store=cast("CaseStore", Overtaken(intake.doors.store, list(meanwhile))))


async def test_a_batch_of_whose_keys_another_replica_has_kept_some_keeps_only_the_others(intake: Intake) -> None:
    papers = [paper(intake, number, key=f"some-{number}") for number in range(4)]
    theirs = [replace(one, draft=paper(intake, number + 1).draft) for number, one in enumerate(papers[1:3])]
    kept: list[Reply | Exception] = []

    async def other_replica() -> None:
        kept.extend(await keep_all(theirs, doors=intake.doors))

    before = await intake.rows("report")
    answers = await keep_all(papers, doors=overtaken(intake, other_replica))
    assert await intake.rows("report") == before + 4
    assert [isinstance(one, Reply) and one.replayed for one in answers] == [False, True, True, False]
    assert [one.body for one in answers[1:3] if isinstance(one, Reply)] == [
        one.body for one in kept if isinstance(one, Reply)
    ]


async def test_of_deeds_whose_keys_another_replica_has_used_some_only_the_others_are_done(intake: Intake) -> None:
    case_id, elsewhere = await intake.open(), await intake.open()
    deeds = [deed(case_id, key="d1"), deed(case_id, key="d2")]
    theirs = replace(deeds[1], case_id=elsewhere, asked=b"note elsewhere")
    act = partial(acted, doors=intake.doors)

    async def other_replica() -> None:
        await do_all([theirs], act=act, doors=intake.doors)

    before = await intake.rows("case_event")
    answers = await do_all(deeds, act=act, doors=overtaken(intake, other_replica))
    assert [type(answer).__name__ for answer in answers] == ["Reply", "KeyReused"]
    assert await intake.rows("case_event") == before + 2
