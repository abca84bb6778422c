"""Asking, simulating, modes and actions by the command line against the whole system."""

from __future__ import annotations

import json
import shutil
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from deploy.local.keys import DEMO_COUNTY
from deploy.local.services import ROOT
from tests.e2e.conftest import Whistle

if TYPE_CHECKING:
    from deploy.local.platform import Platform

VILLAGE = f"{DEMO_COUNTY}001001"
TOWN = f"{DEMO_COUNTY}103"
"""A town whose mode no other test changes."""
YUNLU = ROOT / "playbooks" / "yunlu"
LEAK = "幸福路口燃气味很重，疑似管道漏气"
DEADLINE_SECONDS = 60

T = TypeVar("T")


def until(look: Callable[[], T | None], what: str) -> T:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not (found := look()):
        assert time.monotonic() < deadline, f"not seen: {what}"
        time.sleep(0.2)
    return found


def leaking(whistle: Whistle, area: str = VILLAGE) -> tuple[str, dict[str, Any]]:
    """A gas leak that has its orders: its id and its story."""
    status, out, err = whistle("send", LEAK, "--area", area, "--json")
    assert status == 0, err
    case_id = str(json.loads(out)["case_id"])

    def story() -> dict[str, Any] | None:
        status, out, _ = whistle("explain", case_id, "--json")
        told: dict[str, Any] = json.loads(out) if status == 0 else {"orders": []}
        return told if any(order["role"] == "lead" and order["explanation"] for order in told["orders"]) else None

    return case_id, until(story, "the lead's order")


def lead_of(story: dict[str, Any]) -> dict[str, Any]:
    return next(order for order in story["orders"] if order["role"] == "lead")


def test_every_rule_is_told_as_it_is_for_the_case(whistle: Whistle) -> None:
    case_id, story = leaking(whistle)
    status, out, _ = whistle("explain", case_id, "--all", "--json")
    asked = json.loads(out)["asked"]
    assert status == 0
    assert [order["target"]["id"] for order in asked["orders"] if order["role"] == "lead"] == ["gas"]
    held = {rule["rule_id"]: rule for rule in asked["walk"] if rule["held"]}
    assert held["gas-leak"]["ended"]
    assert all(condition["held"] for condition in held["gas-leak"]["conditions"])
    assert len(asked["walk"]) == len({rule["rule_id"] for rule in asked["walk"]}) > 20, "every rule"
    assert any(not condition["held"] for rule in asked["walk"] for condition in rule["conditions"])
    assert asked["playbook"]["version"] == lead_of(story)["explanation"]["playbook"]["version"]
    status, out, _ = whistle("explain", case_id, "--all")
    assert status == 0
    for part in ("why here", "timeline", "every rule, in order", "✗ failed", "gas-leak", "ends the walk"):
        assert part in out


def test_the_same_case_is_asked_at_another_hour_and_in_another_mode(whistle: Whistle) -> None:
    noise = ("explain", "--area", VILLAGE, "--category", "06.003", "--json", "--at")
    day, night = (json.loads(whistle(*noise, f"2026-11-25T{hour}:30+08:00")[1]) for hour in ("15", "23"))
    assert "night-noise" not in {rule["rule_id"] for rule in day["walk"]}
    assert "night-noise" in {rule["rule_id"] for rule in night["walk"]}
    case_id, _ = leaking(whistle)
    status, out, _ = whistle("explain", case_id, "--mode", "flood-II", "--at", "2026-11-25T23:30+08:00")
    assert status == 0
    assert "decided at 2026-11-25T23:30:00+08:00 in mode flood-II" in out
    assert "timeline" not in out


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    (
        (("--area", VILLAGE, "--category", "99.99"), 1, "category"),
        (("--area", "110101", "--category", "03.001"), 1, "403"),
        (("--area", VILLAGE, "--category", "03.001", "--mode", "war"), 1, "flood-II"),
        (("--area", VILLAGE), 2, "--category"),
        (("last", "--area", VILLAGE, "--category", "03.001"), 2, "both CASE"),
        ((), 2, "none was named"),
    ),
)
def test_a_question_that_cannot_be_asked_says_what_is_allowed(
    whistle: Whistle, arguments: tuple[str, ...], status: int, words: str
) -> None:
    ended, out, err = whistle("explain", *arguments)
    assert (ended, out) == (status, "")
    assert words in err
    assert "mend" in err


