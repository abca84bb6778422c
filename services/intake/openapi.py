"""The HTTP API as OpenAPI: ``python -m services.intake.openapi`` writes ``docs/schemas/openapi-intake.json``.

With ``--check`` it writes nothing and fails when the file is stale.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any, Final

from fastapi import FastAPI

from services.intake.api import describe_api
from services.intake.generated import DOCS, keep

PATH: Final = DOCS / "schemas" / "openapi-intake.json"


def document() -> str:
    """The API as JSON."""
    app: FastAPI = describe_api()
    schema: dict[str, Any] = app.openapi()
    return json.dumps(schema, ensure_ascii=False, indent=2) + "\n"


def main(arguments: Sequence[str]) -> int:
    """Write the file, or with ``--check`` compare it; the exit status."""
    return keep(PATH, document(), check="--check" in arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
