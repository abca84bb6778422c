"""``whistle clocks due`` and ``whistle calendar fill``: the arithmetic shown, and a county's years."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

import cli.__main__ as program
from cli.calendars import announced_of, filled
from cli.checks.calendars import check_calendars
from cli.checks.finding import Grade
from shared.playbook.load import load
from shared.playbook.model import YEAR_SOON
from tests.fakes.tiny_playbook import write_tiny
from tests.unit.playbook.test_hours import MAKEUP, OTHERS

YUNLU = Path("playbooks/yunlu")
FRIDAY = "2026-09-30T16:40+08:00"


@pytest.fixture(autouse=True)
def _a_day_in_june(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHISTLE_LANG", "en")
    for module in ("cli.in_force", "shared.runtime.clock"):
        monkeypatch.setattr(f"{module}.utc_now", lambda: datetime(2026, 6, 1, 4, tzinfo=UTC))


def due(capsys: pytest.CaptureFixture[str], folder: Path, *more: str) -> tuple[int, list[dict[str, Any]], str]:
    status = program.run(["clocks", "due", "--playbook", str(folder), "--json", *more])
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    return status, [json.loads(line) for line in said.out.splitlines()], said.err


def test_the_limit_that_fits_is_shown_with_those_behind_it_and_each_step(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    weekly = ('  2: [{opens: "08:00", closes: "18:00"}]', '  3: [{opens: "08:00", closes: "18:00"}]')
    folder = write_tiny(tmp_path, calendar=weekly)
    status, (one,), _ = due(capsys, folder, "--category", "03.001", "--at", FRIDAY, "--kind", "handle")
    assert status == 0
    assert one["limit"] == {"id": "handle", "words": "5 工作日 (5 working days)", "source": "made up"}
    assert one["started_at"] == FRIDAY.replace("40+", "40:00+")
    english = [step["en"] for step in one["steps"]]
    assert english[:3] == ["from Wed 2026-09-30 16:40", "limit 5 working days", "09-30 16:40–18:00 gives 1h20m"]
    assert "skipped 10-01 (National Day)" in english
    assert any("make-up workday" in step for step in english)
    assert english[-1].startswith("due ")
    assert any("国庆节" in step["zh"] for step in one["steps"])


def test_a_named_condition_goes_before_any_and_says_so(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = write_tiny(tmp_path)
    asked = ("--category", "03.001", "--condition", "indoor", "--kind", "handle")
    _, (one,), _ = due(capsys, folder, *asked, "--at", FRIDAY)
    assert (one["limit"]["id"], one["before"]) == ("leak-indoor", ["handle"])
    assert program.run(["clocks", "due", "--playbook", str(folder), *asked, "--at", FRIDAY]) == 0
    shown = capsys.readouterr().out
    assert "asks for category 03.001, condition indoor" in shown
    assert "before handle: for any case; category decides" in shown


def test_what_alone_keeps_a_near_limit_away_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = write_tiny(tmp_path)
    head, *rows = (folder / "clocks.csv").read_text(encoding="utf-8").splitlines()
    wide = [f"{head},area,case_source,valid_from,valid_until", *(f"{row},,,," for row in rows)]
    for name, more in (
        ("east", "990199001,,,"),
        ("grid", ",grid,,"),
        ("old", ",,,2026-09-30"),
        ("new", ",,2026-10-01,"),
    ):
        wide.append(f"{name},handle,03.001,,,2,continuous_hour,,oversee,made up,,,,{more}")
    (folder / "clocks.csv").write_text("\n".join(wide) + "\n", encoding="utf-8")
    asked = ("--category", "03.001", "--kind", "handle", "--at", "2026-10-03T08:00+08:00", "--source", "hotline")
    _, (late,), _ = due(capsys, folder, *asked)
    assert (late["limit"]["id"], late["before"]) == ("new", ["handle"])
    away = {one["id"]: (one["field"], one["asks"], one["has"]) for one in late["not"]}
    assert away["leak-indoor"] == ("condition", "indoor", "none")
    assert away["east"] == ("area", "990199001", "990199")
    assert away["grid"] == ("case_source", "grid", "hotline")
    assert away["old"] == ("validity", "until 2026-09-30", "opened on 2026-10-03")
    _, (early,), _ = due(capsys, folder, *asked, "--opened", "2026-09-30T23:00+08:00", "--area", "990199001001")
    assert (early["limit"]["id"], early["before"]) == ("east", ["old", "handle"])
    assert program.run(["clocks", "due", "--playbook", str(folder), *asked]) == 0
    shown = capsys.readouterr().out
    assert "new: asks for category 03.001; for cases opened from 2026-10-01" in shown
    assert "not old: for cases opened until 2026-09-30, this one was opened on 2026-10-03" in shown
    assert "not grid: asks for case_source grid, the case has hotline" in shown


def test_a_mode_a_profile_and_a_whistle_choose_their_own_limits(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = write_tiny(tmp_path)
    asked = ("--category", "03", "--at", FRIDAY, "--kind", "sign_in")
    for more, wanted in (
        ((), "sign"),
        (("--mode", "flood-II"), "sign-flood"),
        (("--profile", "urgent"), "sign-urgent"),
        (("--whistle",), "sign-whistle"),
    ):
        _, (one,), _ = due(capsys, folder, *asked, *more)
        assert one["limit"]["id"] == wanted


def test_it_counts_by_the_hours_of_whoever_must_act(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = write_tiny(tmp_path, calendar=(MAKEUP, OTHERS))
    asked = ("--category", "03", "--at", "2026-06-05T17:00+08:00", "--kind", "handle")
    _, (shop,), _ = due(capsys, folder, *asked, "--target", "gas")
    # Five working days of two and a half hours: two weekends of five and a half, and an hour and a half.
    assert shop["due_at"] == "2026-06-20T02:30:00+00:00"
    assert "shop 营业厅" in shop["hours"]
    _, (county,), _ = due(capsys, folder, *asked)
    assert "of the county" in county["hours"]
    assert county["due_at"] != shop["due_at"]


@pytest.mark.parametrize(
    ("more", "field", "allowed"),
    (
        (("--category", "03.01"), "category", "03.001"),
        (("--category", "03.001", "--condition", "outdoor"), "condition", "indoor"),
        (("--category", "03", "--area", "990198"), "area", "990199"),
        (("--category", "03", "--mode", "flood"), "mode", "flood-II"),
        (("--category", "03", "--target", "gaz"), "target", "gas"),
        (("--category", "03", "--profile", "urgnt"), "profile", "did you mean 'urgent'"),
        (("--category", "03", "--profile", "nope"), "profile", "allowed: urgent"),
        (("--category", "03", "--at", "2026-09-30T16:40"), "offset", "+08:00"),
    ),
)
def test_what_is_not_known_is_told_with_its_field_and_what_is_allowed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, more: tuple[str, ...], field: str, allowed: str
) -> None:
    status, told, words = due(capsys, write_tiny(tmp_path), *more)
    assert (status, told) == (2, [])
    assert field in words
    assert allowed in words


def test_a_refusal_says_whether_it_lists_all_that_is_allowed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    _, _, words = due(capsys, YUNLU, "--category", "01.0099")
    known = len(load(YUNLU, today=date(2026, 6, 1)).categories)
    assert f"allowed: {known} values, such as 01." in words
    _, _, words = due(capsys, write_tiny(tmp_path), "--category", "03", "--mode", "flood")
    assert "allowed: flood-II, " in words
    assert "such as" not in words


def test_a_deadline_in_an_unknown_year_says_which_year_to_fill(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    asked = ("--category", "03", "--kind", "handle", "--at", "2026-12-30T16:40+08:00")
    status, _, words = due(capsys, write_tiny(tmp_path), *asked)
    assert status == 1
    assert "does not know 2027" in words
    assert "calendar fill 2027" in words


def test_the_shipped_calendar_is_that_of_the_notice_and_filling_it_changes_no_byte() -> None:
    text = (YUNLU / "calendar.yaml").read_text(encoding="utf-8")
    assert filled(text, 2026, announced_of(2026)) == (text, [])


def test_a_filled_year_loads_and_what_the_county_wrote_stays(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    own = ("  2026-10-01: 国庆节\n", "  2026-03-03: 三月三 # ours\n  2026-10-02: 元旦\n  2026-10-09: 国庆节\n")
    folder = write_tiny(tmp_path, calendar=own)
    before = (folder / "calendar.yaml").read_text(encoding="utf-8")
    assert program.run(["calendar", "fill", "2026", str(folder), "--dry-run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["written"] is False
    assert (folder / "calendar.yaml").read_text(encoding="utf-8") == before
    assert program.run(["calendar", "fill", "2026", str(folder)]) == 0
    assert program.run(["calendar", "fill", "2025", str(folder)]) == 0
    assert "# ours" in (folder / "calendar.yaml").read_text(encoding="utf-8")
    calendar = load(folder, today=date(2026, 6, 1)).calendar
    assert list(calendar.years) == [2025, 2026]
    announced = announced_of(2026)
    assert {day: name for day, name in calendar.holidays.items() if day.year == 2026} == {
        **announced.holidays,
        date(2026, 3, 3): "三月三",
    }
    assert {day for day in calendar.makeup_days if day.year == 2026} == announced.makeup_days.keys()
    assert calendar.holidays[date(2025, 1, 28)] == "春节"
    assert list(calendar.holidays) == sorted(calendar.holidays)


def test_a_year_without_a_notice_is_refused_and_nothing_is_written(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = write_tiny(tmp_path)
    before = (folder / "calendar.yaml").read_bytes()
    assert program.run(["calendar", "fill", "2099", str(folder)]) == 2
    assert "knows the notices of 2004 to" in capsys.readouterr().err
    assert (folder / "calendar.yaml").read_bytes() == before


def test_the_doctor_says_sixty_days_ahead_that_a_year_is_missing_and_then_that_it_is_broken(tmp_path: Path) -> None:
    tiny = load(write_tiny(tmp_path), today=date(2026, 6, 1))
    last = date(2026, 12, 31)
    assert check_calendars([tiny], today=last - YEAR_SOON).grade is Grade.FINE
    soon = check_calendars([tiny], today=date.fromordinal((last - YEAR_SOON).toordinal() + 1))
    assert (soon.grade, soon.what) == (Grade.LOOK, "2027 is missing in 990199")
    gone = check_calendars([tiny], today=date(2027, 1, 1))
    assert (gone.grade, gone.what) == (Grade.BROKEN, "2027 is missing in 990199")
    assert check_calendars([], today=last).grade is Grade.FINE


def test_a_sound_playbook_whose_calendar_soon_ends_is_warned_of(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = write_tiny(tmp_path)
    assert program.run(["playbook", "check", str(folder)]) == 0
    assert "is missing" not in capsys.readouterr().err
    for module in ("cli.in_force", "shared.runtime.clock"):
        monkeypatch.setattr(f"{module}.utc_now", lambda: datetime(2026, 11, 20, 4, tzinfo=UTC))
    assert program.run(["playbook", "check", str(folder)]) == 0
    assert "2027 is missing in 990199" in capsys.readouterr().err
