"""Who changed a mode, why and from where stands in the audit; what is done to it behind the audit's back is found."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from uuid import UUID

import pytest

from services.intake.domain.auditing import Entry
from shared.runtime.auth import KeyRing
from shared.runtime.migrate import migrate
from shared.runtime.postgres import open_pool
from tests.fakes.called_county import FLOOD, STORM, TOWN_FLOOD
from tests.fakes.small_county import COUNTY, EAST, WEST
from tests.integration.intake.harness import Intake, bearer, opened
from tests.integration.intake.test_audit_chain import World
from tests.integration.intake.test_modes import confirm, enter, propose


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """Intake on a database of its own, and its audit."""

    intake: Intake
    audit: World
    flood: str
    """The change by which the county is in its flood mode."""

    async def entries(self, area: str = COUNTY) -> Sequence[Entry]:
        return await self.audit.audit.of_modes(area, after=(0, 0), most=100)


@pytest.fixture
async def books(postgres: str, keyring: KeyRing) -> AsyncIterator[Books]:
    await migrate(postgres, ["intake"])
    pool = await open_pool(postgres, "intake")
    await pool.execute("DROP SCHEMA intake CASCADE")
    await pool.close()
    async with opened(postgres, keyring) as intake:
        flood = await enter(intake, FLOOD)
        yield Books(intake=intake, audit=World(intake.pool), flood=flood)


async def test_each_step_says_who_why_and_from_where(books: Books) -> None:
    proposed, entered = await books.entries()
    assert (proposed.kind, entered.kind) == ("whistle.mode.proposed", "whistle.mode.in_force")
    assert {one.subject for one in (proposed, entered)} == {UUID(books.flood)}
    assert (proposed.who, entered.who) == ("desk 990101 小县指挥中心", "operator 990101 值班长")
    assert proposed.key_id != entered.key_id != ""
    assert {one.why for one in (proposed, entered)} == {"县防指通知"}
    assert proposed.origin.startswith("http /v1/modes")
    assert entered.origin.startswith("http /v1/modes")
    await books.audit.seal()
    assert await books.audit.flaw() is None


async def test_a_proposal_in_anothers_place_says_whose(books: Books) -> None:
    first = (await propose(books.intake, "normal")).json()["change_id"]
    body = {"area": COUNTY, "mode": "normal", "reason": "水退了"}
    await books.intake.http.post("/v1/modes", json=body, headers=bearer("operator"))
    steps = [(one.kind, one.who) for one in await books.entries() if str(one.subject) == first]
    assert steps == [
        ("whistle.mode.proposed", "desk 990101 小县指挥中心"),
        ("whistle.mode.superseded", "operator 990101 值班长"),
    ]
    assert (await confirm(books.intake, first)).status_code == 409
    await books.audit.seal()
    assert await books.audit.flaw() is None


async def test_a_mode_left_and_others_beside_it_hold(books: Books) -> None:
    await books.audit.seal()
    await enter(books.intake, TOWN_FLOOD, WEST)
    await enter(books.intake, "normal")
    await enter(books.intake, STORM)
    await books.audit.seal()
    assert await books.audit.flaw() is None
    assert {one.kind for one in await books.entries(WEST)} == {"whistle.mode.proposed", "whistle.mode.in_force"}
    assert await books.entries(EAST) == []


TAMPERED = {
    "another who": "UPDATE mode_change SET change = jsonb_set(change, '{by,name}', '\"x\"')",
    "another second person": "UPDATE mode_change SET change = jsonb_set(change, '{confirmed_by,name}', '\"x\"')",
    "another reason": "UPDATE mode_change SET change = jsonb_set(change, '{reason}', '\"x\"')",
    "a removed change": "DELETE FROM mode_settling; DELETE FROM mode_change",
}


@pytest.mark.parametrize("sealed", (True, False))
@pytest.mark.parametrize("name", TAMPERED)
async def test_a_tampered_row_is_found(books: Books, name: str, *, sealed: bool) -> None:
    if sealed:
        await books.audit.seal()
    await books.intake.pool.execute(TAMPERED[name])
    flaw = await books.audit.flaw()
    assert flaw is not None
    if "removed" not in name:
        assert books.flood in flaw.words
    assert "changed" in flaw.words or "not the one that was entered" in flaw.words


@pytest.mark.parametrize(
    "statement",
    (
        "UPDATE mode_in_force SET mode = 'normal'",
        "DELETE FROM mode_in_force",
        "INSERT INTO mode_in_force SELECT '990101002', mode, kind, grade, 1, change_id, changed_at FROM mode_in_force",
    ),
)
async def test_a_mode_that_nobody_entered_is_found(books: Books, statement: str) -> None:
    await books.audit.seal()
    await books.intake.pool.execute(statement)
    flaw = await books.audit.flaw()
    assert flaw is not None
    assert "not the one that was entered last" in flaw.words


async def test_a_mode_put_back_to_one_of_before_is_found(books: Books) -> None:
    before = await books.intake.pool.fetchrow("SELECT * FROM mode_in_force")
    assert before is not None
    await enter(books.intake, "normal")
    await books.intake.pool.execute(
        "UPDATE mode_in_force SET mode = $1, change_id = $2", before["mode"], before["change_id"]
    )
    flaw = await books.audit.flaw()
    assert flaw is not None
    assert COUNTY in flaw.words


async def test_a_change_slipped_in_without_an_entry_is_found(books: Books) -> None:
    await books.intake.pool.execute("ALTER TABLE mode_change DISABLE TRIGGER audit_modes")
    slipped = (await propose(books.intake, "normal")).json()["change_id"]
    await books.intake.pool.execute("ALTER TABLE mode_change ENABLE TRIGGER audit_modes")
    flaw = await books.audit.flaw()
    assert flaw is not None
    assert flaw.words == f"change of mode {slipped} has no entry"


async def test_a_step_taken_by_hand_is_of_unknown_origin(books: Books) -> None:
    await propose(books.intake, "normal")
    await books.intake.pool.execute("UPDATE mode_change SET state = 'void' WHERE state = 'proposed'")
    assert (await books.entries())[-1].origin == "unknown"
    flaw = await books.audit.flaw()
    assert flaw is None  # it is in the audit as what it was: nobody's door


async def test_what_was_there_before_the_audit_of_modes_is_noted_as_it_is(postgres: str, books: Books) -> None:
    await books.intake.pool.execute(
        """
        DROP TRIGGER audit_modes ON mode_change; DROP FUNCTION audit_modes(); DROP FUNCTION audit_mode;
        ALTER TABLE audit DISABLE TRIGGER audit_stays; DELETE FROM audit; ALTER TABLE audit ENABLE TRIGGER audit_stays;
        DELETE FROM migration WHERE name LIKE '0017%'
        """
    )
    await migrate(postgres, ["intake"])
    (noted,) = await books.entries()
    assert (noted.kind, noted.origin) == ("whistle.mode.in_force", "before")
    await books.audit.seal()
    assert await books.audit.flaw() is None
    await enter(books.intake, "normal")
    assert await books.audit.flaw() is None


@pytest.mark.parametrize(
    ("key", "asked", "status"),
    (
        ("auditor", {"modes_of": COUNTY}, 200),
        ("auditor", {"modes_of": WEST}, 200),
        ("auditor", {"modes_of": "990102"}, 403),
        ("auditor", {"modes_of": "x"}, 422),
        ("auditor", {"modes_of": COUNTY, "case_id": str(UUID(int=1))}, 422),
        ("auditor", {}, 422),
        ("county desk", {"modes_of": COUNTY}, 403),
    ),
)
async def test_it_is_read_by_whom_the_audit_is(books: Books, key: str, asked: dict[str, str], status: int) -> None:
    answer = await books.intake.http.get("/v1/audit", params=asked, headers=bearer(key))
    assert answer.status_code == status, answer.text
    if asked == {"modes_of": COUNTY}:
        assert key != "auditor" or [one["kind"] for one in answer.json()["entries"]] == [
            "whistle.mode.proposed",
            "whistle.mode.in_force",
        ]
