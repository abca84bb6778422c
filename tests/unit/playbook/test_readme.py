"""The README of the playbooks: every field of the language is in it, and its example rule loads."""

import re
from datetime import date
from pathlib import Path

import pytest

from shared.playbook.expression import FIELDS
from shared.playbook.files.cases import CaseNode, ExpectNode
from shared.playbook.files.conditions import WhenNode
from shared.playbook.files.rows import Row
from shared.playbook.files.rules import GroupNode, RuleNode, SetNode
from shared.playbook.files.targets import KINDS
from shared.playbook.files.templates import ModeNode, StepNode
from shared.playbook.load import FILES, load

README = Path("playbooks/README.md").read_text(encoding="utf-8")
RIVER_RULE = next(block for block in re.findall(r"```yaml\n(.*?)```", README, re.DOTALL) if "river-warning" in block)


@pytest.mark.parametrize("kind", (RuleNode, GroupNode, WhenNode, SetNode, StepNode, ModeNode, CaseNode, ExpectNode))
def test_every_field_is_described(kind: type[Row]) -> None:
    names = {info.alias or name for name, info in kind.model_fields.items()}
    assert {name for name in names if not re.search(rf"\b{name}\b", README)} <= {"title", "condition"}


def test_every_file_target_and_field_of_expressions_is_described() -> None:
    assert {name for name in FILES.values() if f"`{name}`" not in README} == set()
    assert {name for name in KINDS if f"`{{{name}: " not in README} == set()
    assert {name for name, field in FIELDS.items() if f"`{name}` ({field.kind}: {field.what})" not in README} == set()


def test_the_example_rule_loads_in_the_demo_county(tmp_path: Path) -> None:
    for file in Path("playbooks/yunlu").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    own = (tmp_path / "rules.yaml").read_text(encoding="utf-8").replace("id: river-warning", "id: the-countys-own")
    (tmp_path / "rules.yaml").write_text(own.replace("rules:\n", RIVER_RULE, 1), encoding="utf-8")
    rule = load(tmp_path, today=date(2026, 11, 21)).rules[0]
    assert (rule.id, rule.version, rule.valid_until) == ("river-warning", "2", date(2026, 10, 31))
