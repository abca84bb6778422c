"""A county's whole playbook as one record, on the compacted topic ``whistle.playbook.v1``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from annotated_types import MaxLen, MinLen

from shared.events.parts import Instant
from shared.vocabulary import AreaCode


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaybookPublished:
    """A validated playbook is in force; ``content`` is the whole of it, ``digest`` its SHA-256."""

    TYPE: ClassVar[str] = "whistle.playbook.published.v1"
    county: AreaCode
    version: Annotated[str, MinLen(1), MaxLen(64)]
    digest: Annotated[str, MinLen(64), MaxLen(64)]
    published_at: Instant
    content: dict[str, Any]
