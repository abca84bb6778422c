"""A FastAPI app that writes what intake writes at the least: one case and one outbox row, one transaction a request."""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import uvicorn
from fastapi import FastAPI, Request
from pydantic import BaseModel, Field

DDL = """
    CREATE SCHEMA IF NOT EXISTS bare;
    CREATE TABLE IF NOT EXISTS bare.report (id uuid PRIMARY KEY, area text NOT NULL, body text NOT NULL);
    CREATE TABLE IF NOT EXISTS bare.outbox (
        position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, key bytea NOT NULL, value bytea NOT NULL);
"""


class Report(BaseModel):
    """The least that a report says."""

    source: str
    text: str = Field(max_length=8000)
    category: str
    area: str


@asynccontextmanager
async def pooled(app: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ["BARE_POSTGRES"], min_size=8, max_size=8) as pool:
        await pool.execute(DDL)
        app.state.pool = pool
        yield


app = FastAPI(lifespan=pooled)


@app.post("/v1/reports", status_code=201)
async def report(report: Report, request: Request) -> dict[str, str]:
    case_id = uuid.uuid4()
    body = report.model_dump_json()
    async with request.app.state.pool.acquire() as connection, connection.transaction():
        await connection.execute("INSERT INTO bare.report VALUES ($1, $2, $3)", case_id, report.area, body)
        await connection.execute(
            "INSERT INTO bare.outbox (key, value) VALUES ($1, $2)", str(case_id).encode(), body.encode()
        )
    return {"case_id": str(case_id), "state": "opened"}


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["BARE_PORT"]), log_level="warning", access_log=False)
