"""YAML text as plain values with the line of every key and list item.

Read by libyaml into nodes, ten times as fast as by ruamel's own reader (10,000 rules in seconds, not
minutes); which text is a number, a date or a text is decided by ruamel's rules of YAML 1.2, as before.
"""

import re
from pathlib import Path
from typing import Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode

from shared.playbook.located import FieldPath, Located, read_text
from shared.playbook.problems import BadPlaybook, Problem

MOST: Final = 1_000_000
"""Values in one file; aliases of aliases could otherwise grow a small file without end."""
DEEPEST: Final = 100
STACKED: Final = 1000
"""Levels that libyaml may be asked to read; some 20,000 end the process."""
_INDENTED: Final = re.compile(r"^[ \t?:-]{1000}", re.MULTILINE)
_BRACKETS: Final = re.compile(r"[][{}]")
_TAG: Final = "tag:yaml.org,2002:"
_PLAIN: Final = {"str", "int", "float", "bool", "null", "timestamp"}


def read_yaml(path: Path) -> Located:
    """Return the document with the line of every key and list item.

    Raises:
        BadPlaybook: not YAML; a key stands twice; tags, merges or keys that no playbook needs.
    """
    value, lines = _read(read_text(path), file=path.name)
    return Located(file=path.name, line=1, value=value, lines=lines)


def _read(text: str, *, file: str) -> tuple[object, dict[FieldPath, int]]:
    if _too_deep(text):
        raise BadPlaybook([Problem(file=file, line=0, field="", problem="too deep inside one another")])
    yaml = YAML(typ="safe", pure=False)
    try:
        root = yaml.compose(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        said = " ".join((error.problem or str(error)).split())
        raise BadPlaybook([Problem(file=file, line=line, field="", problem=said)]) from None
    except YAMLError as error:
        raise BadPlaybook([Problem(file=file, line=0, field="", problem=f"not YAML: {error}")]) from None
    walk = _Walk(yaml, file)
    return (None if root is None else walk.value(root, ())), walk.lines


def _too_deep(text: str) -> bool:
    """Say whether libyaml, which calls itself for each level, could run out of stack and end the process."""
    if _INDENTED.search(text):
        return True
    depth = 0
    for bracket in _BRACKETS.finditer(text):
        depth += 1 if bracket[0] in "[{" else -1
        if depth > STACKED:
            return True
    return False


class _Walk:
    """One pass over the nodes of a document."""

    def __init__(self, yaml: YAML, file: str) -> None:
        self.lines: dict[FieldPath, int] = {}
        self._yaml = yaml
        self._file = file
        self._seen = 0

    def value(self, node: Node, path: FieldPath) -> object:
        self._seen += 1
        if self._seen > MOST or len(path) > DEEPEST:
            raise self._bad(node, "too many values, or too deep inside one another")
        if isinstance(node, ScalarNode):
            return self._scalar(node)
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        items = []
        for index, item in enumerate(node.value):
            self.lines[(*path, index)] = _line(item)
            items.append(self.value(item, (*path, index)))
        return items

    def _mapping(self, node: MappingNode, path: FieldPath) -> dict[object, object]:
        found: dict[object, object] = {}
        for key_node, item in node.value:
            if not isinstance(key_node, ScalarNode) or key_node.tag == f"{_TAG}merge":
                raise self._bad(key_node, "a key must be a single value", "a field's name")
            key = self._scalar(key_node)
            if key in found:
                raise self._bad(key_node, f"duplicate key {key_node.value!r}")
            step = key if isinstance(key, str | int) else str(key)
            self.lines[(*path, step)] = _line(key_node)
            found[key] = self.value(item, (*path, step))
        return found

    def _scalar(self, node: ScalarNode) -> object:
        kind = str(node.tag).removeprefix(_TAG)
        if kind == "str":
            return str(node.value)
        if kind not in _PLAIN:
            raise self._bad(node, f"the tag {node.tag!r} means nothing here", "no tag")
        try:
            made: object = self._yaml.constructor.construct_object(node)
        except ValueError as error:
            raise self._bad(node, f"{node.value!r} is no {kind}: {error}") from None
        return made

    def _bad(self, node: Node, problem: str, *allowed: str) -> BadPlaybook:
        return BadPlaybook([Problem(file=self._file, line=_line(node), field="", problem=problem, allowed=allowed)])


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1
