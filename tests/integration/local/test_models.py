"""The demo county's model: taught once for all data folders, taught anew for new lessons, and never over one's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import models
from deploy.local.models import Lesson, Teaching
from deploy.local.processes import PartFailed
from deploy.local.services import Surroundings, service_environment
from shared.learning.file import read_model
from shared.runtime.clock import utc_now
from tests.fakes.tiny_playbook import write_tiny
from tests.integration.local.processes import processes_naming, until
from tests.platform import data_folder

MESSAGES = "text,category\n东村漏气,03.001\n西村漏气味大,03.001\n停气了,03\n今天没有气,03\n"
MODEL = "990101.skops"


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    with data_folder("models") as folder:
        yield folder


@pytest.fixture
def playbook(tmp_path: Path) -> Path:
    years = ", ".join(f"{year}: announced" for year in range(2026, utc_now().year + 2))
    folder = write_tiny(tmp_path / "playbook", calendar=("2026: announced", years))
    (folder / "messages.csv").write_text(MESSAGES, encoding="utf-8")
    return folder


def lesson(playbook: Path, place: Path, system: str) -> Lesson:
    """What ``system`` learns; all systems of a place share its cache."""
    data = place / system
    return Lesson(playbook=playbook, cache=place / "cache", folder=data / "models", log=data / "logs" / "model.log")


def taught(one: Lesson) -> str:
    teaching = Teaching(one)
    teaching.begin()
    try:
        return teaching.finish()
    finally:
        teaching.stop()


def test_a_second_system_has_the_model_without_a_lesson(
    place: Path, playbook: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taught(lesson(playbook, place, "first"))
    monkeypatch.setattr(models, "_command", lambda *_: ["no-such-program"])
    taught(lesson(playbook, place, "second"))
    first, second = (place / name / "models" / MODEL for name in ("first", "second"))
    assert read_model(first).examples == MESSAGES.count("\n") - 1
    assert first.read_bytes() == second.read_bytes()
    assert [path.name for path in (place / "cache" / "models").iterdir() if path.name.startswith(".")] == []


def test_new_messages_are_learned_and_a_model_of_ones_own_stays(place: Path, playbook: Path) -> None:
    taught(lesson(playbook, place, "third"))
    with (playbook / "messages.csv").open("a", encoding="utf-8") as lines:
        lines.write("厨房里漏气,03.001\n")
    told = taught(lesson(playbook, place, "third"))
    model = place / "third" / "models" / MODEL
    assert "your own" not in told
    assert read_model(model).examples == MESSAGES.count("\n")
    model.write_bytes(b"trained by hand")
    assert "your own stays" in taught(lesson(playbook, place, "third"))
    assert model.read_bytes() == b"trained by hand"


def test_a_lesson_that_teaches_nothing_is_said_with_its_reason_and_leaves_nothing(place: Path, playbook: Path) -> None:
    (playbook / "messages.csv").write_text("text,category\n停气了,03\n", encoding="utf-8")
    with pytest.raises(PartFailed) as failed:
        taught(lesson(playbook, place, "fourth"))
    assert any("fewer than two categories" in line for line in failed.value.last_lines)
    assert not (place / "fourth" / "models").exists()
    assert [path.name for path in (place / "cache" / "models").iterdir() if path.name.startswith(".")] == []


def test_a_lesson_that_is_stopped_leaves_no_process_and_no_file(
    place: Path, playbook: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = ["tail", "-f", str(playbook / "messages.csv")]
    monkeypatch.setattr(models, "_command", lambda *_: endless)
    monkeypatch.setattr(models, "_TAUGHT_BY", ("tests/integration/local/test_models.py",))
    teaching = Teaching(lesson(playbook, place, "fifth"))
    teaching.begin()
    until(lambda: processes_naming(str(playbook)) != [], "the lesson goes on")
    teaching.stop()
    assert processes_naming(str(playbook)) == []
    assert [path.name for path in (place / "cache" / "models").iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize(("service", "told"), (("intake", True), ("notifier", False)))
def test_intake_is_told_where_the_models_lie(place: Path, service: str, *, told: bool) -> None:
    around = Surroundings(
        kafka="",
        postgres="",
        keys_file=place,
        secret_key="",
        logs=place,
        photos=place,
        traces=None,
        models=place / "m",
        extra={},
    )
    ports = {f"{service}.ops": 1, f"{service}.http": 2}
    assert (service_environment(service, around, ports).get("WHISTLE_MODELS") == str(place / "m")) is told
