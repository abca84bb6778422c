"""The least that takes a report over HTTP and has it durable before it answers: FastAPI and one produce.

What is sent is as long as an opening event of intake; nothing is placed, named, looked up, or kept to be asked again.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from aiokafka import AIOKafkaProducer
from fastapi import FastAPI, Request
from pydantic import BaseModel, Field

TOPIC = "bench-bare-intake"
FILLED_TO_BYTES = 900
"""An opening event of intake with the report that the bench sends."""


class Report(BaseModel):
    """The least that a report says."""

    source: str
    text: str = Field(max_length=8000)
    category: str | None = None
    area: str


@asynccontextmanager
async def produced(app: FastAPI) -> AsyncIterator[None]:
    async with AIOKafkaProducer(
        bootstrap_servers=os.environ["BARE_KAFKA"], acks="all", enable_idempotence=True
    ) as producer:
        app.state.producer = producer
        yield


app = FastAPI(lifespan=produced)


@app.post("/v1/reports", status_code=201)
async def report(report: Report, request: Request) -> dict[str, str]:
    case_id = str(uuid.uuid4())
    body = report.model_dump_json().encode()
    await request.app.state.producer.send_and_wait(TOPIC, body.ljust(FILLED_TO_BYTES), key=case_id.encode())
    return {"case_id": case_id, "state": "opened"}


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["BARE_PORT"]), log_level="warning", access_log=False)
