"""The rooms behind personal data and the audit, and who may open them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from services.intake.api.rooms import asker
from services.intake.custody import Custody
from services.intake.domain.life.permissions import Bearer, NotYours
from shared.runtime.problems import Problem
from shared.vocabulary import Role

AUDITORS = (Role.AUDITOR, Role.OPERATOR)


def custody_of(request: Request) -> Custody:
    """What hangs on the app.

    Raises:
        Problem: 503, when this process answers for no personal data.
    """
    custody: Custody | None = request.app.state.custody
    if custody is None:
        raise Problem(503, "unavailable", "A part of the system is away", "This process answers for no personal data.")
    return custody


async def auditor(bearer: Annotated[Bearer, Depends(asker)]) -> Bearer:
    """Who reads the audit; a dependency.

    Raises:
        NotYours: for every other role.
    """
    if bearer.role not in AUDITORS:
        raise NotYours(
            f"a key of role {bearer.role} does not read the audit",
            field="Authorization",
            allowed=[f"a key of role {role}" for role in AUDITORS],
        )
    return bearer


InCustody = Annotated[Custody, Depends(custody_of)]
Asker = Annotated[Bearer, Depends(asker)]
Auditor = Annotated[Bearer, Depends(auditor)]
