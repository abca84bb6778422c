"""The manifests as ``kubectl kustomize`` renders them, and the few questions that the lint asks of them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
K8S = ROOT / "deploy" / "k8s"
OVERLAYS = sorted(path.parent for path in K8S.glob("overlays/*/kustomization.yaml"))
COMPONENTS = sorted(path.parent for path in K8S.glob("components/*/kustomization.yaml"))

Object = dict[str, Any]  # a manifest is whatever YAML says


@cache
def rendered(folder: Path) -> str:
    """Return what ``kubectl kustomize`` makes of ``folder``; the test is skipped, visibly, without kubectl."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not installed: the manifests are not rendered or checked here")
    done = subprocess.run([kubectl, "kustomize", folder], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{folder}: {done.stderr}"
    return done.stdout


@cache
def _parsed(folder: Path) -> list[Object]:
    return [made for made in yaml.load_all(rendered(folder), Loader=yaml.CSafeLoader) if made]


def objects_of(folder: Path) -> Manifests:
    """Return the rendered objects of ``folder``, fresh, so that a test may change them."""
    return Manifests(objects=deepcopy(_parsed(folder)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifests:
    """All objects of one overlay."""

    objects: list[Object]

    def of(self, *kinds: str) -> list[Object]:
        """Return the objects of these kinds, in order."""
        return [made for made in self.objects if made["kind"] in kinds]

    def names(self, kind: str) -> set[str]:
        """Return the names of all objects of ``kind``."""
        return {name(made) for made in self.of(kind)}

    def get(self, kind: str, wanted: str) -> Object:
        """Return one object; KeyError when it is not there."""
        for made in self.of(kind):
            if name(made) == wanted:
                return made
        raise KeyError(f"{kind} {wanted}")

    @property
    def workloads(self) -> list[Object]:
        """Everything that makes pods."""
        return self.of("Deployment", "StatefulSet", "Job", "CronJob")

    @property
    def services(self) -> list[Object]:
        """The workloads that run for ever."""
        return self.of("Deployment", "StatefulSet")

    def settings(self, container: Mapping[str, Any]) -> dict[str, str | None]:
        """Return a container's environment by name; None for what the cluster fills in."""
        found: dict[str, str | None] = {}
        for source in container.get("envFrom", ()):
            wanted = source.get("configMapRef", {}).get("name")
            if wanted in self.names("ConfigMap"):
                found.update(self.get("ConfigMap", wanted)["data"])
        for entry in container.get("env", ()):
            found[entry["name"]] = entry.get("value")
        return found


def name(made: Mapping[str, Any]) -> str:
    """Return an object's name."""
    return str(made["metadata"]["name"])


def title(made: Mapping[str, Any]) -> str:
    """Return how a problem names an object."""
    return f"{made['kind']} {name(made)}"


def pod(workload: Mapping[str, Any]) -> Object:
    """Return the pod that a workload makes."""
    spec: Object = _template(workload)["spec"]
    return spec


def labels(workload: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the labels of the pods that a workload makes."""
    found: Mapping[str, str] = _template(workload)["metadata"].get("labels", {})
    return found


def _template(workload: Mapping[str, Any]) -> Object:
    spec = workload["spec"]
    template: Object = spec["jobTemplate"]["spec"]["template"] if workload["kind"] == "CronJob" else spec["template"]
    return template


def containers(workload: Mapping[str, Any]) -> Sequence[Object]:
    """Return the containers of a workload's pod."""
    found: Sequence[Object] = pod(workload)["containers"]
    return found


def selects(selector: Mapping[str, Any], found: Mapping[str, str]) -> bool:
    """Say whether a label selector covers pods with the labels ``found``."""
    if not selector.get("matchLabels", {}).items() <= found.items():
        return False
    for wanted in selector.get("matchExpressions", ()):
        if wanted["operator"] != "In":
            raise NotImplementedError(wanted["operator"])
        if found.get(wanted["key"]) not in wanted["values"]:
            return False
    return True


def mounted_secrets(workload: Mapping[str, Any]) -> Iterator[str]:
    """Yield the Secrets that a workload mounts or reads into its environment."""
    for volume in pod(workload).get("volumes", ()):
        if "secret" in volume:
            yield volume["secret"]["secretName"]
        yield from (
            source["secret"]["name"] for source in volume.get("projected", {}).get("sources", ()) if "secret" in source
        )
    for container in containers(workload):
        for entry in container.get("env", ()):
            if "secretKeyRef" in entry.get("valueFrom", {}):
                yield entry["valueFrom"]["secretKeyRef"]["name"]
