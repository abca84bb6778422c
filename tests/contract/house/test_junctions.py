"""Topics, clients and metrics: producers and consumers are there; each metric has a meaning and closed labels."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from shared.events import topics
from shared.events.topics import DEAD_LETTER, ORDER, TOPICS, Topic
from tests.contract.house.files import ROOT, SERVICES, modules, relative, tree

CLOSED_LABELS = {
    "action", "change", "channel", "direction", "hop", "kind", "level", "loop", "method", "outcome", "reason", "role",
    "route", "sight", "source", "state", "status", "step", "topic", "type", "urgency",
    "verdict",
}  # fmt: skip
ENDS = {"Counter": r"_total", "Histogram": r"_(seconds|bytes|records)", "CounterMetricFamily": r"", "Info": r""}
FAMILIES = {
    "Counter", "Gauge", "Histogram", "Summary", "Info",
    "CounterMetricFamily", "GaugeMetricFamily", "HistogramMetricFamily", "InfoMetricFamily",
}  # fmt: skip
FEWEST_WORDS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A metric as its catalogue writes it down."""

    family: str
    name: str
    meaning: str
    labels: tuple[str, ...]


def constants(topic: Topic) -> set[str]:
    """Return the names under which the catalogue offers ``topic``."""
    if topic in ORDER.values():
        return {"ORDER"}
    return {name for name, value in vars(topics).items() if value is topic}


def imported(service: str, module: str) -> set[str]:
    """Return what the modules of ``service`` import from ``module``."""
    return {
        alias.name
        for path in modules(f"services/{service}")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ImportFrom) and node.module == module
        for alias in node.names
    }


def names(service: str) -> set[str]:
    """Return every name that the modules of ``service`` speak, also behind a module's name."""
    nodes = [node for path in modules(f"services/{service}") for node in ast.walk(tree(path))]
    plain = {node.id for node in nodes if isinstance(node, ast.Name)}
    return plain | {node.attr for node in nodes if isinstance(node, ast.Attribute)}


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_every_consumer_of_a_topic_reads_it(topic: Topic) -> None:
    deaf = [
        service
        for service in sorted(topic.consumers)
        if not (constants(topic) | {"TOPICS"}) & imported(service, "shared.events.topics")
    ]
    assert not deaf, "\n".join(deaf)


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_no_service_reads_a_topic_that_is_not_for_it(topic: Topic) -> None:
    known = topic.consumers | topic.producers
    strangers = [s for s in SERVICES if s not in known and constants(topic) & imported(s, "shared.events.topics")]
    assert not strangers, "\n".join(strangers)


@pytest.mark.parametrize(
    "topic",
    tuple(t for t in TOPICS if t.producers < set(SERVICES)),
    ids=lambda t: t.name,
)
def test_the_producer_of_a_topic_makes_every_event_on_it(topic: Topic) -> None:
    (producer,) = topic.producers
    spoken = names(producer)
    missing = sorted(payload.__name__ for payload in topic.types if payload.__name__ not in spoken)
    assert not missing, f"{producer} never makes {', '.join(missing)}"


def test_every_topic_has_one_producer_or_says_why_not() -> None:
    assert [topic.name for topic in TOPICS if len(topic.producers) != 1 and topic is not DEAD_LETTER] == []


def catalogue(service: str) -> Iterator[Metric]:
    """Yield the metrics that ``services/<service>/metrics.py`` makes."""
    for node in ast.walk(tree(ROOT / "services" / service / "metrics.py")):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FAMILIES):
            continue
        texts = [word.value for word in node.args if isinstance(word, ast.Constant) and isinstance(word.value, str)]
        lists = [
            word
            for word in (*node.args, *(k.value for k in node.keywords if k.arg in {"labelnames", "labels"}))
            if isinstance(word, ast.List | ast.Tuple)
        ]
        labels = tuple(str(label.value) for word in lists for label in word.elts if isinstance(label, ast.Constant))
        yield Metric(family=node.func.id, name=texts[0], meaning=texts[1] if texts[1:] else "", labels=labels)


@pytest.mark.parametrize("service", SERVICES)
def test_every_metric_has_a_name_a_meaning_and_closed_labels(service: str) -> None:
    found = list(catalogue(service))
    assert found
    problems = [problem for metric in found for problem in faults(metric, service)]
    assert not problems, "\n".join(problems)


def faults(metric: Metric, service: str) -> Iterator[str]:
    """Yield what is wrong with a metric's name, meaning or labels."""
    if not re.fullmatch(rf"whistle_{service}_[a-z][a-z0-9_]*", metric.name):
        yield f"{metric.name}: begins with whistle_{service}_"
    if not re.search(ENDS.get(metric.family, r"[a-z]") + "$", metric.name):
        yield f"{metric.name}: a {metric.family} ends in {ENDS[metric.family]}"
    if len(metric.meaning.split()) < FEWEST_WORDS:
        yield f"{metric.name}: says what it means"
    yield from (
        f"{metric.name}: label {label} is of no closed set" for label in metric.labels if label not in CLOSED_LABELS
    )


def test_no_other_module_of_a_service_makes_metrics() -> None:
    makers = [
        relative(path)
        for path in modules("services")
        if path.name != "metrics.py"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if node.func.id in FAMILIES & _from_prometheus(path)
    ]
    assert not makers, "\n".join(makers)


def test_every_kafka_client_of_a_service_takes_the_common_options() -> None:
    without = [
        f"{relative(path)}:{node.lineno}"
        for path in modules("services", "shared")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id.startswith("AIOKafka")
        if not any(keyword.arg is None and "client_options" in ast.dump(keyword.value) for keyword in node.keywords)
    ]
    assert not without, "\n".join(without)


def _from_prometheus(path: Path) -> set[str]:
    """Return the names that a module imports from prometheus_client; ``Counter`` is also a class of collections."""
    return {
        alias.name
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("prometheus_client")
        for alias in node.names
    }
