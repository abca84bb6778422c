"""The README of the playbooks: every field of the language is in it, and its example rule loads."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import get_args

import pytest

from shared.playbook.expression import FIELDS
from shared.playbook.files.cases import WorkedCaseNode
from shared.playbook.files.chains import KINDS as THRESHOLDS
from shared.playbook.files.chains import ChainNode, ChainStepNode, LimitNode
from shared.playbook.files.conditions import WhenNode
from shared.playbook.files.header import PlaybookFile
from shared.playbook.files.places import AreaRow, CellProperties, DepartmentRow, ZoneProperties
from shared.playbook.files.policy import PolicyNode
from shared.playbook.files.rows import Row
from shared.playbook.files.rules import GroupNode, RuleNode
from shared.playbook.files.targets import KINDS
from shared.playbook.files.templates import ChannelsNode, MatterNode, ModeNode, StepNode
from shared.playbook.files.times import CalendarFile, ClockRow, OfficerRow, OpeningNode, OtherHours, ShiftRow
from shared.playbook.files.warnings import WarningCaseNode, WarningNode
from shared.playbook.files.work import CategoryNode, ConditionNode, DutyRow, EnforcementRow
from shared.playbook.load import FILES, load
from shared.vocabulary import ChainAction, Recipient
from tests.fakes.tiny_playbook import write_tiny

README = Path("playbooks/README.md").read_text(encoding="utf-8")
RIVER_RULE = next(block for block in re.findall(r"```yaml\n(.*?)```", README, re.DOTALL) if "river-warning" in block)
CHAIN = next(block for block in re.findall(r"```yaml\n(.*?)```", README, re.DOTALL) if block.startswith("chains:"))


FIELDS_OF: dict[str, type[Row]] = {
    "`playbook.yaml`": PlaybookFile,
    "`areas.csv`": AreaRow,
    "`cells.geojson`, `properties`": CellProperties,
    "`zones.geojson`, `properties`": ZoneProperties,
    "`departments.csv`": DepartmentRow,
    "`duties.csv`": DutyRow,
    "`enforcement.csv`": EnforcementRow,
    "`officers.csv`": OfficerRow,
    "`shifts.csv`": ShiftRow,
    "`clocks.csv`": ClockRow,
    "`categories.yaml`, a category": CategoryNode,
    "`categories.yaml`, a condition": ConditionNode,
    "`calendar.yaml`": CalendarFile,
    "`calendar.yaml`, hours": OpeningNode,
    "`calendar.yaml`, one of `others`": OtherHours,
    "`matters.yaml`, a matter": MatterNode,
    "`matters.yaml`, a step": StepNode,
    "`modes.yaml`, a mode": ModeNode,
    "`modes.yaml`, `channels`": ChannelsNode,
    "`warnings.yaml`, a rule": WarningNode,
    "`warnings.yaml`, `open_case`": WarningCaseNode,
    "`chains.yaml`, a chain": ChainNode,
    "`chains.yaml`, a step": ChainStepNode,
    "`chains.yaml`, an amount": LimitNode,
    "`rules.yaml`, a rule": RuleNode,
    "`rules.yaml`, a group": GroupNode,
    "`cases.yaml`, one of `cases`": WorkedCaseNode,
}
"""What each row of the table under "Every field" speaks of."""


def rows_under(heading: str) -> list[list[str]]:
    """The cells of the first table below a heading, its own first line left out."""
    section = README.partition(f"# {heading}\n")[2].partition("\n#")[0]
    table = [line.strip("|\n").split("|") for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in row] for row in table[1:]]


def coded(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def fields_of(kind: type[Row]) -> tuple[set[str], set[str]]:
    """What must be there and what may be left out, by the names that stand in the file."""
    names = {info.alias or name: info.is_required() for name, info in kind.model_fields.items()}
    if kind.__doc__ is not None and ".csv`" in kind.__doc__:
        names = {name: name not in kind.optional_columns for name in names}
    needed = {name for name, is_needed in names.items() if is_needed}
    return needed, names.keys() - needed


def test_the_table_of_fields_is_the_schema() -> None:
    told = {where: (set(coded(needed)), set(coded(left))) for where, needed, left, *_ in rows_under("Every field")}
    assert told == {where: fields_of(kind) for where, kind in FIELDS_OF.items()}


def test_the_table_of_conditions_is_the_schema() -> None:
    assert [coded(row[0]) for row in rows_under("Conditions (`when`)")] == [[name] for name in WhenNode.model_fields]


def test_the_tables_of_chains_name_every_instant_and_action_and_the_text_every_recipient() -> None:
    first = [coded(row[0]) for row in rows_under("Chains")]
    instants = [re.sub(r"^\{(\w+): .*", r"\1", cell) for cells in first[: len(THRESHOLDS) + 1] for cell in cells]
    assert sorted(instants) == sorted((*THRESHOLDS, "due"))
    actions = [cell for cells in first[len(THRESHOLDS) + 2 :] for cell in cells]
    assert sorted(actions) == sorted(ChainAction)
    section = README.partition("# Chains\n")[2].partition("\n## ")[0]
    assert {who for who in Recipient if f"`{who}`" not in section} == set()


def test_the_example_chain_loads_and_a_limit_can_name_it(tmp_path: Path) -> None:
    write_tiny(tmp_path)
    (tmp_path / "chains.yaml").write_text(CHAIN, encoding="utf-8")
    head, *rows = (tmp_path / "clocks.csv").read_text(encoding="utf-8").splitlines()
    named = [f"{row},{'urging' if row.startswith('handle') else ''}" for row in rows]
    (tmp_path / "clocks.csv").write_text("\n".join((f"{head},chain", *named)), encoding="utf-8")
    chain = load(tmp_path, today=date(2026, 6, 1)).chains["urging"]
    assert [step.action for step in chain.steps] == ["urge", "notify", "supervise", "oversee", "circulate"]


def nodes_in(annotation: object) -> Iterator[type[Row]]:
    """The nodes that a field's type is made of."""
    if isinstance(annotation, type) and issubclass(annotation, Row):
        yield annotation
    for inner in get_args(annotation):
        yield from nodes_in(inner)


