"""`playbook.yaml`: who this is and which version."""

from typing import Annotated

from pydantic import Field

from shared.playbook import model
from shared.playbook.files.rows import Bilingual, Name, Row
from shared.vocabulary import Pattern


class PolicyNode(Row):
    """Figures that the life of a case asks the county for."""

    returns_allowed: Annotated[int, Field(ge=0, le=9)] = 2
    reopen_hours: Annotated[int, Field(ge=0, le=8760)] = 72

    def value(self) -> model.Policy:
        return model.Policy(returns_allowed=self.returns_allowed, reopen_hours=self.reopen_hours)


class PlaybookFile(Row):
    """`playbook.yaml`: who this is and which version."""

    county: Annotated[str, Pattern(r"^[0-9]{6}$")]
    name: Bilingual
    version: Annotated[str, Pattern(r"^[0-9A-Za-z][0-9A-Za-z._-]{0,31}$")]
    timezone: Name
    speed: Annotated[float, Field(ge=1, le=100_000)] = 1.0
    policy: PolicyNode = PolicyNode()