def test_history_is_simulated_through_a_draft_and_a_grave_case_that_moves_ends_it_with_3(
    whistle: Whistle, tmp_path: Path
) -> None:
    case_id, _ = leaking(whistle)
    draft = tmp_path / "draft"
    shutil.copytree(YUNLU, draft)
    kept = tmp_path / "kept.ndjson"
    status, out, err = whistle("simulate", str(draft), "--since", "1h", "--save", str(kept), "--json")
    told = json.loads(out)
    assert (status, told["moved"], told["changed"]) == (0, 0, 0), err
    assert told["cases"] >= 1
    rules = (draft / "rules.yaml").read_text(encoding="utf-8")
    assert rules.count("lead: {department: gas}") >= 1
    (draft / "rules.yaml").write_text(rules.replace("lead: {department: gas}", "lead: {department: fire}"), "utf-8")
    status, out, err = whistle("simulate", str(draft), "--since", "1h", "--json")
    told = json.loads(out)
    assert status == 3, err
    moved = [change for change in told["changes"] if change["moved"]]
    assert (moved[0]["lead_before"]["who"], moved[0]["lead_after"]["who"]) == ("department/gas", "department/fire")
    assert told["grave_moved"] >= 1
    assert "--allow-moved" in err
    loads = {load["who"]: load["lead_after"] - load["lead_before"] for load in told["loads"]}
    assert loads["department/gas"] < 0 < loads["department/fire"]
    from_file = json.loads(whistle("simulate", str(draft), "--file", str(kept), "--allow-moved", "--json")[1])
    assert from_file["cases"] >= 1
    assert case_id in kept.read_text(encoding="utf-8")
    assert whistle("simulate", str(draft), "--since", "1h", "--allow-moved")[0] == 0


def test_a_mode_needs_a_second_person_and_is_shown_until_it_is_left(system: Platform, whistle: Whistle) -> None:
    status, out, err = whistle("mode", "enter", TOWN, "flood-II", "--reason", "河水超过保证水位")
    assert status == 0, err
    change = out.strip()
    operator = system.keys.token(f"{DEMO_COUNTY}-operator")
    status, _, err = whistle("mode", "confirm", change, "--key", operator)
    assert status == 1, "one person is not enough"
    assert "mend" in err
    assert whistle("mode", "confirm", change)[0] == 0

    def in_force() -> dict[str, str]:
        told = json.loads(whistle("mode", "show", "--json")[1])
        return {one["area"]: one["mode"] for one in told["in_force"]}

    until(lambda: in_force().get(TOWN) == "flood-II", "the mode in force")
    assert "flood-II" in whistle("mode", "show")[1]
    assert f"{TOWN} flood-II" in whistle("doctor")[1]
    status, out, err = whistle("mode", "leave", TOWN, "--reason", "水位已退", "--json")
    assert status == 0, err
    assert whistle("mode", "confirm", json.loads(out)["change_id"])[0] == 0
    until(lambda: TOWN not in in_force(), "normal again")
    assert "河水超过保证水位" in whistle("mode", "show", "--history")[1]


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    (
        (("enter", TOWN, "war", "--reason", "r"), 1, "flood-II"),
        (("enter", "110101", "flood-II", "--reason", "r"), 1, "403"),
        (("leave", TOWN, "--reason", "r"), 1, "normal"),
        (("confirm", str(uuid.UUID(int=9))), 1, "404"),
        (("confirm", "soon"), 2, "UUID"),
    ),
)
def test_a_change_of_mode_that_cannot_be_says_why(
    whistle: Whistle, arguments: tuple[str, ...], status: int, words: str
) -> None:
    ended, out, err = whistle("mode", *arguments)
    assert (ended, out) == (status, "")
    assert words in err
    assert "mend" in err


def test_an_order_is_signed_and_resolved_from_the_keyboard(whistle: Whistle) -> None:
    case_id, story = leaking(whistle)
    order = str(lead_of(story)["order_id"])
    status, _, err = whistle("act", case_id, "sign", "--order", order, "--note", "已派人")
    assert status == 0, err
    assert "next with this key" in err
    status, out, _ = whistle("act", case_id, "progress", "--order", order, "--note", "已关阀", "--json")
    assert (status, json.loads(out)["state"]) == (0, "in_progress")
    status, out, err = whistle("act", case_id, "verify")
    assert (status, out) == (1, "")
    assert "409" in err
    assert "open now" in err


def test_a_ruling_becomes_a_proposal_for_the_duty_list(whistle: Whistle) -> None:
    case_id, _ = leaking(whistle)
    status, _, err = whistle("act", case_id, "rule", "--to", "department/housing", "--reason", "室内管道属住建")
    assert status == 0, err

    def proposed() -> dict[str, Any] | None:
        told = json.loads(whistle("duties", "proposals", "--json")[1])
        return next((one for one in told["proposals"] if case_id in one["cases"]), None)

    proposal = until(proposed, "the proposal")
    assert (proposal["department"], proposal["category"], proposal["power"]) == ("housing", "03.001", "handle")
    assert "housing" in whistle("duties", "proposals")[1]
    rows = whistle("duties", "proposals", "--csv")[1].splitlines()
    assert rows[0] == "department,category,area,power"
    assert any(row.startswith("housing,03.001,") for row in rows)
