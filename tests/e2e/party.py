"""Everybody who plays a part in a case, each with a key of their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

from deploy.local.keys import DEMO_COUNTY, Bearer
from shared.vocabulary import Role
from tests.e2e.walk import Door, door, until

if TYPE_CHECKING:
    from deploy.local.platform import Platform


def department(name: str) -> Bearer:
    """A department of the county; its key covers the county, whatever town it sits in."""
    return Bearer(id=name, name=name, role=Role.DEPARTMENT, area=DEMO_COUNTY, department=name)


@asynccontextmanager
async def everybody(system: Platform, bearers: Sequence[Bearer]) -> AsyncIterator[Mapping[str, Door]]:
    """The doors of `bearers` by the id that they have here, with the county's `operator` and `leader`."""
    named = {f"party-{bearer.id}": bearer for bearer in bearers}
    keys = [
        Bearer(id=key, name=one.name, role=one.role, area=one.area, department=one.department)
        for key, one in named.items()
    ]
    await asyncio.to_thread(system.keys.hand_out, keys)
    at_once = {role: f"{DEMO_COUNTY}-{role}" for role in ("operator", "leader")}
    async with AsyncExitStack() as closing:
        doors = {name: await closing.enter_async_context(door(system, key)) for name, key in at_once.items()}
        for key, bearer in named.items():
            doors[bearer.id] = await closing.enter_async_context(door(system, key))
        yield doors


async def accepted(who: Door, case_id: str, action: str, **fields: Any) -> dict[str, Any]:
    """The answer to an action that must be taken; a key of a moment ago may need two seconds to count."""

    async def taken() -> dict[str, Any] | None:
        answer = await who.act(case_id, action, **fields)
        if answer.status_code == 401:
            return None
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    return await until(taken, what=f"{action} is taken", seconds=15)


async def story(who: Door, case_id: str) -> dict[str, Any] | None:
    """The notifier's whole answer about a case; None while it has not heard of it."""
    answer = await who.notifier.get(f"/v1/cases/{case_id}")
    return None if answer.status_code == 404 else await who.case(case_id)


def standing_order(told: Mapping[str, Any], **wanted: Any) -> dict[str, Any] | None:
    """The first order that stands and has these values; `target` is compared by its id."""
    for order in told["orders"]:
        values = {**order, "target": order["target"]["id"]}
        if order["stands"] and all(values[name] == value for name, value in wanted.items()):
            found: dict[str, Any] = order
            return found
    return None


async def awaited_order(who: Door, case_id: str, **wanted: Any) -> dict[str, Any]:
    """The order that stands and has these values, as soon as the notifier tells of it."""

    async def look() -> dict[str, Any] | None:
        told = await story(who, case_id)
        return None if told is None else standing_order(told, **wanted)

    return await until(look, what=f"an order with {wanted}")
