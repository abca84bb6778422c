"""The account finds everything that does not add up, and nothing when all does."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from deploy.local.demo.messages import FORGOTTEN, WHISTLED
from deploy.local.demo.reconcile import Account, Deliveries, Sent, faults
from shared.vocabulary import Level, OrderRole


def sent(**changes: Any) -> Sent:
    """Two accepted, one that joined, one repeated, one refused."""
    made = {
        "sent": 5,
        "accepted": {"a", "b"},
        "joined": {"r1": "a"},
        "repeated": 1,
        "refused": Counter({"422": 1}),
        "wrong": [],
    }
    return Sent(**{**made, **changes})


def delivered(**changes: Any) -> Deliveries:
    made = {"name": "orders", "owed": {"e1", "e2"}, "received": {"e1", "e2", "e3"}, "forged": 0, "repeats": 1}
    return Deliveries(**{**made, **changes})


GOOD = Account(
    sent=sent(),
    opened={"a", "b", "somebody else's"},
    older=frozenset(),
    untold=frozenset(),
    joined={"r1", "somebody else's"},
    unfiled=frozenset(),
    listed={"a", "b", "an older one"},
    orders={"o1": ("a", OrderRole.LEAD), "o2": ("b", OrderRole.LEAD), "o3": ("b", OrderRole.ASSIST)},
    clocked={"o1", "o2", "o3"},
    deliveries=(delivered(),),
    dead_letters=(),
    forgotten_climbed=(Level.VILLAGE, Level.TOWN, Level.COUNTY),
    forgotten_told=True,
    unheard=frozenset(),
    refused_actions=(),
)


def test_a_play_in_which_everything_arrived_adds_up() -> None:
    assert faults(GOOD) == []


@pytest.mark.parametrize(
    ("change", "said"),
    (
        ({"sent": sent(sent=6)}, "6 were sent, but 2 accepted + 1 joined + 1 repeated + 1 refused make 5"),
        ({"sent": sent(joined={"r1": "c"})}, "1 cases that reports joined have no opened event: c"),
        ({"joined": {"r2"}}, "1 joined reports are in no fact of their case: r1"),
        ({"sent": sent(wrong=["message-7 should be accepted: 503"])}, "message-7 should be accepted"),
        ({"opened": {"a"}}, "1 accepted cases have no opened event: b"),
        ({"listed": {"b"}}, "1 accepted cases are not listed by the notifier: a"),
        ({"orders": {"o1": ("a", OrderRole.LEAD)}}, "1 accepted cases have no lead order: b"),
        ({"clocked": {"o1", "o3"}}, "1 orders have no clock: o2"),
        ({"deliveries": (delivered(received={"e2"}),)}, "1 events owed to the webhook orders did not arrive: e1"),
        ({"deliveries": (delivered(forged=2),)}, "2 deliveries to the webhook orders had a wrong signature"),
        ({"dead_letters": ("no such type",)}, "1 dead letters: no such type"),
        ({"forgotten_climbed": (Level.VILLAGE, Level.TOWN)}, "its lead orders went village → town"),
        ({"forgotten_climbed": ()}, "its lead orders went nowhere"),
        ({"forgotten_told": False}, "the county's leader on duty was not told of the forgotten case"),
        ({"unheard": {"police"}}, "1 departments were whistled for and got no order: police"),
        ({"refused_actions": ("sign on x: 403",)}, "an action was refused: sign on x: 403"),
    ),
)
def test_each_thing_that_is_missing_is_found_and_named(change: dict[str, Any], said: str) -> None:
    found = faults(replace(GOOD, **change))
    assert len(found) == 1
    assert said in found[0]


def test_a_case_that_nobody_has_filed_yet_needs_no_order() -> None:
    unrouted = replace(GOOD, orders={"o1": ("a", OrderRole.LEAD)}, clocked={"o1"})
    assert faults(replace(unrouted, unfiled={"b"})) == []
    assert faults(replace(unrouted, unfiled={"a"})) == ["1 accepted cases have no lead order: b"]


def test_a_case_of_before_that_a_report_joined_needs_no_opened_event_in_this_play() -> None:
    kept = replace(GOOD, sent=sent(joined={"r1": "old"}), older={"old"})
    assert faults(kept) == []
    assert faults(replace(kept, older={"another"})) == ["1 cases that reports joined have no opened event: old"]


@pytest.mark.parametrize(
    ("story", "change", "said"),
    (
        (FORGOTTEN, {"forgotten_climbed": (), "forgotten_told": False}, "its lead orders went nowhere"),
        (WHISTLED, {"unheard": {"police"}}, "got no order: police"),
    ),
)
def test_a_story_that_went_into_a_case_of_before_is_not_missed_and_any_other_is(
    story: str, change: dict[str, Any], said: str
) -> None:
    other = {FORGOTTEN, WHISTLED} - {story}
    assert faults(replace(GOOD, untold={story}, **change)) == []
    [fault] = faults(replace(GOOD, untold=other, **change))
    assert said in fault


def test_a_long_list_of_missing_ids_is_cut() -> None:
    [fault] = faults(replace(GOOD, sent=sent(sent=102, accepted={f"c{n}" for n in range(100)}, joined={}), **many(100)))
    assert fault.startswith("100 accepted cases are not listed")
    assert fault.endswith("…")
    assert len(fault) < 120


def many(count: int) -> dict[str, Any]:
    """Everything for ``count`` cases but the notifier's list."""
    cases = [f"c{n}" for n in range(count)]
    orders = {f"o{n}": (case, OrderRole.LEAD) for n, case in enumerate(cases)}
    return {"opened": set(cases), "orders": orders, "clocked": set(orders), "listed": set()}
