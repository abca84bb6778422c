"""Whistles on a real PostgreSQL: what two do at once, who is waited for, and what a refusal says."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from services.intake.domain.life.states import Action
from shared.vocabulary import OrderReason, OrderRole
from tests.integration.intake.harness import Intake
from tests.integration.intake.orders import POLICE, case_of, issue, told


class TestWhistles:
    async def test_two_words_of_the_head_at_once_let_it_sound_once(self, intake: Intake) -> None:
        case_id = await intake.open()
        await issue(intake, case_id)
        asked = await intake.act(
            case_id, "west village", "whistle", kind="key_work", departments=["police"], reason="请来"
        )
        assert asked.status_code == 200, asked.text
        whistle_id = asked.json()["whistle_id"]
        assert "confirm" not in asked.json()["allowed"]
        answers = await asyncio.gather(
            *(intake.act(case_id, key, "confirm", whistle_id=whistle_id) for key in ("village head", "operator") * 2)
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
        assert (await told(intake, case_id)).count("whistled") == 1

    async def test_whistle_and_resolve_at_once_never_leave_one_who_was_called_behind(self, intake: Intake) -> None:
        """Whichever comes first: the case is resolved and nobody is called, or it waits for who was called."""
        ended = set()
        for turn in range(12):
            case_id = await intake.open()
            await issue(intake, case_id)
            await intake.act(case_id, "gas bureau", "sign")
            blow = intake.act(
                case_id, "west village", "whistle", kind="emergency", departments=["police"], reason="快来"
            )
            done = intake.act(case_id, "gas bureau", "resolve", note="好了")
            answers = await asyncio.gather(*((blow, done) if turn % 2 else (done, blow)))
            assert sorted(answer.status_code for answer in answers) == [200, 409]
            case = await case_of(intake, case_id)
            assert (case.view.state == "resolved") == (case.sounded == ())
            ended.add(case.view.state)
        assert len(ended) == 2, "both came first now and then"

    async def test_the_refusal_names_who_still_works_and_release_frees_the_lead(self, intake: Intake) -> None:
        case_id = await intake.open()
        await issue(intake, case_id)
        await intake.act(case_id, "gas bureau", "sign")
        await intake.act(case_id, "west village", "whistle", kind="emergency", departments=["police"], reason="快来")
        whistle = (await case_of(intake, case_id)).sounded[0].whistle
        called = await issue(
            intake, case_id, POLICE, role=OrderRole.ASSIST, reason=OrderReason.WHISTLE, whistle=whistle
        )
        early = await intake.act(case_id, "gas bureau", "resolve", note="好了")
        assert early.status_code == 409
        assert "police" in early.json()["detail"]
        assert "resolve" not in early.json()["allowed"]
        order_id = str(called.order.order_id)
        assert (await intake.act(case_id, "east desk", "release", order_id=order_id, reason="x")).status_code == 403
        freed = await intake.act(case_id, "west village", "release", order_id=order_id, reason="不需要了")
        assert freed.status_code == 200, freed.text
        assert (await intake.act(case_id, "gas bureau", "resolve", note="好了")).status_code == 200

    @pytest.mark.parametrize("action", (Action.WHISTLE, Action.TRANSFER, Action.RULE))
    async def test_whom_nobody_knows_is_named_with_near_ones(self, intake: Intake, action: Action) -> None:
        case_id = await intake.open()
        await issue(intake, case_id)
        to: dict[str, Any] = {"departments": ["polic"], "kind": "emergency"}
        if action is not Action.WHISTLE:
            to = {"to": {"kind": "department", "id": "polic"}}
        answer = await intake.act(case_id, "operator", action, reason="归它", **to)
        (error,) = answer.json()["errors"]
        assert (answer.status_code, error["allowed"][0]) == (422, "police")
        assert error["field"] == ("/departments/0" if action is Action.WHISTLE else "/to/id")
