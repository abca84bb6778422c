"""Checks over HTTP: do the services answer, is the key good, do the clocks agree, what do the probes say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx
from prometheus_client.parser import text_string_to_metric_families

from cli import client
from cli.checks.finding import Finding, broken, fine, look, skipped
from cli.places import Places
from cli.trouble import Trouble
from shared.runtime.clock import utc_now
from shared.vocabulary import Role

SKEW_WORTH_A_LOOK: Final = 3.0
"""Seconds; the header Date counts whole seconds, so less says nothing."""
SKEW_BROKEN: Final = 60.0
LAG_WORTH_A_LOOK: Final = 1000
PROBE_SECONDS: Final = 5.0
CANARY_WORTH_A_LOOK: Final = timedelta(minutes=3)
"""One is sent a minute."""


def check_apis(places: Places) -> Iterator[Finding]:
    """Intake and notifier: reachable, key accepted, clocks in step."""
    for name, url in (("intake", places.intake), ("notifier", places.notifier)):
        if url is None:
            yield skipped(name, "its address is not known", mend=f"give --url, or set WHISTLE_{name.upper()}_URL")
            continue
        yield from _check_api(name, url)
    yield _check_key(places)


def _check_api(name: str, url: str) -> Iterator[Finding]:
    try:
        with client.client(url) as http:
            asked_at = utc_now()
            response = http.get("/openapi.json", timeout=PROBE_SECONDS)
            answered_at = utc_now()
    except httpx.HTTPError as error:
        trouble = client.unreachable(url, error)
        yield broken(name, trouble.what, why=trouble.why, mend="check the address and the service's log")
        return
    if response.is_success:
        yield fine(name, f"answers at {url}")
    else:
        yield broken(
            name,
            f"answers {response.status_code} at {url}",
            why="/openapi.json is not there",
            mend="check that this is the address of Whistle",
        )
    yield check_skew(name, response.headers.get("date"), asked_at, answered_at)


def check_skew(name: str, date: str | None, asked_at: datetime, answered_at: datetime) -> Finding:
    """Compare the service's header Date with this machine's clock; what lies between ask and answer is no skew."""
    title = f"{name} clock"
    if date is None:
        return skipped(title, "the answer has no header Date", mend="let the gateway pass it on")
    theirs = parsedate_to_datetime(date)
    skew = max(0.0, (theirs - answered_at).total_seconds(), (asked_at - theirs).total_seconds() - 1)
    if skew < SKEW_WORTH_A_LOOK:
        return fine(title, "agrees with this machine's")
    grade = broken if skew >= SKEW_BROKEN else look
    return grade(
        title,
        f"differs from this machine's by {skew:.0f} s",
        why="one of the two clocks is wrong; deadlines are judged by the services' clock",
        mend="run NTP (chrony, systemd-timesyncd) on both machines",
    )


def _check_key(places: Places) -> Finding:
    if places.notifier is None:
        return skipped("key", "there is nobody to show it to", mend="give the notifier's address")
    try:
        with client.client(places.notifier, places.key_for(Role.OPERATOR, Role.AUDITOR)) as http:
            me = client.get(http, "/v1/me")
    except Trouble as trouble:
        return broken("key", trouble.what, why=trouble.why, mend=trouble.mend)
    return fine("key", f"{me['key_id']} ({me['role']}) for {me['area']}")


def check_probes(places: Places) -> Iterator[Finding]:
    """Every service's /livez, /readyz and lag, and through them PostgreSQL."""
    if not places.ops:
        yield skipped("probes", "the ops ports are not known", mend="give --ops NAME=URL for each service")
    for name, url in places.ops.items():
        try:
            with client.client(url) as http:
                live = http.get("/livez", timeout=PROBE_SECONDS).json()
                ready = http.get("/readyz", timeout=PROBE_SECONDS).json()
                metrics = http.get("/metrics", timeout=PROBE_SECONDS).text
        except (httpx.HTTPError, ValueError) as error:
            yield broken(
                f"{name} probes",
                f"the ops port at {url} does not answer",
                why=str(error) or type(error).__name__,
                mend=f"see why {name} does not run: its log, or `kubectl describe pod`",
            )
            continue
        yield _probe(name, live, ready)
        yield from check_metrics(name, metrics)


