"""Intake as its own process: folds and inbound reports from a real Kafka, events to it, kill, stop, and Kafka away."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest

from deploy.local.places import default_cache
from deploy.local.progress import Quiet
from deploy.local.servers import running_kafka
from services.intake.domain.canaries import canary_id
from services.intake.domain.reports.report import case_id_of
from services.intake.timers import partition_of
from shared.events.case import CaseEvent, CaseRouted
from shared.events.codec import Message
from shared.events.inbound import ReportReceived
from shared.events.order import OrderIssued
from shared.events.parts import PlaybookRef, Target
from shared.events.sla import Clock, ClockEscalated
from shared.events.topics import CASE_PARTITIONS
from shared.runtime.clock import utc_now
from shared.runtime.delivery import Publisher, Record
from shared.vocabulary import ClockKind, Level, OrderRole, Source, TargetKind, WhenLate
from tests.integration.intake.harness import bearer, message_of, order_of, why
from tests.integration.intake.processes import Service, dead_letters, events_of, everything, running_intake
from tests.integration.intake.waiting import until
from tests.platform import data_folder

CASE = "whistle.case.v1"
COUNTY_DESK = Target(kind=TargetKind.DESK, id="990101", name="云麓县")


@pytest.fixture
async def service(kafka: str, postgres: str, tmp_path: Path) -> AsyncIterator[Service]:
    async with running_intake(kafka, postgres, tmp_path) as running:
        yield running


async def send(kafka: str, *messages: Message) -> None:
    publisher = Publisher(kafka, client_id="test")
    await publisher.publish(messages)
    await publisher.stop()


def clock(order_id: UUID, playbook: PlaybookRef) -> Clock:
    return Clock(
        clock_id=uuid4(),
        kind=ClockKind.SIGN_IN,
        started_at=utc_now(),
        due_at=utc_now(),
        level=Level.COUNTY,
        limit="30 分钟",
        arithmetic="…",
        when_late=WhenLate.OVERSEE,
        playbook=playbook,
        order_id=order_id,
    )


async def test_a_report_goes_out_and_orders_and_escalations_come_back_into_its_case(
    service: Service, kafka: str
) -> None:
    case_id = (await service.report()).json()["case_id"]
    await until(lambda: events_of(kafka, CASE, case_id))
    opened = (await events_of(kafka, CASE, case_id))[0].data
    assert isinstance(opened, CaseEvent)
    order = order_of(opened.case, COUNTY_DESK, OrderRole.LEAD, Level.COUNTY)
    issued = OrderIssued(order=order, case=opened.case, explanation=why(), cause_id=uuid4())
    escalated = ClockEscalated(
        case=opened.case,
        clock=clock(order.order_id, opened.case.playbook),
        fired_at=utc_now(),
        from_level=Level.TOWN,
        to_level=Level.COUNTY,
        to=COUNTY_DESK,
        when_late=WhenLate.OVERSEE,
        reason="没人签收",
    )
    garbage = message_of(issued, case_id)
    garbage = Message(topic=garbage.topic, key=case_id.encode(), value=b"\xff", headers=garbage.headers)
    messages = [garbage, message_of(issued, case_id), message_of(issued, case_id), message_of(escalated, case_id)]
    await send(kafka, *messages)

    async def folded() -> bool:
        return len(await events_of(kafka, CASE, case_id)) == 3

    await until(folded)
    signed = await service.http.post(
        f"/v1/cases/{case_id}/actions", json={"action": "sign"}, headers=bearer("county desk")
    )
    # The fixture's desk keys are for area 990101: the county desk of the demo county, too.
    assert (signed.status_code, signed.json()["version"]) == (200, 4), signed.text

    async def told() -> bool:
        return len(await events_of(kafka, CASE, case_id)) == 4

    await until(told)
    events = await events_of(kafka, CASE, case_id)
    assert {event.type.split(".")[2] for event in events} == {"opened", "routed", "escalated", "signed"}
    assert [event.sequence for event in events] == [1, 2, 3, 4]
    assert any(isinstance(event.data, CaseRouted) for event in events)
    (reason,) = await dead_letters(kafka, case_id.encode())
    assert "whistle.order.issued.v1" in reason


async def test_reports_of_outside_systems_open_cases_and_bad_ones_are_set_aside(service: Service, kafka: str) -> None:
    source = f"/city/sensors/{uuid4()}"
    good = ReportReceived(source=Source.SENSOR, reference="s-1", text="燃气浓度超标", area="990101")
    bad = ReportReceived(source=Source.SENSOR, reference="s-2", text="燃气", area="990198")
    messages = [message_of(one, f"{source}/{one.reference}", source=source) for one in (good, bad, good)]
    await send(kafka, *messages)

    bad_key = messages[1].key
    await until(lambda: dead_letters(kafka, bad_key))
    (reason,) = await dead_letters(kafka, bad_key)
    assert reason.startswith("area: ")

    async def opened() -> list[bytes | None]:
        records = await everything(kafka, CASE)
        return [record.key for record in records if source.encode()[:60] in (record.value or b"")]

    await until(opened)
    assert len(await opened()) == 1


async def test_a_killed_intake_loses_no_accepted_report_and_doubles_none(service: Service, kafka: str) -> None:
    accepted: dict[str, str] = {}

    async def sender(number: int) -> None:
        for turn in range(20):
            key = f"kill-{number}-{turn}"
            async with asyncio.timeout(120):
                while True:
                    try:
                        answer = await service.report(key)
                    except Exception:  # noqa: BLE001  the process is being killed: try again, as a client does
                        await asyncio.sleep(0.1)
                        continue
                    if answer.status_code == 201:
                        accepted[key] = answer.json()["case_id"]
                        break

    senders = [asyncio.create_task(sender(number)) for number in range(8)]
    await until(lambda: _more_than(accepted, 40))
    await service.end(signal.SIGKILL)
    await service.start()
    await asyncio.gather(*senders)

    mine = set(accepted.values())
    assert len(mine) == 8 * 20

    async def opened() -> list[Record]:
        return [record for record in await everything(kafka, CASE) if (record.key or b"").decode() in mine]

    async def all_opened() -> bool:
        return {record.key for record in await opened()} == {case_id.encode() for case_id in mine}

    await until(all_opened)
    # A relay killed between send and delete sends again: the same event ids, which consumers drop.
    assert len({record.header("ce_id") for record in await opened()}) == len(mine)


async def _more_than(accepted: dict[str, str], count: int) -> bool:
    return len(accepted) > count


async def test_sigterm_ends_it_with_status_0(service: Service) -> None:
    assert (await service.report()).status_code == 201
    assert await service.end(signal.SIGTERM) == 0
    assert "intake is going down" in service.log.read_text()


@pytest.mark.slow
async def test_while_kafka_is_away_reports_are_accepted_and_leave_in_order_afterwards(
    postgres: str, tmp_path: Path
) -> None:
    with (
        data_folder("intake-kafka") as data,
        running_kafka(data, cache=default_cache(), progress=Quiet()) as (keeper, place),
    ):
        async with running_intake(place.bootstrap, postgres, tmp_path) as service:
            await asyncio.to_thread(keeper.stop)
            cases = []
            for number in range(20):
                answer = await service.report(f"away-{number}")
                assert answer.status_code == 201
                cases.append(answer.json()["case_id"])
            assert (await service.ops.get("/readyz")).status_code == 200
            assert (await service.ops.get("/livez")).status_code == 200
            connection = await asyncpg.connect(postgres, server_settings={"search_path": "intake"})
            waiting = {row["key"].decode() for row in await connection.fetch("SELECT key FROM outbox")}
            assert waiting >= set(cases)
            await asyncio.to_thread(keeper.start)

            async def empty() -> bool:
                return bool(await connection.fetchval("SELECT count(*) = 0 FROM outbox"))

            await until(empty, seconds=120)
            await connection.close()
            sent = [(record.key or b"").decode() for record in await everything(place.bootstrap, CASE)]
            assert sorted(one for one in sent if one in set(cases)) == sorted(cases)


async def test_canaries_visit_the_partitions_in_turn_and_close_themselves(
    kafka: str, postgres: str, tmp_path: Path
) -> None:
    async with running_intake(kafka, postgres, tmp_path, WHISTLE_CANARY_COUNTY="", WHISTLE_CANARY_SECONDS="1"):
        connection = await asyncpg.connect(postgres)
        try:
            query = "SELECT case_id FROM intake.case_snapshot WHERE purpose = 'canary' ORDER BY opened_at"
            await until(lambda: several(connection, query, 4), seconds=60)
            rows = await connection.fetch(query)
            keys = await connection.fetch("SELECT key FROM intake.client_key WHERE owner = 'canary'")
        finally:
            await connection.close()
        turns = {
            case_id_of(canary_id(slot, seconds=1, partition_of=partition_of)): int(slot.timestamp()) % CASE_PARTITIONS
            for slot in (datetime.fromisoformat(row["key"]) for row in keys)
        }
        mine = {str(row["case_id"]).encode(): row["case_id"] for row in rows}
        await until(lambda: sent(kafka, set(mine)), seconds=30)
        records = [one for one in await everything(kafka, CASE) if one.key in mine]
        lie = {UUID(one.key.decode()): one.partition for one in records if one.key is not None}
        assert lie.items() <= turns.items(), "each second's canary lies in the partition whose turn it is"
        case_id = str(rows[0]["case_id"])
        view = (await events_of(kafka, CASE, case_id))[0].data
        assert isinstance(view, CaseEvent)
        order = order_of(view.case, COUNTY_DESK, OrderRole.LEAD, Level.COUNTY)
        issued = OrderIssued(order=order, case=view.case, explanation=why(), cause_id=uuid4())
        await send(kafka, message_of(issued, case_id))
        await until(lambda: is_closed(kafka, case_id), seconds=30)


async def several(connection: asyncpg.Connection[asyncpg.Record], query: str, many: int) -> bool:
    return len(await connection.fetch(query)) >= many


async def sent(kafka: str, keys: set[bytes]) -> bool:
    return keys <= {one.key for one in await everything(kafka, CASE)}


async def is_closed(kafka: str, case_id: str) -> bool:
    return any(event.type == "whistle.case.closed.v1" for event in await events_of(kafka, CASE, case_id))
