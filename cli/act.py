"""``whistle act CASE ACTION``: sign, whistle, transfer, rule, resolve … as a person of a desk or a department."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import typer
from rich.markup import escape

from cli import client, places
from cli.output import emit_json, say
from cli.trouble import MISUSED, Trouble
from services.intake.domain.states import Action
from shared.events.case import Rating
from shared.vocabulary import Role, TargetKind, WhistleKind


def act(
    *,
    case: Annotated[str, typer.Argument(help="The case id.", metavar="CASE")],
    action: Annotated[Action, typer.Argument(help="What to do.", metavar="ACTION")],
    order: Annotated[
        UUID | None, typer.Option(help="The order that is meant; may be left out when only one can be.")
    ] = None,
    note: Annotated[str | None, typer.Option(help="What was done or found.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why; needed for return, whistle, transfer …")] = None,
    rating: Annotated[Rating | None, typer.Option(help="For rate.")] = None,
    kind: Annotated[WhistleKind | None, typer.Option(help="The kind of whistle.")] = None,
    department: Annotated[
        list[str] | None, typer.Option(help="Whom a whistle calls; several times.", metavar="ID")
    ] = None,
    lead: Annotated[str | None, typer.Option(help="Which of them leads from now on.", metavar="ID")] = None,
    whistle: Annotated[UUID | None, typer.Option(help="The whistle to confirm, to decline or to add to.")] = None,
    to: Annotated[
        str | None, typer.Option(help="For transfer and rule: department/ID or desk/AREA.", metavar="WHO")
    ] = None,
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
    }
    body = {name: value for name, value in told.items() if value is not None}
    case_id = _uuid(case)
    where = places.find(url=url, key=key, data=data)
    with client.client(where.intake_url(), where.key_for(Role.OPERATOR, Role.LEADER, Role.DESK)) as http:
        acted = client.post(http, f"/v1/cases/{case_id}/actions", body, idempotency_key=idempotency_key)
    if as_json:
        emit_json(acted)
        return
    whistled = f", whistle [bold]{acted['whistle_id']}[/]" if acted.get("whistle_id") else ""
    say(f"[green]✓[/] {action.value}: the case is [cyan]{acted['state']}[/] v{acted['version']}{whistled}")
    say(f"next with this key: {escape(', '.join(acted['allowed']) or 'nothing')}")


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
