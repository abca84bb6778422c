"""What is sealed opens again after any change of keys, and for nobody who has the database alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from cryptography.fernet import Fernet

from services.intake.vault import DataKeyBook, EnvelopeVault, PostgresDataKeys, Unreadable
from services.intake.vault.envelope import KEY_LIFE
from shared.runtime.migrate import migrate
from shared.runtime.postgres import open_pool
from tests.fakes.data_keys import FakeDataKeys

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
COUNTY, OTHER = "990101", "990102"
PLAIN = '{"reporter":{"name":"张三","phone":"13800138000"}}'.encode()
OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


@pytest.fixture(params=("fake", "postgres"))
async def book(request: pytest.FixtureRequest, postgres: str) -> AsyncIterator[DataKeyBook]:
    if request.param == "fake":
        yield FakeDataKeys()
        return
    await migrate(postgres, ["intake"])
    pool = await open_pool(postgres, "intake")
    await pool.execute("DELETE FROM data_key")
    yield PostgresDataKeys(pool)
    await pool.close()


async def vault(book: DataKeyBook | None, keys: str = OLD, now: datetime = NOON) -> EnvelopeVault:
    made = EnvelopeVault(keys, book=book)
    await made.keep([COUNTY], now=now)
    return made


async def test_what_is_sealed_opens_in_another_process(book: DataKeyBook) -> None:
    about = uuid4()
    sealed = (await vault(book)).seal(PLAIN, county=COUNTY, about=about)
    assert sealed[0] == 1
    assert "张三".encode() not in sealed
    assert await (await vault(book)).read(sealed, about=about) == PLAIN


async def test_two_seals_of_one_text_differ(book: DataKeyBook) -> None:
    one = await vault(book)
    about = uuid4()
    assert one.seal(PLAIN, county=COUNTY, about=about) != one.seal(PLAIN, county=COUNTY, about=about)


async def test_a_row_put_in_the_place_of_anothers_does_not_open(book: DataKeyBook) -> None:
    one = await vault(book)
    sealed = one.seal(PLAIN, county=COUNTY, about=uuid4())
    with pytest.raises(Unreadable, match="about another report"):
        await one.read(sealed, about=uuid4())


@pytest.mark.parametrize("place", (0, 5, 20, 35, -1))
async def test_a_changed_row_does_not_open(book: DataKeyBook, place: int) -> None:
    one, about = await vault(book), uuid4()
    sealed = bytearray(one.seal(PLAIN, county=COUNTY, about=about))
    sealed[place] ^= 1
    with pytest.raises(Unreadable):
        await one.read(bytes(sealed), about=about)


async def test_rows_from_before_there_were_data_keys_stay_readable(book: DataKeyBook) -> None:
    before = Fernet(OLD).encrypt(PLAIN)
    assert await (await vault(book)).read(before, about=uuid4()) == PLAIN


async def test_after_a_change_of_the_wrapping_key_rows_stay_and_the_old_key_can_go(book: DataKeyBook) -> None:
    first, about = await vault(book), uuid4()
    sealed = first.seal(PLAIN, county=COUNTY, about=about)
    mark, person = first.fingerprint(b"asked"), first.person("13800138000")
    both = await vault(book, f"{NEW},{OLD}")
    assert await both.read(sealed, about=about) == PLAIN
    assert await both.rewrap() == {"rewrapped": 2, "left": 0}
    assert await both.rewrap() == {"rewrapped": 0, "left": 0}
    alone = await vault(book, NEW)
    assert await alone.read(sealed, about=about) == PLAIN
    assert alone.matches(mark, b"asked")
    assert alone.person("+86 138 0013 8000") == person
    with pytest.raises(Unreadable):
        await vault(book, OLD)


async def test_a_key_taken_away_before_its_data_keys_were_wrapped_anew_is_told_and_loses_nothing(
    book: DataKeyBook,
) -> None:
    sealed = (await vault(book)).seal(PLAIN, county=COUNTY, about=(about := uuid4()))
    with pytest.raises(Unreadable, match="WHISTLE_SECRET_KEY"):
        await vault(book, NEW)
    assert await EnvelopeVault(NEW, book=book).rewrap() == {"rewrapped": 0, "left": 2}
    assert await (await vault(book, f"{NEW},{OLD}")).read(sealed, about=about) == PLAIN


async def test_a_county_gets_a_new_key_by_age_and_the_old_one_still_opens(book: DataKeyBook) -> None:
    one, about = await vault(book), uuid4()
    first = one.seal(PLAIN, county=COUNTY, about=about)
    assert await one.keep([COUNTY], now=NOON + KEY_LIFE - timedelta(seconds=1)) == 0
    assert await one.keep([COUNTY], now=NOON + KEY_LIFE) == 1
    second = one.seal(PLAIN, county=COUNTY, about=about)
    assert first[1:17] != second[1:17]
    assert [await (await vault(book)).read(row, about=about) for row in (first, second)] == [PLAIN, PLAIN]


async def test_counties_have_keys_of_their_own(book: DataKeyBook) -> None:
    one, about = await vault(book), uuid4()
    await one.keep([COUNTY, OTHER], now=NOON)
    ids = {one.seal(PLAIN, county=county, about=about)[1:17] for county in (COUNTY, OTHER)}
    assert len(ids) == 2


async def test_replicas_that_make_keys_at_once_share_one(book: DataKeyBook) -> None:
    replicas = [EnvelopeVault(OLD, book=book) for _ in range(4)]
    await asyncio.gather(*(one.keep([COUNTY], now=NOON) for one in replicas))
    assert len({one.seal(PLAIN, county=COUNTY, about=uuid4())[1:17] for one in replicas}) == 1
    assert len({one.person("13800138000") for one in replicas}) == 1


async def test_a_county_without_a_key_yet_is_sealed_all_the_same_and_gets_one(book: DataKeyBook) -> None:
    wanted: list[None] = []
    one = EnvelopeVault(OLD, book=book, wanted=lambda: wanted.append(None))
    about = uuid4()
    early = one.seal(PLAIN, county=OTHER, about=about)
    assert wanted
    assert await one.read(early, about=about) == PLAIN
    await one.keep([], now=NOON)
    assert one.seal(PLAIN, county=OTHER, about=about)[0] == 1


async def test_a_person_cannot_be_found_without_the_key(book: DataKeyBook) -> None:
    first = await vault(book)
    assert first.person("13800138000") != EnvelopeVault(NEW).person("13800138000")
    assert first.person("12") is None
