"""What becomes of a delivery after an attempt."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from services.notifier.domain.delivery import (
    REASONS,
    SCHEDULE,
    Answered,
    Delivered,
    Disable,
    GiveUp,
    Reason,
    Retry,
    Unreached,
    judge,
)

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
SECONDS = (0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)


def test_the_schedule_is_that_of_standard_webhooks() -> None:
    assert tuple(int(pause.total_seconds()) for pause in SCHEDULE) == SECONDS


@pytest.mark.parametrize("status", (200, 201, 202, 204, 299))
def test_any_2xx_is_delivered(status: int) -> None:
    assert judge(Answered(status=status), attempt=1, now=NOW, jitter=0) == Delivered()


def test_410_disables_at_once_whatever_the_attempt() -> None:
    assert judge(Answered(status=410), attempt=1, now=NOW, jitter=0) == Disable()
    assert judge(Answered(status=410), attempt=10, now=NOW, jitter=0) == Disable()


@pytest.mark.parametrize("attempt", range(1, 10))
def test_a_failure_is_tried_again_after_the_next_pause_of_the_schedule(attempt: int) -> None:
    verdict = judge(Answered(status=500), attempt=attempt, now=NOW, jitter=0)
    assert verdict == Retry(reason=Reason.SERVER_ERROR, at=NOW + timedelta(seconds=SECONDS[attempt]))


def test_after_the_last_attempt_it_is_given_up_with_the_last_reason() -> None:
    assert judge(Answered(status=500), attempt=10, now=NOW, jitter=0) == GiveUp(reason=Reason.SERVER_ERROR)
    gone = Unreached(reason=Reason.TIMEOUT, detail="")
    assert judge(gone, attempt=10, now=NOW, jitter=0) == GiveUp(reason=Reason.TIMEOUT)


def test_jitter_only_lengthens_a_pause_and_by_a_tenth_at_most() -> None:
    for jitter in (0.0, 0.5, 0.999):
        verdict = judge(Answered(status=500), attempt=2, now=NOW, jitter=jitter)
        assert isinstance(verdict, Retry)
        assert timedelta(seconds=300) <= verdict.at - NOW < timedelta(seconds=330)


@pytest.mark.parametrize("status", (429, 502, 503, 504))
def test_a_receiver_that_asks_to_slow_down_is_left_alone_as_a_whole(status: int) -> None:
    told = judge(Answered(status=status, retry_after=timedelta(minutes=20)), attempt=1, now=NOW, jitter=0)
    assert told == Retry(
        reason=Reason.SLOW_DOWN, at=NOW + timedelta(minutes=20), rest_until=NOW + timedelta(minutes=20)
    )
    untold = judge(Answered(status=status), attempt=1, now=NOW, jitter=0)
    assert untold == Retry(
        reason=Reason.SLOW_DOWN, at=NOW + timedelta(minutes=1), rest_until=NOW + timedelta(minutes=1)
    )


def test_the_schedule_wins_over_a_shorter_wish_and_no_wish_is_longer_than_a_day() -> None:
    short = judge(Answered(status=503, retry_after=timedelta(seconds=1)), attempt=3, now=NOW, jitter=0)
    assert isinstance(short, Retry)
    assert short.at == NOW + timedelta(minutes=30)
    long = judge(Answered(status=429, retry_after=timedelta(days=400)), attempt=1, now=NOW, jitter=0)
    assert isinstance(long, Retry)
    assert long.at == NOW + timedelta(hours=24)
    past = judge(Answered(status=429, retry_after=timedelta(seconds=-50)), attempt=1, now=NOW, jitter=0)
    assert isinstance(past, Retry)
    assert past.rest_until == NOW


@pytest.mark.parametrize(
    ("status", "reason"),
    ((301, Reason.REDIRECT), (307, Reason.REDIRECT), (400, Reason.CLIENT_ERROR), (404, Reason.CLIENT_ERROR)),
)
def test_redirects_and_refusals_are_failures_with_reasons_of_their_own(status: int, reason: Reason) -> None:
    verdict = judge(Answered(status=status), attempt=1, now=NOW, jitter=0)
    assert isinstance(verdict, Retry)
    assert verdict.reason is reason


def test_every_reason_has_words_in_both_languages() -> None:
    assert set(REASONS) == set(Reason)
    assert all(words.zh and words.en for words in REASONS.values())
