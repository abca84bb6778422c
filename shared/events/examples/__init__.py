"""Two or more real-looking examples of every event, as JSON files: ``<type>/<name>.json``.

They are published with the schema, and the contract tests read them back: a file that no longer
decodes means that an event of the past no longer does.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parent


def examples_of(kind: str) -> dict[str, Any]:
    """The data of each example of events of type ``kind``, by file name."""
    files = sorted((ROOT / kind).glob("*.json"))
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in files}
