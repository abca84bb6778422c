"""The HTTP API as OpenAPI: ``python -m services.notifier.openapi`` writes ``docs/schemas/openapi-notifier.json``.

With ``--check`` it writes nothing and fails when the file is stale.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from services.notifier.api.endpoints import bare_api

PATH: Final = Path(__file__).resolve().parents[2] / "docs" / "schemas" / "openapi-notifier.json"


def document() -> str:
    """The API as JSON."""
    return json.dumps(bare_api().openapi(), ensure_ascii=False, indent=2) + "\n"


def main(arguments: Sequence[str]) -> int:
    """Write the file, or with ``--check`` compare it; the exit status."""
    text = document()
    if "--check" not in arguments:
        PATH.write_text(text, encoding="utf-8")
        return 0
    if PATH.is_file() and PATH.read_text(encoding="utf-8") == text:
        return 0
    sys.stderr.write(f"{PATH.name} is stale: run `python -m services.notifier.openapi`\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
