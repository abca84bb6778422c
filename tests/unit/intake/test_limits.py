"""A caller that asks too often waits, nobody else does, and the counts never outgrow their bound."""

import pytest
from fastapi import Request

from services.intake.api.limits import RateLimits, Rates, parsed
from shared.runtime.counting import BoundedMemory, one_subscriber
from shared.runtime.problem import Problem


def from_(peer: str, *forwarded: str) -> Request:
    headers = [(b"x-forwarded-for", one.encode()) for one in forwarded]
    return Request({"type": "http", "client": (peer, 4711), "headers": headers})


def test_the_fourth_of_three_is_refused_with_the_seconds_to_wait() -> None:
    limits = RateLimits(rates=Rates(key="3/hour"))
    for _ in range(3):
        limits.take_key("one")
    with pytest.raises(Problem) as refused:
        limits.take_key("one")
    assert refused.value.status == 429
    assert 1 <= int(refused.value.headers["Retry-After"]) <= 3600
    assert refused.value.errors[0].allowed == ["3 a hour"]


def test_one_that_asks_too_often_does_not_close_the_door_to_another() -> None:
    told: list[str] = []
    limits = RateLimits(rates=Rates(source="1/hour"), told=told.append)
    limits.take_source("990101001", "sensor")
    with pytest.raises(Problem):
        limits.take_source("990101002", "sensor")
    limits.take_source("990101001", "hotline")
    limits.take_source("990102", "sensor")
    limits.take_key("sensor")
    assert told == ["source"]


def test_a_limit_that_is_off_counts_nothing() -> None:
    limits = RateLimits(rates=Rates(key="off"))
    for _ in range(10_000):
        limits.take_key("one")


@pytest.mark.parametrize("text", ("", "many", "3/fortnight", "-1/second"))
def test_a_rate_that_says_nothing_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="is no rate"):
        parsed(text)


def test_what_was_asked_in_the_window_before_counts_by_what_is_left_of_it() -> None:
    now = 1000.0
    memory = BoundedMemory(clock=lambda: now)
    assert all(memory.acquire_sliding_window_entry("k", 10, 10) for _ in range(10))
    assert not memory.acquire_sliding_window_entry("k", 10, 10)
    now = 1015.0
    assert [memory.acquire_sliding_window_entry("k", 10, 10) for _ in range(6)] == [True] * 5 + [False]
    now = 1030.0
    assert all(memory.acquire_sliding_window_entry("k", 10, 10) for _ in range(10))


def test_a_million_addresses_cost_no_more_than_the_bound() -> None:
    memory = BoundedMemory(kept=100)
    for number in range(1000):
        memory.acquire_sliding_window_entry(f"address {number}", 1, 60)
    assert memory.reset() == 100


def test_an_address_is_believed_only_as_far_as_our_own_proxies_saw_it() -> None:
    assert RateLimits().address_of(from_("10.0.0.1", "1.2.3.4")) == "10.0.0.1"
    assert RateLimits(proxies=1).address_of(from_("10.0.0.1", "6.6.6.6, 1.2.3.4")) == "1.2.3.4"
    assert RateLimits(proxies=2).address_of(from_("10.0.0.1", "6.6.6.6, 1.2.3.4", "10.0.0.2")) == "1.2.3.4"
    assert RateLimits(proxies=2).address_of(from_("10.0.0.1", "1.2.3.4")) == "10.0.0.1"


@pytest.mark.parametrize(
    ("address", "subscriber"),
    (
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff", "2001:db8::/64"),
        ("::ffff:1.2.3.4", "1.2.3.4"),
        ("not an address", "unknown"),
    ),
)
def test_a_subscriber_is_one_address_or_one_network(address: str, subscriber: str) -> None:
    assert one_subscriber(address) == subscriber
