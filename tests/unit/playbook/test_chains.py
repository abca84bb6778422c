"""Chains: read, carried and read back alike; the five that ship, by their figures; and what a county is advised."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from shared.playbook.check.advice import Advice, advise
from shared.playbook.check.thresholds import in_words
from shared.playbook.digest import digest_of
from shared.playbook.duty import first_gap
from shared.playbook.load import load
from shared.playbook.model import Anchor, Chain, ChainStep, ClockLimit, LimitUnit, Playbook
from shared.playbook.record import from_record, sealed, to_message
from shared.vocabulary import ChainAction, ClockKind, Level, Post, Recipient, WhenLate
from tests.fakes.tiny_chains import write_chained

TODAY = date(2026, 6, 1)
NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
UPWARD = (ChainAction.OVERSEE, ChainAction.TAKE_OVER)
NAMED_BY_ALL = (ClockKind.SIGN_IN, ClockKind.ARRIVE, ClockKind.HANDLE, ClockKind.SUPERVISE)


def test_a_chain_is_read_as_it_is_written(tmp_path: Path) -> None:
    ladder = load(write_chained(tmp_path), today=TODAY).chains["ladder"]
    urge, tell, end, order, up, everybody = ladder.steps
    assert (urge.times, in_words(urge.at), urge.to) == (3, "passed 0.7", Recipient.TARGET)
    assert (in_words(tell.at), tell.to) == ("before 5 continuous_minute", Recipient.ABOVE)
    assert (end.at.anchor, end.to, end.copies) == (
        Anchor.DUE,
        Recipient.TARGET_LEADER,
        (Recipient.TARGET, Recipient.ABOVE),
    )
    assert order.instruction is not None
    assert order.reply_within is not None
    assert (order.instruction.zh, order.reply_within.unit) == ("说明原因", LimitUnit.NATURAL_DAY)
    assert (up.action, everybody.action) == (ChainAction.OVERSEE, ChainAction.CIRCULATE)


def test_a_record_from_before_there_were_chains_still_reads(yunlu: Playbook) -> None:
    message = to_message(yunlu, published_at=NOW)
    event = json.loads(gzip.decompress(message.value))
    content = event["content"]
    del content["chains"]
    for clock in content["clocks"]:
        del clock["chain"]
    for shift in content["roster"]["shifts"]:
        del shift["post"]
    event["digest"] = content["digest"] = digest_of(content)
    old = from_record(json.dumps(event).encode(), [one for one in message.headers if one[0] != "content-encoding"])
    assert (old.chains, old.digest) == ({}, event["digest"])
    assert {clock.chain for clock in old.clocks} == {None}
    assert {shift.post for shift in old.roster.shifts} == {Post.OFFICER}


def test_the_digest_changes_with_a_step(yunlu: Playbook) -> None:
    urging = yunlu.chains["urging"]
    fewer = replace(yunlu, chains={**yunlu.chains, "urging": replace(urging, steps=urging.steps[1:])})
    assert sealed(fewer).digest != sealed(yunlu).digest


@pytest.mark.parametrize("seed", range(40))
def test_any_chains_come_back_from_file_and_record_as_they_went(tmp_path: Path, seed: int) -> None:
    chance = Random(seed)
    nodes = [any_chain(chance, f"c{number}") for number in range(chance.randint(1, 6))]
    folder = write_chained(tmp_path, clocks=("made up,ladder\nhandle", "made up,c0\nhandle"))
    clocks = (folder / "clocks.csv").read_text(encoding="utf-8").replace("ladder", "").replace("daily", "")
    (folder / "clocks.csv").write_text(clocks, encoding="utf-8")
    (folder / "chains.yaml").write_text(json.dumps({"chains": nodes}, ensure_ascii=False), encoding="utf-8")
    playbook = load(folder, today=TODAY)
    assert [written(chain) for chain in playbook.chains.values()] == nodes
    assert playbook.clocks[0].chain == "c0"
    message = to_message(playbook, published_at=NOW)
    assert from_record(message.value, message.headers) == playbook


def any_chain(chance: Random, name: str) -> dict[str, Any]:
    """A sound chain as a file says it: first parts of the limit, then the deadline, then what lies behind it."""
    early = sorted(chance.sample([n / 100 for n in range(1, 100)], chance.randint(0, 4)))
    late = sorted(chance.sample(range(1, 500), chance.randint(0, 4)))
    instants: list[object] = [{"passed": part} for part in early]
    instants += ["due"] if chance.random() < 0.5 or not late else []
    unit = chance.choice(list(LimitUnit)).value
    instants += [{"after": {"amount": float(amount), "unit": unit}} for amount in late]
    if chance.random() < 0.2:
        instants = [{"day_end": day} for day in sorted(chance.sample(range(367), 3))]
    steps = [any_step(chance, f"s{number}", at) for number, at in enumerate(instants)]
    return {"id": name, "title": any_text(chance), "source": chance.choice(("示例值", "made up")), "steps": steps}


def any_step(chance: Random, name: str, at: object) -> dict[str, Any]:
    # Nothing goes up at the deadline: the limit's `when_late` does.
    actions = [action for action in ChainAction if at != "due" or action not in UPWARD]
    step: dict[str, Any] = {"id": name, "at": at, "action": chance.choice(actions).value}
    others = [who.value for who in Recipient if who is not Recipient.TARGET]
    chance.shuffle(others)
    if step["action"] in ("urge", "notify", "supervise") and chance.random() < 0.5:
        step["to"] = others.pop()
    if chance.random() < 0.5:
        step["copies"] = others[: chance.randint(1, len(others))]
    if chance.random() < 0.5:
        step["title"] = any_text(chance)
    if step["action"] == "supervise":
        step |= {"instruction": any_text(chance), "reply_within": any_amount(chance)}
    if chance.random() < 0.4:
        step |= {"every": any_amount(chance), "times": chance.randint(2, 3)}
    return step


def any_text(chance: Random) -> dict[str, str]:
    return {
        "zh": chance.choice(("催办：'再次'", '通报 "全县"', "督办#1", "请: 办结")),
        "en": chance.choice(("Urge", "- all", "a: b")),
    }


def any_amount(chance: Random) -> dict[str, object]:
    return {"amount": chance.choice((1.0, 0.5, 30.0, 2.25)), "unit": chance.choice(list(LimitUnit)).value}


def written(chain: Chain) -> dict[str, Any]:
    """A chain as its file would say it."""
    steps = [dict(_said(step)) for step in chain.steps]
    title = {"zh": chain.title.zh, "en": chain.title.en}
    return {"id": chain.id, "title": title, "source": chain.source, "steps": steps}


def _said(step: ChainStep) -> Iterator[tuple[str, object]]:
    at = step.at
    span = None if at.span is None else {"amount": at.span.amount, "unit": at.span.unit.value}
    told = next((one for one in (span, at.fraction, at.days) if one is not None), None)
    yield "id", step.id
    yield "at", "due" if told is None else {at.anchor.value: told}
    yield "action", step.action.value
    if step.to is not Recipient.TARGET:
        yield "to", step.to.value
    if step.copies:
        yield "copies", [who.value for who in step.copies]
    for name, text in (("title", step.title), ("instruction", step.instruction)):
        if text is not None:
            yield name, {"zh": text.zh, "en": text.en}
    for name, limit in (("reply_within", step.reply_within), ("every", step.every)):
        if limit is not None:
            yield name, {"amount": limit.amount, "unit": limit.unit.value}
    if step.times > 1:
        yield "times", step.times


def test_13710_asks_on_the_first_third_seventh_and_thirtieth_day_and_until_nothing_is_left(yunlu: Playbook) -> None:
    *once, left = yunlu.chains["13710"].steps
    assert [in_words(step.at) for step in once] == [
        "day_end 0",
        "since 3 natural_day",
        "since 7 natural_day",
        "since 30 natural_day",
    ]
    assert left.every is not None
    assert (left.every.amount, left.every.unit, left.times) == (7, LimitUnit.NATURAL_DAY, 26)
    assert "山西省" in yunlu.chains["13710"].source
    assert {clock.chain for clock in yunlu.clocks if clock.kind is ClockKind.SUPERVISE} == {"13710"}


def test_the_urging_ladder_urges_writes_the_day_after_and_makes_five_late_days_known(yunlu: Playbook) -> None:
    told = {step.id: step for step in yunlu.chains["urging"].steps}
    assert (in_words(told["urge"].at), told["urge"].action) == ("passed 0.9", ChainAction.URGE)
    assert (in_words(told["notice"].at), told["notice"].action) == ("after 1 working_day", ChainAction.NOTIFY)
    assert Recipient.TARGET_LEADER in told["notice"].copies
    assert (in_words(told["circular"].at), told["circular"].action) == ("after 5 working_day", ChainAction.CIRCULATE)


def test_the_emergency_ladder_counts_in_minutes(yunlu: Playbook) -> None:
    steps = yunlu.chains["emergency"].steps
    spans = [span for step in steps for span in (step.at.span, step.every) if span is not None]
    assert {span.unit for span in spans} == {LimitUnit.CONTINUOUS_MINUTE}
    assert steps[0].times > 1, "the next officer is called as well"


def test_whatever_an_order_waits_for_ends_at_the_countys_leader(yunlu: Playbook) -> None:
    for clock in yunlu.clocks:
        if clock.kind in NAMED_BY_ALL:
            assert clock.chain is not None, clock.id
            assert Recipient.COUNTY_LEADER in reached_from_a_village(clock, yunlu.chains[clock.chain]), clock.id


def reached_from_a_village(clock: ClockLimit, chain: Chain) -> set[Level | Recipient]:
    """Whom a late order of a village asks if nobody ever moves: a taken one begins anew with whoever took it.

    A copy asks nobody.
    """
    above: list[Level | Recipient] = [Level.TOWN, Level.COUNTY, Recipient.COUNTY_LEADER]
    if clock.when_late is WhenLate.TAKE_OVER:
        # Town, then county have an order and a clock of their own; that of the county has nobody above.
        above, climbed = [Recipient.COUNTY_LEADER], 0
    else:
        climbed = int(clock.when_late is WhenLate.OVERSEE)
    climbed += sum(step.times for step in chain.steps if step.action in UPWARD)
    return {*above[:climbed], *(step.to for step in chain.steps)}


def test_a_leader_is_on_duty_at_every_minute_in_county_and_towns(yunlu: Playbook) -> None:
    for area in yunlu.areas.values():
        if area.level is not Level.VILLAGE:
            led = [shift for shift in yunlu.roster.shifts if shift.owner == area.code and shift.post is Post.LEADER]
            assert first_gap(led) is None, area.code


def advice_of(playbook: Playbook) -> list[Advice]:
    return [one for one in advise(playbook, today=TODAY) if one.part == "chains"]


def test_a_chain_that_nothing_names_is_told(tmp_path: Path) -> None:
    playbook = load(write_chained(tmp_path, clocks=("none,made up,daily", "none,made up,")), today=TODAY)
    assert [one.what for one in advice_of(playbook) if "never used" in one.what] == ["chain 'daily' is never used"]


@pytest.mark.parametrize(
    ("old", "new", "what"),
    (
        ("1-7,00:00,00:00,o1,leader", "1-7,00:00,00:00,o1,officer", "at any time the roster has none"),
        ("1-7,00:00,00:00,o1,leader", "1-5,00:00,00:00,o1,leader", "from weekday 6, 00:00 the roster has none"),
        ("o1,leader", "o1,leader", ""),
    ),
)
def test_a_county_without_a_leader_on_duty_is_told(tmp_path: Path, old: str, new: str, what: str) -> None:
    told = advice_of(load(write_chained(tmp_path, shifts=(old, new)), today=TODAY))
    county = [one for one in told if "county's leader" in one.what]
    assert [what in one.what for one in county] == [True] * bool(what)
    assert any("4 desk(s) and department(s) have none" in one.what for one in told)


def test_the_county_that_ships_has_nothing_to_be_told_of_its_chains(yunlu: Playbook) -> None:
    assert advice_of(yunlu) == []
