"""Whether the department and the duties of a new key stand in its county's playbook."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cli import places
from cli.trouble import MISUSED, Trouble
from shared.vocabulary import COUNTY_DIGITS

if TYPE_CHECKING:
    from shared.playbook.model import Playbook

NEAR_ONES: Final = 5


def unchecked(
    *, area: str, department: str | None, duties: Sequence[str], folder: Path | None, data: Path | None
) -> str | None:
    """Why nothing was checked; None when all that the key names stands in the playbook, or it names nothing.

    The playbook of ``folder`` counts, else the one in force where Kafka is known.

    Raises:
        Trouble: a department or a duty is not in the playbook, or the folder is another county's.
    """
    if department is None and not duties:
        return None
    playbook = _read(folder, area) if folder is not None else _in_force(area, data)
    if isinstance(playbook, str):
        return playbook
    if department is not None:
        _must_stand("--department", department, playbook.departments, playbook)
    for duty in duties:
        _must_stand("--duty", duty, playbook.categories, playbook)
    return None


def _read(folder: Path, area: str) -> Playbook:
    from cli.in_force import read

    playbook = read(folder)
    if playbook.county != area[:COUNTY_DIGITS]:
        raise Trouble(
            f"--playbook {folder} is of another county",
            why=f"it is of {playbook.county}, --area {area} is not in it",
            mend=f"give the playbook of {area[:COUNTY_DIGITS]}, or an area of {playbook.county}",
            status=MISUSED,
        )
    return playbook


def _in_force(area: str, data: Path | None) -> Playbook | str:
    """The playbook in force, or why it is not known."""
    from cli.in_force import read_in_force
    from shared.playbook.shelf import UnknownCounty

    bootstrap = places.find(data=data).kafka
    if bootstrap is None:
        return "no playbook is known here"
    try:
        return asyncio.run(read_in_force(bootstrap)).of(area)
    except UnknownCounty:
        return f"no playbook is in force for {area[:COUNTY_DIGITS]}"
    except Trouble as trouble:
        return f"the playbook in force cannot be read: {trouble.why}"


def _must_stand(option: str, named: str, known: Collection[str], playbook: Playbook) -> None:
    if named in known:
        return
    near = get_close_matches(named, known, n=NEAR_ONES, cutoff=0.5)
    allowed = near or sorted(known)[:NEAR_ONES]
    more = "" if near or len(known) <= NEAR_ONES else f" … ({len(known)} in all)"
    raise Trouble(
        f"{option} {named} is not in the playbook",
        why=f"the playbook of {playbook.name.zh} ({playbook.county}, version {playbook.version}) has no such one",
        mend=f"allowed, {'the nearest' if near else 'for instance'}: {', '.join(allowed)}{more}",
        status=MISUSED,
    )
