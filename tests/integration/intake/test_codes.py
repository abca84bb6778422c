"""A tracking code is its reporter's right and stands nowhere in the database, and a repeated request still tells it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from cryptography.fernet import Fernet

from services.intake.handlers.doors import answer_to_report, replay
from services.intake.vault import EnvelopeVault, Unreadable
from tests.integration.intake.harness import REPORT, SECRET, Intake, bearer
from tests.integration.intake.test_batch import NDJSON

if TYPE_CHECKING:
    from shared.runtime.postgres import Pool


FRESH = Fernet.generate_key().decode()


async def whoever_holds(pool: Pool, word: str) -> set[str]:
    """The tables of intake one of whose columns holds ``word``, as text or as bytes."""
    tables = await pool.fetch(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'intake' AND table_type = 'BASE TABLE'"
    )
    found = set()
    for row in tables:
        name = row["table_name"]
        query = f'SELECT count(*) FROM "{name}" AS one WHERE one::text ILIKE $1 OR one::text ILIKE $2'  # noqa: S608
        if await pool.fetchval(query, f"%{word}%", f"%{word.encode().hex()}%"):
            found.add(name)
    return found


async def test_no_column_of_the_schema_holds_a_code(intake: Intake) -> None:
    key = {"Idempotency-Key": f"code-{uuid4()}"}
    single = await intake.report(headers=key, reporter={"name": "张三", "phone": "13800002222"})
    lines = [json.dumps({**REPORT, "text": f"路灯不亮 {n} {uuid4()}", "key": f"line-{uuid4()}"}) for n in range(3)]
    batch = await intake.http.post(
        "/v1/reports/batch", content="\n".join(lines).encode(), headers=bearer("hotline") | NDJSON
    )
    answers = [single.json(), *(json.loads(line)["report"] for line in batch.text.splitlines())]
    codes = [one["tracking_code"] for one in answers]
    assert len(codes) == 4
    # The search finds what is there, in text and in bytes.
    assert "report" in await whoever_holds(intake.pool, str(single.json()["report_id"]))
    assert "outbox" in await whoever_holds(intake.pool, "whistle.case.v1")
    for code in codes:
        assert await whoever_holds(intake.pool, code) == set()
        assert await whoever_holds(intake.pool, code.replace("-", "")) == set()


async def test_a_repeated_request_is_answered_word_by_word(intake: Intake) -> None:
    key = {"Idempotency-Key": f"code-{uuid4()}"}
    text = f'路灯不亮 "tracking_code":"AAAA" {uuid4()}'
    first = await intake.report(headers=key, text=text)
    again = await intake.report(headers=key, text=text)
    assert (again.status_code, again.headers["idempotent-replayed"]) == (201, "true")
    assert again.text == first.text


async def test_an_answer_from_before_codes_were_hidden_is_told_as_it_is(intake: Intake) -> None:
    key = {"Idempotency-Key": f"code-{uuid4()}"}
    first = await intake.report(headers=key)
    await intake.pool.execute("UPDATE client_key SET answer = $2 WHERE key = $1", key["Idempotency-Key"], first.text)
    assert (await intake.report(headers=key)).text == first.text


def test_a_hidden_code_is_told_after_a_change_of_keys_and_for_its_own_answer_alone() -> None:
    body = '{"tracking_code":"K7QM-2XVN-8RTD-C4HP"}'
    old = EnvelopeVault(SECRET)
    kept, other = (answer_to_report(body, asked, old) for asked in (b"asked", b"other"))
    assert "K7QM" not in kept.body
    assert answer_to_report(body, b"asked", old).body != kept.body
    newer = EnvelopeVault(f"{FRESH},{SECRET}")
    assert replay(kept, b"asked", newer).body == body
    swapped = replace(kept, body=other.body)
    with pytest.raises(Unreadable):
        replay(swapped, b"asked", newer)
