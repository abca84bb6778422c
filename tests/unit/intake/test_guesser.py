"""Models that appear, change, break and go while intake runs."""

import asyncio
import errno
import logging
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

import pytest
from pydantic import SecretStr

from services.intake.domain.reading.guessing import NO_OPINION
from services.intake.guesser import LearnedGuesser
from services.intake.metrics import Metrics
from services.intake.settings import Settings
from shared.learning.file import BadModel, write_model
from shared.learning.model import TextModel
from shared.learning.training import Example, train

AT = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


def taught(lamp: str = "02.003") -> TextModel:
    examples = [Example(text="路灯不亮", category=lamp), Example(text="停水", category="01.002")]
    return train(examples, county="990101", at=AT)


def shown(metrics: Metrics) -> tuple[float | None, ...]:
    """Models used and refused, and when the oldest was trained, as a scrape would read them."""
    value = metrics.registry.get_sample_value
    states = (value("whistle_intake_models", {"state": state}) for state in ("used", "refused"))
    return (*states, value("whistle_intake_model_oldest_timestamp_seconds"))


def test_without_a_model_there_is_no_opinion(tmp_path: Path) -> None:
    for folder in (None, tmp_path, tmp_path / "none"):
        guesser = LearnedGuesser(folder)
        guesser.look()
        assert guesser.opinion("990101", "路灯不亮") == NO_OPINION


def test_a_model_has_an_opinion_of_its_county_alone(tmp_path: Path) -> None:
    write_model(taught(), tmp_path)
    guesser = LearnedGuesser(tmp_path)
    guesser.look()
    opinion = guesser.opinion("990101", "今天停水")
    assert max(opinion.shares, key=lambda code: opinion.shares[code]) == "01.002"
    assert "停水" in opinion.words["01.002"]
    assert guesser.opinion("990102", "路灯不亮") == NO_OPINION


def test_a_changed_file_is_read_again_and_one_that_is_gone_forgotten(tmp_path: Path) -> None:
    path = write_model(taught(), tmp_path)
    guesser = LearnedGuesser(tmp_path)
    guesser.look()
    write_model(taught("02.009"), tmp_path)
    os.utime(path, (1, 1))
    guesser.look()
    assert "02.009" in guesser.opinion("990101", "路灯不亮").shares
    path.unlink()
    guesser.look()
    assert guesser.opinion("990101", "路灯不亮") == NO_OPINION


@pytest.mark.parametrize(
    ("said", "at"), ((AT.isoformat(), AT), ("2026-11-23T01:00:00", AT), ("yesterday", datetime(1970, 1, 2, tzinfo=UTC)))
)
def test_a_model_that_does_not_say_when_it_was_trained_is_old(tmp_path: Path, said: str, at: datetime) -> None:
    write_model(replace(taught(), trained_at=said), tmp_path)
    metrics = Metrics()
    LearnedGuesser(tmp_path, told=metrics.learned).look()
    assert shown(metrics) == (1, 0, at.timestamp())


def test_a_broken_file_is_refused_loudly_once_and_the_model_before_it_stays(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path, metrics = write_model(taught(), tmp_path), Metrics()
    guesser = LearnedGuesser(tmp_path, told=metrics.learned)
    guesser.look()
    assert shown(metrics) == (1, 0, AT.timestamp())
    path.write_bytes(b"broken")
    with caplog.at_level(logging.ERROR):
        guesser.look()
        guesser.look()
    assert shown(metrics) == (1, 1, AT.timestamp())
    assert len([one for one in caplog.records if one.levelno == logging.ERROR]) == 1
    assert "02.003" in guesser.opinion("990101", "路灯不亮").shares


def test_a_folder_out_of_reach_changes_nothing_and_what_the_disk_would_not_give_is_read_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_model(taught(), tmp_path)
    guesser = LearnedGuesser(tmp_path)
    guesser.look()
    write_model(taught("02.009"), tmp_path)
    os.utime(path, (1, 1))
    with monkeypatch.context() as away:
        away.setattr("services.intake.guesser.read_model", unread)
        guesser.look()
        for method in ("stat", "glob"):
            away.setattr(Path, method, stale)
            guesser.look()
    assert "02.003" in guesser.opinion("990101", "路灯不亮").shares
    guesser.look()
    assert "02.009" in guesser.opinion("990101", "路灯不亮").shares


def stale(*_: object) -> NoReturn:
    """What a volume says whose server has gone."""
    raise OSError(errno.ESTALE, "Stale file handle")


def unread(path: Path) -> NoReturn:
    try:
        stale()
    except OSError as gone:
        raise BadModel(f"{path.name} cannot be opened", field="model", allowed=[]) from gone


@pytest.mark.parametrize(("said", "folder"), (("", None), ("/models", Path("/models"))))
def test_no_folder_is_none_and_never_the_one_that_the_process_stands_in(
    monkeypatch: pytest.MonkeyPatch, said: str, folder: Path | None
) -> None:
    monkeypatch.setenv("WHISTLE_MODELS", said)
    assert Settings(kafka="k", postgres="p", keys_file=Path("k"), secret_key=SecretStr("s")).models == folder


async def test_it_looks_again_by_itself_until_it_is_stopped(tmp_path: Path) -> None:
    guesser = LearnedGuesser(tmp_path, every=timedelta(milliseconds=5))
    running = asyncio.create_task(guesser.run())
    write_model(taught(), tmp_path)
    async with asyncio.timeout(20):
        while not guesser.counties():  # noqa: ASYNC110  it is another thread's doing
            await asyncio.sleep(0.005)
    guesser.stop()
    async with asyncio.timeout(20):
        await running
