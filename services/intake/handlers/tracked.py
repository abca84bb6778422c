"""Whoever has a report's tracking code acts as its reporter: rates the outcome, has the case opened again."""

from __future__ import annotations

import json
from typing import Final

import msgspec

from services.intake.domain.asking.actions import ActionRequest
from services.intake.domain.life.permissions import Bearer
from services.intake.handlers.actions import act_on_case
from services.intake.handlers.doors import Doors, Reply, UnknownCase
from shared.tracking import digest_of_code
from shared.vocabulary import Role

SHOWN_DIGITS: Final = 16
"""Of the digest, in the name of the key: enough to tell codes apart in the audit, and no way back to the code."""


async def act_by_code(code: str, request: ActionRequest, *, client_key: str | None, doors: Doors) -> Reply:
    """Do ``request`` to the case of the report with ``code``, and tell its state; the audit names code and origin.

    Raises:
        UnknownCase: nobody was ever given this code.
        WrongState: it is not open now; says what is.
        Refused: it is no code at all, or the request is wrong.
    """
    digest = digest_of_code(code)
    async with doors.store.transaction() as transaction:
        case_id = await transaction.profiles.case_of_code(digest)
    if case_id is None:
        raise UnknownCase("there is no report with this code", field="code", allowed=["the code as it was told"])
    bearer = Bearer(key_id=f"code-{digest[:SHOWN_DIGITS]}", role=Role.REPORTER, area="", case_id=case_id)
    reply = await act_on_case(case_id, request, bearer=bearer, client_key=client_key, doors=doors)
    told = json.loads(reply.body)
    body = msgspec.json.encode({"state": told["state"], "version": told["version"]}).decode()
    return Reply(body=body, replayed=reply.replayed)
