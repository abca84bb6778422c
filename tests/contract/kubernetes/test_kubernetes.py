"""The manifests: sound by the schemas of four Kubernetes versions, and by a lint of how their objects fit together."""

from __future__ import annotations

import re
from pathlib import Path

import jsonschema
import kubernetes_validate
import pytest

from tests.contract.kubernetes.lint import BY_HAND, problems
from tests.contract.kubernetes.manifests import COMPONENTS, K8S, OVERLAYS, objects_of, rendered, title
from tests.contract.kubernetes.mutants import MUTANTS
from tests.contract.kubernetes.schemas import operator_schemas

BUILT_IN = ("v1", "apps/v1", "batch/v1", "policy/v1", "networking.k8s.io/v1", "autoscaling/v2")
VERSIONS = ("1.34", "1.35", "1.36", "1.37")


@pytest.fixture(params=OVERLAYS, ids=lambda folder: folder.name)
def overlay(request: pytest.FixtureRequest) -> Path:
    """Each overlay in turn."""
    folder: Path = request.param
    return folder


@pytest.mark.parametrize("version", VERSIONS)
def test_built_in_kinds_are_valid_for_every_supported_kubernetes(overlay: Path, version: str) -> None:
    for made in objects_of(overlay).objects:
        if made["apiVersion"] in BUILT_IN:
            kubernetes_validate.validate(made, version, strict=True)


def test_kinds_of_operators_are_valid_by_their_definitions(overlay: Path) -> None:
    schemas = operator_schemas()
    checked = 0
    for made in objects_of(overlay).objects:
        if made["apiVersion"] not in BUILT_IN:
            schema = schemas[made["apiVersion"], made["kind"]]
            faults = [
                f"{title(made)}: {e.json_path}: {e.message}"
                for e in jsonschema.Draft202012Validator(schema).iter_errors(made)
            ]
            assert not faults
            checked += 1
    assert checked


def test_the_objects_fit_together(overlay: Path) -> None:
    assert problems(objects_of(overlay)) == []


@pytest.mark.parametrize("fault", MUTANTS)
def test_the_lint_names_every_planted_fault(fault: str) -> None:
    made = objects_of(K8S / "overlays" / "dev")
    MUTANTS[fault](made)
    assert problems(made)


@pytest.mark.parametrize("folder", (K8S / "base", *OVERLAYS), ids=lambda folder: folder.name)
def test_every_folder_of_manifests_renders(folder: Path) -> None:
    assert rendered(folder)


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda folder: folder.name)
def test_every_component_renders_alone_on_the_base(component: Path, tmp_path: Path) -> None:
    folder = tmp_path / "alone"
    folder.mkdir()
    up = "/".join([".."] * (len(folder.resolve().parts) - 1))
    text = f"resources: [{up}{K8S / 'base'}]\ncomponents: [{up}{component}]\n"
    (folder / "kustomization.yaml").write_text(text, encoding="utf-8")
    assert objects_of(folder).objects


def test_the_guide_says_how_to_make_each_secret_that_no_operator_makes() -> None:
    guide = (K8S / "README.md").read_text(encoding="utf-8")
    assert [secret for secret in sorted(BY_HAND) if not re.search(rf"create secret generic {secret}\b", guide)] == []


def test_every_manifest_is_used() -> None:
    def wanted(folder: Path) -> str:
        return (folder / "kustomization.yaml").read_text(encoding="utf-8")

    unused = [
        str(path.relative_to(K8S))
        for path in K8S.rglob("*.yaml")
        if path.name != "kustomization.yaml" and not re.search(rf"\b{re.escape(path.name)}\b", wanted(path.parent))
    ]
    assert unused == []
