"""Who may be told how much of a reporter is one table, and every key has its place in it."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from services.intake.domain.life.permissions import Bearer, NotYours
from services.intake.domain.reports.persons import (
    About,
    Sight,
    masked_name,
    masked_phone,
    must_keep_the_books,
    phone_digits,
    shown,
    sight_of,
)
from shared.vocabulary import Role

COUNTY, TOWN, VILLAGE, CELL = "990101", "990101001", "990101001001", "990101001001001"
ABOUT = About(area=CELL, category="03.01", leads="urban", secret=False, departments_may_call=True)
SEES = {
    (Role.LEADER, COUNTY): Sight.FULL,
    (Role.DESK, COUNTY): Sight.FULL,
    (Role.OPERATOR, COUNTY): Sight.FULL,
    (Role.LEADER, TOWN): Sight.PARTLY,
    (Role.DESK, TOWN): Sight.PARTLY,
    (Role.LEADER, VILLAGE): Sight.CONTACT,
    (Role.DESK, VILLAGE): Sight.CONTACT,
    (Role.GRID_WORKER, VILLAGE): Sight.CONTACT,
    (Role.LEADER, CELL): Sight.CONTACT,
    (Role.DESK, CELL): Sight.CONTACT,
    (Role.GRID_WORKER, CELL): Sight.CONTACT,
}


def bearer(role: Role, area: str, department: str | None = None) -> Bearer:
    return Bearer(key_id="k", role=role, area=area, department=department)


def about(*, secret: bool = False, may_call: bool = True, leads: str | None = "urban") -> About:
    return About(area=CELL, category="03.01", leads=leads, secret=secret, departments_may_call=may_call)


@pytest.mark.parametrize(("role", "area"), list(product(Role, (COUNTY, TOWN, VILLAGE, CELL))))
def test_every_role_at_every_level_sees_what_the_table_says(role: Role, area: str) -> None:
    assert sight_of(bearer(role, area, "water"), ABOUT) is SEES.get((role, area), Sight.NOTHING)


@pytest.mark.parametrize(("role", "area"), list(product(Role, (COUNTY, TOWN, VILLAGE, CELL))))
def test_a_secret_reporter_is_seen_by_the_countys_leader_alone(role: Role, area: str) -> None:
    seen = sight_of(bearer(role, area, "urban"), about(secret=True))
    assert seen is (Sight.FULL if (role, area) == (Role.LEADER, COUNTY) else Sight.NOTHING)


@pytest.mark.parametrize("duties", (("03",), ("07", "03.01")))
@pytest.mark.parametrize(("role", "area"), list(product(Role, (COUNTY, TOWN, VILLAGE, CELL))))
def test_a_key_for_other_duties_sees_nothing_and_one_for_these_no_less(
    role: Role, area: str, duties: tuple[str, ...]
) -> None:
    who = bearer(role, area, "urban")
    assert sight_of(replace(who, duties=duties), about()) is sight_of(who, about())
    for secret in (True, False):
        assert sight_of(replace(who, duties=("07", "03.02", "0")), about(secret=secret)) is Sight.NOTHING


@pytest.mark.parametrize("role", (Role.OPERATOR, Role.LEADER))
def test_who_is_there_for_some_duties_does_not_answer_for_all_personal_data(role: Role) -> None:
    must_keep_the_books(bearer(role, COUNTY))
    with pytest.raises(NotYours):
        must_keep_the_books(replace(bearer(role, COUNTY), duties=("03",)))


@pytest.mark.parametrize(("role", "area"), list(product(Role, ("990102", "990101002", "990101001002"))))
def test_nobody_sees_a_reporter_of_another_area(role: Role, area: str) -> None:
    assert sight_of(bearer(role, area, "urban"), ABOUT) is Sight.NOTHING


@pytest.mark.parametrize(
    ("department", "leads", "may_call", "sight"),
    (
        ("urban", "urban", True, Sight.PHONE),
        ("urban", "urban", False, Sight.NOTHING),
        ("water", "urban", True, Sight.NOTHING),
        ("urban", None, True, Sight.NOTHING),
    ),
)
def test_a_department_sees_the_phone_while_it_leads_and_the_county_allows_it(
    department: str, leads: str | None, may_call: bool, sight: Sight
) -> None:
    asked = about(leads=leads, may_call=may_call)
    assert sight_of(bearer(Role.DEPARTMENT, COUNTY, department), asked) is sight


@pytest.mark.parametrize(
    ("sight", "fields"),
    (
        (Sight.FULL, {"name": "张三丰", "phone": "13800138000", "address": "幸福路1号"}),
        (Sight.PARTLY, {"name": "张**", "phone": "138****8000"}),
        (Sight.PHONE, {"phone": "13800138000"}),
        (Sight.CONTACT, {}),
        (Sight.NOTHING, {}),
    ),
)
def test_each_sight_shows_its_fields_and_no_more(sight: Sight, fields: dict[str, str]) -> None:
    assert shown(sight, name="张三丰", phone="13800138000", address="幸福路1号") == fields


@pytest.mark.parametrize(
    ("name", "masked"),
    (("张三", "张*"), ("欧阳锋", "欧阳*"), ("欧阳", "欧*"), ("李", "李"), ("", ""), ("Ann Lee", "A******")),
)
def test_a_family_name_stays(name: str, masked: str) -> None:
    assert masked_name(name) == masked


@pytest.mark.parametrize("phone", ("13800138000", "0871-63123456", "63123456", "123", "abc 12345", ""))
def test_a_masked_phone_never_shows_it_whole(phone: str) -> None:
    masked = masked_phone(phone)
    assert len(masked) == len(phone)
    assert masked != phone or not phone


@pytest.mark.parametrize(
    "phone",
    (
        "13800138000",
        "138 0013 8000",
        "138-0013-8000",
        "+86 13800138000",
        "0086-13800138000",
        "１３８００１３８０００",
        "8613800138000",
    ),
)
def test_one_phone_written_in_many_ways_is_one_person(phone: str) -> None:
    assert phone_digits(phone) == "13800138000"


@pytest.mark.parametrize("phone", ("", "1234", "无", "-"))
def test_what_is_no_phone_names_nobody(phone: str) -> None:
    assert phone_digits(phone) == ""


@pytest.mark.parametrize(("role", "area"), list(product(Role, (COUNTY, TOWN, VILLAGE))))
def test_operators_and_the_leader_of_a_county_answer_for_personal_data(role: Role, area: str) -> None:
    if (role, area) in ((Role.OPERATOR, COUNTY), (Role.LEADER, COUNTY)):
        must_keep_the_books(bearer(role, area))
        return
    with pytest.raises(NotYours):
        must_keep_the_books(bearer(role, area))
