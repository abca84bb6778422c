"""The digest that names a playbook's content, whatever its files or its record look like."""

import hashlib
import json
from dataclasses import replace

from shared.playbook.model import Playbook
from shared.playbook.record import content_of


def digest_of(playbook: Playbook) -> str:
    """Return the SHA-256, in hex, of the content in canonical JSON without the digest itself.

    Canonical: keys sorted, no blanks, UTF-8, numbers as Python's shortest form (RFC 8785 in all
    that a playbook uses).
    """
    content = content_of(replace(playbook, digest=""))
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def sealed(playbook: Playbook) -> Playbook:
    """Return `playbook` with its own digest."""
    return replace(playbook, digest=digest_of(playbook))
