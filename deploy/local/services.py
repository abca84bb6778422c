"""How one of the four services runs as a process of this machine: its environment and how to tell that it is ready."""

import http.client
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local.keys import DEMO_COUNTY
from deploy.local.ports import LOOPBACK
from deploy.local.processes import Program

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("intake", "router", "escalation", "notifier")
# The router keeps no state, so it gets no database.
WITH_DATABASE = frozenset({"intake", "escalation", "notifier"})
# Ports a person can remember; another is taken when one is in use.
HTTP_PORTS = {"intake": 8081, "notifier": 8084}
OPS_PORTS = {"intake": 9081, "router": 9082, "escalation": 9083, "notifier": 9084}


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What every service of one system is told."""

    kafka: str
    postgres: str
    keys_file: Path
    secret_key: str
    logs: Path
    photos: Path
    traces: Path | None
    models: Path | None
    extra: Mapping[str, str]


def service_of(part: str) -> str:
    """Return the service of an instance: ``router`` for ``router`` and for ``router-1``."""
    return part.split("-", maxsplit=1)[0]


def service_environment(part: str, around: Surroundings, ports: Mapping[str, int]) -> dict[str, str]:
    """Return the whole environment of the instance ``part``; of this process's own, nothing named WHISTLE_*."""
    service = service_of(part)
    own = {
        "WHISTLE_KAFKA": around.kafka,
        "WHISTLE_INSTANCE": part if "-" in part else f"{part}-0",
        "WHISTLE_OPS_HOST": LOOPBACK,
        "WHISTLE_OPS_PORT": str(ports[f"{part}.ops"]),
        "WHISTLE_KEYS_FILE": str(around.keys_file),
        "WHISTLE_SECRET_KEY": around.secret_key,
        "WHISTLE_WEBHOOK_PRIVATE": "true",
        "WHISTLE_TRACES": "off" if around.traces is None else str(around.traces / f"{part}.jsonl"),
        "PYTHONUNBUFFERED": "1",
    }
    if service == "notifier" and (routers := [name for name in sorted(ports) if _is_router(name)]):
        own["WHISTLE_ROUTER"] = f"http://{LOOPBACK}:{ports[routers[0]]}"
    if service in WITH_DATABASE:
        own["WHISTLE_POSTGRES"] = around.postgres
    if service == "intake" and around.models is not None:
        own["WHISTLE_MODELS"] = str(around.models)
    if service in HTTP_PORTS:
        own |= {"WHISTLE_HTTP_HOST": LOOPBACK, "WHISTLE_HTTP_PORT": str(ports[f"{part}.http"])}
        own |= _open_to_residents(service, around, ports)
    return {**inherited(), **own, **around.extra}


def _open_to_residents(service: str, around: Surroundings, ports: Mapping[str, int]) -> dict[str, str]:
    """What the form without a key needs: both services know the address of the other, and photos have a place.

    On one machine everybody comes from one address.
    """
    found = {"WHISTLE_BLOBS": f"file://{around.photos}", "WHISTLE_RATE_ADDRESS": "600/minute"}
    beside = {
        one.removesuffix(".http"): f"http://{LOOPBACK}:{port}" for one, port in ports.items() if one.endswith(".http")
    }
    if service == "intake":
        return found | {"WHISTLE_PUBLIC": DEMO_COUNTY, "WHISTLE_READ_URL": beside.get("notifier", "")}
    if "intake" in beside:
        found["WHISTLE_INTAKE_URL"] = beside["intake"]
    pages = [url for part, url in sorted(beside.items()) if service_of(part) == "intake"]
    return found | {"WHISTLE_PUBLIC_ORIGINS": ",".join(pages)}


def _is_router(port: str) -> bool:
    return port.endswith(".ops") and service_of(port.removesuffix(".ops")) == "router"


def inherited() -> dict[str, str]:
    """Return this process's environment without its own WHISTLE_* settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith("WHISTLE_")}


def service_program(part: str, environment: Mapping[str, str], logs: Path) -> Program:
    """Return how to run the instance ``part``."""
    ops_port = int(environment["WHISTLE_OPS_PORT"])
    return Program(
        name=part,
        command=(sys.executable, "-m", f"services.{service_of(part)}"),
        log=logs / f"{part}.log",
        why_not_ready=lambda: why_not_ready(ops_port),
        environment=environment,
        folder=ROOT,
        ready_seconds=90,
        stop_seconds=30,
    )


def why_not_ready(ops_port: int) -> str | None:
    """Ask ``/readyz`` of the ops port: None when it answers 200, else its checks that do not hold."""
    connection = http.client.HTTPConnection(LOOPBACK, ops_port, timeout=2)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        body = answer.read(4096).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        return f"its ops port does not answer ({error})"
    finally:
        connection.close()
    return None if answer.status == http.HTTPStatus.OK else body
