"""The mode in force (平战转换): which one a case is in, who may change it, and what a change is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from difflib import get_close_matches
from enum import StrEnum, unique
from typing import Final
from uuid import UUID

from services.intake.domain.life.permissions import Bearer, NotYours
from shared.events.envelope import WHISTLE, derive_id
from shared.events.mode import ModeChanged
from shared.events.parts import Actor, CaseView, PlaybookRef
from shared.playbook.model import Mode, Playbook, Text
from shared.vocabulary import (
    COUNTY_DIGITS,
    NORMAL,
    Level,
    ModeKind,
    Purpose,
    Refused,
    Role,
    Severity,
    covers,
    level_of,
)

CONFIRM_WITHIN: Final = timedelta(minutes=30)
"""How long a proposal waits for its second person."""
NEAR_ONES: Final = 5
_PEACE: Final = Text(zh="平时", en="Normal")


@unique
class ChangeState(StrEnum):
    """How far a change of mode has come."""

    PROPOSED = "proposed"
    RULED = "ruled"
    """A rule asked for it; it needs no second person."""
    IN_FORCE = "in_force"
    SUPERSEDED = "superseded"
    """A later proposal for the same area took its place."""
    VOID = "void"
    """A rule asked for it when it was in force already, or a stronger one was."""


class WrongMode(Refused):
    """The change is not open now: it is done, too late, or the mode in force does not allow it (409)."""


class UnknownChange(Refused):
    """There is no change of mode of that id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """A mode that has been entered for an area; its ``version`` counts the area's changes."""

    area: str
    mode: str
    kind: ModeKind
    grade: Severity | None = None
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeRequest:
    """What somebody asks for: ``mode`` for ``area``, ``normal`` to leave the one in force."""

    area: str
    mode: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeChange:
    """A change of mode from its proposal on; ``cause_id`` is the case whose rules asked for it."""

    change_id: UUID
    area: str
    mode: str
    by: Actor
    reason: str
    state: ChangeState
    proposed_at: datetime
    confirmed_by: Actor | None = None
    cause_id: UUID | None = None

    @property
    def expires_at(self) -> datetime:
        """Until when a second person may confirm it."""
        return self.proposed_at + CONFIRM_WITHIN


def mode_of(area: str, purpose: Purpose, modes: Sequence[InForce]) -> str:
    """The mode of a case in ``area``: of those entered, the smallest area's that covers it.

    A drill counts for drill cases alone, so that a real report during a drill is handled in earnest.
    """
    if not modes:
        return NORMAL
    over = sorted((one for one in modes if _holds(one, area)), key=lambda one: -len(one.area))
    fit = (one.mode for one in over if one.kind is not ModeKind.DRILL or purpose is Purpose.DRILL)
    return next(fit, NORMAL)


def must_be_drilled(area: str, modes: Sequence[InForce]) -> None:
    """Pass when a drill is in force over ``area``.

    Raises:
        Refused: otherwise; a report marked as a drill would look like a real one to nobody.
    """
    if not any(one.kind is ModeKind.DRILL and _holds(one, area) for one in modes):
        raise Refused(
            f"no drill is in force in {area}", field="drill", allowed=["false", "true after a drill mode was entered"]
        )


def propose(
    request: ModeRequest,
    *,
    change_id: UUID,
    bearer: Bearer,
    modes: Sequence[InForce],
    playbook: Playbook,
    now: datetime,
) -> ModeChange:
    """The proposal of a change, to be confirmed by another person within half an hour.

    Raises:
        NotYours: the bearer may not change modes there.
        WrongMode: the mode in force does not allow it.
        Refused: area or mode are not the playbook's, or there is no reason.
    """
    must_change_modes(bearer, request.area)
    must_fit(request.area, request.mode, modes=modes, playbook=playbook)
    if not request.reason.strip():
        raise Refused("a change of mode needs a reason", field="reason", allowed=["why, in words"])
    return ModeChange(
        change_id=change_id,
        area=request.area,
        mode=request.mode,
        by=bearer.actor,
        reason=request.reason,
        state=ChangeState.PROPOSED,
        proposed_at=now,
    )


def confirm(
    change: ModeChange, *, bearer: Bearer, modes: Sequence[InForce], playbook: Playbook, now: datetime
) -> ModeChange:
    """The change in force, by the word of a second person.

    Raises:
        NotYours: the bearer may not change modes there, or is who proposed it.
        WrongMode: it is no longer open.
        Refused: the playbook no longer knows the mode.
    """
    must_change_modes(bearer, change.area)
    _must_be_another(change.by, bearer)
    if change.state is not ChangeState.PROPOSED:
        raise WrongMode(f"this change is {change.state}", field="path:change_id", allowed=["a new proposal"])
    if now >= change.expires_at:
        raise WrongMode(
            f"this proposal could be confirmed until {change.expires_at.isoformat()}",
            field="path:change_id",
            allowed=["a new proposal"],
        )
    must_fit(change.area, change.mode, modes=modes, playbook=playbook)
    return replace(change, state=ChangeState.IN_FORCE, confirmed_by=bearer.actor)


def by_rule(view: CaseView, mode: str, *, by: Actor, playbook: Playbook, now: datetime) -> ModeChange | None:
    """The change that a rule on the case asks for: its mode, for the case's area of the profile's level.

    None when only a real case could ask for it and this is none, or the profile is a drill's or unknown.
    """
    profile = playbook.modes.get(mode)
    if profile is None or profile.kind is not ModeKind.EMERGENCY or view.purpose is not Purpose.REAL:
        return None
    area = view.area[: profile.level.digits]
    if len(area) < profile.level.digits:
        return None
    return ModeChange(
        change_id=derive_id(view.case_id, "mode", f"{mode} {view.reopened}"),
        area=area,
        mode=mode,
        by=by,
        reason=f"规则设定,案件「{view.title}」 / set by a rule for case {view.case_id}",
        state=ChangeState.RULED,
        proposed_at=now,
        cause_id=view.case_id,
    )