def test_the_table_of_policies_is_the_schema_with_its_defaults() -> None:
    told: dict[str, list[str]] = {}
    for field, _, default in rows_under("Policy"):
        kinds = [PolicyNode.model_fields[name.partition(":")[0]] for name in coded(field)]
        figures = [figure for info in kinds for figure in figures_of(info.get_default())]
        assert [float(figure) for figure in re.findall(r"[0-9][0-9.]*", default)] == figures, field
        told |= {name: re.findall(r"[a-z_]+", inner) for name, _, inner in (one.partition(":") for one in coded(field))}
    assert told == {
        name: [inner for node in nodes_in(info.annotation) for inner in node.model_fields]
        for name, info in PolicyNode.model_fields.items()
    }


def figures_of(default: object) -> list[float]:
    """The numbers of a default, those of a node in the order of its fields."""
    if isinstance(default, Row):
        return [float(value) for value in default.model_dump().values()]
    return [float(default)] if isinstance(default, int | float) and not isinstance(default, bool) else []


def kinds_below(kind: type[Row]) -> Iterator[type[Row]]:
    for below in kind.__subclasses__():
        yield below
        yield from kinds_below(below)


OF_GEOJSON = {"type", "geometry", "coordinates"}


@pytest.mark.parametrize("kind", sorted(set(kinds_below(Row)), key=str))
def test_every_field_of_every_node_is_named(kind: type[Row]) -> None:
    names = {info.alias or name for name, info in kind.model_fields.items()} - OF_GEOJSON
    assert {name for name in names if not re.search(rf"\b{name}\b", README)} == set()


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
