"""Every metric of intake, each with its meaning; labels come from closed sets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from services.intake.domain.moves.instructing import Left
from shared.runtime.delivery import DeliveryLoop
from shared.runtime.outbox import OutboxRelay
from shared.vocabulary import ModeKind

GIVEN: Final = "given"
_FAST: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """The metrics of one process, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.reports = Counter(
            "whistle_intake_reports_total",
            "Reports by how they ended: accepted, replayed (same client key again), refused.",
            ["source", "outcome"],
            registry=self.registry,
        )
        self.actions = Counter(
            "whistle_intake_actions_total",
            "Actions on cases by how they ended: done, replayed, refused.",
            ["action", "outcome"],
            registry=self.registry,
        )
        self.mode_requests = Counter(
            "whistle_intake_mode_requests_total",
            "Requests to change a mode (propose, confirm) by how they ended: done, replayed, refused.",
            ["step", "outcome"],
            registry=self.registry,
        )
        self.modes_entered = Counter(
            "whistle_intake_modes_entered_total",
            "Changes of mode that came into force, by the kind entered; normal: one was left.",
            ["kind"],
            registry=self.registry,
        )
        self.settled_cases = Counter(
            "whistle_intake_settled_cases_total",
            "Open cases that were told of a change of mode.",
            registry=self.registry,
        )
        self.instructions = Counter(
            "whistle_intake_instructions_total",
            "Instructions of clocks' chains: given, or why the case was left without: ended, held, unfiled, full, "
            "over, nobody.",
            ["outcome"],
            registry=self.registry,
        )
        for outcome in (GIVEN, *Left):
            # From 0 on: of a series that begins with its first count an alert sees no increase.
            self.instructions.labels(outcome)
        self.canaries = Counter(
            "whistle_intake_canaries_total",
            "Canaries by what became of them: sent by this replica, closed by an order that came for them.",
            ["outcome"],
            registry=self.registry,
        )
        self.limited = Counter(
            "whistle_intake_limited_total",
            "Requests refused with 429, by the reason: which had asked too often, key, source or address.",
            ["reason"],
            registry=self.registry,
        )
        self.together = Histogram(
            "whistle_intake_together_records",
            "Reports (papers) and actions (deeds) kept by one transaction.",
            ["kind"],
            buckets=(1, 2, 5, 10, 25, 50, 100, 250, 500),
            registry=self.registry,
        )
        self.together_seconds = Histogram(
            "whistle_intake_together_seconds",
            "Seconds of such a transaction, from its first statement to its commit.",
            ["kind"],
            buckets=_FAST,
            registry=self.registry,
        )
        self.http_seconds = Histogram(
            "whistle_intake_http_request_seconds",
            "Seconds from a request's first byte to its answer.",
            ["method", "route", "status"],
            buckets=_FAST,
            registry=self.registry,
        )
        self.records = Counter(
            "whistle_intake_records_total",
            "Records handled from Kafka by loop: fold (orders, sla) or inbound; outcome handled or rejected.",
            ["loop", "outcome"],
            registry=self.registry,
        )
        self.batch_seconds = Histogram(
            "whistle_intake_batch_seconds",
            "Seconds from a batch's fetch to its commit, outages included.",
            ["loop"],
            buckets=(*_FAST, 30, 60),
            registry=self.registry,
        )
        self.batch_failures = Counter(
            "whistle_intake_batch_failures_total",
            "Attempts at a batch that ended in an outage and were repeated.",
            ["loop"],
            registry=self.registry,
        )
        self.models = Gauge(
            "whistle_intake_models",
            "Models of counties: used to guess categories; refused, for their file is no model.",
            ["state"],
            registry=self.registry,
        )
        self.oldest_model = Gauge(
            "whistle_intake_model_oldest_timestamp_seconds",
            "When the oldest model in use was trained, in seconds since 1970; 0 when none is in use.",
            registry=self.registry,
        )
        self.sights = Counter(
            "whistle_intake_sights_total",
            "Looks at who reported (read) and exports of a person's data, by how much was seen.",
            ["kind", "sight"],
            registry=self.registry,
        )
        self.removed_total = Counter(
            "whistle_intake_removed_total",
            "What was erased or outlived its time: reports, photos, photos_unshown, client_keys, audit_blocks.",
            ["kind"],
            registry=self.registry,
        )
        self.audit_block = Gauge(
            "whistle_intake_audit_block",
            "The audit's last block that this replica has sealed or seen.",
            registry=self.registry,
        )
        self.audit_waiting_seconds = Gauge(
            "whistle_intake_audit_waiting_seconds",
            "Age of the oldest entry of the audit that no block holds.",
            registry=self.registry,
        )

    def seen(self, kind: str, sight: str) -> None:
        """See ``custody.Watch.seen``."""
        self.sights.labels(kind, sight).inc()

    def removed(self, what: str, count: int) -> None:
        """See ``custody.Watch.removed``."""
        self.removed_total.labels(what).inc(count)

    def sealed(self, block: int, waiting_seconds: float) -> None:
        """See ``custody.Watch.sealed``."""
        self.audit_block.set(block)
        self.audit_waiting_seconds.set(waiting_seconds)

    def learned(self, used: int, refused: int, oldest_at: datetime | None) -> None:
        """See ``guesser.Told``."""
        self.models.labels("used").set(used)
        self.models.labels("refused").set(refused)
        self.oldest_model.set(0 if oldest_at is None else oldest_at.timestamp())

    def canary_sent(self) -> None:
        """See ``ports.Tell.canary_sent``."""
        self.canaries.labels("sent").inc()

    def canary_closed(self) -> None:
        """See ``ports.Tell.canary_closed``."""
        self.canaries.labels("closed").inc()

    def mode_entered(self, kind: ModeKind) -> None:
        """See ``ports.Tell.mode_entered``."""
        self.modes_entered.labels(kind).inc()

    def settled(self, cases: int) -> None:
        """See ``ports.Tell.settled``."""
        self.settled_cases.inc(cases)

    def instructed(self, left: Left | None) -> None:
        """See ``ports.Tell.instructed``."""
        self.instructions.labels(left or GIVEN).inc()

    def kept_together(self, what: str, size: int, seconds: float) -> None:
        """Note one transaction that kept several reports or actions."""
        self.together.labels(what).observe(size)
        self.together_seconds.labels(what).observe(seconds)

    def limited_by(self, what: str) -> None:
        """Note one request that came too often."""
        self.limited.labels(what).inc()

    def observe_http(self, method: str, route: str, status: int, seconds: float) -> None:
        """Note one answered request."""
        self.http_seconds.labels(method, route, str(status)).observe(seconds)

    def watch(self, relay: OutboxRelay, loops: Mapping[str, DeliveryLoop]) -> None:
        """Show what waits in the outbox and how far behind the loops are, asked at each scrape."""
        self.registry.register(_Figures(relay, loops))


