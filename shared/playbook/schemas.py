"""JSON Schema of every YAML file of a playbook, so that editors complete and check while one writes.

``python -m shared.playbook.schemas`` writes them to ``docs/schemas/playbook``; ``--check`` fails when one is
stale. A file names its schema in its first line: ``# yaml-language-server: $schema=…/rules.json``.
The schema knows forms and closed lists; what one file says of another is checked at load alone.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from shared.playbook.files.cases import CasesFile
from shared.playbook.files.chains import ChainsFile
from shared.playbook.files.header import PlaybookFile
from shared.playbook.files.rows import Row
from shared.playbook.files.rules import DEEPEST, GroupNode, RulesFile
from shared.playbook.files.templates import MattersFile, ModesFile
from shared.playbook.files.times import CalendarFile
from shared.playbook.files.warnings import WarningsFile
from shared.playbook.files.work import CategoriesFile

ROOT: Final = Path(__file__).parents[2] / "docs" / "schemas" / "playbook"
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
YAML_FILES: Final[Mapping[str, type[Row]]] = {
    "playbook": PlaybookFile,
    "categories": CategoriesFile,
    "rules": RulesFile,
    "matters": MattersFile,
    "modes": ModesFile,
    "warnings": WarningsFile,
    "chains": ChainsFile,
    "calendar": CalendarFile,
    "cases": CasesFile,
}


def documents() -> dict[str, str]:
    """Return every schema as text, by its file's name."""
    return {f"{name}.json": _written(schema_of(name)) for name in YAML_FILES}


def schema_of(name: str) -> dict[str, Any]:
    """Return the JSON Schema of the YAML file `name`, without its ending."""
    schema = YAML_FILES[name].model_json_schema()
    group = schema.get("$defs", {}).get(GroupNode.__name__)
    if group is not None:
        # Pydantic sees no further than a list here: rules of a group are read node by node.
        group["properties"]["rules"] = schema["properties"]["rules"] | {
            "description": f"Rules and groups, up to {DEEPEST} deep.",
            "minItems": 1,
        }
    return {"$schema": DIALECT, "$id": f"urn:whistle:playbook:{name}", **schema}


def main(arguments: Sequence[str]) -> int:
    """Write the schemas, or with `--check` say which are stale; returns the exit code."""
    made = documents()
    stale = [name for name, text in made.items() if not _holds(ROOT / name, text)]
    stale += [path.name for path in ROOT.glob("*.json") if path.name not in made]
    if "--check" in arguments:
        for name in stale:
            sys.stderr.write(f"stale: docs/schemas/playbook/{name}; run make schema\n")
        return 1 if stale else 0
    ROOT.mkdir(parents=True, exist_ok=True)
    for name in stale:
        if name in made:
            (ROOT / name).write_text(made[name], encoding="utf-8")
        else:
            (ROOT / name).unlink()
    return 0


def _holds(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == text


def _written(schema: Mapping[str, Any]) -> str:
    return json.dumps(schema, ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
