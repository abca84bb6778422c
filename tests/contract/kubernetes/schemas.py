"""Schemas of the operators' own kinds, cut from their CustomResourceDefinitions, which are not part of this project."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.contract.kubernetes.manifests import ROOT


class _Loader(yaml.CSafeLoader):
    """Reads a plain ``=``, which occurs in an enumeration of a definition, as the text that it is."""


_Loader.add_constructor("tag:yaml.org,2002:value", lambda _loader, node: node.value)


def definitions() -> Path:
    """Return the folder of the definitions; the test is skipped, visibly, without it."""
    folder = Path(os.environ.get("WHISTLE_SHARED", ROOT.parent / "shared")) / "operate" / "crds"
    if not folder.is_dir():
        pytest.skip("the operators' CustomResourceDefinitions are not here (WHISTLE_SHARED): their kinds go unchecked")
    return folder


@cache
def operator_schemas() -> dict[tuple[str, str], dict[str, Any]]:
    """Return a strict JSON schema for each (apiVersion, kind) of the definitions."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for path in sorted(definitions().glob("*.yaml")):
        for made in yaml.load_all(path.read_text(encoding="utf-8"), Loader=_Loader):
            if not made or made.get("kind") != "CustomResourceDefinition":
                continue
            spec = made["spec"]
            for version in spec["versions"]:
                schema = _strict(version["schema"]["openAPIV3Schema"])
                schema["properties"]["metadata"] = {"type": "object"}
                found[f"{spec['group']}/{version['name']}", spec["names"]["kind"]] = schema
    return found


def _strict(schema: Any) -> Any:
    """Return ``schema`` as JSON Schema that refuses unknown fields, as the API server does."""
    if isinstance(schema, list):
        return [_strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {word: _strict(value) for word, value in schema.items() if word != "properties"}
    if made.get("x-kubernetes-int-or-string"):
        made.pop("type", None)
        made["anyOf"] = [{"type": "integer"}, {"type": "string"}]
    if "properties" in schema:
        made["properties"] = {field: _strict(value) for field, value in schema["properties"].items()}
        if not made.get("x-kubernetes-preserve-unknown-fields"):
            made.setdefault("additionalProperties", False)
    return made
