"""Every metric of the notifier, each with its meaning; labels come from closed sets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from services.notifier.domain.canary import Hop, Sighting
from services.notifier.domain.delivery import Verdict
from services.notifier.domain.telling import Telling
from services.notifier.ports import Attempt

_FAST: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What others keep and a scrape asks for."""

    lag: Callable[[], float]
    streams: Callable[[], float]
    position: Callable[[], float]
    sending: Callable[[], float]
    too_many_rejected: Callable[[], bool]


class Metrics:
    """The metrics of one process, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._newest_canary = datetime.min.replace(tzinfo=UTC)
        self.told = Counter(
            "whistle_notifier_told_total",
            "Events told for the first time: in the read side, on the feed, owed to webhooks.",
            registry=self.registry,
        )
        self.delay_seconds = Histogram(
            "whistle_notifier_told_delay_seconds",
            "Seconds from an event's own time to the moment it was told.",
            buckets=(*_FAST, 30, 60, 300),
            registry=self.registry,
        )
        self.records = Counter(
            "whistle_notifier_records_total",
            "Records handled from Kafka by outcome: handled or rejected (sent to the dead-letter topic).",
            ["outcome"],
            registry=self.registry,
        )
        self.batch_seconds = Histogram(
            "whistle_notifier_batch_seconds",
            "Seconds from a batch's fetch to its commit, outages included.",
            buckets=(*_FAST, 30, 60),
            registry=self.registry,
        )
        self.batch_failures = Counter(
            "whistle_notifier_batch_failures_total",
            "Attempts at a batch that ended in an outage and were repeated.",
            registry=self.registry,
        )
        self.attempts = Counter(
            "whistle_notifier_webhook_attempts_total",
            "Webhook attempts by reason: delivered, or why not (the closed list of the README).",
            ["reason"],
            registry=self.registry,
        )
        self.attempt_seconds = Histogram(
            "whistle_notifier_webhook_attempt_seconds",
            "Seconds that one webhook attempt took.",
            buckets=(*_FAST, 15),
            registry=self.registry,
        )
        self.unrecorded = Counter(
            "whistle_notifier_webhook_unrecorded_total",
            "Webhook attempts whose outcome could not be written down; they are made again.",
            registry=self.registry,
        )
        self.stream_ends = Counter(
            "whistle_notifier_stream_ends_total",
            "Streams that ended, by reason: left (the reader went), slow, stopping, key (no longer good), failed.",
            ["reason"],
            registry=self.registry,
        )
        self.canary_seconds = Histogram(
            "whistle_notifier_canary_seconds",
            "Seconds from a canary's opening to the moment it was seen here, by hop: opened, order, clock, closed.",
            ["hop"],
            buckets=(*_FAST, 20, 30, 60, 120, 300, 900),
            registry=self.registry,
        )
        self.canary_seen = Gauge(
            "whistle_notifier_canary_opened_timestamp_seconds",
            "When the newest canary was opened that has come the whole way round; at first when this process started.",
            registry=self.registry,
        )
        self.canary_seen.set_to_current_time()
        self.http_seconds = Histogram(
            "whistle_notifier_http_request_seconds",
            "Seconds from a request's first byte to the end of its answer; a stream counts its whole life.",
            ["method", "route", "status"],
            buckets=_FAST,
            registry=self.registry,
        )

    def observe_http(self, method: str, route: str, status: int, seconds: float) -> None:
        """Note one answered request."""
        self.http_seconds.labels(method, route, str(status)).observe(seconds)

    def observe_told(self, tellings: Sequence[Telling], now: datetime) -> None:
        """Note events that were new."""
        self.told.inc(len(tellings))
        for telling in tellings:
            self.delay_seconds.observe(max(0.0, (now - telling.time).total_seconds()))

    def observe_canary(self, sighting: Sighting) -> None:
        """Note a canary at one hop of its way."""
        self.canary_seconds.labels(sighting.hop.value).observe(sighting.after.total_seconds())
        if sighting.hop is Hop.CLOSED and sighting.opened_at > self._newest_canary:
            self._newest_canary = sighting.opened_at
            self.canary_seen.set(sighting.opened_at.timestamp())

    def observe_attempt(self, attempt: Attempt, verdict: Verdict) -> None:
        """Note one webhook attempt."""
        self.attempts.labels(verdict.reason.value).inc()
        self.attempt_seconds.observe(attempt.milliseconds / 1000)

    def delivered(self, *, records: int, messages: int, rejected: int, seconds: float) -> None:  # noqa: ARG002  the notifier's loop sends none
        """See ``Meter.delivered``."""
        self.records.labels("handled").inc(records - rejected)
        self.records.labels("rejected").inc(rejected)
        self.batch_seconds.observe(seconds)

    def failed(self, error: Exception) -> None:  # noqa: ARG002  the loop logs it
        """See ``Meter.failed``."""
        self.batch_failures.inc()

    def watch(self, figures: Figures) -> None:
        """Show figures that others keep, asked at each scrape."""
        self.registry.register(_Asked(figures))


class _Asked(Collector):
    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "whistle_notifier_lag_records", "Records between the commit and the end of the topics.", self._figures.lag()
        )
        yield GaugeMetricFamily("whistle_notifier_streams", "Open live streams.", self._figures.streams())
        yield GaugeMetricFamily(
            "whistle_notifier_feed_position", "The newest position handed to streams.", self._figures.position()
        )
        yield GaugeMetricFamily(
            "whistle_notifier_webhooks_sending", "Webhook attempts on their way.", self._figures.sending()
        )
        yield GaugeMetricFamily(
            "whistle_notifier_too_many_rejected",
            "1 while telling stands still because it would have to set too many records aside.",
            self._figures.too_many_rejected(),
        )
