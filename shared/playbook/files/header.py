"""`playbook.yaml`: who this is and which version."""

from typing import Annotated

from pydantic import Field

from shared.playbook.files.policy import PolicyNode
from shared.playbook.files.rows import Bilingual, Name, Row
from shared.vocabulary import Pattern


class PlaybookFile(Row):
    """`playbook.yaml`: who this is and which version."""

    county: Annotated[str, Pattern(r"^[0-9]{6}$")]
    name: Bilingual
    version: Annotated[str, Pattern(r"^[0-9A-Za-z][0-9A-Za-z._-]{0,31}$")]
    timezone: Name
    speed: Annotated[float, Field(ge=1, le=100_000)] = 1.0
    policy: PolicyNode = PolicyNode()
