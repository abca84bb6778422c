"""What becomes of a delivery after an attempt (Standard Webhooks: schedule, 410, slow down)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum, unique
from types import MappingProxyType
from typing import Final, TypeAlias, assert_never

from shared.words import Words


@unique
class DeliveryState(StrEnum):
    """Where a delivery stands."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"
    HELD = "held"
    """Never sent, on purpose; it is there so that a person sees what was held back."""


@unique
class Reason(StrEnum):
    """Why a delivery stands where it stands; closed, for a metric carries it as a label."""

    QUEUED = "queued"
    REPLAYED = "replayed"
    DELIVERED = "delivered"
    CLIENT_ERROR = "client_error"
    SERVER_ERROR = "server_error"
    SLOW_DOWN = "slow_down"
    REDIRECT = "redirect"
    GONE = "gone"
    TIMEOUT = "timeout"
    NAME_UNKNOWN = "name_unknown"
    ADDRESS_REFUSED = "address_refused"
    CONNECT_FAILED = "connect_failed"
    TLS_FAILED = "tls_failed"
    BROKEN_ANSWER = "broken_answer"
    SUBSCRIPTION_DISABLED = "subscription_disabled"
    DRILL = "drill"


REASONS: Final[Mapping[Reason, Words]] = MappingProxyType(
    {
        Reason.QUEUED: Words(zh="等待首次投递", en="waits for its first attempt"),
        Reason.REPLAYED: Words(zh="已安排重新投递", en="asked for again, waits for its attempt"),
        Reason.DELIVERED: Words(zh="对方已确认收到（2xx）", en="the receiver confirmed it (2xx)"),
        Reason.CLIENT_ERROR: Words(zh="对方拒收（4xx）", en="the receiver refused it (4xx)"),
        Reason.SERVER_ERROR: Words(zh="对方服务出错（5xx）", en="the receiver failed (5xx)"),
        Reason.SLOW_DOWN: Words(
            zh="对方要求放慢（429、502、503、504）", en="the receiver asked to slow down (429, 502, 503, 504)"
        ),
        Reason.REDIRECT: Words(
            zh="对方要求跳转（3xx），不跟随", en="the receiver redirects (3xx), which is not followed"
        ),
        Reason.GONE: Words(
            zh="对方声明地址已停用（410），订阅已停用",
            en="the receiver says it is gone (410); the subscription is disabled",
        ),
        Reason.TIMEOUT: Words(zh="15 秒内没有回应", en="no answer within the time limit"),
        Reason.NAME_UNKNOWN: Words(zh="域名无法解析", en="the host name does not resolve"),
        Reason.ADDRESS_REFUSED: Words(
            zh="域名指向内网或保留地址，拒绝连接", en="the host name leads to an address that is not public"
        ),
        Reason.CONNECT_FAILED: Words(zh="连接不上", en="no connection"),
        Reason.TLS_FAILED: Words(zh="TLS 证书或握手失败", en="the TLS certificate or handshake failed"),
        Reason.BROKEN_ANSWER: Words(zh="对方的回应不是有效的 HTTP", en="the answer is no valid HTTP"),
        Reason.SUBSCRIPTION_DISABLED: Words(zh="订阅已停用，不再投递", en="the subscription is disabled"),
        Reason.DRILL: Words(zh="演练事件，不对外投递", en="held back: a drill is told to nobody outside"),
    }
)

SCHEDULE: Final = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""The pause before each attempt (Standard Webhooks, "Deliverability and reliability")."""

QUICK: Final = 60
"""Attempts at a mode's shortened pauses, at most: then the plain schedule goes on, lest a receiver that is gone for
a day is tried thousands of times, or one that is gone for an hour is given up in an emergency."""
JITTER: Final = 0.1
"""A pause is made longer by up to this share, so that receivers are not met by everybody at once."""
LONGEST_PAUSE: Final = timedelta(hours=24)
SLOW_DOWN: Final = timedelta(minutes=1)
"""How long a receiver is left alone that asks to slow down and does not say for how long."""
SLOWING: Final = frozenset({429, 502, 503, 504})
GONE: Final = 410


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The receiver answered with ``status``; ``retry_after`` when it said how long to wait."""

    status: int
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreached:
    """There was no answer; ``detail`` is what the machine said, for a person to read."""

    reason: Reason
    detail: str


Answer: TypeAlias = Answered | Unreached


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """It arrived."""

    reason: Reason = Reason.DELIVERED


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """It is tried again at ``at``; the whole subscription rests until ``rest_until`` when that is given."""

    reason: Reason
    at: datetime
    rest_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveUp:
    """The schedule is over; a person may replay it."""

    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Disable:
    """The receiver is gone: this delivery fails, and the subscription is disabled with all that waits for it."""

    reason: Reason = Reason.GONE


Verdict: TypeAlias = Delivered | Retry | GiveUp | Disable


def judge(
    answer: Answer, *, attempt: int, now: datetime, jitter: float, longest_pause: timedelta | None = None
) -> Verdict:
    """Say what follows from ``answer`` to the ``attempt``-th attempt (from 1); ``jitter`` is in [0, 1).

    ``longest_pause`` is that of the mode in force for the case (`Channels.retry_at_most_seconds`); a
    receiver that asks to slow down is left alone for as long as it asks all the same.
    """
    asked: timedelta | None = None
    match answer:
        case Answered(status=status) if is_taken(status):
            return Delivered()
        case Answered(status=410):
            return Disable()
        case Answered(status=status, retry_after=wait):
            reason = reason_of(status)
            asked = _pause_asked(reason, wait)
        case Unreached(reason=reason):
            pass
        case _:
            assert_never(answer)
    pause = pause_after(attempt, longest=longest_pause)
    if pause is None:
        return GiveUp(reason=reason)
    planned = now + pause * (1 + JITTER * jitter)
    if asked is None:
        return Retry(reason=reason, at=planned)
    rest_until = now + asked
    return Retry(reason=reason, at=max(planned, rest_until), rest_until=rest_until)


def pause_after(attempt: int, *, longest: timedelta | None) -> timedelta | None:
    """How long to wait after the ``attempt``-th attempt (from 1); None when it was the last.

    With ``longest`` no pause of the first ``QUICK`` is longer; after these the schedule goes on where
    its pauses grow beyond it.
    """
    if longest is None:
        return SCHEDULE[attempt] if attempt < len(SCHEDULE) else None
    if attempt <= QUICK:
        return min(SCHEDULE[min(attempt, len(SCHEDULE) - 1)], longest)
    longer = [pause for pause in SCHEDULE if pause > longest]
    return longer[attempt - QUICK - 1] if attempt - QUICK <= len(longer) else None


def is_taken(status: int) -> bool:
    """Say whether ``status`` means that the receiver has it: any 2xx."""
    return 200 <= status < 300  # noqa: PLR2004  HTTP's own classes


def reason_of(status: int) -> Reason:
    """The reason that ``status`` stands for."""
    if is_taken(status):
        return Reason.DELIVERED
    if status == GONE:
        return Reason.GONE
    if status in SLOWING:
        return Reason.SLOW_DOWN
    if 300 <= status < 400:  # noqa: PLR2004
        return Reason.REDIRECT
    if 400 <= status < 500:  # noqa: PLR2004
        return Reason.CLIENT_ERROR
    return Reason.SERVER_ERROR


def _pause_asked(reason: Reason, wait: timedelta | None) -> timedelta | None:
    if reason is not Reason.SLOW_DOWN:
        return None
    return min(LONGEST_PAUSE, max(timedelta(0), SLOW_DOWN if wait is None else wait))
