"""What a new key names stands in the county's playbook, or the command says that nobody looked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cli import __main__ as program
from cli import in_force
from shared.playbook.load import load
from shared.playbook.shelf import PlaybookShelf
from shared.runtime.clock import utc_now
from shared.runtime.keyfile import read_keys

YUNLU = "playbooks/yunlu"
Made = Callable[..., tuple[int, str]]


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Made:
    """``whistle keys new`` where neither Kafka nor a local platform is known: its status and what it said."""
    for name in ("WHISTLE_KAFKA", "WHISTLE_DATA"):
        monkeypatch.delenv(name, raising=False)

    def make(*arguments: str, area: str = "990101") -> tuple[int, str]:
        where = ("--area", area, "--file", str(tmp_path / "keys.yaml"), "--data", str(tmp_path))
        status = program.run(["keys", "new", "--name", "城管局", *arguments, *where])
        return status, capsys.readouterr().err

    return make


@pytest.mark.parametrize(
    ("named", "says"),
    (
        (("--role", "department", "--department", "nosuch"), "--department nosuch is not in the playbook"),
        (("--role", "department", "--department", "urbn"), "the nearest: urban"),
        (("--role", "desk", "--duty", "01", "--duty", "99.999"), "--duty 99.999 is not in the playbook"),
    ),
)
def test_what_the_playbook_does_not_know_makes_no_key(
    made: Made, tmp_path: Path, named: tuple[str, ...], says: str
) -> None:
    status, said = made(*named, "--playbook", YUNLU)
    assert status == 2
    assert says in said
    assert not (tmp_path / "keys.yaml").exists()


def test_what_it_knows_is_made_without_a_word(made: Made, tmp_path: Path) -> None:
    named = ("--role", "department", "--department", "urban", "--duty", "01")
    status, said = made(*named, "--playbook", YUNLU)
    assert status == 0
    assert "not checked" not in said
    (key,) = read_keys(tmp_path / "keys.yaml")
    assert (key.department, key.duties) == ("urban", ("01",))


def test_a_playbook_of_another_county_is_named(made: Made) -> None:
    status, said = made("--role", "desk", "--duty", "01", "--playbook", YUNLU, area="990102")
    assert status == 2
    assert "is of another county" in said


def test_without_a_playbook_it_is_said_that_nothing_was_checked(made: Made) -> None:
    status, said = made("--role", "department", "--department", "nosuch")
    assert status == 0
    assert "not checked" in said
    assert "--playbook FOLDER" in said


def test_a_key_that_names_neither_needs_no_playbook(made: Made) -> None:
    assert "not checked" not in made("--role", "desk")[1]


class TestInForce:
    """Kafka is known, and holds the playbook or does not answer."""

    @pytest.mark.parametrize(
        ("department", "area", "status", "says"),
        (
            ("nosuch", "990101", 2, "--department nosuch is not in the playbook"),
            ("urban", "990101", 0, "is in"),
            ("urban", "990102", 0, "no playbook is in force for 990102"),
        ),
    )
    def test_the_playbook_in_force_counts(
        self, made: Made, monkeypatch: pytest.MonkeyPatch, department: str, area: str, status: int, says: str
    ) -> None:
        async def shelf(_bootstrap: str) -> PlaybookShelf:
            found = PlaybookShelf()
            await found.put(load(Path(YUNLU), today=utc_now().date()))
            return found

        monkeypatch.setenv("WHISTLE_KAFKA", "kafka:9092")
        monkeypatch.setattr(in_force, "read_in_force", shelf)
        ended, said = made("--role", "department", "--department", department, area=area)
        assert ended == status
        assert says in said
        assert ("not checked" in said) == (area != "990101")

    def test_a_kafka_that_is_away_keeps_nobody_from_a_key(self, made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
        async def away(bootstrap: str) -> PlaybookShelf:
            raise in_force.no_kafka(bootstrap, "nobody is there")

        monkeypatch.setenv("WHISTLE_KAFKA", "kafka:9092")
        monkeypatch.setattr(in_force, "read_in_force", away)
        status, said = made("--role", "department", "--department", "nosuch")
        assert status == 0
        assert "were not checked: the playbook in force cannot be read" in said
