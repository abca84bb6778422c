"""A row of a file to a report: which column is which field, with constants, templates and tables of values. Pure."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from string import Formatter
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

FIELDS: Final = tuple(
    "id source text category area severity tags occurred_at lon lat address name phone".split()  # noqa: SIM905  reads as a line
)
"""What a row can be mapped to: ``id`` names the row, ``address``, ``name`` and ``phone`` are the reporter's."""

Row = Mapping[str, Any]


def document_of(file: Path) -> object:
    """What a mapping file holds; nothing is an empty mapping.

    Raises:
        BadMapping: it cannot be read; names the file and, where YAML knows it, the line.
    """
    try:
        return YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8")) or {}
    except MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise BadMapping(f"{file}{line}: no YAML: {error.problem or error.context}") from error
    except YAMLError as error:
        raise BadMapping(f"{file}: no YAML: {' '.join(str(error).split())}") from error
    except UnicodeDecodeError as error:
        raise BadMapping(f"{file}: not UTF-8: byte {error.start + 1}") from error


class BadMapping(Exception):  # noqa: N818  an answer to whoever wrote it
    """The mapping cannot be used; says which field and what is allowed."""


class BadRow(Exception):  # noqa: N818  an answer about one row
    """A row cannot become a report; says which field and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRule:
    """Where one field comes from: a column, a template such as ``{title}。{content}``, or a constant."""

    column: str | None = None
    template: str | None = None
    value: Any = None
    table: Mapping[str, Any] = field(default_factory=dict)
    otherwise: Any = None
    split: str | None = None
    offset: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """A whole mapping; without any, columns named like fields are taken as they are."""

    by_field: Mapping[str, FieldRule]

    @classmethod
    def of(cls, document: object, *, columns: Iterable[str] = (), constants: Iterable[str] = ()) -> Rules:
        """Put together a mapping file, ``FIELD=COLUMN`` options and ``FIELD=VALUE`` options, the later ones first.

        Raises:
            BadMapping: when a field or an option is not known.
        """
        if not isinstance(document, Mapping):
            raise BadMapping("a mapping file holds lines that read `field: column`")
        rules = {name: _rule(name, spec) for name, spec in document.items()}
        rules |= {name: FieldRule(column=column) for name, column in map(_pair, columns)}
        rules |= {name: FieldRule(value=value) for name, value in map(_pair, constants)}
        unknown = sorted(rules.keys() - set(FIELDS))
        if unknown:
            raise BadMapping(f"{unknown[0]} is no field of a report, allowed: {', '.join(FIELDS)}")
        return cls(by_field=rules)

    def rule(self, name: str) -> FieldRule:
        """The rule of the field ``name``."""
        return self.by_field.get(name, FieldRule(column=name))

    def check(self, columns: Iterable[str]) -> None:
        """Pass when every named column is there.

        Raises:
            BadMapping: otherwise, listing those that are.
        """
        known = set(columns)
        for name, rule in self.by_field.items():
            wanted = _names(rule.template) if rule.template else [rule.column] if rule.column else []
            for column in wanted:
                if column not in known:
                    raise BadMapping(f"{name}: there is no column {column}, allowed: {', '.join(sorted(known))}")


def report_of(row: Row, rules: Rules) -> dict[str, Any]:
    """The body of ``POST /v1/reports`` for ``row``; empty values are left out.

    Raises:
        BadRow: when a value cannot be what its field needs.
    """
    report: dict[str, Any] = {}
    for name in ("source", "text", "category", "area"):
        _put(report, name, _text(row, rules, name))
    _put(report, "severity", _number(row, rules, "severity", int))
    _put(report, "tags", _tags(row, rules))
    moment = occurred_at(row, rules)
    _put(report, "occurred_at", moment and moment.isoformat())
    lon, lat = _number(row, rules, "lon", float), _number(row, rules, "lat", float)
    address = _text(row, rules, "address")
    if lon is not None and lat is not None:
        report["place"] = {"lon": lon, "lat": lat} | ({"address": address} if address else {})
    reporter = {name: _text(row, rules, name) for name in ("name", "phone")}
    if "place" not in report:
        reporter["address"] = address
    _put(report, "reporter", {name: value for name, value in reporter.items() if value})
    return report


def occurred_at(row: Row, rules: Rules) -> datetime | None:
    """When the row's matter happened; a time without an offset gets the rule's, or is refused.

    Raises:
        BadRow: when it is no time, or has no offset.
    """
    rule = rules.rule("occurred_at")
    text = _text(row, rules, "occurred_at")
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text.replace("/", "-"))
    except ValueError as error:
        raise BadRow(f"occurred_at: {text!r} is no time, allowed: 2026-11-21T08:00:00+08:00") from error
    if moment.tzinfo is None:
        if rule.offset is None:
            raise BadRow(f"occurred_at: {text!r} has no offset; give the rule `offset: '+08:00'`")
        moment = moment.replace(tzinfo=_offset(rule.offset))
    return moment


def row_id(row: Row, rules: Rules, number: int) -> str:
    """A name of the row that is the same on every run: its id, or else its place in the file and its content."""
    if "id" in rules.by_field:
        named = _text(row, rules, "id")
        if named is None:
            raise BadRow("id: the row has none")
        return named
    content = json.dumps(row, ensure_ascii=False, sort_keys=True, default=str)
    return f"{number}-{hashlib.sha256(content.encode()).hexdigest()[:16]}"


def idempotency_key(dataset: str, name: str) -> str:
    """The key that makes sending the row ``name`` of ``dataset`` again harmless."""
    return f"replay-{hashlib.sha256(f'{dataset}|{name}'.encode()).hexdigest()[:40]}"


def _rule(name: str, spec: object) -> FieldRule:
    if isinstance(spec, str):
        return FieldRule(template=spec) if "{" in spec else FieldRule(column=spec)
    if not isinstance(spec, Mapping):
        raise BadMapping(f"{name}: allowed is a column, a template with {{column}}, or a mapping")
    allowed = {"column", "template", "value", "table", "otherwise", "split", "offset"}
    unknown = sorted(str(key) for key in spec if key not in allowed)
    if unknown:
        raise BadMapping(f"{name}: {unknown[0]} is not known, allowed: {', '.join(sorted(allowed))}")
    if sum(key in spec for key in ("column", "template", "value")) != 1:
        raise BadMapping(f"{name}: needs one of column, template and value")
    if spec.get("offset") is not None:
        _offset(str(spec["offset"]))
    table = {str(key): value for key, value in (spec.get("table") or {}).items()}
    return FieldRule(**{**spec, "table": table})


def _pair(option: str) -> tuple[str, str]:
    name, sign, value = option.partition("=")
    if not sign or not name or not value:
        raise BadMapping(f"{option!r} does not read FIELD=…")
    return name, value


def _names(template: str) -> list[str]:
    return [name for _, name, _, _ in Formatter().parse(template) if name]


def _value(row: Row, rules: Rules, name: str) -> Any:  # noqa: ANN401  any JSON
    rule = rules.rule(name)
    if rule.value is not None:
        return rule.value
    if rule.template is not None:
        found: Any = rule.template
        for column in _names(rule.template):
            found = found.replace(f"{{{column}}}", str(_cell(row, column) or ""))
    else:
        found = _cell(row, rule.column or name)
    if isinstance(found, str) and not found.strip():
        found = None
    if rule.table and found is not None:
        return rule.table.get(str(found).strip(), rule.otherwise)
    return rule.otherwise if found is None else found


def _cell(row: Row, column: str) -> Any:  # noqa: ANN401  any JSON
    """A column; ``place.lon`` reaches into nested objects of NDJSON."""
    if column in row:
        return row[column]
    found: Any = row
    for part in column.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(part)
    return found


def _text(row: Row, rules: Rules, name: str) -> str | None:
    value = _value(row, rules, name)
    if value is None or isinstance(value, list | Mapping):
        return None
    return str(value).strip() or None


def _number(row: Row, rules: Rules, name: str, kind: type[int | float]) -> int | float | None:
    text = _text(row, rules, name)
    if text is None:
        return None
    try:
        number = kind(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise BadRow(f"{name}: {text!r} is no {'whole number' if kind is int else 'number'}")
    return number


def _tags(row: Row, rules: Rules) -> list[str] | None:
    value = _value(row, rules, "tags")
    if isinstance(value, list):
        return [str(one) for one in value] or None
    if value is None:
        return None
    split = rules.rule("tags").split
    parts = str(value).split(split) if split else [str(value)]
    return [part.strip() for part in parts if part.strip()] or None


def _offset(text: str) -> timezone:
    match = re.fullmatch(r"([+-])([01][0-9]):([0-5][0-9])", text)
    if match is None:
        raise BadMapping(f"offset {text!r} is no offset from UTC, allowed: +08:00")
    amount = timedelta(hours=int(match[2]), minutes=int(match[3]))
    return timezone(amount if match[1] == "+" else -amount)


def _put(report: dict[str, Any], name: str, value: object) -> None:
    if value:
        report[name] = value
