"""Every metric of the router, each with its meaning; labels come from closed sets."""

from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from services.router.domain.tally import Tallies
from shared.playbook.shelf import PlaybookShelf
from shared.runtime.delivery import DeliveryLoop

BATCH_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """The metrics of one process, in a registry of its own."""

    def __init__(self) -> None:
        """Register everything."""
        self.registry = CollectorRegistry()
        self.issued = Counter(
            "whistle_router_orders_issued_total",
            "Orders decided, by level, role and reason; a repeated batch counts again.",
            ["level", "role", "reason"],
            registry=self.registry,
        )
        self.withdrawn = Counter(
            "whistle_router_orders_withdrawn_total",
            "Orders taken back: another stands instead, their target was released, or a mode was left.",
            ["level"],
            registry=self.registry,
        )
        self.decisions = Counter(
            "whistle_router_decisions_total",
            "Events answered: decided, or remembered when a case alike had been decided before.",
            ["outcome"],
            registry=self.registry,
        )
        self.unsaid = Counter(
            "whistle_router_unsaid_total",
            "Events to which nobody could be asked anything, and no order tells why; the log does.",
            registry=self.registry,
        )
        self.left = Counter(
            "whistle_router_left_total",
            "Events that ask nobody by the case's own state: unfiled, held, ended before they came, or led by who "
            "would watch.",
            ["reason"],
            registry=self.registry,
        )
        self.shadows = Counter(
            "whistle_router_shadow_matches_total",
            "Rules in shadow that held for a case and were not acted on; each order's explanation names them.",
            registry=self.registry,
        )
        self.records = Counter(
            "whistle_router_records_total",
            "Records of case and sla events by outcome: handled, or rejected to the dead-letter topic.",
            ["outcome"],
            registry=self.registry,
        )
        self.batch_seconds = Histogram(
            "whistle_router_batch_seconds",
            "Seconds from a batch's fetch to its commit, outages included.",
            buckets=BATCH_SECONDS,
            registry=self.registry,
        )
        self.batch_failures = Counter(
            "whistle_router_batch_failures_total",
            "Attempts at a batch that ended in an outage and were repeated.",
            registry=self.registry,
        )

    def count(self, tallies: Tallies) -> None:
        """Note what a batch was decided to be."""
        for labels, orders in tallies.issued.items():
            self.issued.labels(*labels).inc(orders)
        for level, orders in tallies.withdrawn.items():
            self.withdrawn.labels(level).inc(orders)
        self.decisions.labels("decided").inc(tallies.decided)
        self.decisions.labels("remembered").inc(tallies.remembered)
        self.shadows.inc(tallies.shadows)
        self.unsaid.inc(tallies.unsaid)
        for why, events in tallies.left.items():
            self.left.labels(why).inc(events)

    def watch(self, loop: DeliveryLoop, shelf: PlaybookShelf) -> None:
        """Show lag and playbooks, asked at each scrape."""
        self.registry.register(_Figures(loop, shelf))


class LoopMeter:
    """Counts what the delivery loop tells."""

    def __init__(self, metrics: Metrics) -> None:
        """Count into `metrics`."""
        self._metrics = metrics

    def delivered(self, *, records: int, messages: int, rejected: int, seconds: float) -> None:  # noqa: ARG002  the loop's meter
        """A batch was committed."""
        self._metrics.records.labels("handled").inc(records - rejected)
        self._metrics.records.labels("rejected").inc(rejected)
        self._metrics.batch_seconds.observe(seconds)

    def failed(self, error: Exception) -> None:  # noqa: ARG002  the loop's meter; the log has the error
        """An attempt at a batch ended in an outage."""
        self._metrics.batch_failures.inc()


class _Figures(Collector):
    """Figures that others keep, read when somebody asks."""

    def __init__(self, loop: DeliveryLoop, shelf: PlaybookShelf) -> None:
        self._loop = loop
        self._shelf = shelf

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "whistle_router_lag_records",
            "Records between the loop's commit and the end of its topics.",
            self._loop.progress.lag,
        )
        yield GaugeMetricFamily(
            "whistle_router_rejected_in_a_row",
            "Records set aside one after another in a partition, the longest run that still goes on.",
            self._loop.progress.rejected_in_a_row,
        )
        yield GaugeMetricFamily(
            "whistle_router_too_many_rejected",
            "1 while the loop stands still because it would have to set too many records aside; then the process ends.",
            self._loop.progress.over_limit is not None,
        )
        yield GaugeMetricFamily(
            "whistle_router_playbooks",
            "Counties with a playbook in force.",
            len(self._shelf.counties),
        )
        yield CounterMetricFamily(
            "whistle_router_playbooks_refused",
            "Playbook records refused since the start; the playbook before each stays in force.",
            self._shelf.refused,
        )
        yield GaugeMetricFamily(
            "whistle_router_playbooks_behind",
            "Counties whose newest playbook record was refused, and which go on by the one before; the log says why.",
            len(self._shelf.refusals),
        )
