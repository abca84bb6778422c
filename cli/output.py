"""Where words go: results to stdout, everything else to stderr; colour only on a terminal."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from rich.console import Console, RenderableType
from rich.markup import escape

from cli.trouble import Trouble

# A pipe has no width; without one, tables would be cut at 80 columns.
PIPE_WIDTH: Final = 240
# Of explanations every line is whole in a pipe, however long.
WHOLE_WIDTH: Final = 20_000

out: Final = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else PIPE_WIDTH)
err: Final = Console(stderr=True, highlight=False, soft_wrap=True)

SEVERITY_MARKS: Final[Mapping[int, str]] = {
    1: "[bold white on red] I [/]",
    2: "[bold black on orange1]II [/]",
    3: "[black on yellow]III[/]",
    4: "[white on blue]IV [/]",
}


def language() -> str:
    """``zh`` or ``en``: ``WHISTLE_LANG``, else the locale's."""
    chosen = os.environ.get("WHISTLE_LANG") or os.environ.get("LC_ALL") or os.environ.get("LANG") or ""
    return "zh" if chosen.lower().startswith("zh") else "en"


def words(both: Mapping[str, str] | None) -> str:
    """The reader's language of a text that comes in both."""
    if not both:
        return ""
    return both.get(language()) or both.get("zh") or ""


def say(text: str) -> None:
    """Tell the person something that is not the result; ``text`` may hold rich markup."""
    err.print(text)


def show(part: RenderableType) -> None:
    """Print a tree, a table or text with nothing left out: on a terminal wrapped at its width, in a pipe unbroken."""
    if out.is_terminal:
        # Softly wrapped, a tree and a table would be cut at the width.
        out.print(part, soft_wrap=False)
        return
    whole = io.StringIO()
    Console(file=whole, highlight=False, soft_wrap=True, width=WHOLE_WIDTH, color_system=None).print(part)
    for line in whole.getvalue().splitlines():
        out.print(line.rstrip(), markup=False, emoji=False)


def emit_json(value: object) -> None:
    """Print one JSON value on one line: stable, for programs."""
    out.print(json.dumps(value, ensure_ascii=False), markup=False, emoji=False)


def show_trouble(trouble: Trouble) -> None:
    """Print what, why and how to mend."""
    err.print(f"[bold red]✗[/] {escape(trouble.what)}")
    err.print(f"  [bold]why[/]   {escape(trouble.why)}")
    err.print(f"  [bold]mend[/]  {escape(trouble.mend)}")


def local_time(moment: str | datetime | None, *, date: bool = False) -> str:
    """A time of the API as a clock on the wall here."""
    if moment is None:
        return "–"
    parsed = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return parsed.astimezone().strftime("%Y-%m-%d %H:%M:%S" if date else "%H:%M:%S")


def name_of(target: Mapping[str, Any] | None) -> str:
    """A desk or department as people call it, with its id."""
    if not target:
        return "–"
    return f"{target['name']} ({target['id']})" if target.get("name") else str(target["id"])
