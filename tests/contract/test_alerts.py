"""Alerts: each speaks of metrics and labels that services really show, and has a page in the runbook."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from services.intake.domain.moves.instructing import Left
from services.intake.metrics import Metrics
from tests.contract.house.files import ROOT, SERVICES, source
from tests.contract.house.test_junctions import Metric, catalogue

RULES = ROOT / "deploy" / "k8s" / "components" / "observability" / "rules.yaml"
LEFT = "WhistleInstructionsLeft"
NAME = re.compile(r"\bwhistle_[a-z0-9_]+\b(?:\{(?P<labels>[^}]*)\})?")


def alerts() -> list[dict[str, Any]]:
    """Return the alerts of the manifest."""
    groups = yaml.safe_load(source(RULES))["spec"]["groups"]
    return [rule for group in groups for rule in group["rules"] if "alert" in rule]


def shown(metric: Metric) -> set[str]:
    """Return the names under which Prometheus sees a metric."""
    if metric.family == "CounterMetricFamily":
        return {f"{metric.name}_total"}
    if "Histogram" in metric.family:
        return {f"{metric.name}_{part}" for part in ("bucket", "count", "sum")}
    return {metric.name}


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: str(alert["alert"]))
def test_an_alert_speaks_of_metrics_that_are_there(alert: dict[str, Any]) -> None:
    known = {name: metric for service in SERVICES for metric in catalogue(service) for name in shown(metric)}
    for found in NAME.finditer(alert["expr"]):
        name = found.group(0).partition("{")[0]
        assert name in known, f"{name} is no metric of any service"
        labels = re.findall(r"(\w+)\s*[=!]", found["labels"] or "")
        assert set(labels) <= set(known[name].labels), f"{name} has no label {labels}"


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: str(alert["alert"]))
def test_an_alert_has_its_page_in_the_runbook(alert: dict[str, Any]) -> None:
    document, _, anchor = alert["annotations"]["runbook"].partition("#")
    headings = {line.removeprefix("## ").lower() for line in source(ROOT / document).splitlines() if line[:3] == "## "}
    assert anchor == alert["alert"].lower()
    assert anchor in headings


def test_the_alert_on_instructions_leaves_out_only_cases_that_need_none() -> None:
    named = next(re.findall(r'outcome=~"([^"]+)"', rule["expr"]) for rule in alerts() if rule["alert"] == LEFT)
    assert set(Left) - set(named[0].split("|")) == {Left.ENDED, Left.HELD, Left.OVER}
    assert set(named[0].split("|")) <= set(Left)


def test_what_the_alert_on_instructions_counts_is_shown_before_the_first_one() -> None:
    metrics = Metrics()
    for outcome in Left:
        assert metrics.registry.get_sample_value("whistle_intake_instructions_total", {"outcome": outcome}) == 0


def test_the_runbook_has_no_page_without_an_alert() -> None:
    text = source(ROOT / "docs" / "runbook.md")
    headings = {line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")}
    assert headings == {alert["alert"] for alert in alerts()}
