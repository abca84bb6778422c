"""Who can be asked, who acts, and what a shift is for."""

from __future__ import annotations

from enum import StrEnum, unique


@unique
class Role(StrEnum):
    """What the bearer of a key may be."""

    SOURCE = "source"
    """A system that sends reports: the hotline, sensors, another platform."""
    REPORTER = "reporter"
    """Whoever reported: knows their own report by its tracking code and no other."""
    GRID_WORKER = "grid_worker"
    """网格员: reports, and acts on site in the cells or village of the key's area."""
    DESK = "desk"
    LEADER = "leader"
    """The head of a desk: everything that the desk may, and its whistles sound by their word."""
    DEPARTMENT = "department"
    OPERATOR = "operator"
    AUDITOR = "auditor"


@unique
class TargetKind(StrEnum):
    """Who can be asked to act."""

    DESK = "desk"
    DEPARTMENT = "department"


@unique
class EmergencyService(StrEnum):
    """Whom a case is handed to as well when life may be at risk."""

    POLICE = "110"
    FIRE = "119"
    MEDICAL = "120"


@unique
class Post(StrEnum):
    """What a shift of the roster is for."""

    OFFICER = "officer"
    """值班员: called first."""
    LEADER = "leader"
    """带班领导: told when a step of a chain says so; no order names one."""


@unique
class ActorKind(StrEnum):
    """Who did something to a case."""

    DESK = "desk"
    DEPARTMENT = "department"
    OPERATOR = "operator"
    SOURCE = "source"
    SYSTEM = "system"
