"""The overlays on a real API server: accepted without a warning, single faults refused, an upgrade by the guide."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.contract.kubernetes.manifests import OVERLAYS, Manifests, containers, objects_of, pod, title
from tests.contract.kubernetes.schemas import definitions
from tests.contract.kubernetes.test_kubernetes import BUILT_IN
from tests.integration.kubernetes.api_server import ApiServer, binaries, remove, running_api_server

DRY = "--dry-run=server"
# What neither schemas nor the lint see; the API server must refuse each.
FAULTS: dict[str, Callable[[Manifests], object]] = {
    "quantity": lambda made: containers(made.get("StatefulSet", "router"))[0]["resources"]["requests"].update(
        cpu="1mm"
    ),
    "field": lambda made: containers(made.get("StatefulSet", "router"))[0].update(readynessProbe={}),
    "type": lambda made: made.get("StatefulSet", "router")["spec"].update(revisionHistoryLimit="five"),
    "network": lambda made: made.get("NetworkPolicy", "notifier")["spec"]["egress"][-1]["to"][0]["ipBlock"].update(
        cidr="0.0.0.0/33"
    ),
    "label": lambda made: made.get("StatefulSet", "router")["metadata"]["labels"].update(a="whi stle!"),
    "name": lambda made: made.get("Service", "intake")["metadata"].update(name="In_Take"),
    "grace": lambda made: pod(made.get("StatefulSet", "intake")).update(terminationGracePeriodSeconds=5),
    "privilege": lambda made: containers(made.get("StatefulSet", "router"))[0]["securityContext"].update(
        privileged=True, allowPrivilegeEscalation=True
    ),
}


@pytest.fixture(scope="module")
def server() -> Iterator[ApiServer]:
    """An API server with our namespace in it."""
    binaries()
    folder = Path(tempfile.mkdtemp(prefix="whistle-kubernetes-"))
    try:
        with running_api_server(folder) as running:
            namespace = text(built_in(objects_of(OVERLAYS[0])).of("Namespace"))
            done = running.apply(namespace)
            assert done.returncode == 0, done.stderr
            yield running
    finally:
        remove(folder)


@pytest.fixture(scope="module")
def operators(server: ApiServer) -> ApiServer:
    """The same with the kinds that the overlays use of the operators."""
    kinds = {made["kind"] for folder in OVERLAYS for made in objects_of(folder).objects}
    for path in sorted(definitions().glob("*.yaml")):
        source = path.read_text(encoding="utf-8")
        if any(f"\n    kind: {kind}\n" in source for kind in kinds):
            done = server.ask("apply", "--server-side", "-f", str(path))
            assert done.returncode == 0, done.stderr
    done = server.ask("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
    assert done.returncode == 0, done.stderr
    return server


def text(objects: list[dict[str, Any]]) -> str:
    """Return ``objects`` as one YAML text."""
    return yaml.safe_dump_all(objects, sort_keys=False)


def built_in(made: Manifests) -> Manifests:
    """Return what an API server knows without any operator."""
    return Manifests(objects=[found for found in made.objects if found["apiVersion"] in BUILT_IN])


@pytest.mark.parametrize("overlay", OVERLAYS, ids=lambda folder: folder.name)
def test_the_overlay_is_accepted_without_a_warning(operators: ApiServer, overlay: Path) -> None:
    made = objects_of(overlay)
    done = operators.apply(text(made.objects), DRY)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == len(made.objects)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_single_fault_is_refused(server: ApiServer, fault: str) -> None:
    made = built_in(objects_of(OVERLAYS[0]))
    FAULTS[fault](made)
    assert server.apply(text(made.objects), DRY).returncode != 0


def test_an_upgrade_changes_everything_but_the_jobs_which_are_made_anew(server: ApiServer) -> None:
    made = built_in(objects_of(OVERLAYS[0]))
    assert server.apply(text(made.objects)).returncode == 0
    for workload in made.workloads:
        for container in containers(workload):
            container["image"] = container["image"].rpartition(":")[0] + ":0.2.0"
    refused = server.apply(text(made.objects))
    assert refused.returncode != 0
    assert [
        title(job) for job in made.of("Job") if f'"{job["metadata"]["name"]}" is invalid' not in refused.stderr
    ] == []
    assert "StatefulSet" not in refused.stderr
    # The guide's first step.
    gone = server.ask("-n", "whistle", "delete", "job", "migrate-pre", "migrate-post", "publish-playbook")
    assert gone.returncode == 0, gone.stderr
    again = server.apply(text(made.objects))
    assert again.returncode == 0, again.stderr