class _Figures(Collector):
    """Figures that others keep, read when somebody asks."""

    def __init__(self, relay: OutboxRelay, loops: Mapping[str, DeliveryLoop]) -> None:
        self._relay = relay
        self._loops = loops

    def collect(self) -> Iterator[Metric]:
        figures = self._relay.figures
        yield GaugeMetricFamily(
            "whistle_intake_outbox_rows", "Events that wait for Kafka, as last counted.", figures.backlog.rows
        )
        yield GaugeMetricFamily(
            "whistle_intake_outbox_oldest_seconds",
            "Age of the oldest event that waits for Kafka.",
            figures.backlog.oldest_seconds,
        )
        yield CounterMetricFamily("whistle_intake_outbox_sent", "Events sent to Kafka and acknowledged.", figures.sent)
        lag = GaugeMetricFamily(
            "whistle_intake_lag_records",
            "Records between a loop's commit and the end of its topics: fold (orders, sla) or inbound.",
            labels=["loop"],
        )
        for name, loop in self._loops.items():
            lag.add_metric([name], loop.progress.lag)
        yield lag
        yield GaugeMetricFamily(
            "whistle_intake_too_many_rejected",
            "1 while the folds stand still because they would have to set too many records aside.",
            any(loop.progress.over_limit is not None for loop in self._loops.values()),
        )


class LoopMeter:
    """A delivery loop's figures as metrics."""

    def __init__(self, metrics: Metrics, loop: str) -> None:
        self._metrics = metrics
        self._loop = loop

    def delivered(self, *, records: int, messages: int, rejected: int, seconds: float) -> None:  # noqa: ARG002  intake's loops send none themselves
        """See ``Meter.delivered``."""
        self._metrics.records.labels(self._loop, "handled").inc(records - rejected)
        self._metrics.records.labels(self._loop, "rejected").inc(rejected)
        self._metrics.batch_seconds.labels(self._loop).observe(seconds)

    def failed(self, error: Exception) -> None:  # noqa: ARG002  the loop logs it
        """See ``Meter.failed``."""
        self._metrics.batch_failures.labels(self._loop).inc()
