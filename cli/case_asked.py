"""A case that is asked about on the command line: its playbook, and whether that knows what is named."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from cli import places
from cli.trouble import MISUSED, Trouble
from shared.playbook.near import meant, nearest
from shared.vocabulary import NORMAL

if TYPE_CHECKING:
    from shared.playbook.model import Playbook


def case_playbook(folder: Path | None, area: str | None, kafka: str | None, data: Path | None) -> Playbook:
    """The playbook of ``folder``, else the one in force for ``area``; without an area the only one there is.

    Raises:
        Trouble: none is in force there.
    """
    import asyncio

    from cli.in_force import read, read_in_force
    from shared.playbook.shelf import UnknownCounty

    if folder is not None:
        return read(folder)
    shelf = asyncio.run(read_in_force(places.find(kafka=kafka, data=data).bootstrap()))
    wanted = area or (shelf.counties[0] if len(shelf.counties) == 1 else "")
    try:
        return shelf.of(wanted)
    except UnknownCounty as unknown:
        known = ", ".join(shelf.counties) or "none"
        raise Trouble(
            f"No playbook is in force for {wanted or 'the county'}",
            why=f"area: in force are {known}",
            mend="give --area of one of these, or --playbook FOLDER",
            status=MISUSED,
        ) from unknown


def check_case(
    book: Playbook, *, category: str, condition: str | None, area: str | None, mode: str, target: str | None = None
) -> None:
    """Refuse what the playbook does not have, with the field and what is allowed.

    Raises:
        Trouble: a value that it does not know.
    """
    _known("category", category, book.categories)
    conditions = [one.code for line in book.category_line(category) for one in line.conditions]
    _known("condition", condition, conditions, nothing=f"{category} has no conditions")
    check_area(book, area)
    _known("mode", mode, (NORMAL, *book.modes))
    _known("target", target, (*book.departments, *(code for code, one in book.areas.items() if one.desk)))


def check_area(book: Playbook, area: str | None) -> None:
    """Refuse an area that the playbook does not have.

    Raises:
        Trouble: it is neither an area nor a cell of it.
    """
    _known("area", area, {*book.areas, *(cell.code for cell in book.cells)})


def check_profile(book: Playbook, profile: str | None) -> None:
    """Refuse a clock profile that no limit asks for and no rule sets.

    Raises:
        Trouble: the playbook does not have it.
    """
    named = {limit.profile for limit in book.clocks} | {rule.sets.clock_profile for rule in book.rules}
    known = {one for one in named if one is not None}
    _known("profile", profile, known, nothing="leave --profile out: the playbook has no clock profiles")


def _known(field: str, value: str | None, known: Collection[str], *, nothing: str = "") -> None:
    if value is None or value in known:
        return
    near = nearest(value, known)
    allowed = ", ".join(near)
    if len(near) < len(known):
        allowed = f"{len(known)} values, such as {allowed}"
    raise Trouble(
        f"--{field} {value} is not known",
        why=f"{field}: the playbook has no {value!r}{meant(value, known)}",
        mend=f"allowed: {allowed}" if known else nothing,
        status=MISUSED,
    )
