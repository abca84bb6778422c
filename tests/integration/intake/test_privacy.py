"""Who reported is seen with a reason, by whom it may be, and taken out for good; every look stands in the audit."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from cryptography.fernet import Fernet

from services.intake.custody import Custody
from services.intake.darkroom import KeptPhotos
from services.intake.domain.life.permissions import Bearer
from services.intake.domain.reports.persons import ERASED
from services.intake.handlers.privacy import Erasure, erase_person, retain, retain_photos
from services.intake.store.photos import PostgresPhotos
from services.intake.upkeep import BEGIN, DataKeys, Retention, Sealing
from services.intake.vault import EnvelopeVault, PostgresDataKeys
from shared.runtime.blobs import Blobs, photo_key, thumbnail_key
from shared.runtime.clock import utc_now
from shared.vocabulary import Role
from tests.fakes.small_county import COUNTY
from tests.integration.intake.harness import SECRET, Intake, bearer
from tests.integration.intake.waiting import until

WHO = {"name": "欧阳小明", "phone": "13800001111", "address": "幸福路12号3栋"}
TEXT = "市场门口燃气味很重,我电话13800001111"


def phone_of(number: int) -> str:
    return f"139{number:08d}"


async def filed(intake: Intake, **changes: Any) -> UUID:
    answer = await intake.report(**{"reporter": WHO, "text": TEXT, **changes})
    assert answer.status_code == 201, answer.text
    return UUID(answer.json()["report_id"])


async def look(intake: Intake, report_id: UUID, key: str, **body: Any) -> Any:
    body = body or {"reason": "回访核实"}
    return await intake.http.post(f"/v1/reports/{report_id}/reporter", json=body, headers=bearer(key))


async def ask(intake: Intake, what: str, key: str = "operator", **body: Any) -> Any:
    return await intake.http.post(f"/v1/privacy/{what}", json={"reason": "本人申请", **body}, headers=bearer(key))


async def looks_at(intake: Intake, subject: UUID) -> Sequence[tuple[str, str, str]]:
    found = await intake.custody.audit.of_subject(subject, after=(0, 0), most=100)
    return [(one.kind, one.why, one.origin) for one in found]


async def test_a_look_is_shown_by_level_and_stands_in_the_audit(intake: Intake) -> None:
    report_id = await filed(intake)
    full = await look(intake, report_id, "county desk")
    assert full.status_code == 200, full.text
    assert full.json() | WHO == full.json()
    assert full.json()["text"] == TEXT
    partly = (await look(intake, report_id, "west desk")).json()
    assert (partly["sight"], partly["name"], partly["phone"]) == ("partly", "欧阳**", "138****1111")
    assert "address" not in partly
    assert "text" not in partly
    contact = (await look(intake, report_id, "west village")).json()
    assert contact["sight"] == "contact"
    assert not {"name", "phone", "address", "text"} & set(contact)
    seen = await looks_at(intake, report_id)
    assert [(kind, why) for kind, why, _ in seen] == [("read", "回访核实")] * 3
    assert seen[0][2].startswith("http /v1/reports")


@pytest.mark.parametrize("key", ("hotline", "gas bureau", "auditor"))
async def test_others_see_nothing_and_leave_no_entry(intake: Intake, key: str) -> None:
    report_id = await filed(intake)
    answer = await look(intake, report_id, key)
    assert answer.status_code == 403, answer.text
    assert WHO["phone"] not in answer.text
    assert not await looks_at(intake, report_id)


async def test_a_report_of_another_area_is_not_there(intake: Intake) -> None:
    assert (await look(intake, await filed(intake), "east desk")).status_code == 404
    assert (await look(intake, uuid4(), "county desk")).status_code == 404


@pytest.mark.parametrize("body", ({"reason": ""}, {"reason": "  "}, {"reason": "x" * 501}, {"why": "x"}))
async def test_without_a_reason_nothing_is_shown(intake: Intake, body: dict[str, str]) -> None:
    report_id = await filed(intake)
    answer = await look(intake, report_id, "county desk", **body)
    assert answer.status_code == 422
    assert not await looks_at(intake, report_id)


async def test_a_secret_reporter_is_shown_to_the_countys_leader_alone(intake: Intake) -> None:
    report_id = await filed(intake, secret=True)
    for key in ("county desk", "operator", "west desk", "west village"):
        assert (await look(intake, report_id, key)).status_code == 403
    assert (await look(intake, report_id, "county head")).json()["phone"] == WHO["phone"]
    exported = (await ask(intake, "export", phone=WHO["phone"])).json()["reports"]
    mine = next(one for one in exported if one["report_id"] == str(report_id))
    assert "reporter" not in mine
    assert "county's leader" in mine["withheld"]


async def test_a_secret_profile_says_so_on_every_event(intake: Intake) -> None:
    report_id = await filed(intake, secret=True)
    data = await intake.pool.fetchval(
        "SELECT data::text FROM case_event JOIN report USING (case_id) WHERE report_id = $1", report_id
    )
    assert json.loads(data)["case"]["secret"] is True


async def test_who_named_nobody_is_not_there(intake: Intake) -> None:
    answer = await look(intake, await filed(intake, reporter=None, text="市场门口燃气味很重"), "county desk")
    assert answer.status_code == 404
    assert "names nobody" in answer.text


async def test_one_persons_data_come_out_whole_and_nobody_elses(intake: Intake) -> None:
    phone = phone_of(1)
    mine = [await filed(intake, reporter={"name": "甲", "phone": one}) for one in (phone, f"+86 {phone}")]
    await filed(intake, reporter={"name": "乙", "phone": phone_of(2)})
    told = (await ask(intake, "export", phone=phone)).json()
    assert [UUID(one["report_id"]) for one in told["reports"]] == mine
    assert {one["reporter"]["name"] for one in told["reports"]} == {"甲"}
    assert told["complete"] is True
    assert ("export", "本人申请") in [(kind, why) for kind, why, _ in await looks_at(intake, mine[0])]


@pytest.mark.parametrize("what", ("export", "erase", "retain", "rewrap"))
@pytest.mark.parametrize("key", ("hotline", "county desk", "west desk", "gas bureau", "auditor"))
async def test_only_operators_and_the_leader_of_a_county_answer_for_personal_data(
    intake: Intake, what: str, key: str
) -> None:
    body = {"retain": {"reason": None}, "rewrap": {}}.get(what, {"phone": "13800001111"})
    payload = {name: value for name, value in {"reason": "x", **body}.items() if value is not None}
    answer = await intake.http.post(f"/v1/privacy/{what}", json=payload, headers=bearer(key))
    assert answer.status_code == 403, answer.text


async def test_an_erased_person_is_gone_and_what_happened_stays(intake: Intake) -> None:
    phone = phone_of(3)
    report_id = await filed(intake, reporter={**WHO, "phone": phone}, text=f"市场门口燃气味很重,我电话{phone}")
    events = await intake.rows("case_event")
    compared = "SELECT count(*) FROM case_profile JOIN report USING (case_id) WHERE report_id = $1"
    assert await intake.pool.fetchval(compared, report_id) == 1
    assert (await ask(intake, "erase", phone=phone)).json() == {"reports": 1, "photos": 0, "left": 0}
    assert (await look(intake, report_id, "county desk")).status_code == 404
    assert (await ask(intake, "export", phone=phone)).json()["reports"] == []
    assert await intake.pool.fetchval("SELECT text FROM report WHERE report_id = $1", report_id) == ERASED
    assert await intake.pool.fetchval(compared, report_id) == 0, "its words stay with what new reports meet"
    assert await intake.rows("case_event") == events
    tables = ("report", "reporter", "client_key", "audit", "case_event", "case_snapshot")
    dump = [str(await intake.pool.fetch(f"SELECT t::text FROM {table} t")) for table in tables]  # noqa: S608  own tables
    assert not [text for text in dump if phone in text]
    assert ("erase", "本人申请") in [(kind, why) for kind, why, _ in await looks_at(intake, report_id)]


@pytest.mark.parametrize(
    ("body", "status"),
    (
        ({}, 422),
        ({"phone": "13800001111", "report_id": str(uuid4())}, 422),
        ({"phone": "没有电话"}, 422),
        ({"report_id": str(uuid4())}, 404),
    ),
)
async def test_an_order_to_erase_must_say_what(intake: Intake, body: dict[str, str], status: int) -> None:
    answer = await ask(intake, "erase", **body)
    assert answer.status_code == status, answer.text


class RemovedBlobs(Blobs):
    """Remembers what was removed."""

    def __init__(self) -> None:
        self.gone: list[str] = []

    async def delete(self, keys: Sequence[str]) -> None:
        self.gone += keys


async def test_photos_go_with_their_last_report(intake: Intake) -> None:
    blobs, photo = RemovedBlobs(), "ab" * 32
    custody = replace(intake.custody, photos=KeptPhotos(blobs, PostgresPhotos(intake.pool)))
    reports = [await filed(intake, reporter={"phone": phone_of(4 + n)}) for n in range(2)]
    await intake.pool.executemany(
        "INSERT INTO report_photo (report_id, position, photo_id, photo) VALUES ($1, 0, $2, '{}')",
        [(report_id, photo) for report_id in reports],
    )
    who = Bearer(key_id="op", role=Role.OPERATOR, area=COUNTY)
    gone: list[list[str]] = []
    for report_id in reports:
        await erase_person(Erasure(report_id=report_id), "x", bearer=who, custody=custody)
        gone.append(list(blobs.gone))
    assert gone == [[], [photo_key(photo), thumbnail_key(photo)]]


@pytest.fixture
async def outlived(intake: Intake) -> AsyncIterator[dict[str, UUID]]:
    """Three reports: of a case long closed, of one closed lately, and of one as old that is still open."""
    made = {
        name: await filed(intake, reporter={"phone": phone_of(100 + n)})
        for n, name in enumerate(("old", "new", "open"))
    }
    ages = {"old": (1200, 1100, True), "new": (1200, 10, True), "open": (1200, 1100, False)}
    for name, (received, updated, closed) in ages.items():
        await intake.pool.execute(
            "UPDATE reporter SET received_at = now() - make_interval(days => $2) WHERE report_id = $1",
            made[name],
            received,
        )
        await intake.pool.execute(
            """
            UPDATE case_snapshot SET updated_at = now() - make_interval(days => $2), closed = $3
            WHERE case_id = (SELECT case_id FROM report WHERE report_id = $1)
            """,
            made[name],
            updated,
            closed,
        )
    yield made
    await intake.pool.execute("DELETE FROM reporter WHERE report_id = ANY($1::uuid[])", list(made.values()))


async def kept(intake: Intake, made: dict[str, UUID]) -> set[str]:
    rows = await intake.pool.fetch(
        "SELECT report_id FROM reporter WHERE report_id = ANY($1::uuid[])", list(made.values())
    )
    there = {row["report_id"] for row in rows}
    return {name for name, report_id in made.items() if report_id in there}


async def test_what_has_outlived_its_time_is_counted_first_and_then_taken_out(
    intake: Intake, outlived: dict[str, UUID]
) -> None:
    dry = await ask_retain(intake, dry_run=True)
    assert dry["outlived"] == 1
    assert await kept(intake, outlived) == {"old", "new", "open"}
    assert (await ask_retain(intake))["outlived"] == 1
    assert await kept(intake, outlived) == {"new", "open"}
    assert (await ask_retain(intake))["outlived"] == 0
    assert [kind for kind, _, _ in await looks_at(intake, outlived["old"])] == ["retain"]


async def ask_retain(intake: Intake, **body: Any) -> Any:
    answer = await intake.http.post("/v1/privacy/retain", json=body, headers=bearer("operator"))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_another_countys_walk_takes_nothing_here(intake: Intake, outlived: dict[str, UUID]) -> None:
    step = await retain("990199", after=BEGIN, dry_run=False, by=None, custody=intake.custody)
    assert step.outlived == 0
    assert await kept(intake, outlived) == {"old", "new", "open"}


async def test_time_takes_out_by_itself_what_has_outlived_it(intake: Intake, outlived: dict[str, UUID]) -> None:
    await intake.pool.execute(
        "INSERT INTO client_key (owner, key, fingerprint, answer, at) VALUES ('o', 'old', '', '', '2020-01-01')"
    )
    timer = Retention(intake.doors, intake.custody, audit_days=3650, every=timedelta(milliseconds=20))
    for _ in range(3):
        await timer._round()
    assert await kept(intake, outlived) == {"new", "open"}
    assert not await intake.pool.fetchval("SELECT count(*) FROM client_key WHERE key = 'old'")
    assert await timer._round() is False  # done for today


def answer_by(intake: Intake, custody: Custody) -> None:
    """Have the API answer for personal data by ``custody`` from now on."""
    transport = intake.http._transport
    assert isinstance(transport, httpx.ASGITransport)
    app: Any = transport.app
    app.state.custody = custody


async def test_photos_outlive_their_time_by_themselves(intake: Intake, outlived: dict[str, UUID]) -> None:
    photo = "cd" * 32
    await intake.pool.executemany(
        "INSERT INTO report_photo (report_id, position, photo_id, photo) VALUES ($1, 0, $2, '{}')",
        [(outlived["old"], photo), (outlived["new"], "ef" * 32)],
    )
    blobs = RemovedBlobs()
    custody = replace(intake.custody, photos=KeptPhotos(blobs, PostgresPhotos(intake.pool)))
    assert [await retain_photos(COUNTY, custody=custody) for _ in range(2)] == [1, 0]
    assert blobs.gone == [photo_key(photo), thumbnail_key(photo)]
    assert await intake.pool.fetchval("SELECT count(*) FROM report_photo WHERE report_id = $1", outlived["new"]) == 1


async def test_new_keys_are_put_in_force_by_two_requests(intake: Intake) -> None:
    report_id = await filed(intake)
    legacy = await filed(intake, reporter={"phone": phone_of(9), "name": "旧"})
    plain = json.dumps({"reporter": {"name": "旧", "phone": phone_of(9), "address": ""}}).encode()
    await intake.pool.execute(
        "UPDATE reporter SET sealed = $2, person = NULL WHERE report_id = $1", legacy, Fernet(SECRET).encrypt(plain)
    )
    fresh = Fernet.generate_key().decode()
    vault = EnvelopeVault(f"{fresh},{SECRET}", book=PostgresDataKeys(intake.pool))
    await vault.keep([COUNTY], now=utc_now())
    custody = replace(intake.custody, vault=vault)
    answer_by(intake, custody)
    answer = (await ask(intake, "rewrap")).json()
    assert answer["rewrapped"] >= 2
    assert (answer["left"], answer["unreadable"], answer["after"]) == (0, 0, None)
    assert answer["resealed"] >= 1
    alone = EnvelopeVault(fresh, book=PostgresDataKeys(intake.pool))
    await alone.keep([COUNTY], now=utc_now())
    answer_by(intake, replace(custody, vault=alone))
    for one in (report_id, legacy):
        assert (await look(intake, one, "county desk")).status_code == 200
    (found,) = (await ask(intake, "export", phone=phone_of(9))).json()["reports"]
    assert found["reporter"]["name"] == "旧"
    back = EnvelopeVault(f"{SECRET},{fresh}", book=PostgresDataKeys(intake.pool))
    assert (await back.rewrap())["left"] == 0


async def test_a_row_that_opens_with_no_key_holds_up_nothing(intake: Intake) -> None:
    lost = await filed(intake, reporter={"phone": phone_of(10)})
    stranger = Fernet(Fernet.generate_key()).encrypt(b"{}")
    await intake.pool.execute("UPDATE reporter SET sealed = $2 WHERE report_id = $1", lost, stranger)
    vault = EnvelopeVault(SECRET, book=PostgresDataKeys(intake.pool))
    await DataKeys(intake.doors, vault, intake.custody)._round()
    (found,) = (await ask(intake, "export", phone=phone_of(10))).json()["reports"]
    assert "no key" in found["unreadable"]
    assert (await look(intake, lost, "county desk")).status_code == 422
    assert (await ask(intake, "rewrap")).json()["unreadable"] == 1
    await intake.pool.execute("DELETE FROM reporter WHERE report_id = $1", lost)


async def test_the_audit_is_read_and_checked_by_auditors_alone(intake: Intake) -> None:
    case_id = await intake.open()
    await intake.act(case_id, "operator", "sign")
    sealing = Sealing(intake.doors, intake.custody)

    async def all_sealed() -> bool:
        await sealing._round()
        return (await intake.custody.audit.state()).waiting == 0

    await until(all_sealed, seconds=60)
    got = await intake.http.get("/v1/audit", params={"case_id": str(case_id)}, headers=bearer("auditor"))
    (opened,) = got.json()["entries"]
    assert (opened["kind"], opened["version"]) == ("whistle.case.opened.v1", 1)
    head = (await intake.http.get("/v1/audit/head", headers=bearer("auditor"))).json()
    after, more, last = 0, True, ""
    while more:
        step = (await intake.http.get("/v1/audit/check", params={"after": after}, headers=bearer("auditor"))).json()
        assert step["flaw"] is None, step
        after, more, last = step["last"], step["more"], step["head"]
    assert (after, last) == (head["block"], head["head"])
    for path in ("/v1/audit/head", "/v1/audit/check", "/v1/audit/check-facts", f"/v1/audit?case_id={case_id}"):
        for key in ("hotline", "county desk", "gas bureau", "county head"):
            assert (await intake.http.get(path, headers=bearer(key))).status_code == 403
    assert (await intake.http.get("/v1/audit", headers=bearer("auditor"))).status_code == 422
    unknown = await intake.http.get("/v1/audit", params={"case_id": str(uuid4())}, headers=bearer("auditor"))
    assert unknown.status_code == 404
