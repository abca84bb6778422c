"""Matters (一件事) and modes (平战转换)."""

from dataclasses import dataclass
from enum import StrEnum, unique

from shared.playbook.model.conditions import When
from shared.playbook.model.targets import Target
from shared.playbook.model.texts import Text
from shared.vocabulary import Level, ModeKind, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a matter: its order opens when every step in `after` is done or released."""

    id: str
    title: Text
    target: Target
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """A 一件事: one case as a graph of orders over departments, joined before the case resolves."""

    id: str
    title: Text
    steps: tuple[Step, ...]
    """No circle among their `after`."""


@unique
class Settle(StrEnum):
    """What becomes of orders that a mode brought, when it is left."""

    KEEP = "keep"
    """They run to their end."""
    WITHDRAW = "withdraw"
    """Those that nobody has signed are withdrawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Channels:
    """How a mode changes deliveries about its cases."""

    retry_at_most_seconds: int | None = None
    """The longest pause between two tries of a delivery."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """A named profile (平战转换) that overlays rules (`When.modes`), clocks (`ClockLimit.mode`) and channels.

    Normal is no profile: it is what holds where none is in force, and its id is `normal`. A drill's
    overlay holds for drill cases alone, so that a real report during a drill is handled in earnest.
    """

    id: str
    title: Text
    kind: ModeKind
    level: Level
    """The level whose areas it is entered for; what lies inside follows."""
    grade: Severity | None = None
    """Of an emergency: I to IV."""
    reroute: When | None = None
    """Open cases that are routed anew on entering; None reroutes none."""
    settle: Settle = Settle.KEEP
    channels: Channels = Channels()
