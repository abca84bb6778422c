"""The digest that names a playbook's content, whatever its files or its record look like."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def digest_of(content: Mapping[str, Any]) -> str:
    """Return the SHA-256, in hex, of `content` in canonical JSON without its own `digest`.

    Canonical: keys sorted, no blanks, UTF-8, numbers as Python's shortest form. It is taken of the
    content as published, not of what today's model makes of it: a model that has grown a field
    still agrees with records written before.
    """
    rest = {name: value for name, value in content.items() if name != "digest"}
    canonical = json.dumps(rest, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
