"""Only live keys open a door, only for their role and area, and an error says how to mend it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.runtime import auth
from shared.runtime.auth import Forbidden, KeyRing, NewKey, Principal, Unauthenticated, digest_of, new_key, rotated
from shared.runtime.keyfile import Key, KeyFileInvalid, read_keys, write_keys
from shared.vocabulary import Refused, Role

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)


def at(moment: datetime) -> Callable[[], datetime]:
    return lambda: moment


def desk_key(area: str = "990101", expires_at: datetime | None = None) -> NewKey:
    return new_key(role=Role.DESK, area=area, name="云麓县指挥平台", expires_at=expires_at, now=NOW)


def ring(*keys: Key, now: datetime = NOW) -> KeyRing:
    return KeyRing(keys, clock=at(now))


def test_a_live_key_names_its_bearer() -> None:
    made = desk_key()
    principal = ring(made.key).authenticate(f"Bearer {made.token}")
    assert principal == Principal(
        key_id=made.key.id, role=Role.DESK, area="990101", department=None, name="云麓县指挥平台"
    )


def test_the_secret_is_kept_only_as_its_digest() -> None:
    made = desk_key()
    secret = made.token.split("_", 2)[2]
    assert len(secret) >= 43
    assert secret not in repr(made.key)
    assert made.key.secrets[0].sha256 == digest_of(secret)


def test_no_two_keys_are_alike() -> None:
    assert len({desk_key().token for _ in range(100)}) == 100


@pytest.mark.parametrize(
    "header",
    (None, "", "Bearer", "Bearer ", "Basic d2s=", "wk_a_b", "Bearer wk_a", "Bearer xx_a_b", "Bearer wk_" + "a" * 300),
)
def test_a_header_of_another_form_says_what_the_form_is(header: str | None) -> None:
    with pytest.raises(Unauthenticated) as caught:
        ring(desk_key().key).authenticate(header)
    assert caught.value.field == "Authorization"
    assert "whistle keys new" in caught.value.allowed[0]


def test_an_unknown_key_and_a_wrong_secret_get_the_same_answer() -> None:
    made = desk_key()
    reasons = []
    for token in (f"wk_{made.key.id}_wrong", "wk_nobody_wrong", f"wk_other_{made.token.split('_', 2)[2]}"):
        with pytest.raises(Unauthenticated) as caught:
            ring(made.key).authenticate(f"Bearer {token}")
        reasons.append(caught.value.reason)
    assert len(set(reasons)) == 1


def test_a_scheme_may_be_written_in_any_case() -> None:
    made = desk_key()
    assert ring(made.key).authenticate(f"bearer {made.token}").key_id == made.key.id


def test_a_key_ends_at_its_moment() -> None:
    made = desk_key(expires_at=NOW + timedelta(hours=1))
    header = f"Bearer {made.token}"
    assert ring(made.key, now=NOW + timedelta(minutes=59)).authenticate(header).key_id == made.key.id
    with pytest.raises(Unauthenticated, match="ended at 2026-11-21T09:00:00"):
        ring(made.key, now=NOW + timedelta(hours=1)).authenticate(header)


def test_both_secrets_of_a_rotated_key_live_until_the_old_one_ends() -> None:
    old = desk_key()
    new = rotated(old.key, now=NOW, grace=timedelta(days=1))
    for token in (old.token, new.token):
        assert ring(new.key).authenticate(f"Bearer {token}").key_id == old.key.id
    later = ring(new.key, now=NOW + timedelta(days=1))
    assert later.authenticate(f"Bearer {new.token}").key_id == old.key.id
    with pytest.raises(Unauthenticated, match="ended"):
        later.authenticate(f"Bearer {old.token}")


def test_a_second_rotation_drops_the_oldest_secret() -> None:
    first = desk_key()
    third = rotated(rotated(first.key, now=NOW, grace=timedelta(days=1)).key, now=NOW, grace=timedelta(days=1))
    with pytest.raises(Unauthenticated, match="not known"):
        ring(third.key).authenticate(f"Bearer {first.token}")
    assert len(third.key.secrets) == 2


@pytest.mark.parametrize(
    ("area", "held"),
    (("990101003", True), ("990101003012", True), ("990101003012045", True), ("990101", False), ("990101004", False)),
)
def test_a_key_of_a_town_holds_the_town_and_what_lies_below(area: str, held: bool) -> None:
    principal = Principal(key_id="k", role=Role.DESK, area="990101003", department=None, name="镇")
    assert principal.holds(area) is held
    if held:
        principal.must_hold(area)
    else:
        with pytest.raises(Forbidden, match="is for area 990101003") as caught:
            principal.must_hold(area)
        assert caught.value.allowed == ("990101003 and what lies below it",)


def test_a_role_that_may_not_is_told_which_may() -> None:
    principal = Principal(key_id="k", role=Role.SOURCE, area="990101", department=None, name="热线")
    principal.must_be(Role.SOURCE, Role.OPERATOR)
    with pytest.raises(Forbidden, match="role source") as caught:
        principal.must_be(Role.DESK, Role.OPERATOR)
    assert caught.value.allowed == ("a key with the role desk", "a key with the role operator")


@pytest.mark.parametrize(
    ("changes", "field"),
    (
        ({"id": "Bad_Id"}, "id"),
        ({"name": " "}, "name"),
        ({"area": "99"}, "area"),
        ({"department": "water"}, "department"),
        ({"role": Role.DEPARTMENT}, "department"),
        ({"secrets": ()}, "secrets"),
        ({"secrets": desk_key().key.secrets * 3}, "secrets"),
    ),
)
def test_a_key_whose_fields_do_not_fit_is_refused(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Refused) as caught:
        replace(desk_key().key, **changes)
    assert caught.value.field == field


def test_a_file_of_keys_comes_back_as_it_was_written(tmp_path: Path) -> None:
    water = new_key(role=Role.DEPARTMENT, area="990101", name="供水公司", department="water", now=NOW)
    ending = desk_key(expires_at=NOW + timedelta(days=365))
    path = tmp_path / "keys.yaml"
    write_keys(path, [water.key, ending.key])
    assert read_keys(path) == [water.key, ending.key]
    assert path.stat().st_mode & 0o077 == 0
    assert water.token.split("_", 2)[2] not in path.read_text(encoding="utf-8")


GOOD = "{id: a, name: n, role: desk, area: '990101', secrets: [{sha256: " + "a" * 64 + "}]}"


@pytest.mark.parametrize(
    ("text", "words"),
    (
        ("keys: [", "no YAML"),
        ("- a", "no list `keys`"),
        ("keys: 3", "no list `keys`"),
        ("keys: [3]", "key 1 is no mapping"),
        (f"keys: [{GOOD}, {GOOD}]", "the key id a twice"),
        (f"keys: [{GOOD.replace('role: desk', 'role: king')}]", "key 1, field role: 'king' is no role"),
        (f"keys: [{GOOD.replace('role', 'rolle')}]", "unknown field rolle"),
        (f"keys: [{GOOD.replace('a' * 64, 'abc')}]", "field secrets"),
        (f"keys: [{GOOD.replace('}]}', ', expires_at: soon}]}')}]", "field expires_at"),
        (f"keys: [{GOOD.replace('area', '# area')}", "no YAML"),
    ),
)
def test_a_wrong_file_of_keys_names_entry_and_field(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "keys.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(KeyFileInvalid) as caught:
        read_keys(path)
    assert words in caught.value.reason
    assert str(path) in caught.value.reason


def test_a_missing_file_of_keys_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(KeyFileInvalid, match="No such file") as caught:
        KeyRing.load(tmp_path / "none.yaml")
    assert "whistle keys new" in caught.value.allowed[0]


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that is looked at on every request."""
    monkeypatch.setattr(auth, "_LOOK_SECONDS", 0.0)
    return tmp_path / "keys.yaml"


def test_a_changed_file_comes_into_force(watched: Path) -> None:
    old, new = desk_key(), desk_key()
    write_keys(watched, [old.key])
    keyring = KeyRing.load(watched, clock=at(NOW))
    write_keys(watched, [new.key])
    assert keyring.authenticate(f"Bearer {new.token}").key_id == new.key.id
    with pytest.raises(Unauthenticated):
        keyring.authenticate(f"Bearer {old.token}")


@pytest.mark.parametrize("broken", ("keys: [", None))
def test_a_broken_or_missing_file_leaves_the_old_keys_in_force(watched: Path, broken: str | None) -> None:
    made = desk_key()
    write_keys(watched, [made.key])
    keyring = KeyRing.load(watched, clock=at(NOW))
    if broken is None:
        watched.unlink()
    else:
        watched.write_text(broken, encoding="utf-8")
        os.utime(watched, (1, 1))
    assert keyring.authenticate(f"Bearer {made.token}").key_id == made.key.id
    write_keys(watched, [])
    with pytest.raises(Unauthenticated):
        keyring.authenticate(f"Bearer {made.token}")
