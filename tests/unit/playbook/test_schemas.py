"""The JSON Schemas that editors use: current, named by the shipped files, and of one mind with the loader."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from shared.playbook.schemas import ROOT, YAML_FILES, documents, schema_of
from tests.fakes.tiny_playbook import TINY

YUNLU = Path("playbooks/yunlu")


def as_editors_see(text: str) -> Any:
    """YAML as JSON knows it: keys are texts, dates too."""
    return plain(yaml.safe_load(text))


def plain(value: Any) -> Any:
    match value:
        case dict():
            return {str(key): plain(item) for key, item in value.items()}
        case list():
            return [plain(item) for item in value]
        case date():
            return str(value)
        case _:
            return value


def wrong(name: str, text: str) -> list[str]:
    return [error.json_path for error in Draft202012Validator(schema_of(name)).iter_errors(as_editors_see(text))]


@pytest.mark.parametrize("name", YAML_FILES)
def test_shipped_and_small_files_fit_their_schema_and_name_it(name: str) -> None:
    Draft202012Validator.check_schema(schema_of(name))
    shipped = (YUNLU / f"{name}.yaml").read_text(encoding="utf-8")
    assert wrong(name, shipped) == []
    assert wrong(name, TINY.get(f"{name}.yaml", shipped)) == []
    assert shipped.startswith(f"# yaml-language-server: $schema=../../docs/schemas/playbook/{name}.json\n")


def test_the_written_schemas_are_those_of_the_code() -> None:
    assert {path.name: path.read_text(encoding="utf-8") for path in ROOT.glob("*.json")} == documents()


@pytest.mark.parametrize(
    "slip",
    (
        ("tags: [mass]", "tag: [mass]"),
        ("severity: III", "severity: V"),
        ("state: shadow", "state: shade"),
        ("{desk: village}", "{desk: city}"),
        ("{duty: enforce}", "{duty: force}"),
        ("settlement: [rural]", "settlement: [country]"),
        ("- group: flood-river\n        when: {zone: [river]}", "- group: flood-river\n        when: {zones: [river]}"),
        ("            title: {zh: 河道管理范围险情, en: Danger in the river zone}\n", ""),
        ("reports_at_least: 5", "reports_at_least: five"),
    ),
)
def test_a_wrong_form_is_marked_while_one_writes(slip: tuple[str, str]) -> None:
    text = (YUNLU / "rules.yaml").read_text(encoding="utf-8")
    assert slip[0] in text
    assert wrong("rules", text.replace(*slip, 1)) != []
