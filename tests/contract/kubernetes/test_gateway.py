"""One address for both doors: every operation of both APIs reaches the service that has it; photos have a place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.kubernetes.manifests import K8S, ROOT, Manifests, Object, containers, objects_of

DOORS = ("intake", "notifier")
UNLISTED = (
    ("GET", "/", "notifier"),
    ("GET", "/page/main.js", "notifier"),
    ("GET", "/report", "intake"),
    ("GET", "/report/", "intake"),
    ("GET", "/report/app.js", "intake"),
    ("GET", "/open311/v2/requests.json", "notifier"),
    ("GET", "/open311/v2/services.xml", "notifier"),
    ("GET", "/v1/track/K7QM2XVN8RTDC4HP", "notifier"),
    ("GET", "/v1/reporters", "notifier"),
)
"""Pages and reads that no OpenAPI file lists, and one that only begins like another."""


def made_of(component: str, folder: Path) -> Manifests:
    """What the base becomes with one component."""
    up = "/".join([".."] * (len(folder.resolve().parts)))
    text = f"resources: [{up}{K8S / 'base'}]\ncomponents: [{up}{K8S / 'components' / component}]\n"
    (folder / "kustomization.yaml").write_text(text, encoding="utf-8")
    return objects_of(folder)


@pytest.fixture
def gateway(tmp_path: Path) -> Manifests:
    return made_of("gateway", tmp_path)


def operations() -> Iterator[tuple[str, str, str]]:
    """Method, a path as it may be asked for, and the service whose API has it."""
    for service in DOORS:
        document = json.loads((ROOT / f"docs/schemas/openapi-{service}.json").read_text(encoding="utf-8"))
        for path, found in document["paths"].items():
            filled = "/".join("0" if part.startswith("{") else part for part in path.split("/"))
            yield from ((method.upper(), filled, service) for method in found)
    yield from UNLISTED


def backend_of(route: Object, method: str, path: str) -> str:
    """Where the Gateway API sends a request: by the longest prefix, then by the method."""
    found = [
        (len(match["path"]["value"].rstrip("/")), "method" in match, rule["backendRefs"][0]["name"])
        for rule in route["spec"]["rules"]
        for match in rule["matches"]
        if _begins(path, match["path"]["value"]) and match.get("method", method) == method
    ]
    return str(max(found)[2])


def _begins(path: str, prefix: str) -> bool:
    """Prefixes match whole parts of a path."""
    bare = prefix.rstrip("/")
    return path == bare or path.startswith(f"{bare}/")


def test_every_operation_reaches_the_service_that_has_it(gateway: Manifests) -> None:
    (route,) = gateway.of("HTTPRoute")
    asked = list(operations())
    wrong = [one for one in asked if backend_of(route, one[0], one[1]) != one[2]]
    assert wrong == []
    assert {service for _, _, service in asked} == set(DOORS)


def test_the_route_is_what_the_gateway_api_allows(gateway: Manifests) -> None:
    (route,) = gateway.of("HTTPRoute")
    rules: list[dict[str, Any]] = route["spec"]["rules"]
    assert len(rules) <= 16
    for rule in rules:
        assert len(rule["matches"]) <= 64
        assert {match["path"]["type"] for match in rule["matches"]} == {"PathPrefix"}
        for backend in rule["backendRefs"]:
            ports = [port["port"] for port in gateway.get("Service", backend["name"])["spec"]["ports"]]
            assert backend["port"] in ports
        # Batches and streams last longer than any controller's default.
        assert rule["timeouts"] == {"request": "0s"}


def test_photos_lie_where_both_doors_find_them_and_nobody_else_looks(tmp_path: Path) -> None:
    made = made_of("photos-s3", tmp_path)
    where = set()
    for workload in made.services:
        settings = {name: value for one in containers(workload) for name, value in made.settings(one).items()}
        assert ("WHISTLE_BLOBS" in settings) is (workload["metadata"]["name"] in DOORS)
        where |= {settings["WHISTLE_BLOBS"]} if "WHISTLE_BLOBS" in settings else set()
        secret = {name for name in settings if name.startswith("AWS_")}
        assert secret == ({"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} if "WHISTLE_BLOBS" in settings else set())
        # Who may use the bucket comes from a Secret, never from the manifest.
        assert all(settings[name] is None for name in secret)
    assert len(where) == 1


def test_the_guide_says_how_to_make_the_secret_of_the_bucket() -> None:
    assert "create secret generic whistle-photos" in (K8S / "README.md").read_text(encoding="utf-8")


def test_uploads_find_room_on_the_disk_of_the_pod(tmp_path: Path) -> None:
    made = made_of("gateway", tmp_path)
    volumes = {one["name"]: one for one in made.get("StatefulSet", "intake")["spec"]["template"]["spec"]["volumes"]}
    # 8 uploads with a key and 3 without, 48 MiB each
    assert int(volumes["tmp"]["emptyDir"]["sizeLimit"].removesuffix("Mi")) >= 8 * 48
