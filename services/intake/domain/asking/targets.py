"""Whom a desk names: a department or a desk of the county's playbook."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final, assert_never

from shared.events.parts import Target
from shared.playbook.model import Playbook
from shared.vocabulary import Refused, TargetKind

NEAR_ONES: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Whom:
    """A target as a request names it."""

    kind: TargetKind
    id: str


def target_of(whom: Whom | None, *, area: str, playbook: Playbook) -> Target:
    """The target with its name; a desk must be one of those that a case in ``area`` can come to.

    Raises:
        Refused: nobody is named, or nobody of that name is there; ``allowed`` lists near ones.
    """
    if whom is None:
        raise Refused("say to whom", field="to", allowed=["{kind: department, id}", "{kind: desk, id: its area}"])
    match whom.kind:
        case TargetKind.DEPARTMENT:
            must_be_department(whom.id, field="to.id", playbook=playbook)
            return Target(kind=whom.kind, id=whom.id, name=playbook.departments[whom.id].name.zh)
        case TargetKind.DESK:
            desks = {part.code for part in playbook.area_line(area) if part.desk}
            if whom.id not in desks:
                raise Refused(
                    f"no desk {whom.id} answers for the case's area {area}", field="to.id", allowed=sorted(desks)
                )
            return Target(kind=whom.kind, id=whom.id, name=playbook.desk_name(whom.id).zh)
        case _:
            assert_never(whom.kind)


def must_be_department(department: str, *, field: str, playbook: Playbook) -> None:
    """Pass when the playbook has the department.

    Raises:
        Refused: otherwise; ``allowed`` lists near ones.
    """
    if department not in playbook.departments:
        raise Refused(
            f"department {department} is not in the playbook of {playbook.name.zh} ({playbook.county})",
            field=field,
            allowed=_near(department, playbook.departments),
        )


def _near(named: str, known: Iterable[str]) -> list[str]:
    return get_close_matches(named, known, n=NEAR_ONES, cutoff=0.5) or sorted(known)[:NEAR_ONES]
