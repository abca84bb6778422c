"""``whistle act CASE ACTION``: sign, pause, extend, supervise, resolve … as a person of a desk or a department."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.markup import escape

from cli import client, places
from cli.keys import duration
from cli.output import emit_json, say
from cli.trouble import MISUSED, Trouble
from services.intake.domain.life.states import Action
from shared.events.case import Rating
from shared.runtime.clock import utc_now
from shared.vocabulary import AppealGround, EmergencyService, Role, TargetKind, WhistleKind


def act(
    *,
    case: Annotated[str, typer.Argument(help="The case id.", metavar="CASE")],
    action: Annotated[Action, typer.Argument(help="What to do.", metavar="ACTION")],
    order: Annotated[
        UUID | None, typer.Option(help="The order that is meant; may be left out when only one can be.")
    ] = None,
    note: Annotated[str | None, typer.Option(help="What was done or found.")] = None,
    reason: Annotated[
        str | None, typer.Option(help="Why: in every action's audit; needed for return, whistle, transfer …")
    ] = None,
    rating: Annotated[Rating | None, typer.Option(help="For rate.")] = None,
    kind: Annotated[WhistleKind | None, typer.Option(help="The kind of whistle.")] = None,
    department: Annotated[
        list[str] | None, typer.Option(help="Whom a whistle calls; several times.", metavar="ID")
    ] = None,
    lead: Annotated[str | None, typer.Option(help="Which of them leads from now on.", metavar="ID")] = None,
    whistle: Annotated[UUID | None, typer.Option(help="The whistle to confirm, to decline or to add to.")] = None,
    to: Annotated[
        str | None, typer.Option(help="For transfer, rule, supervise: department/ID or desk/AREA.", metavar="WHO")
    ] = None,
    code: Annotated[
        str | None, typer.Option(help="Refuse: why, by its code. Pause: a reason of the playbook.", metavar="CODE")
    ] = None,
    words: Annotated[str | None, typer.Option(help="Refuse: what the reporter is told.")] = None,
    category: Annotated[str | None, typer.Option(help="File, recategorise: what it is about.", metavar="CODE")] = None,
    condition: Annotated[str | None, typer.Option(help="File, recategorise: one of the category's.")] = None,
    severity: Annotated[int | None, typer.Option(help="File, recategorise: 1 (I, red) to 4 (IV, blue).")] = None,
    into: Annotated[UUID | None, typer.Option(help="Merge: the case that it is one matter with.")] = None,
    report: Annotated[UUID | None, typer.Option(help="Split: the report of another matter.")] = None,
    service: Annotated[EmergencyService | None, typer.Option(help="Hand_over: whom.")] = None,
    receipt: Annotated[str | None, typer.Option(help="Hand_over: their number, once they confirmed.")] = None,
    until: Annotated[
        str | None,
        typer.Option(help="Hang, pause, extend, supervise, send_back: 2026-12-01T18:00:00+08:00, or 3d from now."),
    ] = None,
    extension: Annotated[UUID | None, typer.Option(help="Approve, decline_extension: which is meant.")] = None,
    supervision: Annotated[UUID | None, typer.Option(help="Reply, sign_off, send_back: which is meant.")] = None,
    appeal: Annotated[UUID | None, typer.Option(help="Review: which is meant.")] = None,
    ground: Annotated[AppealGround | None, typer.Option(help="Appeal: what was judged wrongly.")] = None,
    upheld: Annotated[bool | None, typer.Option("--upheld/--not-upheld", help="Review: whether.")] = None,
    speed: Annotated[int | None, typer.Option(help="Rate_department: 1 to 5.")] = None,
    quality: Annotated[int | None, typer.Option(help="Rate_department: 1 to 5.")] = None,
    accepted_at: Annotated[str | None, typer.Option(help="Resolve, the reply: when it was accepted.")] = None,
    spoken_with: Annotated[str | None, typer.Option(help="Resolve, the reply: with whom was spoken.")] = None,
    done: Annotated[str | None, typer.Option(help="Resolve, the reply: what was done.")] = None,
    done_by: Annotated[str | None, typer.Option(help="Resolve, the reply: by when.")] = None,
    idempotency_key: Annotated[str | None, typer.Option(help="Your own id: a repeat does nothing more.")] = None,
    url: places.Url = None,
    key: places.Key = None,
    data: places.Data = None,
    as_json: places.Json = False,
) -> None:
    """Act on a case with the key at hand; a refusal says what is open instead."""
    told: dict[str, Any] = {
        "action": action.value,
        "order_id": order and str(order),
        "note": note,
        "reason": reason,
        "rating": rating and rating.value,
        "kind": kind and kind.value,
        "departments": department or None,
        "lead": lead,
        "whistle_id": whistle and str(whistle),
        "to": None if to is None else whom(to),
        "code": code,
        "words": words,
        "category": category,
        "condition": condition,
        "severity": severity,
        "into": into and str(into),
        "report_id": report and str(report),
        "service": service and service.value,
        "receipt": receipt,
        "until": until and moment(until, "--until"),
        "extension_id": extension and str(extension),
        "supervision_id": supervision and str(supervision),
        "appeal_id": appeal and str(appeal),
        "ground": ground and ground.value,
        "upheld": upheld,
        "speed": speed,
        "quality": quality,
        "reply": reply_of(
            {
                "accepted_at": accepted_at and moment(accepted_at, "--accepted-at"),
                "spoken_with": spoken_with,
                "done": done,
                "done_by": done_by and moment(done_by, "--done-by"),
            }
        ),
    }
    body = {name: value for name, value in told.items() if value is not None}
    case_id = _uuid(case)
    where = places.find(url=url, key=key, data=data)
    with client.client(where.intake_url(), where.key_for(Role.OPERATOR, Role.LEADER, Role.DESK)) as http:
        acted = client.post(http, f"/v1/cases/{case_id}/actions", body, idempotency_key=idempotency_key)
    if as_json:
        emit_json(acted)
        return
    say(f"[green]✓[/] {action.value}: the case is [cyan]{acted['state']}[/] v{acted['version']}{_about(acted)}")
    say(f"next with this key: {escape(', '.join(acted['allowed']) or 'nothing')}")


def _about(acted: Mapping[str, Any]) -> str:
    """What the action made, by the id that later ones name it with."""
    made = ((kind, acted.get(f"{kind}_id")) for kind in ("whistle", "extension", "supervision", "appeal"))
    return "".join(f", {kind} [bold]{one}[/]" for kind, one in made if one)


def moment(text: str, option: str) -> str:
    """The moment that ``2026-12-01T18:00:00+08:00`` names, or ``3d``, ``12h`` and ``30m`` from now.

    Raises:
        Trouble: it reads otherwise, or has no offset.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = utc_now() + duration(text, option)
    if found.tzinfo is None:
        raise Trouble(
            f"{option} {text} has no offset",
            why="nobody else can tell which moment that is",
            mend="write it like 2026-12-01T18:00:00+08:00, or like 3d for three days from now",
            status=MISUSED,
        )
    return found.isoformat()


def reply_of(elements: Mapping[str, str | None]) -> dict[str, str] | None:
    """The elements of a reply that were given; None when none was."""
    return {name: element for name, element in elements.items() if element is not None} or None


def whom(text: str) -> dict[str, str]:
    """The target that ``department/gas`` or ``desk/990101001`` names.

    Raises:
        Trouble: it reads otherwise.
    """
    kind, slash, name = text.partition("/")
    if not slash or not name or kind not in set(TargetKind):
        raise Trouble(
            f"--to {text} names nobody",
            why="it does not read KIND/ID",
            mend="write it like department/gas or desk/990101001",
            status=MISUSED,
        )
    return {"kind": kind, "id": name}


def _uuid(case: str) -> UUID:
    try:
        return UUID(case)
    except ValueError as error:
        raise Trouble(
            f"{case!r} is no case id",
            why="a case id is a UUID, such as whistle send and whistle tail print",
            mend="copy it from there",
            status=MISUSED,
        ) from error
