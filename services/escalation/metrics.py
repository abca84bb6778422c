"""Every metric of escalation, each with its meaning; labels come from closed sets."""

from __future__ import annotations

from collections import Counter as Counted
from collections.abc import Callable, Iterator
from typing import Final, assert_never

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from services.escalation.auditor import Auditor
from services.escalation.domain.audit import Kind, Standing
from services.escalation.domain.chain import Breach, Escalate, Take, Verdict, Wait, Warn
from services.escalation.handlers import FireReport, FoldReport
from services.escalation.leaving import EndedCases
from services.escalation.overdue import OverdueWatch
from services.escalation.ports import URGENCIES
from services.escalation.progress import FoldProgress
from services.escalation.revisits import Revisits
from services.escalation.warnings import Watch
from services.escalation.years import Years
from shared.runtime.outbox import OutboxRelay

_FAST: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """The metrics of one process, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.records = Counter(
            "whistle_escalation_records_total",
            "Records of cases and orders: applied, repeated (below the ledger, skipped), rejected (dead letter).",
            ["outcome"],
            registry=self.registry,
        )
        self.fold_seconds = Histogram(
            "whistle_escalation_fold_seconds",
            "Seconds of one fold transaction.",
            buckets=_FAST,
            registry=self.registry,
        )
        self.clocks = Counter(
            "whistle_escalation_clocks_total",
            "Clocks started, moved (held, gone on, put off) and stopped.",
            ["change"],
            registry=self.registry,
        )
        self.fired = Counter(
            "whistle_escalation_fired_total",
            "What clocks said: warned, breached, escalated, stepped; by the kind of clock and the level that was late.",
            ["verdict", "kind", "level"],
            registry=self.registry,
        )
        self.steps = Counter(
            "whistle_escalation_steps_total",
            "Steps of chains that were taken, by what they do; after an outage one notice may stand for others.",
            ["action"],
            registry=self.registry,
        )
        self.late_seconds = Histogram(
            "whistle_escalation_fire_lateness_seconds",
            "Seconds between the instant a clock had something to say and when it was said; urgency 1 is the most.",
            ["urgency"],
            buckets=(*_FAST, 30, 60, 300, 3600),
            registry=self.registry,
        )

    def folded(self, report: FoldReport, *, seconds: float) -> None:
        """Count one fold."""
        self.records.labels("applied").inc(report.applied)
        self.records.labels("repeated").inc(report.repeated)
        self.records.labels("rejected").inc(len(report.rejected))
        self.clocks.labels("started").inc(report.started)
        self.clocks.labels("moved").inc(report.moved)
        self.clocks.labels("stopped").inc(report.stopped)
        self.fold_seconds.observe(seconds)

    def said(self, report: FireReport) -> None:
        """Count one firing."""
        words = Counted((_word(one.verdict), one.clock.shown.kind, one.clock.shown.level) for one in report.said)
        for labels, count in words.items():
            self.fired.labels(*map(str, labels)).inc(count)
        steps = Counted(
            one.clock.step_of(one.verdict.planned).action for one in report.said if isinstance(one.verdict, Take)
        )
        for action, count in steps.items():
            self.steps.labels(str(action)).inc(count)
        grades = {urgency: self.late_seconds.labels(str(urgency)) for urgency, _ in report.late_seconds}
        for urgency, late in report.late_seconds:
            grades[urgency].observe(late)

    def watch(self, progress: FoldProgress, relay: OutboxRelay, revisits: Revisits, years: Years) -> None:
        """Read the rest from those who know it, at each scrape."""
        self.registry.register(_Watched(lambda: _families(progress, relay, revisits, years)))

    def watch_leaving(self, ended: EndedCases) -> None:
        """Read how many ended cases have left, at each scrape."""
        self.registry.register(_Watched(lambda: _left(ended)))

    def watch_auditor(self, auditor: Auditor) -> None:
        """Read what the auditor has counted, at each scrape."""
        self.registry.register(_Watched(lambda: _audited(auditor)))

    def watch_overdue(self, overdue: OverdueWatch) -> None:
        """Read which clocks wait to fire, at each scrape."""
        self.registry.register(_Watched(lambda: _overdue(overdue)))

    def watch_warnings(self, watch: Watch) -> None:
        """Read what was looked at and what warnings were raised, at each scrape."""
        self.registry.register(_Watched(lambda: _warnings(watch)))


def _overdue(overdue: OverdueWatch) -> Iterator[Metric]:
    clocks = GaugeMetricFamily(
        "whistle_escalation_overdue_clocks",
        "Clocks that are due and have not fired, by urgency, counted up to ten thousand a partition; "
        "every replica looks at all of them every few seconds.",
        labels=["urgency"],
    )
    seconds = GaugeMetricFamily(
        "whistle_escalation_overdue_seconds",
        "By how much the clock that is due the longest and has not fired is late, by urgency; 0 where none is.",
        labels=["urgency"],
    )
    for grade in range(1, URGENCIES + 1):
        one = overdue.seen.get(grade)
        clocks.add_metric([str(grade)], one.clocks if one else 0)
        seconds.add_metric([str(grade)], one.seconds if one else 0.0)
    yield clocks
    yield seconds


def _left(ended: EndedCases) -> Iterator[Metric]:
    yield CounterMetricFamily(
        "whistle_escalation_ended_cases_left",
        "Cases that ended long ago and left the tables, with their clocks; they stay in the log.",
        value=ended.gone,
    )


class _Watched(Collector):
    def __init__(self, families: Callable[[], Iterator[Metric]]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        return self._families()


def _families(progress: FoldProgress, relay: OutboxRelay, revisits: Revisits, years: Years) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "whistle_escalation_lag_records", "Records between the ledger and the ends of the log.", value=progress.lag
    )
    yield GaugeMetricFamily(
        "whistle_escalation_partitions", "Partitions that this replica folds.", value=len(progress.partitions)
    )
    yield GaugeMetricFamily(
        "whistle_escalation_too_many_rejected",
        "1 while the fold stands still because it would have to set too many records aside; then the process ends.",
        value=progress.over_limit is not None,
    )
    yield GaugeMetricFamily(
        "whistle_escalation_waiting_cases",
        "Cases whose clocks cannot start yet: no playbook for their county, or a year without a calendar.",
        value=sum(waiting.cases for waiting in revisits.waiting.values()),
    )
    yield GaugeMetricFamily(
        "whistle_escalation_calendars_ending",
        "Counties in use here whose calendar ends within sixty days, or has ended.",
        value=len(years.ending),
    )
    figures = relay.figures
    yield GaugeMetricFamily("whistle_escalation_outbox_rows", "Events not yet sent.", value=figures.backlog.rows)
    yield GaugeMetricFamily(
        "whistle_escalation_outbox_oldest_seconds",
        "Age of the oldest event not yet sent.",
        value=figures.backlog.oldest_seconds,
    )
    yield CounterMetricFamily("whistle_escalation_outbox_sent", "Events sent since the start.", value=figures.sent)
    yield CounterMetricFamily("whistle_escalation_outbox_failures", "Sendings that failed.", value=figures.failures)


def _warnings(watch: Watch) -> Iterator[Metric]:
    yield CounterMetricFamily(
        "whistle_escalation_reports_looked_at", "Reports held against what is usual.", value=watch.looked
    )
    changes = CounterMetricFamily(
        "whistle_escalation_warnings", "Early warnings raised, updated and ended.", labels=["change"]
    )
    for word in ("raised", "updated", "ended"):
        changes.add_metric([word], watch.changes[word])
    yield changes


def _audited(auditor: Auditor) -> Iterator[Metric]:
    passes = auditor.passes
    findings = GaugeMetricFamily(
        "whistle_escalation_audit_findings",
        "Clocks that are not as the facts of their case demand, in the last whole pass or in the one in hand.",
        labels=["kind"],
    )
    for kind in Kind:
        before = 0 if passes.whole is None else passes.whole.findings.get(kind, 0)
        findings.add_metric([str(kind)], max(before, passes.counts.findings.get(kind, 0)))
    yield findings
    cases = GaugeMetricFamily(
        "whistle_escalation_open_cases",
        "Open cases by what they have of clocks, as the last whole pass found them; none is wrong.",
        labels=["state"],
    )
    for standing in Standing:
        cases.add_metric([str(standing)], 0 if passes.whole is None else passes.whole.open.get(standing, 0))
    yield cases
    yield GaugeMetricFamily(
        "whistle_escalation_audit_pass_seconds",
        "How long the last whole pass over all cases took.",
        value=passes.whole_seconds or 0,
    )
    yield GaugeMetricFamily(
        "whistle_escalation_audit_looked_timestamp_seconds",
        "When the auditor last looked at a slice of cases.",
        value=0 if passes.looked_at is None else passes.looked_at.timestamp(),
    )


def _word(verdict: Verdict) -> str:
    match verdict:
        case Wait():
            return "waited"
        case Warn():
            return "warned"
        case Breach():
            return "breached"
        case Escalate():
            return "escalated"
        case Take():
            return "stepped"
        case _:
            assert_never(verdict)
