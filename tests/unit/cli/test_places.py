"""Options come before the environment, the environment before the local platform, and nothing is guessed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from cli.places import find
from cli.trouble import MISUSED, Trouble
from shared.vocabulary import Role


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data folder of a local platform that runs (as this very process)."""
    keys = {
        "town": {
            "id": "town",
            "name": "n",
            "role": "operator",
            "area": "990101001",
            "department": None,
            "token": "wk_t",
        },
        "county": {
            "id": "county",
            "name": "n",
            "role": "operator",
            "area": "990101",
            "department": None,
            "token": "wk_c",
        },
        "source": {
            "id": "source",
            "name": "n",
            "role": "source",
            "area": "990101",
            "department": None,
            "token": "wk_s",
        },
    }
    (tmp_path / "keys.json").write_text(json.dumps(keys), encoding="utf-8")
    run = {
        "pid": os.getpid(),
        "kafka": "127.0.0.1:9092",
        "http": {"intake": "http://127.0.0.1:8081", "notifier": "http://127.0.0.1:8084"},
        "ops": {"router": "http://127.0.0.1:9082"},
        "keys": str(tmp_path / "keys.json"),
        "keys_file": str(tmp_path / "keys.yaml"),
    }
    (tmp_path / "run.json").write_text(json.dumps(run), encoding="utf-8")
    return tmp_path


def test_a_running_platform_says_where_everything_is(data: Path) -> None:
    places = find(data=data, environment={})
    assert places.intake_url() == "http://127.0.0.1:8081"
    assert places.notifier_url() == "http://127.0.0.1:8084"
    assert places.bootstrap() == "127.0.0.1:9092"
    assert places.ops == {"router": "http://127.0.0.1:9082"}
    assert places.keys_file == data / "keys.yaml"


def test_the_widest_key_of_the_first_role_is_taken(data: Path) -> None:
    places = find(data=data, environment={})
    assert places.key_for(Role.OPERATOR, Role.SOURCE) == "wk_c"
    assert places.key_for(Role.AUDITOR, Role.SOURCE) == "wk_s"


def test_the_environment_goes_before_the_platform_and_options_before_both(data: Path) -> None:
    environment = {"WHISTLE_INTAKE_URL": "http://env/", "WHISTLE_KEY": "wk_env", "WHISTLE_KAFKA": "env:9092"}
    places = find(data=data, environment=environment)
    assert (places.intake_url(), places.key_for(Role.SOURCE), places.bootstrap()) == (
        "http://env",
        "wk_env",
        "env:9092",
    )
    places = find(url="https://option", key="wk_option", kafka="option:9092", data=data, environment=environment)
    assert (places.intake_url(), places.notifier_url()) == ("https://option", "https://option")
    assert (places.key_for(Role.SOURCE), places.bootstrap()) == ("wk_option", "option:9092")


def test_the_data_folder_may_come_from_the_environment(data: Path) -> None:
    assert find(environment={"WHISTLE_DATA": str(data)}).bootstrap() == "127.0.0.1:9092"


@pytest.mark.parametrize(
    ("content", "why"),
    ((None, "no local platform runs"), ("{", "cannot be read"), ('{"pid": 999999999}', "has ended without a goodbye")),
)
def test_what_is_not_known_is_said_with_how_to_mend_it(tmp_path: Path, content: str | None, why: str) -> None:
    if content is not None:
        (tmp_path / "run.json").write_text(content, encoding="utf-8")
    places = find(data=tmp_path, environment={})
    for ask in (places.intake_url, places.notifier_url, places.bootstrap, lambda: places.key_for(Role.OPERATOR)):
        with pytest.raises(Trouble) as caught:
            ask()
        assert why in caught.value.why
        assert caught.value.mend
        assert caught.value.status == MISUSED


def test_an_address_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Trouble, match="no address of a service"):
        find(url="localhost:8081", data=tmp_path, environment={})
