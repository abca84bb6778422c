"""The gate against breaking an event, tried on each way of breaking one."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest

from shared.events import schema
from shared.events.compatibility import broken
from shared.events.schema import json_schema

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KIND = "whistle.case.opened.v1"

Change = "Callable[[dict[str, Any]], None]"


def view(document: dict[str, Any]) -> dict[str, Any]:
    node: dict[str, Any] = document["$defs"]["CaseView"]
    return node


def remove_a_field(document: dict[str, Any]) -> None:
    del view(document)["properties"]["title"]


def rename_a_field(document: dict[str, Any]) -> None:
    view(document)["properties"]["heading"] = view(document)["properties"].pop("title")


def retype_a_field(document: dict[str, Any]) -> None:
    view(document)["properties"]["title"] = {"type": "integer"}


def shorten_a_text(document: dict[str, Any]) -> None:
    view(document)["properties"]["title"]["maxLength"] = 10


def raise_a_minimum(document: dict[str, Any]) -> None:
    view(document)["properties"]["reports"]["minimum"] = 2


def tighten_a_pattern(document: dict[str, Any]) -> None:
    view(document)["properties"]["county"]["pattern"] = "^99[0-9]{4}$"


def drop_a_member(document: dict[str, Any]) -> None:
    document["$defs"]["Source"]["enum"].remove("sensor")


def forbid_null(document: dict[str, Any]) -> None:
    view(document)["properties"]["place"] = {"$ref": "#/$defs/Place"}


def require_a_field(document: dict[str, Any]) -> None:
    view(document)["required"].append("place")


def bound_a_list(document: dict[str, Any]) -> None:
    view(document)["properties"]["tags"]["maxItems"] = 1


def narrow_an_item(document: dict[str, Any]) -> None:
    view(document)["properties"]["tags"]["items"]["maxLength"] = 3


@pytest.mark.parametrize(
    ("change", "words"),
    (
        (remove_a_field, "title: removed or renamed"),
        (rename_a_field, "title: removed or renamed"),
        (retype_a_field, "type string became integer"),
        (shorten_a_text, "maxLength 80 became 10"),
        (raise_a_minimum, "minimum 1 became 2"),
        (tighten_a_pattern, "pattern"),
        (drop_a_member, "no longer allowed: sensor"),
        (forbid_null, "null is no longer allowed"),
        (require_a_field, "place: became required"),
        (bound_a_list, "maxItems 32 became 1"),
        (narrow_an_item, "maxLength 64 became 3"),
    ),
)
def test_a_narrower_schema_is_refused(change: Callable[[dict[str, Any]], None], words: str) -> None:
    new = deepcopy(json_schema(KIND))
    change(new)
    found = broken(json_schema(KIND), new)
    assert len(found) == 1
    assert words in found[0]


def add_an_optional_field(document: dict[str, Any]) -> None:
    view(document)["properties"]["drill"] = {"type": "boolean"}


def add_a_member(document: dict[str, Any]) -> None:
    document["$defs"]["Source"]["enum"].append("drone")


def lengthen_a_text(document: dict[str, Any]) -> None:
    view(document)["properties"]["title"]["maxLength"] = 200


def allow_null(document: dict[str, Any]) -> None:
    view(document)["properties"]["county"] = {"anyOf": [view(document)["properties"]["county"], {"type": "null"}]}


def stop_requiring(document: dict[str, Any]) -> None:
    view(document)["required"].remove("title")


@pytest.mark.parametrize("change", (add_an_optional_field, add_a_member, lengthen_a_text, allow_null, stop_requiring))
def test_a_wider_schema_is_welcome(change: Callable[[dict[str, Any]], None]) -> None:
    new = deepcopy(json_schema(KIND))
    change(new)
    assert broken(json_schema(KIND), new) == []


def test_a_narrowed_type_is_not_written_over_the_published_one(tmp_path: Path) -> None:
    assert schema.write(tmp_path) == []
    published = tmp_path / "events" / f"{KIND}.json"
    published.write_text(published.read_text().replace('"maxLength": 80', '"maxLength": 800'), encoding="utf-8")
    assert any("maxLength 800 became 80" in line for line in schema.write(tmp_path))
    assert '"maxLength": 800' in published.read_text()


def test_a_stale_file_is_named(tmp_path: Path) -> None:
    assert schema.write(tmp_path) == []
    (tmp_path / "asyncapi.json").write_text("{}", encoding="utf-8")
    assert schema.stale(tmp_path) == ["docs/schemas/asyncapi.json: stale; run `make schema`"]


def test_a_type_that_left_the_catalogue_is_named(tmp_path: Path) -> None:
    assert schema.write(tmp_path) == []
    (tmp_path / "events" / "whistle.case.gone.v1.json").write_text("{}", encoding="utf-8")
    assert any("whistle.case.gone.v1" in line for line in schema.stale(tmp_path))
