"""What the platform says while it works: rich lines on a terminal, plain lines elsewhere."""

import sys
import time
from enum import Enum
from typing import Protocol, TextIO

from rich.console import Console
from rich.markup import escape


class Tone(Enum):
    """How a line is meant."""

    PLAIN = "plain"
    GOOD = "good"
    BAD = "bad"
    FAINT = "faint"


class Progress(Protocol):
    """Whoever listens to the platform; called from several threads."""

    def say(self, part: str, text: str, *, tone: Tone = Tone.PLAIN) -> None:
        """Take one line about ``part``."""


class PlainProgress:
    """One line a step, for logs and pipes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def say(self, part: str, text: str, *, tone: Tone = Tone.PLAIN) -> None:
        """Write one line with the local time."""
        mark = "! " if tone is Tone.BAD else ""
        self._stream.write(f"{time.strftime('%H:%M:%S')} {part}: {mark}{text}\n")
        self._stream.flush()


class RichProgress:
    """Coloured lines for a terminal."""

    _STYLES = {  # noqa: RUF012 - never changed
        Tone.PLAIN: ("·", "white"),
        Tone.GOOD: ("✓", "green"),
        Tone.BAD: ("✗", "bold red"),
        Tone.FAINT: (" ", "dim"),
    }

    def __init__(self, console: Console) -> None:
        self._console = console

    def say(self, part: str, text: str, *, tone: Tone = Tone.PLAIN) -> None:
        """Print one coloured line."""
        mark, style = self._STYLES[tone]
        self._console.print(f"[{style}]{mark}[/] [bold]{part:<11}[/] [{style}]{escape(text)}[/]", highlight=False)


class Quiet:
    """Keeps the lines instead of showing them; bounded, the oldest go first."""

    LIMIT = 1000

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, part: str, text: str, *, tone: Tone = Tone.PLAIN) -> None:
        """Keep one line."""
        del tone
        self.lines.append(f"{part}: {text}")
        del self.lines[: -self.LIMIT]


def progress_on(stream: TextIO = sys.stderr) -> Progress:
    """Return the listener that fits ``stream``."""
    if stream.isatty():
        return RichProgress(Console(file=stream))
    return PlainProgress(stream)
