"""One trace id from a resident's report to the signed webhook, across four processes and Kafka."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.local.keys import DEMO_COUNTY
from shared.events.topics import CASE, ORDER
from tests.e2e.sink import sink
from tests.e2e.walk import door, until

if TYPE_CHECKING:
    from deploy.local.platform import Platform

AREA = f"{DEMO_COUNTY}001001"
PHONE = "13800138000"


def spans_of(traces: Path, trace_id: str) -> list[dict[str, Any]]:
    """Every span of one trace that the services have written so far."""
    lines = (
        line for file in traces.glob("*.jsonl") for line in file.read_text(encoding="utf-8").splitlines(keepends=True)
    )
    spans = [json.loads(line) for line in lines if line.endswith("\n")]
    return [span for span in spans if span["trace_id"] == trace_id]


async def headers_of(bootstrap: str, case_id: str) -> list[dict[str, bytes]]:
    """The Kafka headers of every case and order event of one case, as they lie on the topics now."""
    found: list[dict[str, bytes]] = []
    # From the earliest by setting, not by seek: a reset to the latest that is under way would win over the seek.
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    try:
        topics = (CASE, *ORDER.values())
        places = [TopicPartition(topic.name, number) for topic in topics for number in range(topic.partitions)]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        while any([await consumer.position(place) < ends[place] for place in places]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found += [dict(record.headers) for record in records if record.key == case_id.encode()]
    finally:
        await consumer.stop()
    return found


async def test_one_trace_id_runs_from_the_report_to_the_delivered_webhook(system: Platform) -> None:
    trace_id, parent = secrets.token_hex(16), secrets.token_hex(8)
    async with door(system, f"{DEMO_COUNTY}-operator") as edge:
        with sink() as department:
            await edge.subscribe(department, "/water", area=AREA)
            sent = await edge.intake.post(
                "/v1/reports",
                json={"source": "resident", "text": f"水管爆裂，请回电 {PHONE}", "area": AREA},
                headers={"traceparent": f"00-{trace_id}-{parent}-01"},
            )
            assert sent.status_code == 201
            assert sent.headers["traceresponse"].split("-")[1] == trace_id
            case_id = sent.json()["case_id"]

            async def delivered() -> dict[str, str] | None:
                """The headers of the webhook that tells of an order."""
                for delivery_id, body in list(department.bodies.items()):
                    if body["data"]["case_id"] == case_id and body["type"] == "whistle.order.issued.v1":
                        return department.headers[delivery_id]
                return None

            headers = await until(delivered, what="a webhook that tells of the order")
    assert headers["traceparent"].split("-")[1] == trace_id

    told = await headers_of(system.bootstrap, case_id)
    assert {b"whistle.case.opened.v1", b"whistle.order.issued.v1"} <= {headers["ce_type"] for headers in told}
    assert {headers["traceparent"].decode().split("-")[1] for headers in told} == {trace_id}

    traces = system.data / "traces"

    async def written() -> list[dict[str, Any]] | None:
        spans = spans_of(traces, trace_id)
        names = {(span["service.name"], span["name"]) for span in spans}
        wanted = {
            ("intake", "POST /v1/reports"),
            ("router", f"process {CASE.name}"),
            ("notifier", "send webhook"),
        }
        return spans if wanted <= names else None

    spans = await until(written, what="the spans of intake, router and notifier")
    known = {span["span_id"] for span in spans} | {parent}
    door_span = next(span for span in spans if span["name"] == "POST /v1/reports")
    assert (door_span["parent_span_id"], door_span["kind"]) == (parent, "SERVER")
    webhooks = [span for span in spans if span["name"] == "send webhook"]
    assert headers["traceparent"].split("-")[2] in {span["span_id"] for span in webhooks}
    assert {span["name"] for span in spans if span["parent_span_id"] not in known} == set()


async def test_no_log_and_no_trace_holds_the_phone_of_a_reporter(system: Platform) -> None:
    async with door(system, f"{DEMO_COUNTY}-operator") as edge:
        report = {
            "source": "hotline",
            "text": f"路灯不亮，我的电话是{PHONE}",
            "area": AREA,
            "reporter": {"name": "李某某", "phone": PHONE},
        }
        sent = await edge.intake.post("/v1/reports", json=report)
        assert sent.status_code == 201
        refused = await edge.intake.post("/v1/reports", json={**report, "severity": PHONE})
        assert refused.status_code == 422
        case_id = sent.json()["case_id"]

        async def routed() -> bool:
            answer = await edge.notifier.get(f"/v1/cases/{case_id}")
            return answer.status_code == 200 and bool(answer.json()["orders"])

        await until(routed, what="the order of the case")
    written = [*system.logs.iterdir(), *(system.data / "traces").iterdir()]
    services = [file for file in written if file.stem in {"intake", "router", "escalation", "notifier"}]
    assert {file.suffix for file in services} == {".log", ".jsonl"}
    for file in services:
        text = file.read_text(encoding="utf-8", errors="replace")
        assert PHONE not in text, file.name
        assert "李某某" not in text, file.name
