"""Intake's API on a real PostgreSQL, with the small county's playbook and a key of every kind."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import httpx
import pytest
from cryptography.fernet import Fernet

from services.intake.api import make_api
from services.intake.custody import Custody
from services.intake.handlers import Doors
from services.intake.metrics import Metrics
from services.intake.store.audit import PostgresAudit
from services.intake.store.cases import PostgresCaseStore
from services.intake.store.privacy import PostgresPersons
from services.intake.vault import EnvelopeVault, PostgresDataKeys
from shared.events.codec import Message, encode
from shared.events.envelope import Event, Payload, derive_id
from shared.events.order import Explanation, Order
from shared.events.parts import CaseView, PlaybookRef, Target
from shared.runtime.auth import KeyRing, NewKey, new_key
from shared.runtime.clock import utc_now
from shared.runtime.delivery import Record
from shared.runtime.migrate import migrate
from shared.runtime.postgres import PoolSettings, open_pool
from shared.vocabulary import Level, OrderReason, OrderRole, Role
from tests.fakes.called_county import called_county
from tests.fakes.intake import FakePlaybooks
from tests.fakes.small_county import COUNTY, EAST, GAS_BUREAU, WEST, WEST_VILLAGE

if TYPE_CHECKING:
    from shared.runtime.postgres import Pool

SECRET = Fernet.generate_key().decode()
KEYS: dict[str, NewKey] = {
    "hotline": new_key(role=Role.SOURCE, area=COUNTY, name="12345"),
    "west source": new_key(role=Role.SOURCE, area=WEST, name="西镇网格"),
    "county desk": new_key(role=Role.DESK, area=COUNTY, name="小县指挥中心"),
    "west desk": new_key(role=Role.DESK, area=WEST, name="西镇平台"),
    "east desk": new_key(role=Role.DESK, area=EAST, name="东镇平台"),
    "west village": new_key(role=Role.DESK, area=WEST_VILLAGE, name="西村平台"),
    "village head": new_key(role=Role.LEADER, area=WEST_VILLAGE, name="西村书记"),
    "county head": new_key(role=Role.LEADER, area=COUNTY, name="县指挥长"),
    "gas bureau": new_key(role=Role.DEPARTMENT, area=COUNTY, department=GAS_BUREAU, name="燃气公司"),
    "operator": new_key(role=Role.OPERATOR, area=COUNTY, name="值班长"),
    "auditor": new_key(role=Role.AUDITOR, area=COUNTY, name="审计"),
}


def bearer(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {KEYS[name].token}"}


REPORT: Mapping[str, Any] = {"source": "hotline", "text": "市场门口燃气味很重", "area": WEST_VILLAGE}


@dataclass(slots=True, kw_only=True)
class Intake:
    """Intake's API and what stands behind it."""

    http: httpx.AsyncClient
    pool: Pool
    doors: Doors
    metrics: Metrics
    custody: Custody
    woken: list[None] = field(default_factory=list)

    async def report(self, key: str = "hotline", **changes: Any) -> httpx.Response:
        headers = bearer(key) | changes.pop("headers", {})
        body = {name: value for name, value in {**REPORT, **changes}.items() if value is not None}
        return await self.http.post("/v1/reports", json=body, headers=headers)

    async def open(self, **changes: Any) -> UUID:
        answer = await self.report(**changes)
        assert answer.status_code == 201, answer.text
        return UUID(answer.json()["case_id"])

    async def act(self, case_id: UUID, key: str, action: str, **body: Any) -> httpx.Response:
        headers = bearer(key) | body.pop("headers", {})
        return await self.http.post(f"/v1/cases/{case_id}/actions", json={"action": action, **body}, headers=headers)

    async def rows(self, table: str) -> int:
        return int(await self.pool.fetchval(f"SELECT count(*) FROM {table}"))  # noqa: S608  tables of the test's own


@pytest.fixture(scope="module")
def vault() -> EnvelopeVault:
    return EnvelopeVault(SECRET)


@pytest.fixture
def keyring() -> KeyRing:
    return KeyRing([made.key for made in KEYS.values()])


@pytest.fixture
async def intake(postgres: str, keyring: KeyRing) -> AsyncIterator[Intake]:
    async with opened(postgres, keyring) as intake:
        yield intake


@asynccontextmanager
async def opened(postgres: str, keyring: KeyRing) -> AsyncIterator[Intake]:
    """Intake on a migrated database, in whatever loop this is asked."""
    await migrate(postgres, ["intake"])
    # All connections at once: requests that race must not wait for one to be made.
    pool = await open_pool(
        postgres, "intake", settings=PoolSettings(smallest=8, largest=8, connect=timedelta(seconds=10))
    )
    woken: list[None] = []
    store = PostgresCaseStore(pool, committed=lambda: woken.append(None))
    sealing, playbooks = EnvelopeVault(SECRET, book=PostgresDataKeys(pool)), FakePlaybooks(called_county())
    await sealing.keep([COUNTY], now=utc_now())
    doors = Doors(store=store, playbooks=playbooks, vault=sealing, clock=utc_now)
    metrics = Metrics()
    custody = custody_of(pool, sealing, metrics)
    api = make_api(doors, keyring, metrics, custody=custody)
    transport = httpx.ASGITransport(api, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://intake") as http:
        yield Intake(http=http, pool=pool, doors=doors, metrics=metrics, custody=custody, woken=woken)
    await pool.close()


def custody_of(pool: Pool, vault: EnvelopeVault, metrics: Metrics) -> Custody:
    return Custody(
        audit=PostgresAudit(pool),
        persons=PostgresPersons(pool),
        vault=vault,
        playbooks=FakePlaybooks(called_county()),
        clock=utc_now,
        watch=metrics,
    )


def order_of(
    case: CaseView, target: Target, role: OrderRole, level: Level, generation: int = 0, order_id: UUID | None = None
) -> Order:
    return Order(
        order_id=order_id or derive_id(case.case_id, f"{role} {case.version}", target.id),
        case_id=case.case_id,
        role=role,
        reason=OrderReason.RULE,
        target=target,
        level=level,
        issued_at=utc_now(),
        generation=generation,
    )


def why() -> Explanation:
    return Explanation(playbook=PlaybookRef(version="1", digest="0" * 64), words="照规则", words_en="by rule")


def message_of(payload: Payload, subject: UUID | str, *, source: str = "/test") -> Message:
    event = Event(id=uuid4(), source=source, subject=str(subject), time=utc_now(), sequence=1, data=payload)
    return encode(event)


def record_of(payload: Payload, subject: UUID | str) -> Record:
    message = message_of(payload, subject)
    return Record(message.topic, 0, 0, message.key, message.value, message.headers, 0)
