"""Which modes are in force: a drill that nobody has ended is worth a look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cli import client
from cli.checks.finding import Finding, fine, look, skipped
from cli.output import local_time, words
from cli.places import Places
from cli.trouble import Trouble
from shared.vocabulary import ModeKind, Role


def check_modes(places: Places) -> Iterator[Finding]:
    """Ask the notifier which mode is in force where."""
    if places.notifier is None:
        yield skipped("modes", "there is nobody to ask", mend="give the notifier's address")
        return
    try:
        token = places.key_for(Role.OPERATOR, Role.AUDITOR, Role.LEADER, Role.DESK)
        with client.client(places.notifier, token) as http:
            told = client.get(http, "/v1/modes", limit=1)
    except Trouble as trouble:
        yield skipped("modes", trouble.what, mend=trouble.mend)
        return
    yield from judged(told["in_force"])


def judged(in_force: list[Mapping[str, Any]]) -> Iterator[Finding]:
    """Say of each mode in force what it is; a drill left in force is marked."""
    drills = [change for change in in_force if change["kind"] == ModeKind.DRILL]
    for change in drills:
        yield look(
            "modes",
            f"{change['area']} is in the drill {change['mode']} since {local_time(change['changed_at'], date=True)}",
            why="it was entered and not left; drill reports are still taken there",
            mend=f"when the drill is over: whistle mode leave {change['area']} --reason …",
        )
    others = [change for change in in_force if change["kind"] != ModeKind.DRILL]
    said = "; ".join(f"{change['area']} {change['mode']} {words(change['title'])}" for change in others)
    if others or not drills:
        yield fine("modes", said or "normal everywhere")
