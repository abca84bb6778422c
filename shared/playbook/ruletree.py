"""`rules.yaml` as it is written, groups inside groups, into rules in the order in which they are tried."""

from collections.abc import Iterator
from dataclasses import dataclass

from shared.playbook.files.rules import DEEPEST, GroupNode, RuleNode, RulesFile
from shared.playbook.located import Located
from shared.playbook.model import Rule, When
from shared.playbook.sheets import Sheets


@dataclass(frozen=True, slots=True, kw_only=True)
class _Inside:
    """The groups round a place in the file, outermost first."""

    around: tuple[When, ...] = ()
    groups: tuple[str, ...] = ()


def read_rules(sheets: Sheets) -> tuple[Rule, ...]:
    """Return the rules in order; the place of each is kept by its index, that of a group by its id."""
    rules: list[Rule] = []
    for located in sheets.listed("rules", RulesFile):
        for place, rule in _flat(located, _Inside(), sheets):
            sheets.keep("rules", len(rules), place)
            rules.append(rule)
    return tuple(rules)


def _flat(located: Located, inside: _Inside, sheets: Sheets) -> Iterator[tuple[Located, Rule]]:
    if isinstance(located.value, dict) and "group" in located.value:
        yield from _group(located, inside, sheets)
        return
    node = sheets.read("rules", RuleNode, located)
    if node is not None:
        yield located, node.value(around=inside.around, groups=inside.groups)


def _group(located: Located, inside: _Inside, sheets: Sheets) -> Iterator[tuple[Located, Rule]]:
    node = sheets.read("rules", GroupNode, located)
    if node is None:
        return
    if node.group in inside.groups or sheets.place("groups", node.group).line:
        sheets.wrong("rules", [located.problem(("group",), f"group {node.group!r} stands more than once")])
    if not node.rules:
        sheets.wrong("rules", [located.problem(("rules",), "a group with nothing in it", ["at least one rule"])])
    if len(inside.groups) == DEEPEST:
        allowed = [f"groups inside groups up to {DEEPEST} deep"]
        sheets.wrong("rules", [located.problem(("group",), "too many groups inside one another", allowed)])
        return
    sheets.keep("groups", node.group, located)
    deeper = _Inside(around=(*inside.around, node.when.value()), groups=(*inside.groups, node.group))
    for item in located.items("rules"):
        yield from _flat(item, deeper, sheets)
