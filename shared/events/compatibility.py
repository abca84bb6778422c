"""The gate: may a JSON Schema take the place of another without a new version of its event?

Whoever wrote or reads an event by the old schema must go on working. So a property may not go, be
renamed or allow less than before, and nothing may become required. New optional properties, new
members of an enumeration and wider bounds are welcome.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

Schema = Mapping[str, Any]

UPPER_BOUNDS: Final = ("maxLength", "maxItems", "maximum", "exclusiveMaximum")
LOWER_BOUNDS: Final = ("minLength", "minItems", "minimum", "exclusiveMinimum")


def broken(old: Schema, new: Schema) -> list[str]:
    """What ``new`` takes away from whoever relies on ``old``, a line each; empty when nothing."""
    return list(_narrowed(_Side(old, old), _Side(new, new), "$"))


class _Side:
    """A schema node together with the document that its references point into."""

    def __init__(self, node: Schema, document: Schema) -> None:
        self.document = document
        self.node = self._resolved(node)

    def _resolved(self, node: Schema) -> Schema:
        reference = node.get("$ref")
        if reference is None:
            return node
        return self._resolved(self.document["$defs"][str(reference).rsplit("/", 1)[-1]])

    def child(self, node: Schema) -> _Side:
        return _Side(node, self.document)

    def options(self) -> dict[str, _Side]:
        """The alternatives of this node by their kind; a plain node is its own only one."""
        branches = self.node.get("anyOf") or self.node.get("oneOf") or [self.node]
        sides = [self.child(branch) for branch in branches]
        return {str(side.node.get("title") or side.node.get("type") or "any"): side for side in sides}


def _narrowed(old: _Side, new: _Side, path: str) -> Iterator[str]:
    before, after = old.options(), new.options()
    if len(before) == 1 and len(after) == 1:
        yield from _narrowed_node(next(iter(before.values())), next(iter(after.values())), path)
        return
    for kind, side in before.items():
        match = after.get(kind) or next((one for one in after.values() if _type(one) == _type(side)), None)
        if match is None:
            yield f"{path}: {kind} is no longer allowed"
        else:
            yield from _narrowed_node(side, match, path)


def _narrowed_node(old: _Side, new: _Side, path: str) -> Iterator[str]:
    if _type(new) not in {_type(old), None} and not (_type(old) == "integer" and _type(new) == "number"):
        yield f"{path}: type {_type(old)} became {_type(new)}"
        return
    yield from _bounds(old.node, new.node, path)
    yield from _members(old.node, new.node, path)
    yield from _properties(old, new, path)
    if "items" in old.node and "items" in new.node:
        yield from _narrowed(old.child(old.node["items"]), new.child(new.node["items"]), f"{path}[]")


def _type(side: _Side) -> str | None:
    kind = side.node.get("type")
    return None if kind is None else str(kind)


def _bounds(old: Schema, new: Schema, path: str) -> Iterator[str]:
    for name in UPPER_BOUNDS:
        if name in new and (name not in old or new[name] < old[name]):
            yield f"{path}: {name} {old.get(name, 'unbounded')} became {new[name]}"
    for name in LOWER_BOUNDS:
        if name in new and (name not in old or new[name] > old[name]):
            yield f"{path}: {name} {old.get(name, 'unbounded')} became {new[name]}"
    for name in ("pattern", "format"):
        if name in new and new[name] != old.get(name):
            yield f"{path}: {name} {old.get(name, 'any')} became {new[name]}"


def _members(old: Schema, new: Schema, path: str) -> Iterator[str]:
    allowed = _enumerated(new)
    if allowed is None:
        return
    before = _enumerated(old)
    if before is None:
        yield f"{path}: any value became one of {sorted(map(str, allowed))}"
        return
    gone = [member for member in before if member not in allowed]
    if gone:
        yield f"{path}: no longer allowed: {', '.join(map(str, gone))}"


def _enumerated(node: Schema) -> list[Any] | None:
    if "const" in node:
        return [node["const"]]
    members = node.get("enum")
    return None if members is None else list(members)


def _properties(old: _Side, new: _Side, path: str) -> Iterator[str]:
    before: Schema = old.node.get("properties", {})
    after: Schema = new.node.get("properties", {})
    for name, node in before.items():
        if name not in after:
            yield f"{path}.{name}: removed or renamed"
        else:
            yield from _narrowed(old.child(node), new.child(after[name]), f"{path}.{name}")
    for name in sorted(set(new.node.get("required", ())) - set(old.node.get("required", ()))):
        yield f"{path}.{name}: became required"