def _probe(name: str, live: dict[str, Any], ready: dict[str, Any]) -> Finding:
    if not live["ok"]:
        return broken(
            f"{name} probes", "is not live", why=_whys(live), mend="it should be restarted by itself; if not, do it"
        )
    if not ready["ok"]:
        away = "PostgreSQL" if _wrong(ready, "postgres") else "Kafka" if _wrong(ready, "kafka") else "what it names"
        return broken(f"{name} probes", "is alive but not ready", why=_whys(ready), mend=f"look after {away}")
    checked = ", ".join(ready["checks"])
    return fine(f"{name} probes", f"live and ready{f' ({checked})' if checked else ''}")


def _wrong(health: dict[str, Any], name: str) -> bool:
    return not health["checks"].get(name, {"ok": True})["ok"]


def _whys(health: dict[str, Any]) -> str:
    return "; ".join(f"{name}: {one['why']}" for name, one in health["checks"].items() if not one["ok"]) or "not said"


def check_canary(age: timedelta) -> Finding:
    """Judge how long ago the newest canary was opened that has come the whole way through the system."""
    seconds = max(0, int(age.total_seconds()))
    if age <= CANARY_WORTH_A_LOOK:
        return fine("canary", f"the newest that came the whole way was opened {seconds} s ago")
    return look(
        "canary",
        f"none has come the whole way for {seconds} s",
        why="a service or Kafka stands still, or the canary is switched off (WHISTLE_CANARY_COUNTY=off)",
        mend="look at the probes and lags here; docs/runbook.md says what to do",
    )


@dataclass(slots=True)
class Figures:
    """What a service's metrics say of how it fares."""

    lag: float = 0.0
    waiting: float = 0.0
    still: bool = False
    canary: float | None = None
    """Seconds since 1970 at which the newest canary was opened that came the whole way."""


def figures_of(text: str) -> Figures:
    """Read the metrics of one service."""
    figures = Figures()
    for family in text_string_to_metric_families(text):
        values = [sample.value for sample in family.samples]
        if family.name.endswith("_lag_records"):
            figures.lag += sum(values)
        elif family.name.endswith("_outbox_rows"):
            figures.waiting += sum(values)
        elif family.name.endswith("_too_many_rejected"):
            figures.still = any(values)
        elif family.name.endswith("_canary_opened_timestamp_seconds"):
            figures.canary = max(values, default=None)
    return figures


def check_metrics(name: str, text: str) -> Iterator[Finding]:
    """How far a service is behind, whether it stands still, and the canary's age, from its own metrics."""
    figures = figures_of(text)
    lag, waiting = figures.lag, figures.waiting
    if figures.canary is not None:
        yield check_canary(utc_now() - datetime.fromtimestamp(figures.canary, UTC))
    if figures.still:
        yield broken(
            f"{name} rejections",
            "stands still: it would have to set too many records aside",
            why="a release that cannot read what is there, or a producer that writes garbage; its log names the first",
            mend="go back to the release before, or see WhistleTooManyRejected in docs/runbook.md",
        )
    if lag > LAG_WORTH_A_LOOK:
        yield look(
            f"{name} lag",
            f"{lag:.0f} records behind",
            why="it handles less than comes in, or is catching up after an outage",
            mend="watch it fall; if it does not, add replicas (up to the partitions of its topics)",
        )
    if waiting > LAG_WORTH_A_LOOK:
        yield look(
            f"{name} outbox",
            f"{waiting:.0f} messages wait for Kafka",
            why="Kafka was away, or is slow",
            mend="check Kafka; the relay catches up by itself",
        )
    if lag <= LAG_WORTH_A_LOOK and waiting <= LAG_WORTH_A_LOOK:
        yield fine(f"{name} lag", f"{lag:.0f} records behind, {waiting:.0f} waiting for Kafka")