def carried_out(change: ModeChange, *, modes: Sequence[InForce], playbook: Playbook) -> ModeChange:
    """What becomes of a change that a rule asked for: in force, or void beside one as strong or stronger."""
    profile = playbook.modes.get(change.mode)
    over = [one for one in modes if _holds(one, change.area) and one.kind is ModeKind.EMERGENCY]
    stronger = any(_strength(one.grade) <= _strength(profile.grade) for one in over) if profile is not None else True
    return replace(change, state=ChangeState.VOID if stronger else ChangeState.IN_FORCE)


def entered(change: ModeChange, *, before: InForce | None, playbook: Playbook, now: datetime) -> ModeChanged:
    """The event of a change that has come into force."""
    profile = playbook.modes.get(change.mode)
    title = _PEACE if profile is None else profile.title
    return ModeChanged(
        change_id=change.change_id,
        area=change.area,
        mode=change.mode,
        before=NORMAL if before is None else before.mode,
        kind=ModeKind.NORMAL if profile is None else profile.kind,
        title=title.zh,
        title_en=title.en,
        by=change.by,
        reason=change.reason,
        changed_at=now,
        playbook=PlaybookRef(version=playbook.version, digest=playbook.digest),
        grade=None if profile is None else profile.grade,
        confirmed_by=change.confirmed_by,
        cause_id=change.cause_id,
    )


def must_change_modes(bearer: Bearer, area: str) -> None:
    """Pass when the bearer may propose or confirm a change of mode for ``area``.

    Raises:
        NotYours: otherwise.
    """
    is_county_desk = bearer.role is Role.DESK and len(bearer.area) == COUNTY_DIGITS
    may = bearer.role in {Role.LEADER, Role.OPERATOR} or is_county_desk
    # A mode is for everything in its area: a key for some duties only changes none.
    if not may or bearer.duties or not covers(bearer.area, area):
        raise NotYours(
            f"this key changes no modes in {area}",
            field="Authorization",
            allowed=["the head of a desk over that area", "the county's desk", "an operator of that area"],
        )


def must_fit(area: str, mode: str, *, modes: Sequence[InForce], playbook: Playbook) -> None:
    """Pass when ``mode`` is one of the playbook's, meant for areas like ``area``, and differs from what is in force.

    Raises:
        Refused: the playbook knows no such area or mode, or the mode is for another level.
        WrongMode: it is in force already, none is in force to be left, or a drill would hide an emergency.
    """
    if area not in playbook.areas:
        near = get_close_matches(area, playbook.areas, n=NEAR_ONES, cutoff=0.8) or [playbook.county]
        raise Refused(f"area {area} is not in the playbook of {playbook.name.zh}", field="area", allowed=near)
    standing = in_force_at(area, modes)
    if mode == NORMAL:
        if standing is None:
            raise WrongMode(f"no mode is in force for {area}: it is normal", field="mode", allowed=[*playbook.modes])
        return
    profile = _profile(mode, playbook)
    if profile.level is not level_of(area):
        raise Refused(
            f"mode {mode} is entered for a {profile.level}", field="area", allowed=_areas(profile.level, area, playbook)
        )
    if standing is not None and standing.mode == mode:
        raise WrongMode(f"mode {mode} is in force for {area} already", field="mode", allowed=[NORMAL])
    if standing is not None and profile.kind is ModeKind.DRILL and standing.kind is ModeKind.EMERGENCY:
        raise WrongMode(f"emergency {standing.mode} is in force: no drill beside it", field="mode", allowed=[NORMAL])


def in_force_at(area: str, modes: Sequence[InForce]) -> InForce | None:
    """The mode that was entered for ``area`` itself and not left."""
    return next((one for one in modes if one.area == area and one.mode != NORMAL), None)


def change_id_of(owner: str, client_key: str) -> UUID:
    """The id of the change that ``owner`` proposes under ``client_key``: the same each time it is sent."""
    return derive_id(derive_id(WHISTLE, "modes of", owner), "mode", client_key)


def _must_be_another(proposer: Actor, bearer: Bearer) -> None:
    """Two keys of one person are one person: the names must differ too."""
    names = {name.strip().casefold() for name in (proposer.name, bearer.name)}
    if proposer.key_id == bearer.key_id or len(names) == 1 or "" in names:
        raise NotYours(
            "a change of mode needs a second person",
            field="Authorization",
            allowed=["a key of another person, by another name"],
        )


def _profile(mode: str, playbook: Playbook) -> Mode:
    profile = playbook.modes.get(mode)
    if profile is None:
        near = get_close_matches(mode, playbook.modes, n=NEAR_ONES, cutoff=0.5) or list(playbook.modes)
        raise Refused(
            f"mode {mode} is not in the playbook of {playbook.name.zh}", field="mode", allowed=[*near, NORMAL]
        )
    return profile


def _areas(level: Level, area: str, playbook: Playbook) -> list[str]:
    if len(area) >= level.digits:
        return [area[: level.digits]]
    inside = (code for code, one in playbook.areas.items() if one.level is level and covers(area, code))
    return sorted(inside)[:NEAR_ONES]


def _holds(one: InForce, area: str) -> bool:
    return one.mode != NORMAL and covers(one.area, area)


def _strength(grade: Severity | None) -> int:
    return int(grade) if grade is not None else len(Severity) + 1
